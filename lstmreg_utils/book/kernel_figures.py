"""Recorded kernel times -> one matplotlib figure, narrow enough to be read on a phone."""

import itertools
import textwrap

import matplotlib.pyplot as plt
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator

from ..kernels.time_files import REFERENCE, tidy
from .style import RC

# Okabe and Ito's colours, as in `lstmreg_utils.lab.places`; hatches repeat the distinction for
# print. Black is the reader's own machine.
MACHINES = (
    ("#0072B2", ""), ("#E69F00", "///"), ("#009E73", "..."),
    ("#CC79A7", "xxx"), ("#56B4E9", "---"), ("#D55E00", "+++"),
)  # fmt: skip
OWN = ("#000000", "")
HERE = "here"
# What the legend adds to a machine, by the kernel of its plain LSTM.
REMARK = {"loop": ["no fused kernel"], "not checked": ["kernel not checked"]}
# In inches. At 390 pixels a phone shows the figure at nine tenths of its size.
WIDTH, BAR, GAP, TITLE, LEGEND = 4.3, 0.15, 0.15, 0.5, 0.25


@plt.rc_context(RC | {"font.size": 9, "axes.titlesize": 10, "hatch.linewidth": 0.6})
def kernel_bars(table, own=None):
    """What a training step costs, as a multiple of the plain LSTM's: a panel a T, a group an arm.

    A bar is the median of the ratios within a round, a whisker reaches from their first to their
    third quartile. Where a machine has no ratio, the figure says "not measured" in its place, or
    "failed" where the arm ran into an error.

    Parameters
    ----------
    table : pandas.DataFrame
        From `lstmreg_utils.kernels.recorded_times`, or a part of it, such as one length. May be
        empty if `own` is given.
    own : dict, optional
        A reader's own record, from `kernel_times`. Drawn in black beside the recorded ones.

    Raises
    ------
    ValueError
        There is nothing to draw, or `own` is no such record.
    """
    tables = {name: rows for name, rows in table.groupby("record", sort=False)}
    if own is not None:
        tables[HERE] = tidy(own, HERE)
    shown = {name: rows[rows["arm"] != REFERENCE] for name, rows in tables.items()}
    lengths = sorted({T for rows in shown.values() for T in rows["T"]})
    if not lengths:
        raise ValueError("table must have rows of other arms than the plain LSTM, got none")
    # In the order of the record with most of them: a backend may lack some.
    fullest = sorted(shown.values(), key=lambda rows: rows["arm"].nunique(), reverse=True)
    arms = list(dict.fromkeys(arm for rows in fullest for arm in rows["arm"]))
    recorded = [name for name in tables if name != HERE]
    looks = dict(zip(recorded, itertools.cycle(MACHINES), strict=False)) | {HERE: OWN}
    pitch = max(len(shown), 2) * BAR + GAP
    ticks = [k * pitch for k in range(len(arms))]
    size = WIDTH, len(lengths) * (pitch * len(arms) + TITLE) + LEGEND * (1 + len(shown))
    fig, axes = plt.subplots(len(lengths), 1, figsize=size, sharex=True, squeeze=False)
    for ax, T in zip(axes.flat, lengths, strict=True):
        ax.set_title(f"T = {T}")
        ax.axvline(1, color="0.4", linewidth=1)
        for place, (name, rows) in enumerate(shown.items()):
            offset = BAR * (place - (len(shown) - 1) / 2)
            found = rows[rows["T"] == T].set_index("arm")
            for tick, arm in zip(ticks, arms, strict=True):
                row = found.loc[arm] if arm in found.index else None
                _draw(ax, tick + offset, row, *looks[name])
        ax.set_yticks(ticks, [arm.replace(", XLA", ",\nXLA") for arm in arms])
        ax.set_ylim(ticks[-1] + pitch / 2, -pitch / 2)
        ax.tick_params(labelbottom=True)  # the other panels may be off the screen
    _scale(axes.flat, shown.values())
    axes[-1, 0].set_xlabel("time of a training step / plain LSTM's")
    handles = [
        Patch(facecolor=looks[name][0], hatch=looks[name][1], edgecolor="white", label=label)
        for name, label in _labels(tables).items()
    ]
    fig.legend(handles=handles, loc="outside upper center")
    return fig


def _draw(ax, y, row, color, hatch):
    """One bar with its whisker and its number, or a word in its place."""
    if row is None or row["ratio"] != row["ratio"]:
        ax.plot(1, y, "s", color=color, markersize=4)
        text, x = "failed" if row is not None and row["error"] else "not measured", 1
        look = {"color": "0.3", "style": "italic"}
    else:
        ratio, low, high = row["ratio"], row["q1"], row["q3"]
        bar = {"color": color, "hatch": hatch, "edgecolor": "white", "linewidth": 0.5}
        ax.barh(y, ratio - 1, height=BAR, left=1, **bar)
        ax.errorbar(ratio, y, xerr=[[ratio - low], [high - ratio]], color="0.45", capsize=2)
        text, x, look = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}", max(high, 1), {}
    look |= {"textcoords": "offset points", "va": "center", "fontsize": 8.5}
    ax.annotate(text, (x, y), (5, 0), **look)


def _scale(axes, tables):
    """A logarithmic axis for all panels, with room at the right for the numbers and the words."""
    low = min([1, *(rows["q1"].min() for rows in tables if rows["q1"].notna().any())])
    high = max([2, *(rows["q3"].max() for rows in tables if rows["q3"].notna().any())])
    for ax in axes:
        ax.set_xscale("log")
        ax.set_xlim(low / 1.08, high * (high / low) ** 0.25)
        subs = (1, 3) if high / low > 50 else (1, 2, 5) if high / low > 5 else (1, 1.5, 2, 3, 5, 7)
        ax.xaxis.set_major_locator(LogLocator(subs=subs))
        ax.xaxis.set_major_formatter(lambda tick, _: f"{tick:g}")
        ax.xaxis.set_minor_locator(NullLocator())


def _labels(tables):
    """For the legend: each record by its machine, and by what else tells it from the others."""
    labels, whose = {}, {name: rows.iloc[0] for name, rows in tables.items()}
    backends = {name: row["backend"].partition(" ")[0] for name, row in whose.items()}
    sizes = {name: f"batch {row['batch']}, {row['units']} units" for name, row in whose.items()}
    for name, row in whose.items():
        parts = [f"{HERE}: {row['machine']}" if name == HERE else row["machine"]]
        parts += [each[name] for each in (backends, sizes) if len({*each.values()}) > 1]
        reference = tables[name][tables[name]["arm"] == REFERENCE]
        parts += REMARK.get(reference["kernel"].iloc[0], []) if len(reference) else []
        labels[name] = ", ".join(parts)
    twice = [label for label in labels.values() if [*labels.values()].count(label) > 1]
    return {
        name: textwrap.fill(f"{label} ({name})" if label in twice else label, 50)
        for name, label in labels.items()
    }
