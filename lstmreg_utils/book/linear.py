"""What models without recurrence reach on a data set, beside the network without noise."""

import functools

import pandas as pd

from ..diagnosis import CHECKPOINTS, TWIN, interval
from ..lab.store import shipped_folder
from ..tasks import baselines, load_task, short_name
from .chapter import number

RECORDED = shipped_folder() / "baselines.csv"  # tools/baselines.py makes it
MODELS = {
    "constant": "constant", "linear": "linear model", "last": "LSTM, last epoch",
    "best": "LSTM, best epoch",
}  # fmt: skip
COLUMNS = ["test", "test_metric"]
METRICS = {"accuracy": "accuracy", "r2": "R²"}


def linear_models(comparison):
    """What `lstmreg_utils.tasks.baselines` gives on the data of a comparison, seed by seed.

    Columns ``test`` and ``test_metric``, by model and seed. Seeds that are on record are read,
    others are fitted here, which takes a second each on most data sets and a minute on the verses.
    A KeyError if nothing of the task is on record, a ValueError if it has options: no record has
    any.
    """
    task, options = comparison.task, comparison.network.get("options")
    if options:
        raise ValueError(f"comparison must be of a task without options, got {options!r}")
    known = pd.read_csv(RECORDED)
    if task not in {*known["task"]}:
        raise KeyError(f"task must be one of {sorted({*known['task']})}, got {task!r}")
    known = known[known["task"] == task].set_index(["model", "seed"])[COLUMNS]
    seeds = comparison.values(TWIN).index
    fitted = {seed: _fitted(task, seed) for seed in seeds.difference(known.index.levels[1])}
    if fitted:
        fitted = pd.concat(fitted, names=["seed", "model"]).swaplevel()
        known = pd.concat([known, fitted])
    return known[known.index.isin(seeds, level="seed")]


@functools.cache
def _fitted(task, seed):
    return baselines(load_task(task, seed))[COLUMNS]


def yardsticks(comparison):
    """By model, a row a seed: test loss and metric of what a data set has to be asked first.

    The models are ``constant``, ``linear``, and the network without noise at its ``last`` and its
    ``best`` epoch.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> found = yardsticks(compare_study("volume"))
    >>> found.groupby("model", sort=False)["test"].mean().round(2).to_dict()
    {'constant': 0.87, 'linear': 0.4, 'last': 0.49, 'best': 0.41}
    """
    models = linear_models(comparison)
    networks = {
        at: pd.DataFrame({name: comparison.values(TWIN, at, name) for name in models})
        for at in CHECKPOINTS
    }
    return pd.concat([models, pd.concat(networks, names=["model", "seed"])])


def linear_against_network(comparison):
    """The linear model minus the network without noise at its best epoch, paired over seeds.

    By ``loss`` and the name of the metric: 'better', 'worse' or 'not told apart', and the
    `interval`, which alone decides: what should be tried first need not be as sure as what a study
    reports of noise.
    """
    found = yardsticks(comparison)
    apart = (found.loc["linear"] - found.loc["best"]).dropna()
    metric = METRICS[load_task(comparison.task).metric]
    ends = {"loss": interval(apart["test"]), metric: interval(apart["test_metric"])}
    signs = {"loss": -1, metric: 1}  # a gain is down, or up
    return {what: (_word(signs[what], *each), each) for what, each in ends.items()}


def yardstick(comparison, name=None):
    """What has to be beaten on a data set, for the first paragraph that a page has about it.

    The means of `yardsticks`, and `linear_against_network`. `name` is what the page calls the
    data, unless it is the task's short name.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> yardstick(compare_study("volume"))[:58]
    'On the volume a constant has a test loss of 0.868 (R² −0.0'
    """
    apart, means = (
        linear_against_network(comparison),
        yardsticks(comparison).groupby("model").mean(),
    )
    _, metric = apart
    reached = {
        model: f"{number(row['test'])} ({metric} {number(row['test_metric'])})"
        for model, row in means.iterrows()
    }
    told = [f"{what} **{word}**, {number(*ends)}" for what, (word, ends) in apart.items()]
    return (
        f"On the {name or short_name(comparison.task)} a constant has a test loss of "
        f"{reached['constant']}, a linear model on the same inputs {reached['linear']}, the "
        f"network without noise {reached['last']} at its last epoch and {reached['best']} at its "
        f"best. The linear model minus that best epoch: {'; '.join(told)}."
    )


def yardstick_table(comparisons):
    """`yardsticks` of several data sets to be read: test loss, and the metric in brackets.

    Parameters
    ----------
    comparisons : dict of str to Comparison
        By the name of the data set.
    """
    rows = []
    for name, comparison in comparisons.items():
        means = yardsticks(comparison).groupby("model").mean()
        apart = linear_against_network(comparison)
        cells = {
            title: f"{number(means.loc[model, 'test'])} ({number(means.loc[model, 'test_metric'])})"
            for model, title in MODELS.items()
        }
        linear = "; ".join(f"{what} {word}" for what, (word, _) in apart.items())
        rows.append({"data": name, **cells, "linear against the best epoch": linear})
    return pd.DataFrame(rows)


def _word(sign, mean, low, high):
    """What an interval says, of which one sign is a gain."""
    if low <= 0 <= high:
        return "not told apart"
    return "better" if sign * mean > 0 else "worse"
