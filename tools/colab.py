"""Run the chapters as Colab runs them: its versions, its install cell, none of its packages moved.

    python3.13 tools/colab.py --folder ~/colab    # minutes; the environment is kept for next time

An environment of `environments/colab.txt`, with a stub of the module `google.colab`, executes every
notebook from a folder outside of this repository. The first cell installs the package as it is
written there; git takes the address of the repository to mean the last commit of this clone. That
cell and one line then train on JAX, as a chapter does on Colab's runtime with a GPU. Exits with 1
if a chapter fails, if a package of Colab was moved, or if pip wants more than this package.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import set_repository

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "environments" / "colab.txt"
PYTHON = (3, 13)
AS_OF = "2026-08-20"  # what the pins leave open is older than this, as on Colab
PACKAGE = "lstmreg_utils"
# Colab's kernel has imported this before the first cell.
STUB = 'import sys, types\nsys.modules["google.colab"] = types.ModuleType("google.colab")\n'
# Runs in the kernel, after a chapter: the package is the one that the first cell installed.
GUARD = """\
import pathlib, sys, lstmreg_utils
assert "google.colab" in sys.modules
here = pathlib.Path(lstmreg_utils.__file__)
assert here.is_relative_to(sys.prefix) and "site-packages" in here.parts, here
"""
# What a chapter with `recorded = False` does where JAX sees a GPU; here JAX has the processor.
ONE_LINE = """\
from lstmreg_utils import grid, study; \
study(grid("hidden_ar1", ["dropout"], [0.5], seeds=2, epochs=2), recorded=False, engine="jax")
"""


class FailedError(Exception):
    """Colab's readers would meet this; the message says what."""


