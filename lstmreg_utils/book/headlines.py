"""What a page says of an arm: its effect and cause, if as many fresh seeds would say the same."""

import numpy as np
import pandas as pd

from ..diagnosis import CHECKPOINTS, REPEATS, UNDECIDED, repeat_rates
from .chapter import ENOUGH_SEEDS, number


def judged(comparison, at="last", arms=None):
    """The rows of `Comparison.effects` in the words that a page may use.

    An effect or a cause that less than 95 % of fresh studies would repeat reads 'undecided', and
    an undecided effect has no cause. ``effect_repeats`` and ``cause_repeats`` are of the words
    that the seeds at hand gave; fewer than 20 seeds cannot say what others would, and their words
    stand as they are.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> judged(compare_study("volume"))[["arm", "effect", "effect_repeats"]].values.tolist()[0]
    ['dropout 0.1', 'helps', 1.0]
    """
    rows = comparison.effects(at, arms)
    again = repeat_rates(comparison, at, arms)[["effect_repeats", "cause_repeats"]]
    rows = rows.assign(**again.where(rows["n"] >= ENOUGH_SEEDS))
    effect = rows["effect"].mask(rows["effect_repeats"] < REPEATS, UNDECIDED)
    sure = ~(rows["cause_repeats"] < REPEATS) | (rows["cause"] == "")
    cause = rows["cause"].where(sure, UNDECIDED).where(effect != UNDECIDED, "")
    return rows.assign(effect=effect, cause=cause)


def headline(row):
    """The words of a row of `judged`, with how often a fresh study would say them."""
    if row["effect"] == UNDECIDED:
        return f"**{UNDECIDED}**"
    words, again = f"**{row['effect']}**", row["effect_repeats"]
    if row["cause"] == UNDECIDED:
        words += f", cause {UNDECIDED}"
    elif row["cause"]:
        words, again = f"{words}, {row['cause']}", row["cause_repeats"]
    return words if np.isnan(again) else f"{words} (again in {again:.0%} of fresh studies)"


def effects_table(comparison, ats=CHECKPOINTS, arms=None, digits=3):
    """What arms do, by loss and by metric, and how often a fresh study would say so: to be read."""
    rows = pd.concat([judged(comparison, at, arms) for at in ats], ignore_index=True)

    def cell(row, value, digits):
        mean, low, high = (number(row[value + end], digits=digits) for end in ("", "_low", "_high"))
        return f"{mean} [{low}, {high}]"

    columns = {
        "arm": rows["arm"], "epoch": rows["at"], "effect": rows["effect"], "cause": rows["cause"],
        "Δtest": rows.apply(cell, axis=1, value="d_test", digits=digits),
        # A training loss near zero moves by less than a test loss does.
        "Δtrain": rows.apply(cell, axis=1, value="d_train", digits=digits + 1),
    }  # fmt: skip
    if "d_metric" in rows:
        columns["Δmetric"] = rows.apply(cell, axis=1, value="d_metric", digits=digits)
    again = rows[["effect_repeats", "cause_repeats"]].min(axis=1)
    columns["again"] = again.map("{:.0%}".format).mask(again.isna(), "–")
    narrow = {"white-space": "nowrap", "font-size": "0.92em", "padding": "0.25em 0.5em"}
    return pd.DataFrame(columns).style.hide(axis="index").set_properties(**narrow)
