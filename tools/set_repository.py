"""Set the address of the book's repository everywhere: in ``_config.yml`` and wherever it is shown.

Run as ``python tools/set_repository.py https://github.com/me/my-fork``.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Besides `_config.yml`, which has the say: badges, the install cell of the notebooks, citations.
SHOWN_IN = (
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff",
    "chapters/*.ipynb", "chapters/*.md", "contributing/*.ipynb", "contributing/*.md",
)  # fmt: skip
# Until one is set: no account on GitHub holds an underscore, so that nobody can register this.
UNSET = "YOUR_ACCOUNT"
ACCOUNT = rf"[A-Za-z0-9][A-Za-z0-9-]{{0,38}}|{UNSET}"
ADDRESS = re.compile(rf"https://github\.com/({ACCOUNT})/([A-Za-z0-9._-]+)")
WRITTEN = re.compile(r"(?m)^(repository:\s*\n\s+url:\s*)(\S+)")


def parse(address):
    """Owner and name of a repository on GitHub, which is what Colab can open.

    Raises
    ------
    ValueError
        Another kind of address.
    """
    match = ADDRESS.fullmatch(address.removesuffix("/").removesuffix(".git"))
    if not match or match[2] in (".", ".."):
        raise ValueError(f"address must look like https://github.com/OWNER/NAME, got {address!r}")
    return match.groups()


def current(root=ROOT):
    """The address in ``_config.yml``."""
    match = WRITTEN.search((Path(root) / "_config.yml").read_text("utf-8"))
    if not match:
        raise ValueError("_config.yml must have a repository with a url as its first entry")
    return match[2]


def pages_address(address):
    """Where GitHub Pages publishes the book of a repository."""
    owner, name = parse(address)
    return f"https://{owner.lower()}.github.io/{name}/"


def set_repository(address, root=ROOT):
    """Write a new address in the place of the current one.

    The files are changed as text, so that all else in them, the layout of a notebook included,
    stays as it is.

    Returns
    -------
    list of Path
        The files that changed.
    """
    root = Path(root)
    old, new = "/".join(parse(current(root))), "/".join(parse(address))
    swaps = {
        # As in https://github.com/OWNER/NAME and https://colab...com/github/OWNER/NAME/blob/...
        rf"(?<=github\.com/){re.escape(old)}(?![\w-])": new,
        rf"(?<=/github/){re.escape(old)}(?![\w-])": new,
        re.escape(pages_address(current(root))): pages_address(address),
    }
    changed = []
    shown = [path for pattern in SHOWN_IN for path in sorted(root.glob(pattern))]
    for path in [*shown, root / "_config.yml"]:  # the say last: stopped halfway, run it again
        before = path.read_bytes().decode()
        after = before
        for pattern, replacement in swaps.items():
            after = re.sub(pattern, lambda _, text=replacement: text, after)
        if after != before:
            path.write_bytes(after.encode())
            changed.append(path)
    return changed


def main():
    """Set the address given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="for instance https://github.com/me/my-fork")
    try:
        changed = set_repository(parser.parse_args().address)
    except ValueError as error:
        parser.error(str(error))
    for path in changed:
        print(path.relative_to(ROOT))
    print(f"{len(changed)} files changed; the address is {current()}")


if __name__ == "__main__":
    sys.exit(main())
