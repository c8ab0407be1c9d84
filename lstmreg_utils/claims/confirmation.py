"""Predictions for a data set that chose nothing, written before its first run, and what came out.

The comparisons stand in `predictions.toml`. The rule, in the words of that file: the 95 % interval
of a paired difference lies on the expected side, wholly on the other, or across the limit.
"""

import tomllib
from importlib import resources

import pandas as pd

from ..effects import checkpoint, interval
from ..tasks import load_task

CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"
# From what is expected to the bounds of the difference, in margins; None is no bound.
EXPECTED = {
    "below 0": (None, 0),
    "above 0": (0, None),
    "within margin": (-1, 1),
    "below margin": (None, 1),
    "above -margin": (-1, None),
}


def predictions():
    """The predictions in their order, each a dict as it stands in the file.

    Examples
    --------
    >>> predictions()[0]["expected"]
    'below 0'
    """
    text = (resources.files("lstmreg_utils") / "claims" / "predictions.toml").read_text("utf-8")
    return tomllib.loads(text)["prediction"]


def confirm(table, made=None):
    """Hold predictions against a study.

    Parameters
    ----------
    table : pandas.DataFrame
        From `study`, of one task and setting: all arms that are compared.
    made : list of dict, optional
        `predictions` unless given.

    Returns
    -------
    pandas.DataFrame
        A row per prediction: ``id``, ``text``, ``expected``, the mean difference of test losses
        ``d_test`` with its interval (``d_test_low``, ``d_test_high``), and ``outcome``:
        'confirmed', 'refuted' or 'undecided'.

    Raises
    ------
    KeyError
        An arm at a rate that the study lacks, or another word for what is expected.

    Examples
    --------
    >>> from lstmreg_utils import study
    >>> from lstmreg_utils.studies import named_study
    >>> confirm(study(named_study("weather"))).columns[-1]
    'outcome'
    """
    margin = load_task(table["task"].iloc[0]).margin
    losses = {at: _losses(table, at) for at in ("last", "best")}
    rows = []
    for prediction in predictions() if made is None else made:
        one, other = (_of(losses, prediction[side]) for side in ("a", "b"))
        mean, low, high = interval(one - other.loc[one.index])
        rows.append(
            {
                "id": prediction["id"],
                "text": prediction["text"],
                "expected": prediction["expected"],
                "d_test": mean,
                "d_test_low": low,
                "d_test_high": high,
                "outcome": outcome(low, high, prediction["expected"], margin),
            }
        )
    return pd.DataFrame(rows)


def outcome(low, high, expected, margin):
    """Whether the ends of an interval bear out what was expected.

    Examples
    --------
    >>> [outcome(*ends, "below margin", margin=0.01)
    ...  for ends in [(-0.2, 0.0), (0.0, 0.2), (0.1, 0.2)]]
    ['confirmed', 'undecided', 'refuted']
    """
    least, most = (None if bound is None else bound * margin for bound in EXPECTED[expected])
    inside = (least is None or low > least) and (most is None or high < most)
    outside = (least is not None and high <= least) or (most is not None and low >= most)
    return CONFIRMED if inside else REFUTED if outside else UNDECIDED


def _losses(table, at):
    chosen = checkpoint(table, at).fillna({"rate": -1.0})  # unequal rates stand in the arm's name
    return chosen.set_index(["arm", "rate", "seed"])["test"].sort_index()


def _of(losses, side):
    rate = side.get("rate", 0.0 if side["arm"] == "none" else -1.0)
    return losses[side["at"]].loc[side["arm"], rate]
