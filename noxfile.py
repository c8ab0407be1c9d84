"""The daily commands, each as `nox -s NAME`; `nox -l` lists them, `nox` checks a change.

They run in the environment that is active, which `nox -s install` makes ready: one of TensorFlow
for each would take minutes and two gigabytes. `nox -fb uv -s NAME` makes a new one all the same.
Sessions that prove other versions always make their own, and `-R` uses it again as it is. What
stands after `--` goes to the command: `nox -s tests -- tests/test_runs.py -x`.
"""

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
# The book stands before the tests, some of which look at the built site in a browser.
nox.options.sessions = ["lint", "book", "tests", "notebooks"]

# Without compiled bytecode every process imports TensorFlow for 15 s instead of 5.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["UV_COMPILE_BYTECODE"] = "1"

HERE = {"venv_backend": "none"}
# Their programs are those of the book, in versions that the package does not ask for.
WITHOUT_THE_BOOK = (
    "--ignore=tests/browser",
    "--ignore=tests/test_book_build.py",
    "--ignore=tests/test_browser_equipment.py",
    "--ignore=tests/test_code_links.py",
    "--ignore=tests/test_links.py",
    "--ignore=tests/test_page_repairs.py",
    "--ignore=tests/test_reader_pages.py",
    "--ignore=tests/test_site_check.py",
    "--ignore=tests/test_workflows.py",
)
# Here TensorFlow trains nothing: `on_jax.py` says how the package refuses.
ON_JAX = (
    "tests/on_jax.py",
    "tests/test_callbacks.py",
    "tests/test_diagnose.py",
    "tests/test_embedding_dropout.py",
    "tests/test_kernel_grid.py",
    "tests/test_layers.py",
    "tests/test_own_models.py",
)
# What the tests take a choice of: the arguments of recurrent layers, in every combination.
GRID = "tests/test_kernel_grid.py"
WHOLE_GRID = (GRID, "tests/test_benchmarks.py", "-m", "whole_grid")
ON_TORCH = (GRID, "tests/test_callbacks.py", "tests/test_diagnose.py", "tests/test_own_models.py")
# JAX compiles every loop that it is shown: quickly, then.
QUICK_JAX = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}


def in_the_book(session, *command):
    """Run a command where the requirements are; an environment that nox has made needs them."""
    if session.virtualenv.is_sandboxed:
        session.install("-r", "requirements.txt")
    session.run(*command)


@nox.session(**HERE)
def install(session):
    """Install the book's requirements and a contributor's programs in the active environment."""
    needed = ("-r", "requirements.txt", "-e", ".[dev]")
    session.run("python", "-m", "pip", "install", *needed)


