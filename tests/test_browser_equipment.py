"""The browser tests are skipped in one line where they cannot run, and fail where they must."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser import equipment

pytestmark = pytest.mark.rare

ROOT = Path(__file__).resolve().parent.parent


def run_suite(**environment):
    """The browser suite, with an environment of its own."""
    # Only the suite's own conftest: that of the other tests imports TensorFlow.
    command = [sys.executable, "-m", "pytest", "-n0", "tests/browser", "--confcutdir=tests/browser"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOOK_")}
    done = subprocess.run(
        [*command, "-ra", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environment", "lacking"),
    [
        ({"BOOK_CHROMIUM": "no-such-browser"}, "the program 'no-such-browser'"),
        ({"BOOK_SITE": "no-such-folder"}, "in no-such-folder (jupyter-book build .)"),
    ],
)
def test_what_is_missing_is_one_skip_or_one_failure(environment, lacking):
    code, said = run_suite(**environment)
    [line] = re.findall(r"(?m)^SKIPPED .*", said)
    assert lacking in line
    assert (code, said.splitlines()[-1].count("1 skipped")) == (0, 1), said

    code, said = run_suite(BOOK_BROWSER="required", **environment)
    [line] = re.findall(r"(?m)^FAILED .*", said)
    assert lacking in said
    assert (code, said.splitlines()[-1].count("1 failed")) == (1, 1), said


def test_every_missing_thing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(equipment.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("BOOK_CHROMIUM", "no-such-browser")
    monkeypatch.setenv("BOOK_SITE", str(tmp_path))
    said = equipment.missing()
    for name in ("playwright", "axe-playwright-python", "no-such-browser", equipment.PAGES[0]):
        assert name in said
    assert "\n" not in said


def test_a_page_that_is_not_built_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(equipment.importlib.util, "find_spec", lambda _: object())
    monkeypatch.setenv("BOOK_CHROMIUM", sys.executable)
    monkeypatch.setenv("BOOK_SITE", str(tmp_path))
    for name in equipment.PAGES:
        assert name in equipment.missing()
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert equipment.missing() == ""


APT = 'echo "$@" >> "${0%/*}/asked"'


@pytest.fixture
def machine(tmp_path):
    """Run .ci/chromium on a machine that has the given programs and no others."""

    def run(programs, **environment):
        for name, script in programs.items():
            (tmp_path / name).write_text(f"#!/bin/bash\n{script}\n", "utf-8")
            (tmp_path / name).chmod(0o755)
        done = subprocess.run(
            ["/bin/bash", ROOT / ".ci" / "chromium"],
            env={"PATH": str(tmp_path)} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        asked = tmp_path / "asked"
        return done, asked.read_text("utf-8").splitlines() if asked.exists() else []

    return run


@pytest.mark.parametrize("name", ["chromium", "google-chrome"])
def test_ci_leaves_a_browser_that_is_there_alone(machine, name):
    done, asked = machine({name: "", "id": "echo 0", "apt-get": APT}, BOOK_CHROMIUM=name)
    assert (done.returncode, asked) == (0, [])


def test_ci_installs_chromium_where_it_may(machine):
    done, asked = machine({"id": "echo 0", "apt-get": APT})
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in asked] == ["update", "install"]
    assert asked[1].endswith("--no-install-recommends chromium fonts-liberation")


@pytest.mark.parametrize(
    ("programs", "environment"),
    [
        ({"id": "echo 1000", "apt-get": APT}, {}),
        ({"id": "echo 0"}, {}),
        ({"id": "echo 0", "apt-get": APT}, {"BOOK_CHROMIUM": "google-chrome"}),
    ],
)
def test_ci_says_in_a_line_what_to_install(machine, programs, environment):
    done, asked = machine(programs, **environment)
    assert (done.returncode, asked) == (1, [])
    [line] = done.stderr.splitlines()
    assert "install Chromium" in line


def test_ci_requires_the_browser_tests():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert script.index("export BOOK_BROWSER=required") < script.index(".ci/chromium\n")
    assert script.index("tools/check_site.py") < script.index(".ci/chromium\n")
    assert script.index(".ci/chromium\n") < script.index('eval "$test')
