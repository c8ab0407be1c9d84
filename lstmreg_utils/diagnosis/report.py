"""What a diagnosis found: as text, as HTML, as a figure, as JSON, and as an exit status."""

import html
import io
import json
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .decomposition import (
    APART,
    BOTH,
    BROKEN,
    DIVERGED,
    EARLY,
    HELPED,
    HELPS,
    HURTS,
    OVER,
    SAME,
    UNDECIDED,
    UNFINISHED,
    WITHHELD,
    WORKS,
    WORSE,
)  # fmt: skip
from .repeats import MOST, REPEATS, in_words
from .tables import TWIN

SAID = {
    HELPS: "the noise helps",
    HURTS: "the noise hurts",
    SAME: "the noise makes no difference that matters",
    UNDECIDED: "these seeds do not decide what the noise does",
    DIVERGED: "a run diverged",
}
BECAUSE = {
    WORKS: "because the gap between training and test loss is narrower",
    HELPED: "because the network fits better",
    WORSE: "because the gap between training and test loss is wider",
    OVER: "because the network fits less",
    BOTH: "partly by the fit and partly by the gap",
    UNDECIDED: "and these seeds do not decide by which part",
}
NEXT = {
    WORKS: "Keep it; try a higher rate as one more arm.",
    HELPED: "Keep it; then train the twin for longer, as it fits worse.",
    WORSE: "Take it out, or move it to another place: less noise here closes the gap.",
    OVER: "Lower the rate, move the noise, or train a larger network.",
    BOTH: "Lower the rate: try half of it as one more arm.",
    EARLY: "Train all arms for the same number of epochs: no cause is named otherwise.",
    UNFINISHED: "Train for longer: a validation loss still falls.",
    BROKEN: "Look at the layers: with noise on the loss is lower, so that the network that is "
            "tested is none that was trained.",
    APART: "Ask which of the two matters: the loss and the metric point apart.",
    DIVERGED: "Lower the learning rate or the rate, or clip the gradient.",
    SAME: "Leave it out, which is simpler.",
}  # fmt: skip


def check_margin(margin):
    """Refuse a margin that is given and is none."""
    number = isinstance(margin, (int, float, np.number))
    if margin is not None and not (number and 0 < margin < math.inf):
        raise ValueError(f"margin must be a positive number, got {margin!r}")


def chosen_margin(table, margin=None, smallest=None):
    """The δ of the rule, and in words where it is from.

    Examples
    --------
    >>> table = pd.DataFrame({"arm": "none", "epoch": 1, "test": [1.0, 3.0]})
    >>> chosen_margin(table)
    (1.4142135623730951, 'the standard deviation of the test loss of the twin over its seeds')
    """
    if margin is not None:
        return float(margin), "as given"
    ends, besides = table[np.isfinite(table["test"])], ""
    if smallest is not None:
        if ends["test_metric"].corr(ends["test"]) < 0:
            told = f"what {smallest:g} of the metric comes to, by the spread of all runs"
            return float(smallest * ends["test"].std() / ends["test_metric"].std()), told
        besides = ", as the metric does not move with the loss"
    twin = ends.loc[ends["arm"] == TWIN, "test"]
    if twin.std() > 0:
        told = "the standard deviation of the test loss of the twin over its seeds"
        return float(twin.std()), told + besides
    mean = float(abs(twin.mean()))  # nothing of what was trained should be lost for a margin
    if mean > 0:
        return mean / 100, "a hundredth of the twin's test loss, which does not vary over seeds"
    return 1e-6, "1e-6, as the twin's test loss is 0 or none"


def _settled(row):
    """Effect and cause, undecided where a fresh study of as many seeds would not say them again."""
    effect, cause = row["effect"], row["cause"]
    if effect != DIVERGED and row["effect_repeats"] < REPEATS:
        return UNDECIDED, ""
    if cause in ("", *WITHHELD) or row["cause_repeats"] >= REPEATS:
        return effect, cause
    return effect, UNDECIDED


def _more_seeds(n, needed):
    if needed >= MOST:
        return f" Even {MOST} seeds may not decide: a larger margin or more test data would."
    if needed > n:
        return f" About {needed - n} more seeds would decide."
    return " More seeds may not decide: it is too close to a bound of the rule."