@nox.session(**HERE)
def lint(session):
    """Check the style of code and notebooks."""
    in_the_book(session, "ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(name="format", **HERE)
def format_(session):
    """Mend what of the style can be mended."""
    in_the_book(session, "ruff", "check", "--fix", ".")
    session.run("ruff", "format", ".")


@nox.session(**HERE)
def hooks(session):
    """Run the pre-commit hooks on all files."""
    session.run("pre-commit", "run", "--all-files", *session.posargs)


@nox.session(**HERE)
def tests(session):
    """Run the tests, or those named after `--`."""
    in_the_book(session, "pytest", *(session.posargs or ["tests"]))


@nox.session(**HERE)
def kernels(session):
    """Test every combination of arguments that decides about a kernel, which takes minutes."""
    in_the_book(session, "pytest", *WHOLE_GRID, *session.posargs)


@nox.session(**HERE)
def apart(session):
    """Run the tests that take longest, which CI does in a job of their own."""
    in_the_book(session, "pytest", "-m", "apart", *(session.posargs or ["tests"]))


@nox.session(**HERE)
def notebooks(session):
    """Execute the chapters, or those named after `--`."""
    in_the_book(session, "pytest", "--nbmake", *(session.posargs or ["chapters"]))


@nox.session(**HERE)
def book(session):
    """Build the book, with warnings as errors, and check the site."""
    in_the_book(session, "jupyter-book", "build", ".", "-W", "-n", "--keep-going")
    session.run("python", "tools/check_site.py")


@nox.session(**HERE)
def pdf(session):
    """Make one PDF of the built book, and look at one; it needs Chromium and playwright."""
    in_the_book(session, "python", "tools/make_pdf.py", *session.posargs)
    session.run("pytest", "-m", "apart", "tests/browser/test_pdf.py")


@nox.session(**HERE)
def links(session):
    """Ask for every address that the book links to; this needs the network."""
    in_the_book(session, "jupyter-book", "build", ".", "--builder", "linkcheck")


@nox.session(**HERE)
def serve(session):
    """Build the book and serve it at http://localhost:8000."""
    in_the_book(session, "jupyter-book", "build", ".")
    session.run("python", "-m", "http.server", "--directory", "_build/html", "8000")


@nox.session(**HERE)
def lock(session):
    """Write the versions and hashes of which the published book is built; needs the network."""
    target = ("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28")
    how = ("--generate-hashes", "--no-annotate", "--no-emit-package", "lstmreg-utils", *target)
    told = ("--custom-compile-command", "nox -s lock")
    files = ("environments/published.in", "-o", "environments/published.txt")
    session.run("uv", "pip", "compile", "--quiet", *how, *told, *files, *session.posargs)


@nox.session(**HERE)
def audit(session):
    """Train three recorded runs again and compare; `-- --sample 10` for more."""
    in_the_book(session, "python", "-m", "lstmreg_utils", "audit", *session.posargs)


@nox.session(**HERE)
def retrain(session):
    """Train a chapter's networks anew: `-- 3`, or `-- 3 --seeds 3` for less."""
    in_the_book(session, "python", "-m", "lstmreg_utils", "study", *session.posargs)


@nox.session(**HERE)
def record(session):
    """Train what has no record, and pack the records that ship."""
    in_the_book(session, "python", "tools/record.py", *session.posargs)


@nox.session(python="3.13")
def colab(session):
    """Run the chapters with Colab's versions; `-- --folder PATH` keeps its environment."""
    session.run("python", "tools/colab.py", *session.posargs)


@nox.session(python="3.11")
def oldest(session):
    """Test the package with the oldest versions that it allows, on Python 3.11."""
    session.install("-e", ".[dask,tests]", "-r", "environments/oldest.txt")
    session.run("pytest", *(session.posargs or ["tests", *WITHOUT_THE_BOOK]))
    session.run("pytest", *WHOLE_GRID)


@nox.session(python="3.13")
def newest(session):
    """Test the package with the newest versions that the book allows, on Python 3.13."""
    session.install("--upgrade", "-r", "requirements.txt")
    session.run("pytest", *(session.posargs or ["tests", *WITHOUT_THE_BOOK]))
    session.run("pytest", *WHOLE_GRID)


def on_backend(session, chosen, **environment):
    """Run tests on another backend, and those of the kernels with earlier releases of Keras too."""
    session.run("pytest", *(session.posargs or chosen), env=environment)
    for release in () if session.posargs else ("3.9.0", "3.12.0"):
        session.install(f"keras=={release}")
        session.run("pytest", GRID, env=environment)


@nox.session(python="3.13")
def jax(session):
    """Test what the package does on JAX, where TensorFlow is not installed."""
    session.install("-e", ".[tests]", "jax[cpu]")
    on_backend(session, ON_JAX, **QUICK_JAX, KERAS_BACKEND="jax")


@nox.session(python="3.13")
def torch(session):
    """Test diagnosis and kernels on torch, where neither TensorFlow nor JAX is installed."""
    session.install("-e", ".[tests]", "torch")
    on_backend(session, ON_TORCH, KERAS_BACKEND="torch")


@nox.session(**HERE)
def ci(session):
    """Run the main job of CI, in a fresh environment; it deletes _build."""
    session.run(".ci/run", external=True)


@nox.session(**HERE)
def clean(session):
    """Delete the built book, caches of tools, and the environments of nox."""
    caches = [Path(name) for name in ("_build", "build", ".nox", ".pytest_cache", ".ruff_cache")]
    for folder in [path for path in caches if path.is_dir()]:
        session.log(f"deleting {folder}")
        shutil.rmtree(folder)
