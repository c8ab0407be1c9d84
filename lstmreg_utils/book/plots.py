"""Tables and effects -> matplotlib figures, one from each function.

How they look is said in `lstmreg_utils.book.style`. Where there is an `ax`, it is drawn into; a
`margin` is drawn as a grey band of differences that do not matter. A figure of its own is as wide
as a phone shows it whole.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from ..diagnosis import HELPED, OVER, WORKS, WORSE, Comparison
from ..lab import arm, describe, look
from .style import LINES, RC, draw_as, draw_lines, error_bars, in_lines, title_of

TICKS = (-1, -0.3, -0.1, -0.05, 0, 0.05, 0.1, 0.3, 1)
WIDTH = 4.2  # inches: all of it is seen on a phone of 360 pixels
MOST_IN_A_LEGEND = 4  # of more lines, each has its name beside it
AXIS = {"d_test": "Δtest", "d_train": "Δtrain", "noise_cost": "noise cost"}


@plt.rc_context(RC)
def curves(table, columns=("train", "noisy", "test"), floor=None, log=True, ncols=2, size=None):
    """Loss by epoch, a panel an arm: the median over seeds, and the band of the middle 80 %.

    Parameters
    ----------
    table : pandas.DataFrame
        As for `compare`, of one task and setting. Panels come in the order of its arms.
    columns : sequence of {'train', 'noisy', 'reported', 'validation', 'test'}
    floor : float, optional
        The best possible expected loss, drawn as a line.
    log : bool, default=True
    ncols : int, default=2
        Panels side by side.
    size : tuple of (float, float), optional
        Of the figure, in inches.
    """
    arms = list(Comparison(table).table.groupby("arm", sort=False))
    ncols = min(ncols, len(arms))
    nrows = -(-len(arms) // ncols)
    size = size or (WIDTH, 0.6 + 2.4 * nrows)
    fig, axes = plt.subplots(nrows, ncols, figsize=size, sharex=True, sharey=True, squeeze=False)
    for ax, (name, group) in zip(axes.flat, arms, strict=False):
        color = draw_as(group["scheme"].iloc[0])["color"]
        for column in columns:
            low, middle, high = band(group, column)
            ax.plot(middle.index, middle, color=color, linestyle=LINES[column][0])
            ax.fill_between(middle.index, low, high, color=color, alpha=0.15, linewidth=0)
        if floor is not None:
            ax.axhline(floor, color="0.4", linewidth=1)
        ax.set_title(f"{title_of(name)}\nn = {group['seed'].nunique()}", fontsize=10)
        ax.set_yscale("log" if log else "linear")
    for ax in axes.flat[len(arms) :]:
        ax.remove()
    fig.supxlabel("epoch")
    fig.supylabel("loss")
    looks = [LINES[column] for column in columns]
    handles = [Line2D([], [], color="0.2", linestyle=line, label=label) for line, label in looks]
    fig.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=9.5)
    return fig


@plt.rc_context(RC)
def plane(effects, scale=0.01, ax=None):
    """The regularization plane: Δtrain across, Δtest up, a path an arm as its rate rises.

    Above its diagonal, the line of equal gaps, the gap is wider than the twin's.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `compare`, of one task and setting.
    scale : float, default=0.01
        Differences smaller than this are drawn to scale, larger ones by their logarithm.
    """
    fig, ax = (ax.figure, ax) if ax else plt.subplots(figsize=(WIDTH, 4.7))
    ax.axhline(0, color="0.5", linewidth=0.8)
    ax.axvline(0, color="0.5", linewidth=0.8)
    ax.axline((-1, -1), (1, 1), color="0.5", linewidth=0.8, linestyle=":")
    for scheme, path in effects.groupby("scheme", sort=False):
        path = path.sort_values("rate")
        marks = draw_as(scheme)
        ax.plot([0, *path["d_train"]], [0, *path["d_test"]], color=marks["color"], alpha=0.5)
        ax.errorbar(
            path["d_train"], path["d_test"],
            error_bars(path, "d_test"), error_bars(path, "d_train"),
            linestyle="none", label=look(scheme).label, elinewidth=1, **marks,
        )  # fmt: skip
        for point in path.dropna(subset="rate").itertuples():
            ax.annotate(
                f"{point.rate:g}", (point.d_train, point.d_test), (5, 5),
                textcoords="offset points", fontsize=8, color=marks["color"],
            )  # fmt: skip
    ends = [effects[[f"{value}_low", f"{value}_high"]] for value in ("d_train", "d_test")]
    across, up = (3 * max(both.abs().max().max(), scale) for both in ends)
    ax.set_xscale("symlog", linthresh=scale, linscale=0.4)
    ax.set_yscale("symlog", linthresh=scale, linscale=0.4)
    decades = [tick for tick in (0.01, 0.1, 1, 10) if tick >= 5 * scale]
    for axis in (ax.xaxis, ax.yaxis):  # others would stand in one another's way
        axis.set_major_locator(FixedLocator([*(-tick for tick in decades), 0, *decades]))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(_decimal)
    ax.plot(0, 0, "o", color="black", zorder=3)
    ax.annotate("twin", (0, 0), (-6, 5), textcoords="offset points", ha="right")
    corners = {WORKS: (0.98, 0.02), OVER: (0.98, 0.98), WORSE: (0.02, 0.98), HELPED: (0.02, 0.02)}
    for name, (x, y) in corners.items():
        ax.text(
            x, y, name, transform=ax.transAxes, color="0.35", style="italic",
            ha="right" if x > 0.5 else "left", va="top" if y > 0.5 else "bottom",
        )  # fmt: skip
    ax.set(
        xlim=(-across, across), xlabel="Δtrain: training loss against the twin",
        ylim=(-up, up), ylabel="Δtest: test loss against the twin",
    )  # fmt: skip
    ax.tick_params(labelsize=9)
    _name_lines(ax)
    return fig


@plt.rc_context(RC)
def rates(effects, value="d_test", margin=None, scale=0.1, ax=None):
    """An effect by rate, a line an arm, with its intervals.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `compare`, of one task and setting.
    value : {'d_test', 'd_train', 'noise_cost'}
    scale : float, default=0.1
        Differences smaller than this are drawn to scale, larger ones by their logarithm.
    """
    fig, ax = (ax.figure, ax) if ax else plt.subplots(figsize=(WIDTH, 3.8))
    if margin is not None:
        ax.axhspan(-margin, margin, color="0.9")
    ax.axhline(0, color="0.5", linewidth=0.8)
    draw_lines(ax, effects, "rate", value)
    ax.set_yscale("symlog", linthresh=scale, linscale=2)
    low, high = ax.get_ylim()
    ax.set_yticks([tick for tick in TICKS if low <= tick <= high])
    ax.yaxis.set_major_formatter(_decimal)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="rate", ylabel=AXIS[value])
    if not fig.legends:  # of several panels the first says it for all
        _name_lines(ax)
    return fig


@plt.rc_context(RC)
def forest(effects, value="d_test", margin=None, ax=None):
    """One effect an arm with its interval: at the last epoch filled, at the best one open.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `compare`, of one task and setting; both checkpoints may be concatenated. A column
        ``name``, if there is one, says what stands beside a row instead of its arm.
    value : {'d_test', 'd_train', 'noise_cost'}
    """
    effects = effects.reset_index(drop=True)
    if "name" not in effects:
        effects = effects.assign(name=effects["arm"].map(title_of))
    names = list(dict.fromkeys(effects["name"]))
    fig, ax = (ax.figure, ax) if ax else plt.subplots(figsize=(WIDTH, 1.2 + 0.5 * len(names)))
    if margin is not None:
        ax.axvspan(-margin, margin, color="0.9")
    ax.axvline(0, color="0.5", linewidth=0.8)
    for row in effects.itertuples():
        height = len(names) - 1 - names.index(row.name)
        best = row.at == "best"
        marks = draw_as(row.scheme)
        ax.errorbar(
            getattr(row, value), height + (-0.15 if best else 0.15),
            xerr=error_bars(effects.loc[[row.Index]], value),
            capsize=2, markerfacecolor="white" if best else marks["color"], **marks,
        )  # fmt: skip
    ax.set_yticks(range(len(names)), [in_lines(name) for name in names[::-1]], fontsize=10)
    ax.set_xlabel(AXIS[value])
    ax.xaxis.set_major_formatter(_decimal)
    handles = [
        Line2D([], [], color="0.3", marker="o", linestyle="none", label=f"at the {at} epoch",
               markerfacecolor="white" if at == "best" else "0.3")
        for at in dict.fromkeys(effects["at"])
    ]  # fmt: skip
    if not fig.legends:  # of several panels the first says it for all
        fig.legend(handles=handles, loc="outside upper center", ncols=2)
    return fig


@plt.rc_context(RC)
def degradation(found, size=(4.1, 3.4)):
    """Test loss under damaged inputs, a panel a kind of damage, a line an arm.

    Parameters
    ----------
    found : pandas.DataFrame
        From `probe_effects` of the kinds "noise" and "missing", above the test loss.
    size : tuple of (float, float)
        Width and height of the figure in inches.
    """
    kinds = {"noise": "noise added (std)", "missing": "share of values missing"}
    probes = found["probe"].unique()
    fig, axes = plt.subplots(1, len(probes), figsize=size, sharey=True, squeeze=False)
    for ax, probe in zip(axes.flat, probes, strict=True):
        for name, line in found[found["probe"] == probe].groupby("arm", sort=False):
            clean = (line["found"] - line["value"]).iloc[0]
            marks = draw_as(line["scheme"].iloc[0])
            ax.plot([0, *line["level"]], [clean, *line["found"]], label=title_of(name), **marks)
        ax.set_xlabel(kinds[probe])
    axes[0, 0].set_ylabel("test loss")
    _name_lines(axes[0, 0])
    return fig


@plt.rc_context(RC)
def rate_grid(effects, across, up, rates, value="d_test", ax=None):
    """An effect over two rates: its mean in each field, starred where the interval leaves out 0.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `compare`, of one task, setting and checkpoint.
    across, up : str
        Two places, as for `arm`.
    rates : tuple of two sequences of float
        The rates across and up; 0 is no noise there. Arms that the effects lack are left empty.
    value : str, default='d_test'
    """
    rows = effects.set_index("arm")
    columns, lines = (sorted(some) for some in rates)
    means, texts = np.full((len(lines), len(columns)), np.nan), {(0, 0): "twin"}
    means[0, 0] = 0.0
    for (j, x), (i, y) in itertools.product(enumerate(columns), enumerate(lines)):
        both = arm(across, x), arm(up, y)  # a label names places in the order they were given in
        names = {describe(one + other).arm for one, other in (both, both[::-1])}
        for row in (rows.loc[name] for name in names.intersection(rows.index)):
            means[i, j] = row[value]
            certain = row[f"{value}_low"] > 0 or row[f"{value}_high"] < 0
            texts[i, j] = f"{row[value]:+.3f}".replace("-", "−") + ("*" if certain else "")
    reach = max(float(np.nanmax(np.abs(means))), 1e-9)
    fig, ax = (ax.figure, ax) if ax else plt.subplots(figsize=(4.5, 3.4))
    ax.imshow(means, cmap="RdBu_r", norm=TwoSlopeNorm(0, -2 * reach, 2 * reach), origin="lower")
    for (i, j), text in texts.items():
        ax.text(j, i, text, ha="center", va="center", fontsize=10)
    ax.set_xticks(range(len(columns)), [f"{x:g}" for x in columns])
    ax.set_yticks(range(len(lines)), [f"{y:g}" for y in lines])
    ax.set(xlabel=look(across).label, ylabel=look(up).label)
    return fig


def stack(effects):
    """Put the effects at several checkpoints, as ``{"last": ..., "best": ...}``, in one table."""
    return pd.concat(effects.values(), ignore_index=True)


def band(group, column):
    """The 10 %, 50 % and 90 % quantiles over seeds, each a series by epoch."""
    by_epoch = group.groupby("epoch")[column]
    return by_epoch.quantile(0.1), by_epoch.median(), by_epoch.quantile(0.9)


def _name_lines(ax):
    """Say which line is which: in a legend above the figure, or of many beside their ends."""
    handles, labels = ax.get_legend_handles_labels()
    if len(labels) <= MOST_IN_A_LEGEND:
        where = {"loc": "outside upper center", "ncols": 2, "fontsize": 9.5}
        ax.figure.legend(handles, labels, **where)
        return
    lines = [handle.lines[0] for handle in handles]
    ends = np.array([(line.get_xdata()[-1], line.get_ydata()[-1]) for line in lines])
    heights = ax.transData.transform(ends)[:, 1] * 72 / ax.figure.dpi
    lowest = -np.inf
    for place in np.argsort(heights):  # from below, each at least a line above the one before
        lowest = max(lowest + 11, heights[place])
        beside = {"textcoords": "offset points", "ha": "right", "va": "center", "fontsize": 9}
        shift = (-9, lowest - heights[place])
        ax.annotate(labels[place], ends[place], shift, color=lines[place].get_color(), **beside)


def _decimal(tick, _position=None):
    """Without powers, with a true minus sign."""
    return f"{tick:g}".replace("-", "−")


def percent(tick, _position=None):
    """A share as a percentage, with its sign."""
    return f"{100 * tick:+.0f} %".replace("-", "−") if tick else "0"
