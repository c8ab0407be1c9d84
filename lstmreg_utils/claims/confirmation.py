"""Predictions for a data set that chose nothing, written before its first run, and what came out.

The comparisons stand in `predictions.toml`. The rule, in the words of that file: the 95 % interval
of a paired difference lies on the expected side, wholly on the other, or across the limit.
"""

import tomllib
from importlib import resources

import pandas as pd

from ..diagnosis import interval_columns
from ..lab import label_of

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
    text = (resources.files(__package__) / "predictions.toml").read_text("utf-8")
    return tomllib.loads(text)["prediction"]


def confirm(comparison, made=None):
    """Hold predictions, all unless some are given as ``made``, against a study.

    Parameters
    ----------
    comparison : Comparison
        With all arms that the predictions name; a `KeyError` names one that it lacks.
    made : list of dict, optional

    Returns
    -------
    pandas.DataFrame
        A row per prediction: ``id``, ``text``, ``expected``, ``d_test`` (``d_test_low``,
        ``d_test_high``) and ``outcome``: 'confirmed', 'refuted' or 'undecided'.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> confirm(compare_study("weather"), predictions()[:1])[["id", "outcome"]].values.tolist()
    [['R1', 'confirmed']]
    """
    rows = []
    for one in predictions() if made is None else made:
        arm, other = (arm_of(one[side]) for side in ("a", "b"))
        differences = comparison.paired(arm, one["a"]["at"], other=other, other_at=one["b"]["at"])
        row = {name: one[name] for name in ("id", "text", "expected")}
        row |= interval_columns("d_test", differences)
        ends = row["d_test_low"], row["d_test_high"]
        rows.append({**row, "outcome": outcome(*ends, one["expected"], comparison.margin)})
    return pd.DataFrame(rows)


def arm_of(side):
    """The label of the arm on one side of a prediction, which states a scheme and its rate."""
    return label_of(side["arm"], side["rate"]) if "rate" in side else side["arm"]


def outcome(low, high, expected, margin):
    """Whether the ends of an interval bear out what was expected."""
    least, most = (None if bound is None else bound * margin for bound in EXPECTED[expected])
    inside = (least is None or low > least) and (most is None or high < most)
    outside = (least is not None and high <= least) or (most is not None and low >= most)
    return CONFIRMED if inside else REFUTED if outside else UNDECIDED
