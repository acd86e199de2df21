"""`python -m diglot doctor` in a process of its own, and what it finds."""

import json
import os
import subprocess
import sys


def doctor(folder, *arguments, **environment):
    """Run `python -m diglot doctor` on the package in a folder."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("DIGLOT_", "OMP_"))}
    return subprocess.run(
        [sys.executable, "-m", "diglot", "doctor", *arguments],
        cwd=folder,
        env={**variables, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def found_by(done):
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["healthy"] else 1)
    return {finding["name"]: finding for finding in report["findings"]}
