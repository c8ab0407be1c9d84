"""The effect of every arm on every data set, and taken together, as one figure."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.lines import Line2D

from ..diagnosis import TWIN, combined
from ..diagnosis.decomposition import QUARTER
from ..lab import compare_study
from ..tasks import load_task, short_name
from .chapter import judged
from .plots import WIDTH, percent
from .style import RC, in_lines, title_of

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
)
HELD_OUT = ("departures",)
CORE = (
    "input, per step 0.5", "after the output 0.5", "dropout 0.5", "recurrent_dropout 0.5",
    "both arguments 0.5", "g, per step 0.5", "weight drop 0.5", "zoneout c 0.5, zoneout h 0.05",
)  # fmt: skip

# Of a part its colour, that of its name, and the name.
PARTS = {"train": ("#F0B48C", "#8F4A14", "training loss"), "gap": ("#9CC4E4", "#1F5F96", "gap")}
MARKS = "o", "^", "s", "D"  # a kind of data each
DOUBLED = 1.0  # a mark that is farther off stands at the frame, with its number


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


def unfinished(comparison):
    """The arms of a comparison that are not finished at the last epoch; ``none`` is the twin.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> unfinished(compare_study("volume"))
    []
    """
    rows, least = comparison.effects(), QUARTER * comparison.margin

    def falls(pace):
        return (rows[f"{pace}_low"] > 0) & (rows[f"{pace}_high"] >= least)

    return [TWIN] * bool(falls("twin_pace").any()) + rows.loc[falls("pace"), "arm"].tolist()


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


def percentage(row, ends="change"):
    """A change over all data sets in percent, with the ends of an interval.

    Examples
    --------
    >>> percentage({"change": -0.224, "change_low": -0.366, "change_high": -0.082})
    '−22 % (−37 to −8)'
    """
    mean, low, high = (100 * row[name] for name in ("change", f"{ends}_low", f"{ends}_high"))
    return f"{mean:+z.0f} % ({low:+z.0f} to {high:+z.0f})".replace("-", "−")


def judged_core(comparisons, at="last", arms=CORE):
    """The rows of `lstmreg_utils.book.judged` of some arms, of all data sets that have them.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> judged_core({"volume": compare_study("volume_schemes")})["data"].unique().tolist()
    ['volume']
    """
    rows = [
        judged(each, at, having).assign(data=name)
        for name, each in comparisons.items()
        if (having := [arm for arm in arms if arm in each.arms.index])
    ]
    return pd.concat(rows, ignore_index=True)


@plt.rc_context(RC)
def forest_across(summary, kinds, size=None):
    """A row an arm: what it changes over all data sets, taken apart, and on each of them.

    Bars are the mean changes of the training loss and of the gap, which sum to that of the test
    loss: the diamond, with its interval as a thick line, and where 95 % of further data sets are
    expected as a thin one, cut at the frame. A small mark is a data set; one whose loss more than
    doubles stands at the frame, with its number.

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
    looks = dict(zip(dict.fromkeys(kinds.values()), MARKS, strict=False))
    fig, ax = plt.subplots(figsize=size or (WIDTH, 0.9 + 0.32 * len(arms)))
    ax.axvline(0, color="0.5", linewidth=0.8)
    for place, arm in enumerate(arms):
        rows = summary[summary["arm"] == arm].set_index(["part", "data"])
        for part, (color, dark, name) in PARTS.items():
            change = rows.loc[(part, "all"), "change"]
            ax.barh(place, change, 0.5, color=color, zorder=1)
            if place == len(arms) - 1:  # said once, above the first row
                side, off = ("left", 4) if change > 0 else ("right", -4)
                beside = {"textcoords": "offset points", "ha": side, "color": dark, "fontsize": 9.5}
                ax.annotate(name, (0, place + 0.36), (off, 0), **beside)
        mean = rows.loc[("test", "all")]
        for ends, width in {"expected": 1, "change": 3.5}.items():
            low, high = mean[f"{ends}_low"], mean[f"{ends}_high"]
            ax.plot([low, high], [place] * 2, color="black", linewidth=width)
        ax.plot(mean["change"], place, "D", color="black", markersize=5)
        each = rows.loc["test"].drop("all")["change"]
        for kind, marker in looks.items():
            own = each[[kinds[name] == kind for name in each.index]].clip(upper=DOUBLED)
            ax.plot(
                own, [place - 0.36] * len(own), marker, color="0.25", markersize=4.5,
                markerfacecolor="none", linestyle="none",
            )  # fmt: skip
        if farther := ", ".join(f"{change:+.0%}" for change in each[each > DOUBLED]):
            where = {"ha": "right", "va": "center", "fontsize": 8.5}
            ax.text(DOUBLED - 0.06, place - 0.36, f"{farther} →".replace("%", " %"), **where)
    shown = summary.loc[summary["part"] == "test", ["change", "change_low", "change_high"]]
    shown = shown.clip(upper=DOUBLED)
    ax.set_xlim(min(shown.min()) - 0.05, max(shown.max()) + 0.05)
    ax.xaxis.set_major_formatter(percent)
    ax.set_yticks(range(len(arms)), [in_lines(title_of(arm)) for arm in arms])
    ax.tick_params(labelsize=8.5)
    ax.locator_params(axis="x", nbins=4)
    ax.set_xlabel("change, of the twin's test loss", fontsize=9.5)
    handles = [Line2D([], [], color="black", marker="D", linewidth=3, label="test loss, all data")]
    handles += [
        Line2D([], [], color="0.25", marker=marker, markerfacecolor="none", linestyle="none",
               label=kind)
        for kind, marker in looks.items()
    ]  # fmt: skip
    fig.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=9.5)
    return fig
