"""Make the notebooks install the package of one commit: `python tools/pin_notebooks.py COMMIT`.

A notebook cannot name the commit that it is part of, so this is done to what is published: the
book is built of the result, its buttons open the branch that holds it, and what a reader runs on
Colab is the package that made the page, wherever ``main`` has gone since.
"""

import argparse
import re
import sys
from pathlib import Path

from set_repository import ROOT, current

BRANCH = "published"
COMMIT = re.compile(r"[0-9a-f]{40}")


def pin_notebooks(commit, root=ROOT):
    """Name a commit in the install cells, and the branch in ``_config.yml``.

    Parameters
    ----------
    commit : str
        40 hexadecimal digits.
    root : path-like

    Returns
    -------
    list of Path
        The notebooks.

    Raises
    ------
    ValueError
        No commit, or a notebook that does not install the package once from the book's address.
    """
    if not COMMIT.fullmatch(commit):
        raise ValueError(f"commit must be 40 hexadecimal digits, got {commit!r}")
    root = Path(root)
    install, notebooks = f"git+{current(root)}", sorted(root.glob("chapters/*.ipynb"))
    pinned = {}
    for path in notebooks:
        text = path.read_bytes().decode()
        found = len(re.findall(rf"{re.escape(install)}(?![\w@.-])", text))
        if found != 1:
            raise ValueError(f"{path.name} must install {install} once, and does {found} times")
        pinned[path] = text.replace(install, f"{install}@{commit}")
    config = root / "_config.yml"
    text, changed = re.subn(r"(?m)^(  branch: )main$", rf"\g<1>{BRANCH}", config.read_text("utf-8"))
    if changed != 1:
        raise ValueError("_config.yml must name the branch main once")
    for path, new in pinned.items():
        path.write_bytes(new.encode())
    config.write_text(text, "utf-8")
    return notebooks


def main():
    """Pin the notebooks of this folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", help="all its 40 digits")
    try:
        print(f"{len(pin_notebooks(parser.parse_args().commit))} notebooks are pinned")
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
