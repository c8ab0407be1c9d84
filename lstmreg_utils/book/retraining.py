"""Train the networks of a chapter again, by executing its notebook without the shipped records."""

import os
import re
import sys
from pathlib import Path

from ..lab.executors import SCHEDULER_VARIABLE, WORKERS_VARIABLE
from ..lab.store import FOLDER_VARIABLE, default_folder


def find_chapter(name, folder="chapters"):
    """The notebook that a reader means by a path, a name (``03_three_placements``) or a number.

    A FileNotFoundError lists those that there are in the folder.
    """
    if Path(name).suffix == ".ipynb" and Path(name).is_file():
        return Path(name)
    notebooks = sorted(Path(folder).glob("*.ipynb"))
    number = f"{int(name):02d}_" if re.fullmatch(r"\d{1,2}", name) else None
    for notebook in notebooks:
        if notebook.stem == name or (number and notebook.name.startswith(number)):
            return notebook
    there = ", ".join(notebook.stem for notebook in notebooks) or f"none in {folder}"
    raise FileNotFoundError(f"chapter must be a notebook, got {name!r}; there are: {there}")


def retrain(chapter, output, scheduler=None, workers=None, **parameters):
    """Execute a chapter, training what this machine has no record of.

    `scheduler` and `workers` are as for `study`, `parameters` those of the notebook: ``seeds``,
    ``epochs`` and ``rates``. Progress is shown as the page itself shows it. Finished runs are kept
    in the folder of records, so that an interrupted call goes on where it was.
    """
    import papermill

    # The kernel is another process. It inherits the environment, which `study` asks there.
    asked = {SCHEDULER_VARIABLE: scheduler, WORKERS_VARIABLE: workers}
    asked[FOLDER_VARIABLE] = default_folder()  # a relative one is relative to here
    before = dict(os.environ)
    os.environ.update({name: str(value) for name, value in asked.items() if value})
    try:
        papermill.execute_notebook(
            chapter, output, parameters={"recorded": False, **parameters},
            cwd=Path(chapter).parent, kernel_name="python3",
            progress_bar=False, stdout_file=sys.stdout, stderr_file=sys.stderr,
        )  # fmt: skip
    finally:
        os.environ.clear()
        os.environ.update(before)