def main():
    """Run the chapters; exit with 1 if one fails, or if anything of Colab's would be moved."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="names such as 03_three_placements; or all")
    parser.add_argument("--folder", type=Path, help="keeps the environment; else temporary")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        try:
            folder = checked(arguments.folder or Path(temporary))
            try_all(Colab(folder), arguments.chapters)
        except FailedError as error:
            print(f"FAILED: {error}", file=sys.stderr)
            sys.exit(1)


def checked(folder):
    """The folder as an absolute path, if it lies outside of the repository."""
    if sys.version_info[:2] != PYTHON:
        wanted, found = (".".join(map(str, version[:2])) for version in (PYTHON, sys.version_info))
        raise FailedError(f"this must be run with Colab's Python {wanted}, got {found}")
    folder = folder.expanduser().resolve()
    if folder.is_relative_to(ROOT):
        raise FailedError(f"--folder must lie outside of {ROOT}, got {folder}")
    return folder


def try_all(colab, names=()):
    """Run the notebooks one after the other, and print what each took.

    Raises
    ------
    FailedError
        After all of them have run, with everything that went wrong.
    """
    start = time.monotonic()
    colab.make()
    print(f"environment: {time.monotonic() - start:.0f} s, commit {colab.clone()}", flush=True)
    before = colab.freeze()
    notebooks = chosen(sorted((colab.source / "chapters").glob("*.ipynb")), names)
    wrong = proposals(colab.dry_run())
    for notebook in notebooks:
        colab.uninstall()  # each notebook finds a machine of its own
        begun = time.monotonic()
        failure = colab.execute(notebook)
        wrong += [failure] if failure else colab.not_installed() + moved(before, colab.freeze())
        state = "FAILED" if failure else "done"
        print(f"{notebook.stem}: {state} in {time.monotonic() - begun:.0f} s", flush=True)
    if failure := colab.train_on_jax(notebooks[0]):
        wrong.append(failure)
    if wrong:
        raise FailedError("\n".join(dict.fromkeys(wrong)))
    total = (time.monotonic() - start) / 60
    print(f"{len(notebooks)} notebooks in {total:.1f} minutes; nothing of Colab's was moved")


def chosen(notebooks, names):
    """The notebooks of these names, or all."""
    stems = [notebook.stem for notebook in notebooks]
    if unknown := sorted(set(names) - set(stems)):
        raise FailedError(f"chapters must be among {stems}, got {unknown}")
    return [notebook for notebook in notebooks if not names or notebook.stem in names]


def proposals(report):
    """What is wrong with a report of `pip install --dry-run`: all but the package itself."""
    wanted = {item["metadata"]["name"]: item["metadata"]["version"] for item in report["install"]}
    if wanted.pop(PACKAGE, None) is None:
        return [f"pip would not install {PACKAGE}: it wants {sorted(wanted) or 'nothing'}"]
    return [f"pip would install {name} {version}" for name, version in sorted(wanted.items())]


def moved(before, after):
    """What differs between two lists of `freeze`, apart from the package itself."""
    names = sorted((before.keys() | after.keys()) - {PACKAGE})
    return [
        f"the install cell changed {name}: {before.get(name)} to {after.get(name)}"
        for name in names
        if before.get(name) != after.get(name)
    ]


class Colab:
    """An environment like Colab's in a folder, with a clone of the last commit next to it."""

    def __init__(self, folder):
        self.environment, self.source = folder / "environment", folder / "clone"
        self.content, self.profile = folder / "content", folder / "ipython"
        self.python = self.environment / "bin" / "python"

    def make(self):
        """Make the environment, unless it is there with the same pins."""
        pins = self.environment / PINS.name
        if not pins.exists() or pins.read_bytes() != PINS.read_bytes():
            shutil.rmtree(self.environment, ignore_errors=True)
            venv.create(self.environment, with_pip=True, upgrade_deps=True)
            self.pip("install", "--quiet", f"--uploaded-prior-to={AS_OF}", "-r", str(PINS))
            shutil.copy(PINS, pins)  # last: an environment that was not finished has none
        startup = self.profile / "profile_default" / "startup"
        startup.mkdir(parents=True, exist_ok=True)
        (startup / "00-colab.py").write_text(STUB, "utf-8")

    def clone(self):
        """Clone what is committed; the name of the commit."""
        for folder in (self.source, self.content):
            shutil.rmtree(folder, ignore_errors=True)
        self.content.mkdir()
        run(["git", "clone", "--quiet", f"file://{ROOT}", str(self.source)])
        if run(["git", "status", "--porcelain"], cwd=ROOT).strip():
            print("note: changes that are not committed are not tried", file=sys.stderr)
        return run(["git", "rev-parse", "--short", "HEAD"], cwd=self.source).strip()

    def variables(self):
        """The environment variables of a kernel: nothing of this shell stands in for Colab's."""
        ours = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "KERAS_BACKEND", "VIRTUAL_ENV"}
        address = set_repository.current(self.source)
        return {name: value for name, value in os.environ.items() if name not in ours} | {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.file://{self.source}.insteadOf",
            "GIT_CONFIG_VALUE_0": address,
            "IPYTHONDIR": str(self.profile),
            "JUPYTER_DATA_DIR": str(self.profile),  # kernels of this user are not Colab's
            "LSTMREG_RECORDS": str(self.content / "records"),
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        }

    def pip(self, *arguments):
        """Standard output of pip in the environment."""
        return run([str(self.python), "-m", "pip", *arguments], cwd=self.environment)

    def freeze(self):
        """Versions by name of what is installed."""
        listed = json.loads(self.pip("list", "--format=json"))
        return {each["name"]: each["version"] for each in listed}

    def dry_run(self):
        """What pip would do for the package with all that it needs: the report, as JSON."""
        self.uninstall()
        options = ["--dry-run", "--quiet", "--report=-"]
        return json.loads(self.pip("install", *options, str(self.source)))

    def uninstall(self):
        """Take the package away."""
        self.pip("uninstall", "--quiet", "--yes", PACKAGE)

    def not_installed(self):
        """Tracked files of the package (code, data, records) that pip left behind."""
        tracked = run(["git", "ls-files", PACKAGE], cwd=self.source).splitlines()
        code = f"import pathlib, {PACKAGE}; print(pathlib.Path({PACKAGE}.__file__).parents[1])"
        installed = Path(run([str(self.python), "-c", code], cwd=self.content).strip())
        missing = [name for name in tracked if not (installed / name).is_file()]
        return [f"not installed: {name}" for name in missing]

    def execute(self, notebook):
        """Run a notebook from its first cell, which installs the package; what failed, or None."""
        page = json.loads(notebook.read_text("utf-8"))
        page["cells"].append({**page["cells"][-1], **CELL})
        copy = self.content / notebook.name
        copy.write_text(json.dumps(page), "utf-8")
        command = [str(self.python.with_name("jupyter-execute")), "--timeout=1200", "--inplace"]
        try:
            run([*command, str(copy)], cwd=self.content, env=self.variables())
        except FailedError as error:
            return f"{notebook.stem}: {error}"
        return None

    def train_on_jax(self, notebook):
        """Run a page of a notebook's first cell and one line that trains; what failed, or None."""
        page = json.loads(notebook.read_text("utf-8"))
        first = next(cell for cell in page["cells"] if cell["cell_type"] == "code")
        page["cells"] = [first, {**CELL, "id": "line", "source": ONE_LINE}]
        two_cells = self.source / "on_jax.ipynb"
        two_cells.write_text(json.dumps(page), "utf-8")
        self.uninstall()
        return self.execute(two_cells)


CELL = {
    "cell_type": "code", "id": "guard", "metadata": {}, "source": GUARD, "outputs": [],
    "execution_count": None,
}  # fmt: skip


def run(command, **options):
    """Run a command; its standard output."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise FailedError("\n".join([f"{' '.join(command[:4])} ... failed", *said[-12:]]))
    return done.stdout


if __name__ == "__main__":
    main()
