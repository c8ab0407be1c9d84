"""Train the networks of a chapter again, by executing its notebook without the shipped records."""

import os
import re
import sys
from pathlib import Path
from unittest import mock

from .executors import SCHEDULER_VARIABLE, WORKERS_VARIABLE


def find_chapter(name, folder="chapters"):
    """The notebook that a reader means.

    Parameters
    ----------
    name : str
        A path, a name (``03_three_placements``), or a number (``3``).
    folder : path-like, default='chapters'
        Where the chapters are, in a clone of the repository.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        There is no such notebook; the message lists those that there are.
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

    Progress is shown as the page itself shows it, with the time that is left. Finished runs are
    kept in the folder of records, so that an interrupted call goes on where it was.

    Parameters
    ----------
    chapter : path-like
        The notebook.
    output : path-like
        Where the executed notebook goes.
    scheduler : str, optional
        Address of the scheduler whose workers train, such as ``tcp://host:8786``. By default this
        machine trains, unless ``$LSTMREG_SCHEDULER`` names one.
    workers : int, optional
        As for `study`, wherever the chapter names no number.
    **parameters
        Of the notebook, besides ``recorded``: ``seeds``, ``epochs`` and ``rates``.

    Raises
    ------
    papermill.PapermillExecutionError
        A cell of the notebook failed.
    """
    import papermill

    # The kernel is another process. It inherits the environment, which `study` asks there.
    there = {SCHEDULER_VARIABLE: scheduler, WORKERS_VARIABLE: workers}
    there = {name: str(value) for name, value in there.items() if value}
    with mock.patch.dict(os.environ, there):
        papermill.execute_notebook(
            chapter,
            output,
            parameters={"recorded": False, **parameters},
            cwd=Path(chapter).parent,
            kernel_name="python3",
            progress_bar=False,
            stdout_file=sys.stdout,
            stderr_file=sys.stderr,
        )
