"""The site's extensions are tested where Sphinx is installed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
for package in ("sphinx", "jupytext", "latex2mathml"):
    pytest.importorskip(package)
