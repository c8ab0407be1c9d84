"""Units that are missed, thinned networks, and ensembles: chapter 7."""

from ...diagnosis import TWIN
from ..evidence import EPOCHS, at_both_epochs, looks, speakers_and_volume
from ..outcomes import gains, harms, inside, no_harm
from ..registry import by_interval, claim

MEMBERS, PASSES = 5, 100


def parts_by_probe(kind, level, arms):
    """Parts for a probe of units: whether the arm's loss rises less than the twin's.

    Where the twin's own loss rises by less than the margin, no fall of it could matter: no part.
    """
    for where, comparison, arm, at in looks(arms):
        own, twin = (comparison.probe(one, kind, level, at) for one in (arm, TWIN))
        if twin.mean() > comparison.margin:
            yield by_interval(gains, own - twin, comparison.margin, **where)


def arms_on_units(evidence):
    """The arms that switch units of a single LSTM off."""
    speakers, volume = speakers_and_volume(evidence, "inference").values()
    return [
        ("speakers", speakers, speakers.nearest("recurrent_dropout", 0.5)),
        ("speakers", speakers, speakers.nearest("output", 0.5)),
        ("volume", volume, volume.nearest("recurrent_dropout", 0.3)),
    ]


@claim("B2", "Rise of the loss without the most missed unit, arm minus twin, smaller")
def single_units(evidence):
    """Whether the one unit that is missed most is missed less."""
    return parts_by_probe("unit", 1.0, arms_on_units(evidence))


@claim("B7", "Rise of the loss without half of the units, arm minus twin, smaller")
def redundancy(evidence):
    """Whether the loss rises less when half of the units are cut off."""
    stacked = evidence.study("speakers_between_units")
    between = ("speakers, two layers", stacked, stacked.nearest("between", 0.5))
    return parts_by_probe("cut", 0.5, [*arms_on_units(evidence), between])


@claim("B16", "Rise of the loss without the most missed unit, arm minus twin, smaller")
def lower_units(evidence):
    """Whether the second layer misses the most missed unit of the first one less."""
    stacked = evidence.study("speakers_between_units")
    return parts_by_probe("unit", 1.0, [("speakers", stacked, a) for a in stacked.of("between")])


@claim("B8", "Difference of test losses, dropout as an average")
def averages(evidence):
    """Whether one pass is as good as the mean of many, and one network as an ensemble."""
    ensembles = speakers_and_volume(evidence, "ensembles")
    for task, comparison, at, epoch in at_both_epochs(speakers_and_volume(evidence, "inference")):
        where, margin = {"task": task, "epoch": epoch}, comparison.margin
        arm = comparison.choose(at)
        loss = comparison.values(arm, at)
        many = comparison.probe(arm, "samples", PASSES, at)
        yield by_interval(inside, many - loss, margin, what=f"equal to {PASSES} passes", **where)
        together = ensembles[task].probe(TWIN, "ensemble", MEMBERS, at)
        what = f"as good as {MEMBERS} networks"
        yield by_interval(no_harm, loss - together, margin, what=what, **where)


@claim("B9", "Loss of a thinned network minus that of the whole one, whole better")
def whole_network(evidence):
    """Whether the whole network beats one thinned network."""
    studies = speakers_and_volume(evidence, "inference")
    arms = [(task, study, arm) for task, study in studies.items() for arm in study.of()]
    for where, study, arm, at in looks(arms):
        thinned = study.probe(arm, "samples", 1, at)
        yield by_interval(harms, thinned - study.values(arm, at), **where)
    speakers = evidence.study("speakers_inside")
    arm = speakers.nearest("c", 0.5)
    where = {"task": "speakers", "setting": f"{arm}, not in Keras", "epoch": EPOCHS["last"]}
    yield by_interval(harms, speakers.values(arm, "last", "noise_cost"), **where)
