"""Check that the version is the same wherever it is written: `python tools/release.py`.

With ``--tag v0.1.0`` it must also be the tag's, and the changelog must have a date for it; then the
changelog's entry is printed, which is what the release says.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
UNRELEASED = "unreleased"
# The newest entry stands first: `## [0.1.0] - 2026-01-31`, or `- unreleased`.
ENTRY = re.compile(rf"(?m)^## \[(?P<version>[^\]]+)\] - (?P<date>\d{{4}}-\d\d-\d\d|{UNRELEASED})$")


def versions(root=ROOT):
    """The version in each file that states it, by the name of the file.

    Raises
    ------
    ValueError
        A file states none.
    """
    project = tomllib.loads(_text(root, "pyproject.toml"))["project"]["version"]
    package = "lstmreg_utils/__init__.py"
    assigned = re.search(r'(?m)^__version__ = "([^"]+)"$', _text(root, package))
    if not assigned:
        raise ValueError(f"{package} must assign __version__ a text")
    return {
        "pyproject.toml": project,
        package: assigned[1],
        "CITATION.cff": str(_citation(root).get("version")),
        "CHANGELOG.md": _entries(root)[0]["version"],
    }


def problems(root=ROOT, tag=None):
    """What keeps this tree from being released, or, without a tag, from being consistent.

    Parameters
    ----------
    root : path-like
    tag : str, optional
        Such as ``'v0.1.0'``.

    Returns
    -------
    list of str
    """
    found = versions(root)
    wrong = []
    if len(set(found.values())) > 1:
        wrong.append(f"the version must be the same everywhere, got {found}")
    date = _entries(root)[0]["date"]
    released = _citation(root).get("date-released")
    if date == UNRELEASED and released is not None:
        wrong.append(f"CITATION.cff has date-released {released}, CHANGELOG.md says {UNRELEASED}")
    if date != UNRELEASED and str(released) != date:
        wrong.append(f"date-released in CITATION.cff must be {date}, got {released}")
    if tag is not None:
        if tag != f"v{found['pyproject.toml']}":
            wrong.append(f"the tag must be v{found['pyproject.toml']}, got {tag!r}")
        if date == UNRELEASED:
            wrong.append(f"CHANGELOG.md must have a date for {found['CHANGELOG.md']}")
    return wrong


def notes(root=ROOT):
    """The newest entry of the changelog, without its heading."""
    newest, *older = _entries(root)
    text = _text(root, "CHANGELOG.md")
    return text[newest.end() : older[0].start() if older else None].strip() + "\n"


def _entries(root):
    found = list(ENTRY.finditer(_text(root, "CHANGELOG.md")))
    if not found:
        raise ValueError("CHANGELOG.md must have an entry like '## [0.1.0] - 2026-01-31'")
    return found


def _citation(root):
    return yaml.safe_load(_text(root, "CITATION.cff"))


def _text(root, name):
    return (Path(root) / name).read_text("utf-8")


def main():
    """Say what is wrong and exit with 1, or print what a release would say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tag", help="of the release, for instance v0.1.0")
    tag = parser.parse_args().tag
    wrong = problems(tag=tag)
    for problem in wrong:
        print(problem, file=sys.stderr)
    if not wrong:
        print(notes() if tag else f"version {versions()['pyproject.toml']} everywhere")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
