"""Recorded kernel times -> one matplotlib figure, narrow enough to be read on a phone."""

import textwrap

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator

from ..kernels.costs import TYPED, T, kernel_costs, written
from ..kernels.time_files import REFERENCE, tidy
from .style import RC

# Okabe and Ito's colours, as in `lstmreg_utils.lab.places`; hatches repeat the distinction for
# print.
WAYS = {
    "fused kernel": ("#009E73", ""), "compiled loop": ("#56B4E9", "///"), "loop": ("#D55E00", ""),
}  # fmt: skip
HERE = "here"
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "torch"}
LABELS = {
    typed: typed.removeprefix("LSTM(").removesuffix(")").replace("=0.3", "").replace(", ", ",\n")
    for typed in TYPED
} | {"WeightDropLSTM(weight_drop=0.3)": "weight drop", "ZoneoutLSTM()": "zoneout"}
# In inches. At 390 pixels a phone shows the figure at nine tenths of its size.
WIDTH, BAR, TITLE, LEGEND = 4.3, 0.25, 0.5, 0.3


@plt.rc_context(RC | {"font.size": 9, "axes.titlesize": 10, "hatch.linewidth": 0.6})
def kernel_panels(table, own=None, T=T):
    """What a training step costs, as a multiple of the plain LSTM's: a panel a record.

    A bar is the median of the ratios within a round, a whisker reaches from their first to their
    third quartile, a colour says how the step ran in `fit`. What was not measured is not drawn.

    Parameters
    ----------
    table : pandas.DataFrame
        From `lstmreg_utils.kernels.recorded_times`, or a part of it. Cards stand first.
    own : dict, optional
        A reader's own record, from `kernel_times`: the first panel.
    T : int, default=200
        Length of the sequences.

    Raises
    ------
    ValueError
        Nothing of this length is to be drawn, or `own` is no such record.
    """
    if own is not None:
        table = pd.concat([tidy(own, HERE), table], ignore_index=True)
    costs = kernel_costs(table, T)
    costs = costs[costs["typed"] != "LSTM()"]
    if not len(costs):
        raise ValueError(f"table must have rows of T = {T} and other arms than {REFERENCE}")
    # Two ways to type one thing are one bar, unless they differ.
    same = costs.duplicated(["record", "arm"], keep="last")
    panels = dict([*costs[~same].groupby("record", sort=False)])
    order = sorted(panels, key=lambda name: _place(name, panels[name].iloc[0]))
    heights = [len(panels[name]) * BAR + TITLE for name in order]
    size = WIDTH, sum(heights) + LEGEND + 0.3
    fig, axes = plt.subplots(
        len(order), 1, figsize=size, sharex=True, squeeze=False, height_ratios=heights
    )
    for ax, name in zip(axes.flat, order, strict=True):
        _draw(ax, panels[name].reset_index(drop=True))
        backend = panels[name]["backend"].iloc[0]
        here = f"{HERE}: " if name == HERE else ""
        fused = name in {*table[(table["arm"] == REFERENCE) & (table["kernel"] == "fused")].record}
        what = "1 = fused kernel" if fused else "1 = a plain loop"
        machine = panels[name]["machine"].iloc[0].partition(" Processor")[0].replace("CPU: ", "")
        title = f"{here}{_named(backend)}, {machine} ({what})"
        ax.set_title(textwrap.fill(title, 52), loc="left", x=-0.3)
    _scale(axes.flat, costs)
    axes[-1, 0].set_xlabel(f"time of a training step, T = {T}")
    handles = [
        Patch(facecolor=color, hatch=hatch, edgecolor="white", label=way)
        for way, (color, hatch) in WAYS.items()
        if way in {*costs["way"]}
    ]
    fig.legend(handles=handles, loc="outside upper center", ncols=3)
    return fig


def _place(name, row):
    """The reader's own stands first, then cards; TensorFlow before JAX before torch."""
    backend = row["backend"].partition(" ")[0]
    return name != HERE, row["machine"].startswith("CPU"), [*BACKENDS].index(backend), name


def _named(backend):
    return BACKENDS[backend.partition(" ")[0]]


def _draw(ax, rows):
    """The bars of one record, each with its whisker and its number."""
    ax.axvline(1, color="0.4", linewidth=1)
    for y, row in rows.iterrows():
        ratio, low, high = row["ratio"], row["q1"], row["q3"]
        color, hatch = WAYS[row["way"]]
        ax.barh(y, ratio - 1, left=1, color=color, hatch=hatch, edgecolor="white", linewidth=0.5)
        ax.errorbar(ratio, y, xerr=[[ratio - low], [high - ratio]], color="0.45", capsize=2)
        look = {"textcoords": "offset points", "va": "center", "fontsize": 9}
        ax.annotate(written(ratio), (max(high, 1), y), (4, 0), fontweight="bold", **look)
    ax.set_yticks(range(len(rows)), [LABELS[typed] for typed in rows["typed"]])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(labelbottom=True)  # the other panels may be off the screen


def _scale(axes, costs):
    """A logarithmic axis for all panels, with room at the right for the numbers."""
    low, high = min(1, costs["q1"].min()), max(2, costs["q3"].max())
    for ax in axes:
        ax.set_xscale("log")
        ax.set_xlim(low / 1.08, high * (high / low) ** 0.25)
        subs = (1, 3) if high / low > 50 else (1, 2, 5) if high / low > 5 else (1, 1.5, 2, 3, 5, 7)
        ax.xaxis.set_major_locator(LogLocator(subs=subs))
        ax.xaxis.set_major_formatter(lambda tick, _: f"{tick:g}")
        ax.xaxis.set_minor_locator(NullLocator())
