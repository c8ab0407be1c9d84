"""GitHub's workflows: pinned, with few rights, and calling only what is there."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import open_issues
import pytest
import yaml
from nox_sessions import SESSIONS
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".github" / "workflows"
TEXTS = {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.yml"))}
READ = {"contents": "read"}
# The jobs that may do more than read, and what.
RIGHTS = {
    ("book", "publish"): {"contents": "write", "pages": "write", "id-token": "write"},
    ("release", "publish"): {
        "contents": "write",
        "id-token": "write",
        "attestations": "write",
    },
    ("weekly", "report"): {"contents": "read", "issues": "write"},
}
PIN = re.compile(r"uses: [\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
LONGEST = 60  # minutes
RUNNER = "ubuntu-24.04"
CHECKOUT = "actions/checkout"


def faults(name, text):
    """What is wrong with a workflow, given as text."""
    workflow = yaml.safe_load(text)
    triggers = workflow[True]  # what YAML makes of the key `on`
    if "pull_request_target" in triggers:
        yield "a pull request of a stranger would run with the rights of this repository"
    if workflow.get("permissions") != READ:
        yield f"permissions must be {READ}, got {workflow.get('permissions')}"
    if "group" not in workflow.get("concurrency", ()):
        yield "concurrency has no group"
    for line in text.splitlines():
        if "uses:" in line and not PIN.search(line):
            yield f"not pinned to a commit, with its version beside it: {line.strip()}"
    for job, content in workflow["jobs"].items():
        yield from (f"{job}: {fault}" for fault in job_faults(name, job, content, workflow))


def job_faults(name, job, content, workflow):
    """What is wrong with one job."""
    if content.get("permissions") != RIGHTS.get((name, job)):
        yield f"permissions {content.get('permissions')}"
    if content.get("runs-on") != RUNNER:
        yield f"runs on {content.get('runs-on')}"
    if not 0 < content.get("timeout-minutes", 0) <= LONGEST:
        yield f"timeout-minutes must be at most {LONGEST}"
    if name in ("book", "release"):
        yield from unlocked(content)
    needs = content.get("needs", [])
    for needed in [needs] if isinstance(needs, str) else needs:
        if needed not in workflow["jobs"]:
            yield f"needs {needed}, which is no job"
    for step in content["steps"]:
        given, command = step.get("with", {}), step.get("run", "")
        if CHECKOUT in step.get("uses", "") and given.get("persist-credentials") is not False:
            yield "checkout leaves its credentials behind"
        if "${{" in command:
            yield f"an expression inside a command can become a command: {command}"
        yield from missing(command, content)


def unlocked(job):
    """What comes into a job that publishes, and not with a hash."""
    for line in "\n".join(step.get("run", "") for step in job["steps"]).splitlines():
        if "pip install" in line and not ("--require-hashes" in line or "--no-deps" in line):
            yield f"installs what has no hash: {line.strip()}"
        if re.search(r"-m build|install -e|install .* -e", line) and "isolation" not in line:
            yield f"builds with what has no hash: {line.strip()}"


def missing(command, job):
    """What a command calls, and is not there."""
    matrix = job.get("strategy", {}).get("matrix", {})
    for called in re.findall(r"nox -s (\S+)", command):
        rows = matrix["include"] if "$" in called else [{"session": called, "python": ""}]
        for row in rows:
            session, python = row["session"], row["python"] or python_of(job)
            if session not in SESSIONS:
                yield f"noxfile.py has no session {session}"
            elif SESSIONS[session] not in (None, python):
                yield f"{session} needs Python {SESSIONS[session]}, the job sets up {python}"
    for file in re.findall(r"(?:tools/\S+\.py|\.ci/\w+|requirements\.txt)", command):
        if not (ROOT / file).is_file():
            yield f"{file} is not there"


def python_of(job):
    return next(s["with"]["python-version"] for s in job["steps"] if "setup-python" in str(s))


@pytest.mark.parametrize("name", TEXTS)
def test_workflow_is_pinned_has_few_rights_and_calls_what_is_there(name):
    assert list(faults(name, TEXTS[name])) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("ci", "pull_request:", "pull_request_target:", "stranger"),
        ("ci", "  contents: read", "  contents: write", "permissions must be"),
        ("ci", "permissions:\n  contents: read\n", "", "permissions must be"),
        ("ci", r"  group: .*\n", "", "no group"),
        ("ci", r"@[0-9a-f]{40} # v[\d.]+", "@v7", "not pinned"),
        ("ci", r" # v7\.0\.1", "", "not pinned"),
        ("ci", "timeout-minutes: 10", "timeout-minutes: 600", "at most 60"),
        ("ci", "    timeout-minutes: 10\n", "", "at most 60"),
        ("ci", "ubuntu-24.04", "ubuntu-latest", "runs on ubuntu-latest"),
        ("ci", r"persist-credentials: false", "fetch-depth: 1", "credentials"),
        ("ci", r'"\$SESSION"', "${{ matrix.session }}", "can become a command"),
        ("ci", "session: oldest", "session: eldest", "no session eldest"),
        ("ci", 'oldest, python: "3.11"', 'oldest, python: "3.12"', "oldest needs Python 3.11"),
        ("ci", r"\.ci/run", ".ci/walk", "is not there"),
        ("ci", "nox -s hooks", "nox -s hocks", "no session hocks"),
        ("ci", r"needs: \[hooks", "needs: [hoocks", "which is no job"),
        ("weekly", "issues: write", "issues: read", "report: permissions"),
        ("weekly", r"tools/open_issues\.py", "tools/open_issue.py", "is not there"),
        ("weekly", "  links:\n", "  links:\n    permissions: {issues: write}\n", "links: perm"),
        ("book", "id-token: write", "id-token: none", "publish: permissions"),
        ("release", "contents: write", "contents: read", "publish: permissions"),
        ("release", "attestations: write", "attestations: read", "publish: permissions"),
        ("release", "--require-hashes -r", "-r", "installs what has no hash"),
        ("book", "--no-deps --no-build-isolation -e .", "--no-deps -e .", "builds with what has"),
        ("release", "--no-isolation ", "", "builds with what has no hash"),
    ],
)
def test_a_fault_of_a_workflow_is_found(name, old, new, fault):
    changed, count = re.subn(old, new, TEXTS[name], count=1)
    assert count
    assert any(fault in found for found in faults(name, changed))


def test_an_action_has_one_version_everywhere():
    pins = re.findall(r"uses: (\S+)@(\S+ # \S+)", "\n".join(TEXTS.values()))
    assert len(dict(pins)) == len(set(pins)) >= 5


def jobs(name):
    return yaml.safe_load(TEXTS[name])["jobs"]


def test_versions_that_are_supported_are_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pythons = [c.rpartition(" ")[2] for c in project["classifiers"] if ":: 3." in c]
    assert jobs("ci")["test"]["strategy"]["matrix"]["python"] == pythons
    rows = jobs("ci")["versions"]["strategy"]["matrix"]["include"]
    assert [row["session"] for row in rows] == ["oldest", "newest", "jax", "torch"]
    assert {row["python"] for row in rows} >= {pythons[0], pythons[-1]}
    assert jobs("ci")["apart"]["strategy"]["matrix"]["python"] == pythons


def never_run(default, main, noxfile, workflow):
    """Marks of tests that the default run leaves out, the main job of CI, and its other jobs."""
    left_out = set.intersection(*(set(re.findall(r"not (\w+)", line)) for line in (default, main)))
    sessions = dict(re.findall(r"(?ms)^def (\w+)\(session\):\n(.*?)(?=^@|\Z)", noxfile))
    called = set(re.findall(r"(?:nox -s|session:) (\w+)", workflow)) & set(sessions)
    run = "".join(sessions[name] for name in called).lower()
    return {mark for mark in left_out if mark not in run}


def test_what_the_default_leaves_out_runs_in_ci():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    default = project["tool"]["pytest"]["ini_options"]["addopts"]
    main, noxfile = ((ROOT / name).read_text("utf-8") for name in (".ci/run", "noxfile.py"))
    assert never_run(default, main, noxfile, TEXTS["ci"]) == set()
    less = main.replace("not apart", "not apart and not rare")
    assert never_run(default, less, noxfile, TEXTS["ci"]) == {"rare"}
    less = TEXTS["ci"].replace("-s apart", "-s lint")
    assert never_run(default, main, noxfile, less) == {"apart"}
    less = noxfile.replace("*WHOLE_GRID", '"tests"')
    assert never_run(default, main, less, TEXTS["ci"]) == {"whole_grid"}


def test_the_gate_waits_for_every_other_job():
    found = jobs("ci")
    assert [*found["gate"]["needs"], "gate"] == list(found)
    assert found["gate"]["if"] == "always()"


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ("success success success", 0),
        ("success failure success", 1),
        ("success success cancelled", 1),
        ("skipped success success", 1),
        ("", 1),
    ],
)
def test_the_gate_opens_only_if_all_passed(results, code):
    [step] = jobs("ci")["gate"]["steps"]
    shell = ["bash", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(shell, env={**os.environ, "RESULTS": results}, check=False)
    assert done.returncode == code


def test_every_weekly_check_reports():
    found = jobs("weekly")
    assert found["report"]["needs"] == [job for job in found if job != "report"]
    assert found["report"]["needs"] == list(open_issues.TITLES)
    assert found["report"]["if"] == "always()"


def test_only_main_is_published_and_only_a_tag_released():
    assert jobs("book")["publish"]["if"] == "github.ref == 'refs/heads/main'"
    assert yaml.safe_load(TEXTS["release"])[True] == {"push": {"tags": ["v*"]}}


def test_what_is_released_is_attested_first():
    steps = [str(step) for step in jobs("release")["publish"]["steps"]]
    attested, released = (
        next(at for at, step in enumerate(steps) if word in step)
        for word in ("attest-build-provenance", "gh release create")
    )
    assert attested < released
    assert "'subject-path': 'release/*'" in steps[attested]


def test_the_book_is_built_cold():
    for name in ("book", "release"):
        assert "actions/cache" not in TEXTS[name]
        assert "cache:" not in TEXTS[name]


def test_updates_leave_alone_what_the_requirements_cap():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))["updates"]
    ignored = {e["dependency-name"]: e["versions"] for u in updates for e in u.get("ignore", ())}
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    for name, [versions] in ignored.items():
        [line] = [line for line in lines if re.match(rf"{name}\W", line)]
        caps = [str(cap).removeprefix("<") for cap in Requirement(line).specifier]
        assert versions.removeprefix(">=") in caps


# ---------------------------------------------------------------- zizmor


def zizmor(*paths):
    """What the linter of workflows says, without asking the network."""
    program = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    command = [program, "--offline", "--no-progress", "--no-config", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_zizmor_finds_nothing():
    done = zizmor(ROOT / ".github")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout + done.stderr


def test_zizmor_finds_a_command_that_a_title_could_change(tmp_path):
    command = "run: echo ${{ github.event.pull_request.title }}"
    (tmp_path / "ci.yml").write_text(TEXTS["ci"].replace("run: .ci/run", command), "utf-8")
    done = zizmor(tmp_path / "ci.yml")
    assert done.returncode != 0
    assert "template-injection" in done.stdout


# ---------------------------------------------------------------- pre-commit


def test_hooks_are_local_and_name_what_is_there():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    programs = {Requirement(line).name for name in ("dev", "tests") for line in extras[name]}
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        program, *arguments = hook["entry"].split()
        assert program in programs
        for file in arguments:
            assert not file.startswith("tests/") or (ROOT / file).is_file()
