"""Figures of noise inside the recurrence: recall by lag, and an effect over two rates."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import TwoSlopeNorm

from .arms import rate_at
from .memory import survival
from .style import RC, label, style


def recall_curves(recalled, rate, noise="off", copies=(), ax=None):
    """Bits recalled by lag, a line an arm with its intervals.

    Parameters
    ----------
    recalled : pandas.DataFrame
        From `lstmreg_utils.memory.recall`.
    rate : float
        Of the arms to show; the twin without noise is always shown.
    noise : {'off', 'on'}, default='off'
    copies : sequence of int, default=()
        Draw as well what masks on c leave of this many independent copies of a value.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    shown = recalled[recalled["rate"].isin([0.0, rate])]
    with plt.rc_context(RC):
        fig, ax = (ax.figure, ax) if ax else plt.subplots(figsize=(7, 4.2))
        ax.axhline(0, color="0.5", linewidth=0.8)
        for count, dots in zip(copies, (":", "--", "-."), strict=False):
            lags = np.arange(shown["lag"].min(), shown["lag"].max() + 1)
            name = "one unit, never refreshed" if count == 1 else f"{count} units, never refreshed"
            ax.plot(lags, survival(lags, rate, count), color="0.4", linestyle=dots, label=name)
        for arm, line in shown.groupby("arm", sort=False):
            line = line.sort_values("lag")
            bars = [line[noise] - line[f"{noise}_low"], line[f"{noise}_high"] - line[noise]]
            bars = np.clip(bars, 0, None)
            ax.errorbar(
                line["lag"], line[noise], bars, label=label(arm), capsize=2, elinewidth=1,
                **style(arm),
            )  # fmt: skip
        ax.set_xscale("log")
        ticks = sorted(shown["lag"].unique())
        ax.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
        ax.xaxis.set_minor_locator(plt.NullLocator())
        ax.set_xlabel("lag, in steps")
        ax.set_ylabel("bits recalled")
        ax.set_title(f"noise {noise}")
        if ax.get_legend() is None:
            ax.legend(fontsize=8)
    return fig


def rate_grid(effects, across, up, value="d_test", ax=None):
    """An effect over two rates: its mean in each field, starred where the interval leaves out 0.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `compare`, of one task, setting and checkpoint; every arm has noise at `across`, at
        `up`, or at both.
    across, up : str
        Two places, as in an arm.
    value : str, default='d_test'
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    cells = {(0.0, 0.0): (0.0, "twin")}
    for row in effects.itertuples():
        mean = getattr(row, value)
        low, high = getattr(row, f"{value}_low"), getattr(row, f"{value}_high")
        text = f"{mean:+.3f}".replace("-", "−") + ("*" if low > 0 or high < 0 else "")
        cells[rate_at(across, row.arm, row.rate), rate_at(up, row.arm, row.rate)] = mean, text
    columns, rows = (sorted({rates[axis] for rates in cells}) for axis in (0, 1))
    means = np.array([[cells.get((x, y), (np.nan, ""))[0] for x in columns] for y in rows])
    reach = max(float(np.nanmax(np.abs(means))), 1e-9)
    with plt.rc_context(RC):
        fig, ax = (ax.figure, ax) if ax else plt.subplots(figsize=(4.5, 3.4))
        ax.imshow(means, cmap="RdBu_r", norm=TwoSlopeNorm(0, -2 * reach, 2 * reach), origin="lower")
        for j, x in enumerate(columns):
            for i, y in enumerate(rows):
                ax.text(j, i, cells.get((x, y), (0, ""))[1], ha="center", va="center", fontsize=10)
        ax.set_xticks(range(len(columns)), [f"{x:g}" for x in columns])
        ax.set_yticks(range(len(rows)), [f"{y:g}" for y in rows])
        ax.set_xlabel(label(across))
        ax.set_ylabel(label(up))
    return fig
