"""Choosing among the settings of a scheme: by validation loss, never by test loss."""

import pandas as pd

from .effects import checkpoint, compare, interval


def chosen_effects(table, family, at="last"):
    """Of each scheme the setting of the lowest mean validation loss, with its effect on the test.

    Parameters
    ----------
    table : pandas.DataFrame
        From `study`, of one task and setting; several studies may be concatenated.
    family : callable
        From the name of an arm to the scheme it belongs to.
    at : {'last', 'best'}, default='last'
        Which epoch of each run.

    Returns
    -------
    pandas.DataFrame
        Rows of `compare`, one a scheme, with the columns ``family`` and ``validation``, the lowest
        first.

    Examples
    --------
    >>> from lstmreg_utils import study
    >>> from lstmreg_utils.studies import named_study
    >>> chosen = chosen_effects(study(named_study("volume")), family=str)
    >>> sorted(chosen["family"])
    ['dropout', 'recurrent_dropout']
    """
    effects = compare(table, at)
    losses = checkpoint(table, at).fillna({"rate": -1.0}).groupby(["arm", "rate"])["validation"]
    means = losses.mean()
    keys = zip(effects["arm"], effects["rate"].fillna(-1.0), strict=True)
    effects = effects.assign(
        family=effects["arm"].map(family), validation=[means[key] for key in keys]
    )
    lowest = effects.groupby("family", sort=False)["validation"].idxmin()
    return effects.loc[lowest].sort_values("validation").reset_index(drop=True)


def against_early_stopping(table, chosen):
    """Each chosen setting at its last epoch, and at its best, against the twin stopped early.

    Parameters
    ----------
    table : pandas.DataFrame
        As for `chosen_effects`.
    chosen : pandas.DataFrame
        From `chosen_effects`.

    Returns
    -------
    pandas.DataFrame
        A row for the twin and each scheme and checkpoint: mean difference in test loss to the
        twin at its best epoch, with its 95 % interval. The twin's own row at its last epoch is
        what early stopping alone is worth, with its sign turned.

    Examples
    --------
    >>> from lstmreg_utils import study
    >>> from lstmreg_utils.studies import named_study
    >>> table = study(named_study("volume"))
    >>> rows = against_early_stopping(table, chosen_effects(table, family=str))
    >>> bool(rows.set_index(["family", "at"]).loc[("none", "last"), "d_test"] > 0)
    True
    """
    points = {
        at: checkpoint(table, at)
        .fillna({"rate": -1.0})
        .set_index(["arm", "rate", "seed"])
        .sort_index()["test"]
        for at in ("last", "best")
    }
    stopped = points["best"].loc["none", 0.0]
    settings = [("none", "none", 0.0)]
    settings += zip(chosen["family"], chosen["arm"], chosen["rate"].fillna(-1.0), strict=True)
    rows = []
    for family, arm, rate in settings:
        for at, losses in points.items():
            if (arm, at) == ("none", "best"):
                continue
            mean, low, high = interval(losses.loc[arm, rate] - stopped)
            rows.append(
                {"family": family, "arm": arm, "rate": rate if rate >= 0 else float("nan"),
                 "at": at, "d_test": mean, "d_test_low": low, "d_test_high": high}
            )  # fmt: skip
    return pd.DataFrame(rows)
