"""Tables and effects -> matplotlib figures. How they look is said in `lstmreg_utils.style`."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from .effects import HELPED, OVER, WORKS, WORSE
from .style import LINES, RC, label, style

TICKS = (-1, -0.3, -0.1, -0.05, 0, 0.05, 0.1, 0.3, 1)
AXIS = {"d_test": "Δtest", "d_train": "Δtrain", "noise_cost": "noise cost"}


def curves(table, columns=("train", "noisy", "test"), floor=None, log=True, ncols=3, size=None):
    """Loss by epoch, a panel an arm: the median over seeds, and the band of the middle 80 %.

    Parameters
    ----------
    table : pandas.DataFrame
        From `study`, of one task and setting. Panels come in the order of its arms and rates.
    columns : sequence of {'train', 'noisy', 'reported', 'validation', 'test'}
    floor : float, optional
        The best possible expected loss, drawn as a line.
    log : bool, default=True
        Whether the loss is on a logarithmic scale.
    ncols : int, default=3
        Panels side by side.
    size : tuple of (float, float), optional
        Width and height of the figure in inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    arms = list(table.groupby(["arm", "rate"], sort=False, dropna=False))
    ncols = min(ncols, len(arms))
    nrows = -(-len(arms) // ncols)
    with plt.rc_context(RC):
        fig, axes = plt.subplots(
            nrows,
            ncols,
            figsize=size or (2.7 * ncols, 2.8 * nrows),
            sharex=True,
            sharey=True,
            squeeze=False,
        )
        for ax, ((arm, rate), group) in zip(axes.flat, arms, strict=False):
            color = style(arm)["color"]
            for column in columns:
                low, middle, high = band(group, column)
                ax.plot(middle.index, middle, color=color, linestyle=LINES[column][0])
                ax.fill_between(middle.index, low, high, color=color, alpha=0.15, linewidth=0)
            if floor is not None:
                ax.axhline(floor, color="0.4", linewidth=1)
            seeds = group["seed"].nunique()
            ax.set_title(f"{_named(arm, rate)}  (n = {seeds})")
            ax.set_yscale("log" if log else "linear")
        for ax in axes.flat[len(arms) :]:
            ax.remove()
        fig.supxlabel("epoch")
        fig.supylabel("loss")
        handles = [
            Line2D([], [], color="0.2", linestyle=LINES[c][0], label=LINES[c][1]) for c in columns
        ]
        fits = len(columns) if ncols > 2 else 2
        fig.legend(handles=handles, loc="outside upper center", ncols=fits)
    return fig


def plane(effects, scale=0.01, ax=None):
    """The regularization plane: Δtrain across, Δtest up, a path an arm as its rate rises.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `compare`, of one task and setting.
    scale : float, default=0.01
        Differences smaller than this are drawn to scale, larger ones by their logarithm.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    with plt.rc_context(RC):
        fig, ax = (ax.figure, ax) if ax else plt.subplots(figsize=(7, 5.4))
        ax.axhline(0, color="0.5", linewidth=0.8)
        ax.axvline(0, color="0.5", linewidth=0.8)
        for arm, path in effects.groupby("arm", sort=False):
            path = path.sort_values("rate")
            look = style(arm)
            ax.plot([0, *path["d_train"]], [0, *path["d_test"]], color=look["color"], alpha=0.5)
            ax.errorbar(
                path["d_train"], path["d_test"], _bars(path, "d_test"), _bars(path, "d_train"),
                linestyle="none", label=label(arm), elinewidth=1, **look,
            )  # fmt: skip
            for point in path.dropna(subset="rate").itertuples():
                ax.annotate(
                    f"{point.rate:g}", (point.d_train, point.d_test), (5, 5),
                    textcoords="offset points", fontsize=8, color=look["color"],
                )  # fmt: skip
        ax.set_xscale("symlog", linthresh=scale, linscale=0.6)
        ax.set_yscale("symlog", linthresh=scale, linscale=0.6)
        for axis, limits, value in (
            (ax.xaxis, ax.set_xlim, "d_train"),
            (ax.yaxis, ax.set_ylim, "d_test"),
        ):
            axis.set_major_formatter(FuncFormatter(_decimal))
            reach = effects[[f"{value}_low", f"{value}_high"]].abs().max().max()
            limits(-3 * max(reach, scale), 3 * max(reach, scale))
        ax.plot(0, 0, "o", color="black", zorder=3)
        ax.annotate("twin", (0, 0), (-6, 5), textcoords="offset points", ha="right")
        corners = {
            WORKS: (0.98, 0.02),
            OVER: (0.98, 0.98),
            WORSE: (0.02, 0.98),
            HELPED: (0.02, 0.02),
        }
        for name, (x, y) in corners.items():
            ax.text(
                x, y, name, transform=ax.transAxes, color="0.35", style="italic",
                ha="right" if x > 0.5 else "left", va="top" if y > 0.5 else "bottom",
            )  # fmt: skip
        ax.set_xlabel("Δtrain: training loss against the twin, dropout off")
        ax.set_ylabel("Δtest: test loss against the twin")
        fig.legend(loc="outside upper center", ncols=3)
    return fig


def rates(effects, value="d_test", margin=None, scale=0.1, ax=None):
    """An effect by rate, a line an arm, with its intervals.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `compare`, of one task and setting.
    value : {'d_test', 'd_train', 'noise_cost'}
    margin : float, optional
        Drawn as a grey band of differences that do not matter.
    scale : float, default=0.1
        Differences smaller than this are drawn to scale, larger ones by their logarithm.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    with plt.rc_context(RC):
        fig, ax = (ax.figure, ax) if ax else plt.subplots(figsize=(7, 4.2))
        if margin is not None:
            ax.axhspan(-margin, margin, color="0.9", label="no difference")
        ax.axhline(0, color="0.5", linewidth=0.8)
        for arm, line in effects.groupby("arm", sort=False):
            line = line.sort_values("rate")
            ax.errorbar(
                line["rate"], line[value], yerr=_bars(line, value), label=label(arm),
                elinewidth=1, capsize=2, **style(arm),
            )  # fmt: skip
        ax.set_yscale("symlog", linthresh=scale, linscale=2)
        low, high = ax.get_ylim()
        ax.set_yticks([tick for tick in TICKS if low <= tick <= high])
        ax.yaxis.set_major_formatter(FuncFormatter(_decimal))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("rate")
        ax.set_ylabel(AXIS[value])
        ax.legend()
    return fig


def forest(effects, value="d_test", margin=None):
    """One effect an arm with its interval: at the last epoch filled, at the best one open.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `compare`, of one task and setting; both checkpoints may be concatenated. A column
        ``name``, if there is one, says what stands beside a row instead of its arm and rate.
    value : {'d_test', 'd_train', 'noise_cost'}
    margin : float, optional
        Drawn as a grey band of differences that do not matter.

    Returns
    -------
    matplotlib.figure.Figure
    """
    # An arm of several rates, or of none, has no number.
    effects = effects.reset_index(drop=True).fillna({"rate": 0.0})
    if "name" not in effects:
        named = [_named(row.arm, row.rate) for row in effects.itertuples()]
        effects = effects.assign(name=named)
    names = list(dict.fromkeys(effects["name"]))
    with plt.rc_context(RC):
        fig, ax = plt.subplots(figsize=(7, 1.2 + 0.5 * len(names)))
        if margin is not None:
            ax.axvspan(-margin, margin, color="0.9")
        ax.axvline(0, color="0.5", linewidth=0.8)
        for row in effects.itertuples():
            height = len(names) - 1 - names.index(row.name)
            best = row.at == "best"
            look = style(row.arm)
            ax.errorbar(
                getattr(row, value), height + (-0.15 if best else 0.15),
                xerr=_bars(effects.loc[[row.Index]], value),
                capsize=2, markerfacecolor="white" if best else look["color"], **look,
            )  # fmt: skip
        ax.set_yticks(range(len(names)), names[::-1])
        ax.set_xlabel(AXIS[value])
        handles = [
            Line2D([], [], color="0.3", marker="o", linestyle="none", label=f"at the {at} epoch",
                   markerfacecolor="white" if at == "best" else "0.3")
            for at in dict.fromkeys(effects["at"])
        ]  # fmt: skip
        fig.legend(handles=handles, loc="outside upper center", ncols=2)
    return fig


def degradation(rises, size=(7.2, 3.4)):
    """Test loss under damaged inputs, a panel a kind of damage, a line an arm.

    Parameters
    ----------
    rises : pandas.DataFrame
        From `lstmreg_utils.robustness.rises`.
    size : tuple of (float, float)
        Width and height of the figure in inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    kinds = {"noise": "standard deviation of added noise", "missing": "share of values missing"}
    with plt.rc_context(RC):
        probes = rises["probe"].unique()
        fig, axes = plt.subplots(1, len(probes), figsize=size, sharey=True, squeeze=False)
        for ax, probe in zip(axes.flat, probes, strict=True):
            for (arm, rate), line in rises[rises["probe"] == probe].groupby(
                ["arm", "rate"], sort=False, dropna=False
            ):
                clean = (line["test"] - line["rise"]).iloc[0]
                name = _named(arm, rate)
                ax.plot([0, *line["level"]], [clean, *line["test"]], label=name, **style(arm))
            ax.set_xlabel(kinds[probe])
        axes[0, 0].set_ylabel("test loss")
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def stack(effects):
    """Put the effects at several checkpoints, as ``{"last": ..., "best": ...}``, in one table."""
    return pd.concat(effects.values(), ignore_index=True)


def band(group, column):
    """The 10 %, 50 % and 90 % quantiles over seeds, each a series by epoch."""
    by_epoch = group.groupby("epoch")[column]
    return by_epoch.quantile(0.1), by_epoch.median(), by_epoch.quantile(0.9)


def _decimal(tick, _position=None):
    """Write a tick without powers, with a true minus sign."""
    return f"{tick:g}".replace("-", "−")


def _named(arm, rate):
    """An arm with its rate, if it has one."""
    return label(arm) + (f" {rate:g}" if rate > 0 else "")


def _bars(effects, value):
    """Lengths of error bars. A BCa interval may leave out the mean: then the bar has no length."""
    low = effects[value] - effects[f"{value}_low"]
    high = effects[f"{value}_high"] - effects[value]
    return np.clip([low, high], 0, None)
