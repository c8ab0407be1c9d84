"""The book's settings asked again with other seeds: whether the same is said of them."""

import functools
import itertools
import json

import pandas as pd

from ..diagnosis import CHECKPOINTS, HELPS, HURTS, repeat_rates
from ..diagnosis.decomposition import NAMED, SAME
from ..lab.store import shipped_folder

RECORDED = shipped_folder() / "other_seeds.json"  # tools/other_seeds.py makes it
# What a setting is known by, here as there.
KEY = ["task", "options", "units", "layers", "head", "epochs", "arm", "at", "n"]
SAID = [
    "effect",
    "effect_repeats",
    "cause",
    "d_test",
    "d_test_low",
    "d_test_high",
    "d_train",
    "d_gap",
]
WORDS = ["effect", "cause", "effect_repeats", "cause_repeats", "same_effect", "same_cause"]
PROMISES = [0, 0.5, 0.8, 0.95, 1]  # between which repeat rates are counted
TELLING = {"effect": (HELPS, HURTS, SAME), "cause": NAMED}  # words that say more than "undecided"


@functools.cache
def recorded_again():
    """What was found with other seeds: which, and a table each of what was said and what made it.

    Returns
    -------
    dict
        ``seeds``, of all runs; ``made``, how many runs by what; ``settings``, what `compare` says
        of each arm at both checkpoints; ``across``, the summary over data sets.

    Examples
    --------
    >>> recorded_again()["seeds"][0]
    2000
    """
    found = json.loads(RECORDED.read_text("utf-8"))
    seeds = found.pop("seeds")
    return {"seeds": seeds} | {
        name: pd.DataFrame(each["data"], columns=each["columns"]) for name, each in found.items()
    }


def said_twice(comparisons, again=None):
    """What was said of each setting, how often it was to be said again, and what was.

    Parameters
    ----------
    comparisons : sequence of Comparison
    again : pandas.DataFrame, optional
        The settings with other seeds; by default those on record.

    Returns
    -------
    pandas.DataFrame
        A row a setting and checkpoint of those that are in both: ``effect``, ``cause`` and
        so on as in `lstmreg_utils.diagnosis.repeat_rates`; ``effect_again``, ``cause_again``,
        ``d_test_again`` and so on; whether the ``same_effect`` and the ``same_cause`` (with its
        effect) were said; and whether the effect ``turned``, from a help to a harm or back.

    Raises
    ------
    ValueError
        A comparison has some of the seeds on record.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> rows = said_twice([compare_study("volume_schemes")]).set_index(["arm", "at"])
    >>> rows.loc[("recurrent_dropout 0.5", "last"), ["effect", "effect_again"]].tolist()
    ['helps', 'helps']
    """
    if again is None:
        seeds, again = (recorded_again()[name] for name in ("seeds", "settings"))
        if own := sorted({*seeds} & {seed for each in comparisons for seed in each.table["seed"]}):
            raise ValueError(f"comparisons must be of other seeds than {seeds}, got {own}")
    rows = []
    for each in comparisons:
        asked = again[again["task"] == each.task]
        arms = [arm for arm in each.arms.index if arm in {*asked["arm"]}]
        for at in CHECKPOINTS if arms else ():
            rows.append(repeat_rates(each, at, arms).assign(**each.network))
    if not rows:
        return pd.DataFrame(columns=[*KEY, *WORDS, "turned"])
    renamed = again.rename(columns={name: f"{name}_again" for name in SAID})
    both = pd.concat(rows).drop_duplicates(KEY).merge(renamed, on=KEY)
    same = both["effect"] == both["effect_again"]
    both["same_effect"], both["same_cause"] = same, same & (both["cause"] == both["cause_again"])
    both["turned"] = ~same & both[["effect", "effect_again"]].isin((HELPS, HURTS)).all(axis=1)
    return both


def promises_kept(rows, word="effect"):
    """How often a repeat rate promised the same word, and how often the same was said.

    Parameters
    ----------
    rows : pandas.DataFrame
        From `said_twice`.
    word : {'effect', 'cause'}
        'undecided' does not count, and neither does why no cause is named.

    Returns
    -------
    pandas.DataFrame
        A row for each class of repeat rates: how many ``settings``, the mean rate (``promised``)
        and the share that said the same (``kept``). Settings of one network share their twins, so
        they are fewer than they seem.

    Examples
    --------
    >>> rows = {"effect": "helps", "effect_repeats": [0.96, 0.98, 0.7], "same_effect": [1, 1, 0]}
    >>> promises_kept(pd.DataFrame(rows))[["settings", "kept"]].values.tolist()
    [[1.0, 0.0], [2.0, 1.0]]
    """
    rate, same = f"{word}_repeats", f"same_{word}"
    rows = rows[rows[word].isin(TELLING[word])]
    # A rate that is a bound stands above it: 95 % is what a word must reach to be said.
    ends = [*PROMISES[:-1], PROMISES[-1] + 1e-9]
    classes = pd.cut(rows[rate].astype(float), ends, right=False)
    grouped = rows.assign(**{same: rows[same].astype(float)}).groupby(classes, observed=True)
    table = grouped.agg(settings=(same, "size"), promised=(rate, "mean"), kept=(same, "mean"))
    names = {
        low: f"{low:.0%} to {high:.0%}".replace("%", " %")
        for low, high in itertools.pairwise(PROMISES)
    }
    return table.set_axis([names[one.left] for one in table.index]).rename_axis("repeat rate")
