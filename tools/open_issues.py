"""Open an issue for each weekly check that did not pass, or comment on the one that is open.

Called by `.github/workflows/weekly.yml`. Reads the results of its jobs from ``NEEDS`` (GitHub's
``toJSON(needs)``) and the address of the run from ``RUN``; speaks through GitHub's own program
``gh``, which every runner has, and which finds the repository in ``GH_REPO``.
"""

import json
import os
import subprocess
import sys

# What each job looks at, as the title of its issue says it.
TITLES = {
    "colab": "Weekly check: the chapters do not run with Colab's versions",
    "newest": "Weekly check: the newest versions break the book",
    "links": "Weekly check: links lead nowhere",
}
PASSED = ("success", "skipped")


def failures(needs):
    """The jobs that did not pass, in their order; a job that ran out of time is 'cancelled'.

    Raises
    ------
    KeyError
        A job without a title.
    """
    if unknown := sorted(set(needs) - set(TITLES)):
        raise KeyError(f"jobs must be among {sorted(TITLES)}, got {unknown}")
    return [job for job, outcome in needs.items() if outcome["result"] not in PASSED]


def report(job, run, result):
    """Open the issue of a job, or add to it."""
    body = f"`{job}` ended with '{result}': {run}"
    listed = gh("issue", "list", "--state=open", "--limit=1000", "--json=number,title")
    number = next((i["number"] for i in json.loads(listed) if i["title"] == TITLES[job]), None)
    if number is None:
        print(gh("issue", "create", f"--title={TITLES[job]}", f"--body={body}").strip())
    else:
        print(gh("issue", "comment", str(number), f"--body={body}").strip())


def gh(*arguments):
    """What GitHub's program prints."""
    done = subprocess.run(["gh", *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def main():
    """Report every failure."""
    needs = json.loads(os.environ["NEEDS"])
    for job in failures(needs):
        report(job, os.environ["RUN"], needs[job]["result"])


if __name__ == "__main__":
    sys.exit(main())
