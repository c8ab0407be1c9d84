"""What models without recurrence reach on a data set, beside the network without noise."""

import pandas as pd

from ..diagnosis import CHECKPOINTS, TWIN, interval
from ..lab.store import shipped_folder
from ..tasks import load_task, short_name
from .chapter import number

RECORDED = shipped_folder() / "baselines.csv"  # tools/baselines.py makes it
METRICS = {"accuracy": "accuracy", "r2": "R²"}


def linear_models(comparison):
    """What `lstmreg_utils.tasks.baselines` found on the data of a comparison, from the record.

    Columns ``test`` and ``test_metric``, by model and by those seeds of the comparison that are
    on record. A KeyError if the task is not, a ValueError if it has options: no record has any.
    """
    task, options = comparison.task, comparison.network.get("options")
    if options:
        raise ValueError(f"comparison must be of a task without options, got {options!r}")
    known = pd.read_csv(RECORDED)
    if task not in {*known["task"]}:
        raise KeyError(f"task must be one of {sorted({*known['task']})}, got {task!r}")
    found = known[(known["task"] == task) & known["seed"].isin(comparison.values(TWIN).index)]
    return found.set_index(["model", "seed"])[["test", "test_metric"]]


def yardstick(comparison, name=None):
    """What has to be beaten on a data set, for the first paragraph that a page has about it.

    Test loss and metric of a constant, of a linear model on the same inputs, and of the network
    without noise at both checkpoints; and the linear model minus that network at its best epoch,
    paired over seeds. `name` is what the page calls the data, unless it is the task's short name.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> yardstick(compare_study("volume"))[:58]
    'On the volume a constant has a test loss of 0.868 (R² −0.0'
    """
    models, metric = linear_models(comparison), METRICS[load_task(comparison.task).metric]
    columns = {"test": ("loss", -1), "test_metric": (metric, 1)}  # a gain is down, or up
    networks = {
        at: pd.DataFrame({name: comparison.values(TWIN, at, name) for name in columns})
        for at in CHECKPOINTS
    }
    rows = {"constant": models.loc["constant"], "linear": models.loc["linear"], **networks}
    reached = {
        key: f"{number(row['test'].mean())} ({metric} {number(row['test_metric'].mean())})"
        for key, row in rows.items()
    }
    apart = {
        what: (sign, interval((rows["linear"] - networks["best"]).dropna()[column]))
        for column, (what, sign) in columns.items()
    }
    told = [f"{what} **{_word(sign, *d)}**, {number(*d)}" for what, (sign, d) in apart.items()]
    return (
        f"On the {name or short_name(comparison.task)} a constant has a test loss of "
        f"{reached['constant']}, a linear model on the same inputs {reached['linear']}, the "
        f"network without noise {reached['last']} at its last epoch and {reached['best']} at its "
        f"best. The linear model minus that best epoch: {'; '.join(told)}."
    )


def _word(sign, mean, low, high):
    """What an interval says, of which one sign is a gain."""
    if low <= 0 <= high:
        return "not told apart"
    return "better" if sign * mean > 0 else "worse"
