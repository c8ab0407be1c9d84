"""What the first edition said, beside what the second says: of claims, and of settings."""

import tomllib
from importlib import resources

import pandas as pd

from ..diagnosis import CHECKPOINTS, REPEATS, UNDECIDED, in_words, repeat_rates
from ..diagnosis.decomposition import WITHHELD
from ..lab import compare_study

SELDOM = "comes again in fewer than 95 % of fresh studies"
OPEN = "its parts leave the cause open"
WIDER = "Student's interval is wider than the bootstrap's was, and leaves it open"
LARGER = "named by the part that makes up the effect"


def first_edition():
    """The first edition's words: by claim (``claim``), by study and arm (``setting``), by page.

    Examples
    --------
    >>> first_edition()["setting"]["volume"]["dropout 0.3"]
    {'last': 'regularization works', 'best': 'over-regularization'}
    """
    text = (resources.files(__package__) / "first_edition.toml").read_text("utf-8")
    return tomllib.loads(text)


def headlines_by_edition():
    """A row a headline: its ``page``, ``first`` and ``second`` edition, and ``why`` they differ."""
    return pd.DataFrame(first_edition()["headline"])


def claims_by_edition(rulings):
    """A row a claim: what the ``first`` edition ruled, the ``second``, and ``why`` if they differ.

    Parameters
    ----------
    rulings : dict of str to Ruling
        From `rule_all`.
    """
    rows = [
        {"claim": id, "first": was["verdict"], "second": rulings[id].verdict, "why": was.get("why")}
        for id, was in first_edition()["claim"].items()
    ]
    return pd.DataFrame(rows).fillna("")


def settings_by_edition(**sizes):
    """A row a setting that the first edition printed, and epoch: both words, and ``why``.

    Parameters
    ----------
    **sizes
        As for `lstmreg_utils.lab.compare_study`.
    """
    rows = []
    for study, arms in first_edition()["setting"].items():
        comparison = compare_study(study, **sizes)
        there = [arm for arm in arms if arm in comparison.arms.index]  # not all, of fewer rates
        for at in CHECKPOINTS:
            for _, now in repeat_rates(comparison, at, there).iterrows():
                was = arms[now["arm"]][at]
                row = {"study": study, "setting": now["arm"], "epoch": at, "first": was}
                rows.append(row | {"second": in_words(now), "why": _why(was, now)})
    return pd.DataFrame(rows)


def _why(was, now):
    """Why a word changed, '' if it did not."""
    why, what = now["cause"], now["effect"]
    if what != UNDECIDED and now["effect_repeats"] < REPEATS:
        return SELDOM
    if (why or what) == was and not (why and now["cause_repeats"] < REPEATS):
        return ""
    if what == UNDECIDED:
        return WIDER
    if why in WITHHELD:
        return f"no cause: {why}"
    if why == UNDECIDED:
        return OPEN
    return SELDOM if why and now["cause_repeats"] < REPEATS else LARGER
