"""An environment for one release of Keras: a folder that goes first on the path of this Python.

It holds that Keras and what it needs that is not installed here. TensorFlow and NumPy stay those
of the running interpreter, so that releases of several years can be measured in one session.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LATEST = "latest"
LIMIT = 1800  # seconds for one command: a release that hangs must not stop the others


class FailedError(Exception):
    """A command ended badly; the message is its last line."""


def project(release):
    """`keras`, unless the release names another project."""
    return import_name(release.partition("==")[0]) if "==" in release else "keras"


def label(release):
    """The release in the record: a version of Keras, or another project and its version."""
    return release.replace("==", " ").removeprefix("keras ")


def install(release, folder):
    """An environment with one release, and with what it needs that this interpreter lacks.

    Parameters
    ----------
    release : str
    folder : pathlib.Path
        An environment that is there already is used again, but for the latest release.

    Returns
    -------
    environment : pathlib.Path
        Folder to put first on the path.
    version : str
        The one that was installed.
    """
    name = project(release)
    environment = folder / label(release).replace(" ", "-")
    if release == LATEST or name not in distributions(environment):
        shutil.rmtree(environment, ignore_errors=True)
        pinned = name if release == LATEST else f"{name}=={label(release).split()[-1]}"
        pip_install([pinned], environment)
    while missing := lacking(environment):
        pip_install(missing, environment)
    return environment, distributions(environment)[name]


def lacking(environment):
    """Names of what the distributions in a folder need, and neither it nor this Python has.

    TensorFlow counts as present: it has several names, such as tensorflow-cpu.
    """
    texts = [
        text
        for each in metadata.distributions(path=[str(environment)])
        for text in each.requires or []
    ]
    needed = {
        import_name(each.name)
        for each in map(Requirement, texts)
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }
    return sorted(needed - {"tensorflow", *distributions(environment), *distributions()})


def distributions(environment=None):
    """Versions by name of what is installed in a folder, or for this Python."""
    path = {} if environment is None else {"path": [str(environment)]}
    found = metadata.distributions(**path)
    return {import_name(each.metadata["Name"]): each.version for each in found}


def import_name(name):
    """The name of a distribution, with underscores, as in an import."""
    return canonicalize_name(name).replace("-", "_")


def pip_install(names, environment):
    """Install into a folder, without dependencies: TensorFlow and NumPy stay the interpreter's."""
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install", "--quiet"]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
        command.append("--compile-bytecode")  # as pip does: each import is quick then
    else:
        raise FailedError("neither pip nor uv was found")
    run([*command, "--no-deps", "--target", str(environment), *names])


def run(command, environment=None, accepted=(0,)):
    """Run a command in the root of the repository; its standard output."""
    path = [str(environment)] if environment else []
    path += [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {"PYTHONPATH": os.pathsep.join(path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"not done after {LIMIT} seconds") from error
    if done.returncode not in accepted:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise FailedError(lines[-1] if lines else f"exit status {done.returncode}")
    return done.stdout
