"""Predictions for a data set that chose nothing, written before its first run, and what came out.

The comparisons stand in `predictions.toml`. The rule, in the words of that file: the 95 % interval
of a paired difference lies on the expected side, wholly on the other, or across the limit; or the
cause that `compare` names is the expected one, another, or none.
"""

import tomllib
from importlib import resources

import pandas as pd

from ..diagnosis import interval_columns
from ..diagnosis.decomposition import BOTH, HELPED, OVER, WORKS, WORSE
from ..lab import label_of

CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"
NAMED = (WORKS, HELPED, OVER, WORSE, BOTH)  # causes
# From what is expected to the bounds of the difference, in margins; None is no bound.
EXPECTED = {
    "below 0": (None, 0),
    "above 0": (0, None),
    "within margin": (-1, 1),
    "below margin": (None, 1),
    "above -margin": (-1, None),
}


def predictions(study):
    """The predictions for a study in their order, each a dict as it stands in the file.

    Examples
    --------
    >>> predictions("weather")[0]["expected"]
    'below 0'
    """
    text = (resources.files(__package__) / "predictions.toml").read_text("utf-8")
    made = [one for one in tomllib.loads(text)["prediction"] if one["study"] == study]
    if not made:
        raise KeyError(f"study must be one with predictions, got {study!r}")
    return made


def confirm(comparison, made):
    """Hold predictions against the study that they were made for.

    Parameters
    ----------
    comparison : Comparison
        With all arms that the predictions name; a `KeyError` names one that it lacks.
    made : list of dict
        From `predictions`, all or some.

    Returns
    -------
    pandas.DataFrame
        A row per prediction: ``id``, ``text``, ``expected``, ``found`` (``found_low``,
        ``found_high``; of the test loss unless the prediction says ``of`` what) and ``outcome``:
        'confirmed', 'refuted' or 'undecided'.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> made = predictions("weather")[:1]
    >>> confirm(compare_study("weather"), made)[["id", "outcome"]].values.tolist()
    [['R1', 'confirmed']]
    """
    rows = []
    for one in made:
        (arm, at), (other, other_at) = ((arm_of(one[side]), one[side]["at"]) for side in ("a", "b"))
        differences = comparison.paired(arm, at, one.get("of", "test"), other, other_at)
        row = {name: one[name] for name in ("id", "text", "expected")}
        row |= interval_columns("found", differences)
        if one["expected"] in NAMED:
            came = outcome_of_cause(comparison.effects(at, [arm])["cause"].item(), one["expected"])
        else:
            ends = row["found_low"], row["found_high"]
            came = outcome(*ends, one["expected"], comparison.margin)
        rows.append({**row, "outcome": came})
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


def outcome_of_cause(found, expected):
    """Whether a cause is the one that was expected; without one nothing is decided."""
    return CONFIRMED if found == expected else REFUTED if found in NAMED else UNDECIDED
