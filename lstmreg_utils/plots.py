"""Tables and effects -> matplotlib figures. One colour and one marker an arm in the whole book."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D

from .effects import HELPED, OVER, WORKS, WORSE

# Okabe and Ito's colours, which people with any colour vision can tell apart; the same arm at
# another mask is a lighter or darker kin. Markers repeat the distinction for print.
STYLES = {
    "none": ("#000000", "o"),
    "input": ("#0072B2", "s"),
    "input:sequence": ("#56B4E9", "D"),
    "between": ("#E69F00", "^"),
    "between:sequence": ("#8A6D00", "v"),
    "output": ("#D55E00", "P"),
    "dropout": ("#009E73", "X"),
    "recurrent_dropout": ("#CC79A7", "<"),
    "dropout+recurrent_dropout": ("#5D3A9B", ">"),
}
SPARE = (("#666666", "h"), ("#A6761D", "p"), ("#1B9E77", "*"), ("#7570B3", "d"))

# A line's meaning: what is measured with dropout off is solid or dashed, with it on dotted.
LINES = {
    "train": ("-", "training, dropout off"),
    "noisy": (":", "training, dropout on"),
    "reported": ("-.", "training, as Keras reports it"),
    "validation": ((0, (4, 2)), "validation"),
    "test": ("--", "test"),
}

# Opaque and light, so that a figure reads the same on a light and on a dark page.
RC = {
    "figure.facecolor": "#FFFFFF",
    "savefig.facecolor": "#FFFFFF",
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "legend.frameon": False,
    "svg.hashsalt": "lstmreg_utils",  # the same figure is the same file
}


def style(arm):
    """Colour and marker of an arm, for a figure of your own.

    Examples
    --------
    >>> style("none")
    {'color': '#000000', 'marker': 'o'}
    """
    base = arm.partition("@")[0]
    color, marker = STYLES.get(arm) or STYLES.get(base) or SPARE[sum(map(ord, arm)) % len(SPARE)]
    return {"color": color, "marker": marker}


def label(arm):
    """How figures write an arm's name."""
    names = {"input:sequence": "input, per sequence", "input": "input, per step",
             "between": "between layers", "between:sequence": "between layers, per sequence",
             "output": "after the output", "none": "no dropout",
             "dropout+recurrent_dropout": "both arguments"}  # fmt: skip
    return names.get(arm, arm)


def curves(table, columns=("train", "noisy", "test"), floor=None, log=True, ncols=3):
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

    Returns
    -------
    matplotlib.figure.Figure
    """
    arms = list(table.groupby(["arm", "rate"], sort=False))
    ncols = min(ncols, len(arms))
    nrows = -(-len(arms) // ncols)
    with plt.rc_context(RC):
        fig, axes = plt.subplots(
            nrows,
            ncols,
            figsize=(3.4 * ncols, 2.9 * nrows),
            sharex=True,
            sharey=True,
            squeeze=False,
        )
        for ax, ((arm, rate), group) in zip(axes.flat, arms, strict=False):
            color = style(arm)["color"]
            for column in columns:
                low, middle, high = _quantiles(group, column)
                ax.plot(middle.index, middle, color=color, linestyle=LINES[column][0])
                ax.fill_between(middle.index, low, high, color=color, alpha=0.15, linewidth=0)
            if floor is not None:
                ax.axhline(floor, color="0.4", linewidth=1)
                ax.annotate("floor", (1, floor), (0, 3), textcoords="offset points", color="0.3")
            seeds = group["seed"].nunique()
            ax.set_title(label(arm) + (f" {rate:g}" if rate > 0 else "") + f"  (n = {seeds})")
            ax.set_yscale("log" if log else "linear")
        for ax in axes.flat[len(arms) :]:
            ax.remove()
        fig.supxlabel("epoch")
        fig.supylabel("loss")
        handles = [
            Line2D([], [], color="0.2", linestyle=LINES[c][0], label=LINES[c][1]) for c in columns
        ]
        fig.legend(handles=handles, loc="outside upper center", ncols=len(columns))
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
                path["d_train"], path["d_test"], xerr=_bars(path, "d_train"),
                yerr=_bars(path, "d_test"), linestyle="none", label=label(arm), elinewidth=1, **look,
            )  # fmt: skip
            for point in path.itertuples():
                ax.annotate(
                    f"{point.rate:g}", (point.d_train, point.d_test), (5, 5),
                    textcoords="offset points", fontsize=8, color=look["color"],
                )  # fmt: skip
        for setter, low, high in (
            (ax.set_xscale, effects["d_train_low"].min(), effects["d_train_high"].max()),
            (ax.set_yscale, effects["d_test_low"].min(), effects["d_test_high"].max()),
        ):
            setter("symlog", linthresh=scale)
            reach = 1.6 * max(abs(low), abs(high), 2 * scale)
            (ax.set_xlim if setter == ax.set_xscale else ax.set_ylim)(-reach, reach)
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
        fig.legend(loc="outside right upper")
    return fig


def rates(effects, value="d_test", margin=None, ax=None):
    """An effect by rate, a line an arm, with its intervals.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `compare`, of one task and setting.
    value : {'d_test', 'd_train', 'noise_cost'}
    margin : float, optional
        Drawn as a grey band of differences that do not matter.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    titles = {"d_test": "Δtest", "d_train": "Δtrain", "noise_cost": "noise cost"}
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
        ax.set_xlabel("rate")
        ax.set_ylabel(f"{titles[value]}, loss against the twin")
        ax.legend()
    return fig