@dataclass(frozen=True)
class Diagnosis:
    """What the noise of a model does, as `lstmreg_utils.diagnose` found."""

    table: pd.DataFrame  #: a row a run and epoch, as for `compare`
    effects: pd.DataFrame  #: a row an arm, from `compare`
    margin: float  #: the δ of the rule
    facts: dict  #: what was trained, on what, and where the margin is from

    @property
    def exit_status(self):
        """1 if an arm hurts, as a fresh study would find again, or diverged; else 0."""
        found = [_settled(row)[0] for _, row in self.effects.iterrows()]
        return int(HURTS in found or DIVERGED in found)

    def sentences(self):
        """By arm, what was found, in words, and what to try next."""
        return {row["arm"]: self._sentence(row) for _, row in self.effects.iterrows()}

    def _sentence(self, row):
        effect, cause = _settled(row)
        if effect == DIVERGED:
            runs = self.table.groupby(["arm", "seed"]).tail(1)
            lost = runs[~np.isfinite(runs["train"] + runs["test"])]
            lost = lost[lost["arm"].isin([row["arm"], TWIN])]
            told = ", ".join(f"{arm} seed {seed}" for arm, seed in lost[["arm", "seed"]].to_numpy())
            return f"{SAID[effect]}: {told}. {NEXT[effect]}"
        told = SAID[effect]
        if effect in (HELPS, HURTS):
            told += f", {BECAUSE.get(cause, f'and no cause is named: {cause}')}"
        told += "."
        if UNDECIDED in (effect, cause):
            told += _more_seeds(row["n"], row["seeds_needed"])
        return " ".join(filter(None, [told, NEXT.get(cause or effect)]))

    def _numbers(self):
        """The parts of the loss with their intervals, as text."""
        names = {"d_train": "Δtrain", "d_gap": "Δgap", "d_test": "Δtest", "d_metric": "Δmetric"}
        shown = {"arm": self.effects["arm"], "n": self.effects["n"]}
        for name, symbol in names.items():
            if name in self.effects:
                shown[symbol] = [
                    f"{row[name]:+.3g} [{row[f'{name}_low']:+.3g}, {row[f'{name}_high']:+.3g}]"
                    for _, row in self.effects.iterrows()
                ]
        return pd.DataFrame(shown | {"in words": [in_words(r) for _, r in self.effects.iterrows()]})

    def _about(self):
        noise = ", ".join(f"{name} = {rate:g}" for name, rate in self.facts["noise"].items())
        twin = f"the twin is the model without {noise}" if noise else "the twin is the arm 'none'"
        batches = "equal initial weights and batches" if self.facts["equal_batches"] else \
            "equal initial weights, but not with equal batches, as the data put out others at " \
            "each reading, which takes more seeds"  # fmt: skip
        return [
            f"{len(self.facts['seeds'])} pairs of {self.facts['epochs']} epochs, with {batches}; "
            f"{twin}. Data: {self.facts['data']}.",
            f"Margin: {self.margin:.3g}, {self.facts['margin']}.",
        ]

    def __str__(self):
        said = [f"{arm}: {told}" for arm, told in self.sentences().items()]
        return "\n".join([*said, "", self._numbers().to_string(index=False), "", *self._about()])

    def _repr_html_(self):
        said = "".join(f"<p><b>{html.escape(arm)}</b>: {html.escape(told)}</p>"
                       for arm, told in self.sentences().items())  # fmt: skip
        drawn = io.StringIO()
        figure = self.figure()
        figure.savefig(drawn, format="svg", metadata={"Date": None})  # the same page twice
        svg = drawn.getvalue()
        about = "".join(f"<p>{html.escape(line)}</p>" for line in self._about())
        return said + self._numbers().to_html(index=False) + svg[svg.index("<svg") :] + about

    def figure(self):
        """The arms in the plane of Δtrain and Δtest, with the line of equal gaps."""
        from matplotlib.figure import Figure

        figure = Figure((4.5, 4), layout="constrained")
        axes = figure.subplots()
        axes.axhspan(-self.margin, self.margin, color="0.9", label="no difference")
        axes.axline((0, 0), slope=1, color="0.5", linewidth=1, label="equal gaps")
        for _, row in self.effects.iterrows():
            if not np.isfinite(row["d_test"] + row["d_train"]):
                continue
            reach = [
                [[row[d] - row[f"{d}_low"]], [row[f"{d}_high"] - row[d]]]
                for d in ("d_train", "d_test")
            ]
            axes.errorbar(row["d_train"], row["d_test"], reach[1], reach[0], "o", label=row["arm"])
        axes.set(xlabel="Δtrain, less fit →", ylabel="Δtest, worse →")
        axes.legend(frameon=False)
        return figure

    def to_json(self):
        """Everything, for another program."""
        rows = json.loads(self.effects.to_json(orient="records"))
        said = {"sentences": self.sentences(), "margin": self.margin, **self.facts}
        return json.dumps({"effects": rows, **said}, ensure_ascii=False, indent=1)
