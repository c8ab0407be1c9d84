"""How much of one bit a network still has after a lag, and what masks alone would leave of it."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..diagnosis import checkpoint, interval_columns
from ..tasks import options_of
from .style import RC, draw_lines

BIT = np.log(2)  # of cross-entropy, in nats


def survival(masks, rate, copies=1):
    """Share of sequences in which a stored value outlives so many masks, each drawn anew.

    A value survives one mask with probability 1 - rate and n of them with (1 - rate)^n; one of
    several independent `copies` survives more often. With nothing else to go by, that is also how
    many bits of a stored sign can be recalled: an erasure channel has the capacity 1 - P(erased)
    (Cover and Thomas 2006, section 7.1.5). Over a lag a value on c meets lag + 1 masks: the first
    at the step that stores it, the last before it is read.

    Examples
    --------
    >>> survival(10, 0.25), survival(10, 0.25, copies=32)  # doctest: +ELLIPSIS
    (0.056..., 0.843...)
    """
    return 1 - (1 - (1 - rate) ** masks) ** copies


def recall(epochs, at="best"):
    """Bits recalled on the lag task, noise off and noise on, by arm and lag.

    The loss of guessing is ln 2 nats; a loss L therefore recalls 1 - L / ln 2 of the one bit that
    was shown. Below zero, confident errors cost more than guessing would.

    Parameters
    ----------
    epochs : pandas.DataFrame
        From `study`, of runs of the task ``lag_recall``, and of no other.
    at : {'last', 'best'}, default='best'
        Which epoch of each run.

    Returns
    -------
    pandas.DataFrame
        A row per arm and lag: ``n`` runs; mean and 95 % interval of ``off`` (test split) and of
        ``on`` (training split, noise as in training); ``learned``, the share of runs that recall
        more than half a bit with noise off.

    Examples
    --------
    >>> from lstmreg_utils.lab import named_study, study
    >>> table = recall(study(named_study("recall_short")))
    >>> sorted(table["lag"].unique().tolist())
    [5, 10]
    """
    if set(epochs["task"]) != {"lag_recall"}:
        raise ValueError(f"epochs must be of the task lag_recall, got {set(epochs['task'])}")
    if "lag" not in epochs:  # no run names it
        epochs = epochs.assign(lag=options_of("lag_recall")["lag"])
    chosen = checkpoint(epochs, at).sort_values("seed", kind="stable")
    chosen = chosen.assign(off=1 - chosen["test"] / BIT, on=1 - chosen["noisy"] / BIT)
    rows = []
    for (arm, lag), runs in chosen.groupby(["arm", "lag"], sort=False):
        row = {"arm": arm, **runs[["scheme", "rate"]].iloc[0], "lag": lag, "n": len(runs)}
        row |= interval_columns("off", runs["off"]) | interval_columns("on", runs["on"])
        rows.append({**row, "learned": (runs["off"] > 0.5).mean()})
    return pd.DataFrame(rows)


@plt.rc_context(RC)
def recall_curves(recalled, rate, noise="off", copies=(), ax=None):
    """Bits recalled by lag, a line an arm with its intervals.

    Parameters
    ----------
    recalled : pandas.DataFrame
        From `recall`.
    rate : float
        Of the arms to show; the twin without noise is always shown.
    noise : {'off', 'on'}, default='off'
    copies : sequence of int, default=()
        Draw as well what masks on c leave of this many independent copies of a value.
    ax : matplotlib.axes.Axes, optional
    """
    shown = recalled[recalled["rate"].isin([0.0, rate])]
    fig, ax = (ax.figure, ax) if ax else plt.subplots(figsize=(7, 4.2))
    ax.axhline(0, color="0.5", linewidth=0.8)
    for count, dots in zip(copies, (":", "--", "-."), strict=False):
        lags = np.arange(shown["lag"].min(), shown["lag"].max() + 1)
        name = "one unit, never refreshed" if count == 1 else f"{count} units, never refreshed"
        ax.plot(lags, survival(lags + 1, rate, count), color="0.4", linestyle=dots, label=name)
    draw_lines(ax, shown, "lag", noise)
    ax.set_xscale("log")
    ticks = sorted(shown["lag"].unique())
    ax.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
    ax.xaxis.set_minor_locator(plt.NullLocator())
    ax.set(xlabel="lag, in steps", ylabel="bits recalled", title=f"noise {noise}")
    if ax.get_legend() is None:
        ax.legend(fontsize=8)
    return fig