def forest(effects, value="d_test", margin=None):
    """One effect an arm with its interval: at the last epoch filled, at the best one open.

    Parameters
    ----------
    effects : pandas.DataFrame
        From `compare`, of one task and setting; both checkpoints may be concatenated.
    value : {'d_test', 'd_train', 'noise_cost'}
    margin : float, optional
        Drawn as a grey band of differences that do not matter.

    Returns
    -------
    matplotlib.figure.Figure
    """
    arms = list(dict.fromkeys(zip(effects["arm"], effects["rate"], strict=True)))
    with plt.rc_context(RC):
        fig, ax = plt.subplots(figsize=(7, 1.2 + 0.5 * len(arms)))
        if margin is not None:
            ax.axvspan(-margin, margin, color="0.9")
        ax.axvline(0, color="0.5", linewidth=0.8)
        for row in effects.itertuples():
            height = len(arms) - 1 - arms.index((row.arm, row.rate))
            best = row.at == "best"
            look = style(row.arm)
            mean = getattr(row, value)
            ax.errorbar(
                mean, height + (-0.15 if best else 0.15), capsize=2,
                xerr=[[mean - getattr(row, f"{value}_low")], [getattr(row, f"{value}_high") - mean]],
                markerfacecolor="white" if best else look["color"], **look,
            )  # fmt: skip
        ax.set_yticks(range(len(arms)), [f"{label(a)} {r:g}" for a, r in reversed(arms)])
        ax.set_xlabel({"d_test": "Δtest", "d_train": "Δtrain", "noise_cost": "noise cost"}[value])
        handles = [
            Line2D([], [], color="0.3", marker="o", linestyle="none", label=f"at the {at} epoch",
                   markerfacecolor="white" if at == "best" else "0.3")
            for at in dict.fromkeys(effects["at"])
        ]  # fmt: skip
        fig.legend(handles=handles, loc="outside upper center", ncols=2)
    return fig


def _quantiles(group, column):
    by_epoch = group.groupby("epoch")[column]
    return by_epoch.quantile(0.1), by_epoch.median(), by_epoch.quantile(0.9)


def _bars(effects, value):
    """Lengths of error bars. A BCa interval may leave out the mean: then the bar has no length."""
    low = effects[value] - effects[f"{value}_low"]
    high = effects[f"{value}_high"] - effects[value]
    return np.clip([low, high], 0, None)
