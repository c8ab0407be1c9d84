"""The weekly checks tell somebody, once: with a stand-in for GitHub's program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import open_issues
import pytest

ROOT = Path(__file__).resolve().parent.parent
RUN = "https://github.com/a/b/actions/runs/7"
# Keeps what it is called with; `issue list` answers with the open issues.
GH = f"""#!{sys.executable}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with open(here / "calls", "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1:3] == ["issue", "list"]:
    print((here / "open").read_text())
"""


@pytest.fixture
def weekly(tmp_path):
    """Run the command with results of jobs and titles of open issues; what it asked of `gh`."""
    program = tmp_path / "gh"
    program.write_text(GH, "utf-8")
    program.chmod(0o755)

    def run(results, titles=()):
        issues = [{"number": 3 + n, "title": title} for n, title in enumerate(titles)]
        (tmp_path / "open").write_text(json.dumps(issues), "utf-8")
        needs = {job: {"result": result, "outputs": {}} for job, result in results.items()}
        path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "NEEDS": json.dumps(needs), "RUN": RUN}
        command = [sys.executable, str(ROOT / "tools" / "open_issues.py")]
        subprocess.run(command, env=environment, check=True)
        calls = tmp_path / "calls"
        asked = (
            [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
        )
        return [call for call in asked if call[:2] != ["issue", "list"]]

    return run


def test_nothing_is_said_when_all_pass(weekly):
    assert weekly(dict.fromkeys(open_issues.TITLES, "success")) == []


@pytest.mark.parametrize("result", ["failure", "cancelled"])
@pytest.mark.parametrize("job", open_issues.TITLES)
def test_a_failure_opens_an_issue_of_its_own(weekly, job, result):
    [call] = weekly({**dict.fromkeys(open_issues.TITLES, "success"), job: result})
    assert call[:2] == ["issue", "create"]
    assert call[2] == f"--title={open_issues.TITLES[job]}"
    assert call[3] == f"--body=`{job}` ended with '{result}': {RUN}"


def test_an_issue_that_is_open_gets_a_comment(weekly):
    titles = ["Another matter", open_issues.TITLES["links"]]
    calls = weekly({"colab": "failure", "newest": "success", "links": "failure"}, titles)
    assert [call[:3] for call in calls] == [
        ["issue", "create", f"--title={open_issues.TITLES['colab']}"],
        ["issue", "comment", "4"],
    ]


def test_a_job_without_a_title_is_not_passed_over():
    with pytest.raises(KeyError, match="'pdf'"):
        open_issues.failures({"pdf": {"result": "failure"}})
