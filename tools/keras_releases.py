"""Measure what each release of Keras does with the dropout of recurrent layers; write one record.

For every release: an environment of that Keras alone, in a folder that goes first on the path of
this interpreter, whose TensorFlow and NumPy serve all of them; then `release_probe.py` in it. No
GPU is needed. A release that fails is named in the record and does not stop the others.

    python tools/keras_releases.py --grid    # 2 minutes on two cores, and the tests
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from packaging.version import Version
from release_environment import LATEST, ROOT, FailedError, install, label, project, run

PROBE = ROOT / "tools" / "release_probe.py"
RECORD = ROOT / "lstmreg_utils" / "records" / "keras_releases.json"
GRID = "tests/test_kernel_grid.py"
RELEASES = (
    "tf_keras==2.21.0", "3.0.5", "3.1.1", "3.3.3", "3.4.1", "3.8.0", "3.9.2", "3.12.0", LATEST,
)  # fmt: skip
GRID_RELEASES = ("3.9.2", "3.12.0", LATEST)


def main():
    """Write the record; exit with 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--releases", nargs="+", type=release_name, default=RELEASES, metavar="RELEASE",
        help="3.9.2, tf_keras==2.21.0 or latest",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, default=RECORD)
    parser.add_argument("--environments", type=Path, help="kept here; else temporary")
    parser.add_argument("--grid", action="store_true", help=f"also run {GRID} in some")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.environments or Path(temporary)).resolve()
        record = survey(arguments.releases, folder, GRID_RELEASES if arguments.grid else ())
    arguments.output.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    for name, reason in record["failed"].items():
        print(f"FAILED {name}: {reason}", file=sys.stderr)
    sys.exit(bool(record["failed"]))


def release_name(text):
    """The text, if it names a release; else the error that argparse reports."""
    if text != LATEST:
        Version(label(text).split()[-1])
    return text


def survey(releases, folder, grid_releases=()):
    """Measure the releases one after the other.

    Parameters
    ----------
    releases, grid_releases : sequence of str
        Those to measure, and those of them in which the tests of the grid are run too.
    folder : pathlib.Path
        For the environments.

    Returns
    -------
    dict
        The record.
    """
    facts, grid, failed, latest = {}, {}, {}, None
    for release in releases:
        start = time.perf_counter()
        name = label(release)
        try:
            environment, version = install(release, folder)
            if release == LATEST:
                name = latest = version
            facts[name] = probe(project(release), environment, version)
            if release in grid_releases:
                grid[name] = run_grid(environment)
                if grid[name]["failed"]:
                    failed[name] = f"{grid[name]['failed']} tests of {GRID} failed"
        except FailedError as error:
            failed[name] = str(error)
        state = "FAILED" if name in failed else "done"
        print(f"{name}: {state} in {time.perf_counter() - start:.0f} s", flush=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "platform": platform_line(),
        "latest": latest,
        "releases": in_order(facts),
        "failed": in_order(failed),
    }
    return {**record, "grid": in_order(grid)} if grid_releases else record


def in_order(found):
    """Other projects first, then by version."""

    def place(name):
        version = name.split()[-1]
        return " " not in name, Version("9999" if version == LATEST else version)

    return {name: found[name] for name in sorted(found, key=place)}


def probe(module, environment=None, version=None):
    """The facts of one release.

    Parameters
    ----------
    module : {"keras", "tf_keras"}
    environment : pathlib.Path, optional
        That of `install`; else what is installed beside this interpreter is measured.
    version : str, optional
        The one that has to be found there.

    Returns
    -------
    dict
    """
    text = run([sys.executable, str(PROBE), module], environment)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise FailedError(f"the probe wrote no JSON: {error}") from error
    if version is not None and found["versions"]["keras"] != version:
        raise FailedError(f"the probe found {found['versions']['keras']} instead")
    return found


def run_grid(environment):
    """Numbers of tests of the grid that passed, failed and were skipped in an environment."""
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", GRID, "-m", "", f"--junitxml={report}"]
        run([*command, "-p", "no:cacheprovider"], environment, accepted=(0, 1))  # 1: some failed
        return counted(report)


def counted(report):
    """Numbers of tests in a JUnit report of pytest; errors count as failures."""
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))

    def total(name):
        return sum(int(suite.get(name, 0)) for suite in suites)

    failed, skipped = total("failures") + total("errors"), total("skipped")
    return {"passed": total("tests") - failed - skipped, "failed": failed, "skipped": skipped}


def platform_line():
    """The machine and Python."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or "unknown processor"
    return (
        f"{processor}, {os.cpu_count()} threads, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
