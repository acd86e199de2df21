"""The package's files: where they are, whether all are there, and which one `import` finds."""

import base64
import json
import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from diglot.doctor.finding import REINSTALL, Finding, cause, note, ok, some, wrong
from diglot.doctor.installation import Installation
from diglot.doctor.sources import digest


def check(installation: Installation) -> Iterator[Finding]:
    """Look at the files."""
    package = installation.package
    version = written_version(package)
    installed = list(distributions(name="diglot", path=installation.path))
    if version == "unknown":
        file = package / "__init__.py"
        yield wrong("package", f"{file} is damaged or missing: it names no version", REINSTALL)
        return
    own = next((one for one in installed if _folder(one) == package), None)
    if own:
        yield from _installed(package, own, version)
    elif installed and (source := _editable_source(installed[0])):
        yield _editable(installation, source, version)
    elif installed:
        yield _astray(
            installation, version, f"pip has installed another one in {_folder(installed[0])}"
        )
    else:
        yield note(
            "package",
            f"diglot {version} is in {package}, and pip does not know of it",
            "install it: pip install . in the repository",
        )
    yield from _shadow(package)


def written_version(package: Path) -> str:
    """Read __version__ without importing it."""
    try:
        text = (package / "__init__.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    match = re.search(r'^__version__ = "([^"]+)"', text, flags=re.M)
    return match[1] if match else "unknown"


def _installed(package: Path, own: Distribution, version: str) -> Iterator[Finding]:
    if own.version != version:
        yield wrong(
            "package",
            f"{package} has the files of diglot {version}, but pip has installed {own.version}",
            REINSTALL,
        )
        return
    missing, changed = damage(own)
    if missing or changed:
        faults = [f"missing: {some(missing)}"] * bool(missing)
        faults += [f"changed since it was installed: {some(changed)}"] * bool(changed)
        yield wrong("package", f"diglot {version} in {package}; {'; '.join(faults)}", REINSTALL)
    else:
        count = len(own.files or [])
        yield ok("package", f"diglot {version} in {package}, its {count} files as installed")


def damage(own: Distribution) -> tuple[list[str], list[str]]:
    """Compare the files with pip's list.

    Returns:
        The names of those that are missing, and of those whose SHA-256 is another one.
    """
    missing, changed = [], []
    for file in own.files or []:
        if file.parts[0] != "diglot" or file.suffix == ".pyc":
            continue
        found = digest(Path(str(own.locate_file(file))))
        if not found:
            missing.append(str(file))
        elif file.hash and file.hash.mode == "sha256":
            expected = base64.urlsafe_b64decode(file.hash.value + "=").hex()
            if found != expected:
                changed.append(str(file))
    return missing, changed


def _editable(installation: Installation, source: Path, version: str) -> Finding:
    if installation.package.is_relative_to(source):
        return ok("package", f"diglot {version}, an editable install of {source}")
    return _astray(installation, version, f"pip has an editable install of {source}")


def _astray(installation: Installation, version: str, other: str) -> Finding:
    """Judge a package that is found before the installed one."""
    found = f"diglot {version} is taken from {installation.package}, though {other}"
    action = "leave the folder that holds the first one, or take it off PYTHONPATH"
    if installation.module_file("_cpu"):
        return note("package", found, action)
    return cause("package", f"{found}; the first one has no compiled modules", action)


def _shadow(package: Path) -> Iterator[Finding]:
    """Look for something in the current folder that `import diglot` would find there first."""
    here = Path.cwd()
    for path in (here / "diglot" / "__init__.py", here / "diglot.py"):
        if path.is_file() and path.parent.resolve() != package:
            what = path.parent if path.name == "__init__.py" else path
            yield note(
                "this folder",
                f"a Python that is started here imports {what} as diglot",
                "start it elsewhere, or give that another name",
            )


def _folder(installed: Distribution) -> Path:
    return Path(str(installed.locate_file("diglot"))).resolve()


def _editable_source(installed: Distribution) -> Path | None:
    try:
        about = json.loads(installed.read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    if not about.get("dir_info", {}).get("editable"):
        return None
    from urllib.parse import unquote, urlparse

    path = unquote(urlparse(about["url"]).path)
    return Path(path[1:] if re.match(r"/[A-Za-z]:", path) else path).resolve()  # file:///C:/…
