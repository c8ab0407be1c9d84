"""Where dropout should be, and what it does there: chapter 3."""

import numpy as np

from ...diagnosis import TWIN
from ...diagnosis.intervals import CONFIDENCE
from ..evidence import EPOCHS, at_both_epochs, speakers_and_volume
from ..outcomes import gains, harms
from ..registry import Part, better, by_difference, by_interval, claim

POINT = 0.01  # the margin of an accuracy and of a calibration error
USUAL = (0.1, 0.5)  # rates
RESAMPLES = 2000
BEFORE, AFTER = ("input", "input:sequence", "dropout"), ("output", "between")


@claim("B12", "Share of the variation with the place minus with the rate, not less")
def place_or_rate(evidence):
    """Whether the place explains as much of Δtest as the rate, in the usual range and in all."""
    for task, comparison, at, epoch in at_both_epochs(speakers_and_volume(evidence, "placements")):
        for highest in (USUAL[1], 1.0):
            kept = comparison.arms[comparison.arms["rate"] <= highest]
            places, rates = kept["scheme"].unique(), sorted(set(kept["rate"]))
            arms = [[comparison.nearest(place, rate) for rate in rates] for place in places]
            effects = np.array([[comparison.paired(arm, at) for arm in row] for row in arms])
            *found, p = share_of_place(np.moveaxis(effects, -1, 0))
            where = {"what": f"rates up to {max(rates):g}", "task": task, "epoch": epoch}
            yield Part(where, str(harms(found)), tuple(found), p=p)


def share_of_place(effects):
    """Share of the variation by place minus by rate, of (seeds, places, rates), interval, and p."""

    def share(grids):
        centred = grids - grids.mean((-2, -1), keepdims=True)
        place = (centred.mean(-1) ** 2).sum(-1) * grids.shape[-1]
        rate = (centred.mean(-2) ** 2).sum(-1) * grids.shape[-2]
        return (place - rate) / (centred**2).sum((-2, -1))

    rng = np.random.default_rng(0)
    drawn = rng.integers(len(effects), size=(RESAMPLES, len(effects)))
    tail = 100 * (1 - CONFIDENCE) / 2
    shares = share(effects[drawn].mean(axis=1))
    low, high = np.percentile(shares, [tail, 100 - tail])
    p = 2 * (min((shares <= 0).sum(), (shares >= 0).sum()) + 1) / (RESAMPLES + 1)
    return share(effects.mean(axis=0)), low, high, min(p, 1.0)


@claim("B14", "Test loss after an LSTM minus on its input, better by loss and metric")
def after_the_output(evidence):
    """Whether dropout after an LSTM is better than on its input."""
    comparisons = speakers_and_volume(evidence, "placements")
    comparisons["verses"] = evidence.study("verses_schemes")
    for task, comparison, at, epoch in at_both_epochs(comparisons):
        rival, own = (comparison.choose(at, comparison.of(*s)) for s in (BEFORE, AFTER))
        yield better(comparison, own, at, rival, task=task, epoch=epoch, pair=f"{own} to {rival}")


@claim("B17", "After the output against the twin, better")
def head_protection(evidence):
    """Whether dropout after a single LSTM lowers the loss or the overconfidence."""
    speakers = evidence.study("speakers_inference")
    for arm in speakers.of("output"):
        for at, epoch in EPOCHS.items():
            where = {"setting": arm, "epoch": epoch}
            yield by_difference(gains, speakers, arm, at, measure="test loss", **where)
            own, twin = (speakers.probe(one, "calibration", 10, at) for one in (arm, TWIN))
            yield by_interval(gains, own - twin, POINT, measure="calibration error", **where)


@claim("B18", "Rise of the test loss under damage, arm minus twin, smaller")
def robustness(evidence):
    """Whether input dropout makes the loss rise less under damaged inputs."""
    speakers = evidence.study("speakers_placements")
    for at, epoch in EPOCHS.items():
        arm = speakers.choose(at, speakers.of("input"))
        for kind, name in (("noise", "added noise"), ("missing", "missing values")):
            own, twin = (mean_rise(speakers, one, kind, at) for one in (arm, TWIN))
            where = {"damage": name, "epoch": epoch, "setting": arm}
            yield by_interval(gains, own - twin, speakers.margin, **where)


def mean_rise(comparison, arm, kind, at):
    """How much damaged inputs raise the test loss, mean over the levels, by seed."""
    levels = comparison.probes(kind)["level"].unique()
    damaged = sum(comparison.probe(arm, kind, level, at) for level in levels) / len(levels)
    return damaged - comparison.values(arm, at)
