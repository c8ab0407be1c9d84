"""The rate explorer: recorded runs as a page can move through them, with no server or kernel.

Python computes every number and every sentence; the script of the page only chooses among them.
"""

import json
from importlib import resources

from IPython.display import HTML

from ..diagnosis import (
    CHECKPOINTS,
    HELPED,
    HELPS,
    HURTS,
    OVER,
    SAME,
    TWIN,
    UNDECIDED,
    WORKS,
    WORSE,
    Comparison,
)
from ..diagnosis.decomposition import APART, BOTH, BROKEN, EARLY, UNFINISHED
from ..lab import look
from .chapter import effect
from .plots import band

EFFECTS_MEAN = {
    HELPS: "The loss on new data is lower.",
    HURTS: "The loss on new data is higher.",
    SAME: "The loss on new data differs by less than would matter.",
    UNDECIDED: "The interval of Δtest allows more than one word.",
}
CAUSES_MEAN = {
    "": "",
    WORKS: "It generalizes better, and that is what the gain comes from.",
    HELPED: "It fits its training data better, and that is what the gain comes from.",
    WORSE: "It generalizes worse, and that is what the harm comes from.",
    OVER: "It fits its training data less well, and that is what the harm comes from.",
    BOTH: "Fitting and generalizing both have a part in it.",
    UNDECIDED: "The intervals leave open which part it comes from.",
    EARLY: "No cause is given, as the networks were trained for different numbers of epochs.",
    UNFINISHED: "No cause is given, as the validation loss was still falling.",
    BROKEN: "No cause is given, as the network that is tested is none that was trained.",
    APART: "No cause is given, as loss and metric point apart.",
}


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
        checkpoint, the means and ends of Δtrain, Δgap and Δtest, their ``text``, effect and cause
        (``words``) and what they ``mean``.

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
    """The explorer as an element of a page, `IPython.display.HTML`; `tables` as above."""
    data = json.dumps(explorer_data(tables), ensure_ascii=False, separators=(",", ":"))
    data = data.replace("</", "<\\/")  # no text can end the element
    # Its scripts are those that the book serves. Elsewhere, as on Colab, its sentence stays.
    page = (resources.files(__package__) / "explorer.html").read_text("utf-8")
    return HTML(page.format(data=data))


def _data_set(title, table):
    comparison = Comparison(table)
    effects = {at: comparison.effects(at).set_index("arm") for at in CHECKPOINTS}
    runs = dict(iter(table.groupby("arm", sort=False)))
    arms = {}
    for arm, row in comparison.arms.sort_values("rate", kind="stable").iterrows():
        own = look(row["scheme"])
        place = {"label": own.label, "color": own.color, "rates": []}
        found = {at: _effect(rows.loc[arm]) for at, rows in effects.items()}
        rate = {"rate": row["rate"], "curves": _curves(runs[arm]), **found}
        arms.setdefault(row["scheme"], place)["rates"].append(rate)
    seeds, twin = int(table["seed"].nunique()), _curves(runs[TWIN])
    return {"title": title, "seeds": seeds, "twin": twin, "arms": [*arms.values()]}


def _curves(group):
    """The median over seeds and the band of the middle 80 %, by epoch, of both losses."""
    return {  # four digits, more than a screen can show; both losses with dropout off
        loss: [[float(f"{x:.4g}") for x in row] for row in zip(*band(group, loss), strict=True)]
        for loss in ("train", "test")
    }


def _effect(row):
    numbers = {
        value: [round(float(row[value + end]), 6) for end in ("", "_low", "_high")]
        for value in ("d_train", "d_gap", "d_test")
    }
    return {
        **numbers, "text": {value: effect(row, value) for value in numbers},
        "words": f"{row['effect']}, {row['cause']}".removesuffix(", "),
        "mean": f"{EFFECTS_MEAN[row['effect']]} {CAUSES_MEAN[row['cause']]}".strip(),
        "epoch": round(float(row["epoch"]), 1),
    }  # fmt: skip
