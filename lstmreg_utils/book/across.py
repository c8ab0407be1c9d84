"""The effect of every arm on every data set, and taken together, as one figure."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.lines import Line2D

from ..diagnosis import combined
from ..lab import compare_study
from ..tasks import load_task, short_name
from .plots import percent
from .style import RC, title_of

# One network a data set: the studies that hold its core arms.
DATA_SETS = (
    ("speakers", "speakers_schemes", "speakers_zoneout", "speakers_core"),
    ("pen_digits",),
    ("wrist",),
    ("peptides",),
    ("volume_schemes", "volume_zoneout", "volume_core"),
    ("weather", "weather_core"),
    ("storms",),
    ("verses_schemes", "verses_embedding", "verses_core"),
    ("novels",),
)
HELD_OUT = ("departures",)
CORE = (
    "input, per step 0.5", "after the output 0.5", "dropout 0.5", "recurrent_dropout 0.5",
    "both arguments 0.5", "g, per step 0.5", "weight drop 0.5", "zoneout c 0.5, zoneout h 0.05",
)  # fmt: skip

PARTS = {"test": "Δtest", "train": "of it, Δtrain", "gap": "of it, Δgap"}
# One look a kind of data, told apart by shape as well as by colour.
KINDS = (("#0072B2", "o"), ("#D55E00", "^"), ("#009E73", "s"), ("#CC79A7", "D"))


def data_sets(studies=DATA_SETS, **sizes):
    """The comparisons of the core arms, by the short name of their data set.

    Parameters
    ----------
    studies : sequence of tuple of str, default=DATA_SETS
    **sizes
        Seeds, epochs, rates and recorded, as for `lstmreg_utils.lab.compare_study`.
    """
    found = [compare_study(*names, **sizes) for names in studies]
    return {short_name(comparison.task): comparison for comparison in found}


def kind_of(task):
    """Of what kind the data of a task are: 'symbols', 'forecast' or 'classification'.

    Examples
    --------
    >>> kind_of("nyse_volume"), kind_of("verses")
    ('forecast', 'symbols')
    """
    loaded = load_task(task)
    if loaded.vocabulary is not None:
        return "symbols"
    return "forecast" if loaded.loss == "mse" else "classification"


def across_data_sets(comparisons, arms=CORE, at="last"):
    """The random-effects summary of some arms: `combined`, with a column ``arm``.

    Parameters
    ----------
    comparisons : dict of str to Comparison
        By the name of the data set; an arm is summed up over those that have it, three at least.
    arms : sequence of str, default=CORE
    at : {'last', 'best'}

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> names = ("speakers_schemes", "volume_schemes", "verses_schemes")
    >>> found = across_data_sets({name: compare_study(name) for name in names}, ["dropout 0.5"])
    >>> found["data"].nunique(), found["arm"].unique().tolist()
    (4, ['dropout 0.5'])
    """
    tables = []
    for arm in arms:
        having = {name: each for name, each in comparisons.items() if arm in each.arms.index}
        tables.append(combined(having, arm, at).assign(arm=arm))
    return pd.concat(tables, ignore_index=True)


@plt.rc_context(RC)
def forest_across(summary, kinds, size=None):
    """A row an arm: what it changes on each data set, and over all with its interval.

    Three panels of one scale: the test loss, and its two parts, which sum to it. A small mark is a
    data set, a diamond the mean over them, a thick line its interval, a thin one where 95 % of
    further data sets are expected.

    Parameters
    ----------
    summary : pandas.DataFrame
        From `across_data_sets`.
    kinds : dict of str to str
        By the name of a data set, what kind it is of.
    size : tuple of (float, float), optional
        Of the figure, in inches.
    """
    arms = list(dict.fromkeys(summary["arm"]))[::-1]
    looks = dict(zip(dict.fromkeys(kinds.values()), KINDS, strict=False))
    fig, axes = plt.subplots(
        1, len(PARTS), sharex=True, sharey=True, figsize=size or (7.2, 1.3 + 0.42 * len(arms))
    )
    for ax, (part, label) in zip(axes, PARTS.items(), strict=True):
        ax.axvline(0, color="0.5", linewidth=0.8)
        rows = summary[summary["part"] == part]
        height = rows["arm"].map(arms.index)
        every = rows["data"] == "all"
        for kind, (color, marker) in looks.items():
            own = rows["data"].map(kinds) == kind
            ax.plot(
                rows["change"][own], height[own] + 0.22, marker, color=color, markersize=4,
                alpha=0.8, linestyle="none",
            )  # fmt: skip
        mean = {"color": "black", "linestyle": "none"}
        for name, width in {"expected": 1, "change": 3}.items():
            ax.hlines(
                height[every] - 0.15, rows[f"{name}_low"][every], rows[f"{name}_high"][every],
                color="black", linewidth=width,
            )  # fmt: skip
        ax.plot(rows["change"][every], height[every] - 0.15, "D", markersize=5, **mean)
        ax.set_title(label)
        ax.xaxis.set_major_formatter(percent)
    axes[0].set_yticks(range(len(arms)), [title_of(arm) for arm in arms])
    fig.supxlabel("change, in shares of the twin's test loss", fontsize=RC["font.size"])
    handles = [
        Line2D([], [], color=color, marker=marker, linestyle="none", label=kind)
        for kind, (color, marker) in looks.items()
    ]
    handles.append(Line2D([], [], color="black", marker="D", linewidth=3, label="all data sets"))
    fig.legend(handles=handles, loc="outside upper center", ncols=4)
    return fig
