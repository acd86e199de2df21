"""The extensions are no installed package: docs/ is put on the path, as docs/conf.py does it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
