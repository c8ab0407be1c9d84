"""What a finding across data sets rests on: one of them, or seeds that share their test data."""

import pandas as pd

from ..diagnosis import TWIN, Comparison, combined
from ..tasks import load_task
from .across import CORE

LEAST = 3  # data sets of a summary


def left_out(comparisons, arm, part="test"):
    """The mean change of an arm over all data sets that have it but one, for each that is left out.

    Returns
    -------
    pandas.DataFrame
        A row a data set, ``left_out``: ``change`` and its interval over the others. None if those
        are fewer than three.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> names = ("speakers_schemes", "volume_schemes", "verses_schemes", "weather")
    >>> found = left_out({name: compare_study(name) for name in names}, "dropout 0.5")
    >>> found.loc[found["left_out"] == "weather", "change"].round(2).item()
    -0.21
    """
    having = {name: each for name, each in comparisons.items() if arm in each.arms.index}
    rows = []
    for name in having if len(having) > LEAST else ():
        found = combined({other: each for other, each in having.items() if other != name}, arm)
        mean = found[(found["data"] == "all") & (found["part"] == part)].iloc[0]
        rows.append({"left_out": name, **mean[["change", "change_low", "change_high"]]})
    return pd.DataFrame(rows)


def disjoint_seeds(comparison):
    """Of one series, as many seeds as there can be whose test targets share no row; else all.

    Their training rows may hold each other's test rows. A ValueError if the task has options.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> disjoint_seeds(compare_study("volume"))
    [11, 9, 5, 15]
    """
    if options := comparison.network.get("options"):
        raise ValueError(f"comparison must be of a task without options, got {options!r}")
    seeds = comparison.values(TWIN).index.tolist()
    rows = {seed: load_task(comparison.task, seed).test_rows for seed in seeds}
    if None in rows.values():
        return seeds
    chosen, end = [], 0
    for seed in sorted(seeds, key=lambda seed: rows[seed].stop):  # what ends first leaves most
        if rows[seed].start >= end:
            chosen.append(seed)
            end = rows[seed].stop
    return chosen


def all_and_apart(comparisons, arms=CORE, at="last"):
    """The rows of `compare` with all seeds, and with those alone that `disjoint_seeds` chooses.

    Returns
    -------
    pandas.DataFrame
        Twice a row an arm and data set, by ``data`` and ``seeds``, 'all' or 'apart'; none of a
        data set that has fewer than two seeds apart.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> rows = all_and_apart({"volume": compare_study("volume")}, ["recurrent_dropout 0.6"])
    >>> rows[["seeds", "n", "effect"]].values.tolist()
    [['all', 20, 'helps'], ['apart', 4, 'helps']]
    """
    rows = [pd.DataFrame(columns=["data", "seeds", "arm", "effect"])]
    for name, every in comparisons.items():
        having = [arm for arm in arms if arm in every.arms.index]
        if len(seeds := disjoint_seeds(every)) > 1:
            alone = every.table[every.table["seed"].isin(seeds)]
            for which, each in {"all": every, "apart": Comparison(alone)}.items():
                rows.append(each.effects(at, having).assign(data=name, seeds=which))
    return pd.concat(rows[1:] or rows, ignore_index=True)
