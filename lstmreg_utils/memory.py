"""How much of one bit a network still has after a lag, and what masks alone would leave of it."""

import numpy as np
import pandas as pd

from .effects import checkpoint, interval

BIT = np.log(2)  # of cross-entropy, in nats


def survival(lag, rate, copies=1):
    """Share of sequences in which a stored value outlives a new mask at every step.

    A value survives one mask with probability 1 - rate and `lag` of them with (1 - rate)^lag;
    one of several independent copies survives more often. With nothing else to go by, that is
    also how many bits of a stored sign can be recalled: an erasure channel has the capacity
    1 - P(erased) (Cover and Thomas 2006, section 7.1.5).

    Parameters
    ----------
    lag : int or ndarray
        Number of masks.
    rate : float
        Probability to drop, in [0, 1].
    copies : int, default=1
        Units that hold the same value, under masks of their own.

    Returns
    -------
    float or ndarray

    Examples
    --------
    >>> survival(10, 0.25), survival(10, 0.25, copies=32)  # doctest: +ELLIPSIS
    (0.056..., 0.843...)
    """
    return 1 - (1 - (1 - rate) ** lag) ** copies


def recall(epochs, at="best"):
    """Bits recalled on the lag task, noise off and noise on, by arm, rate and lag.

    The loss of guessing is ln 2 nats; a loss L therefore recalls 1 - L / ln 2 of the one bit that
    was shown. Below zero, confident errors cost more than guessing would.

    Parameters
    ----------
    epochs : pandas.DataFrame
        From `study`, of runs of the task ``lag_recall``.
    at : {'last', 'best'}, default='best'
        Which epoch of each run.

    Returns
    -------
    pandas.DataFrame
        A row per arm, rate and lag: ``n`` runs; mean and 95 % interval of ``off`` (test split) and
        of ``on`` (training split, noise as in training); ``learned``, the share of runs that
        recall more than half a bit with noise off.

    Raises
    ------
    ValueError
        Runs of another task.

    Examples
    --------
    >>> from lstmreg_utils import study
    >>> from lstmreg_utils.studies import named_study
    >>> table = recall(study(named_study("recall_short")))
    >>> sorted(table["lag"].unique().tolist())
    [5, 10]
    """
    if set(epochs["task"]) != {"lag_recall"}:
        raise ValueError(f"epochs must be of the task lag_recall, got {set(epochs['task'])}")
    chosen = checkpoint(epochs, at)
    lag = chosen["options"].str.extract(r"\blag=(\d+)", expand=False).fillna("20").astype(int)
    chosen = chosen.assign(lag=lag, off=1 - chosen["test"] / BIT, on=1 - chosen["noisy"] / BIT)
    rows = []
    for (arm, rate, lag), runs in chosen.groupby(["arm", "rate", "lag"], sort=False, dropna=False):
        row = {"arm": arm, "rate": rate, "lag": lag, "n": len(runs)}
        for column in ("off", "on"):
            names = (column, f"{column}_low", f"{column}_high")
            row |= dict(zip(names, interval(runs[column]), strict=True))
        rows.append({**row, "learned": (runs["off"] > 0.5).mean()})
    return pd.DataFrame(rows)


def gradient_shares(probes, at="last"):
    """The share of the gradient that reaches the first part of the steps, against the twin's.

    Parameters
    ----------
    probes : pandas.DataFrame
        ``study(runs, table="probes")`` of runs with gradient probes.
    at : {'last', 'best'}, default='last'
        Which weights.

    Returns
    -------
    pandas.DataFrame
        A row per arm, rate and part: mean and 95 % interval of the share, and of the paired
        difference to the twin without noise (``d_share``; NaN for the twin itself).

    Raises
    ------
    ValueError
        A study without gradient probes.

    Examples
    --------
    >>> from lstmreg_utils import study
    >>> from lstmreg_utils.studies import named_study
    >>> table = gradient_shares(study(named_study("recall_gradients"), table="probes"))
    >>> sorted(table["part"].unique().tolist())
    [0.25, 0.5]
    """
    found = probes[(probes["probe"] == "gradient") & (probes["at"] == at)] if len(probes) else []
    if not len(found):
        raise ValueError("probes must hold gradient probes, got none")
    rows = []
    for part, group in found.groupby("level", sort=False):
        twins = group[group["arm"] == "none"].set_index("seed")["value"]
        for (arm, rate), runs in group.groupby(["arm", "rate"], sort=False, dropna=False):
            shares = runs.set_index("seed")["value"]
            differences = shares - twins if arm != "none" else None
            row = {"arm": arm, "rate": rate, "part": part, "n": len(shares)}
            for name, values in (("share", shares), ("d_share", differences)):
                found_interval = (np.nan,) * 3 if values is None else interval(values)
                names = (name, f"{name}_low", f"{name}_high")
                row |= dict(zip(names, found_interval, strict=True))
            rows.append(row)
    return pd.DataFrame(rows)
