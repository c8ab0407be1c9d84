"""The explorer: recorded runs as a page can move through them, with no server, kernel or library.

Python hands over what every seed measured. The page applies the rule itself (`explorer_rule.js`),
since it draws seeds anew: that is how a reader sees how often a word changes.
"""

import base64
import json
from importlib import resources

import numpy as np
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
)
from ..diagnosis.decomposition import APART, BOTH, BROKEN, DIVERGED, EARLY, UNFINISHED
from ..diagnosis.intervals import critical
from ..lab import look
from .across import PARTS
from .chapter import ENOUGH_SEEDS

EFFECTS_MEAN = {
    HELPS: "The loss on new data is lower.",
    HURTS: "The loss on new data is higher.",
    SAME: "The loss on new data differs by less than would matter.",
    UNDECIDED: "The interval of Δtest allows more than one word.",
    DIVERGED: "A loss is no number.",
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
POINTS = 16  # of a curve, close at first where it bends
# Of runs that were stopped early no cause is given, so that these say all.
LOSSES = ("d_train", "d_test")


def explorer_data(comparisons):
    """All that the explorer shows, as plain values.

    Parameters
    ----------
    comparisons : dict of str to Comparison
        By the title of the data set; each with a twin.

    Returns
    -------
    dict
        How many standard errors an interval has by its number of seeds (``critical``), how many
        seeds are ``few``, what the words mean (``effects``, ``causes``), and ``sets``: each with
        ``title``, ``margin``, the ``epochs`` of its curves, the ``twin`` and ``arms`` of ``label``,
        ``color``, ``scheme`` and ``rates``. A rate has ``rate``, the mean ``curves`` of both
        losses, the mean ``epoch`` of the best loss, and for each checkpoint the `samples` of the
        rule, as 32-bit floats in base64, and whether it is ``early``.

    Examples
    --------
    >>> explorer_data({})["sets"]
    []
    """
    sets = [_data_set(title, comparison) for title, comparison in comparisons.items()]
    sizes = {ENOUGH_SEEDS} | {rate["n"] for s in sets for arm in s["arms"] for rate in arm["rates"]}
    return {
        "critical": {n: float(critical(n)) for n in sorted(sizes)}, "few": ENOUGH_SEEDS,
        "effects": EFFECTS_MEAN, "causes": CAUSES_MEAN, "sets": sets,
    }  # fmt: skip


def rate_explorer(comparisons):
    """The explorer as an element of a page, `IPython.display.HTML`; `comparisons` as above."""
    data = json.dumps(explorer_data(comparisons), ensure_ascii=False, separators=(",", ":"))
    beside = resources.files(__package__)
    page, style, *scripts = (
        (beside / f"explorer{end}").read_text("utf-8")
        for end in (".html", ".css", "_rule.js", "_figures.js", ".js")
    )
    colors = "; ".join(f"--{part}: {color}" for part, (color, *_) in PARTS.items())
    data = data.replace("</", "<\\/")  # no text can end the element
    return HTML(page.format(colors=colors, style=style, data=data, scripts="".join(scripts)))


def _data_set(title, comparison):
    runs = dict(iter(comparison.table.groupby("arm", sort=False)))
    last = comparison.table["epoch"].max()
    epochs = np.unique(np.geomspace(1, last, POINTS).round().astype(int)).tolist()
    arms = {}
    for arm, row in comparison.arms.sort_values("rate", kind="stable").iterrows():
        own = look(row["scheme"])
        place = {"label": own.label, "color": own.color, "scheme": row["scheme"], "rates": []}
        rate = {"rate": f"{row['rate']:g}" if row["rate"] >= 0 else arm}  # unequal rates are none
        rate |= _measured(comparison, arm, runs[arm], epochs)
        rate |= {at: _samples(comparison, arm, at) for at in CHECKPOINTS}
        rate["n"] = len(comparison.values(arm))
        arms.setdefault(row["scheme"], place)["rates"].append(rate)
    twin = _measured(comparison, TWIN, runs[TWIN], epochs)
    return {
        "title": title, "margin": comparison.margin, "epochs": epochs, "twin": twin,
        "arms": [*arms.values()],
    }  # fmt: skip


def _measured(comparison, arm, group, epochs):
    """The mean of both losses, dropout off, at some epochs; and when the best one is reached."""
    means = group.groupby("epoch")[["train", "test"]].mean().loc[epochs]
    curves = {loss: [float(f"{x:.4g}") for x in means[loss]] for loss in means}
    return {
        "curves": curves,
        "epoch": round(float(comparison.values(arm, "best", "epoch").mean()), 1),
    }


def _samples(comparison, arm, at):
    samples = comparison.samples(arm, at)
    names = samples if at == "last" else LOSSES
    packed = {name: base64.b64encode(samples[name].astype("<f4")).decode() for name in names}
    return {"early": comparison.stopped_early(arm, at), **packed}
