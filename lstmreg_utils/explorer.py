"""The rate explorer: recorded runs as a page can move through them, with no server or kernel.

Python computes every number and every sentence; the script of the page only chooses among them.
"""

import json

from IPython.display import HTML

from .book import effect
from .effects import CHECKPOINTS, HELPED, OVER, SAME, UNDECIDED, WORKS, WORSE, compare
from .plots import band
from .style import label, style

LOSSES = ("train", "test")  # both with dropout off
DIGITS = 4  # of the curves: more than a screen can show
MEANING = {
    WORKS: "The network fits its training data less well, and new data better.",
    OVER: "The network fits its training data less well, and new data less well too.",
    WORSE: "The network fits new data less well, and its training data no less.",
    HELPED: "The network fits new data better, and its training data no less.",
    SAME: "The loss on new data differs by less than would matter.",
    UNDECIDED: "The intervals allow more than one of the verdicts.",
}
# The scripts that the book serves beside its chapters. Elsewhere, as on Colab, there are none and
# the sentence stays.
PAGE = """\
<section class="rate-explorer" id="rate-explorer" aria-label="Rate explorer">
<p class="rate-explorer-off">Here stands the rate explorer, in the published book and with scripts
switched on. The figure below shows its whole range, without moving.</p>
<script type="application/json">{data}</script>
<link rel="stylesheet" href="../explorer/explorer.css">
<script defer src="../d3/d3.min.js"></script>
<script defer src="../plot/plot.umd.min.js"></script>
<script defer src="../explorer/explorer.js"></script>
</section>
"""


def explorer_data(tables):
    """All that the explorer shows, as plain values.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        From `study`, by the title of the data set; each of one task and setting, with a twin.

    Returns
    -------
    list of dict
        One a data set: ``title``, the number of ``seeds``, the ``twin``'s curves and ``arms``. An
        arm has ``label``, ``color`` and ``rates``; a rate its ``rate``, ``curves`` and, for each
        checkpoint, the means and ends of Δtrain and Δtest, their ``text``, the ``verdict`` and
        what it ``means``.

    Raises
    ------
    ValueError
        A table without a twin, or of several tasks.

    Examples
    --------
    >>> explorer_data({})
    []
    """
    return [_data_set(title, table) for title, table in tables.items()]


def rate_explorer(tables):
    """The explorer as an element of a page.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        As for `explorer_data`.

    Returns
    -------
    IPython.display.HTML
    """
    data = json.dumps(explorer_data(tables), ensure_ascii=False, separators=(",", ":"))
    return HTML(PAGE.format(data=data.replace("</", "<\\/")))  # no text can end the element


def _data_set(title, table):
    effects = {at: compare(table, at).set_index(["arm", "rate"]) for at in CHECKPOINTS}
    groups = dict(iter(table.groupby(["arm", "rate"], sort=False)))
    arms = {}
    for arm, rate in sorted(effects["last"].index, key=lambda at: at[1]):
        look = {"label": label(arm), "color": style(arm)["color"], "rates": []}
        arms.setdefault(arm, look)["rates"].append(
            {
                "rate": rate,
                "curves": _curves(groups[arm, rate]),
                **{at: _effect(rows.loc[(arm, rate)]) for at, rows in effects.items()},
            }
        )
    return {
        "title": title,
        "seeds": int(table["seed"].nunique()),
        "twin": _curves(table[table["arm"] == "none"]),
        "arms": list(arms.values()),
    }


def _curves(group):
    """The median over seeds and the band of the middle 80 %, by epoch, of both losses."""
    return {
        loss: [
            [float(f"{value:.{DIGITS}g}") for value in values]
            for values in zip(*band(group, loss), strict=True)
        ]
        for loss in LOSSES
    }


def _effect(row):
    numbers = {
        value: [round(float(row[value + end]), 6) for end in ("", "_low", "_high")]
        for value in ("d_train", "d_test")
    }
    return {
        **numbers,
        "text": {value: effect(row, value) for value in numbers},
        "verdict": row["verdict"],
        "means": MEANING[row["verdict"]],
        "epoch": round(float(row["epoch"]), 1),
    }
