"""Kinds of noise inside the recurrence, beside one another: chapters 4 and 6."""

from ...lab import arm as make_arm
from ...lab import describe, look
from ..evidence import EPOCHS, at_both_epochs, speakers_and_volume
from ..outcomes import gains, harms, no_harm
from ..registry import better, by_difference, by_interval, claim
from .memory import MASKS

ZONEOUT = ("zoneout_c", "zoneout_h", "zoneout_c+zoneout_h")
KINDS = {look(one).label: (one,) for one in (*MASKS, "recurrent_dropout", "weight_drop")}
KINDS |= {"zoneout": ZONEOUT}
OUTSIDE = {"on the input": ("dropout",), "after the output": ("output",)}
PAPER = describe(make_arm("zoneout_c", 0.5) + make_arm("zoneout_h", 0.05)).arm
RIVALS = ("dropout", "recurrent_dropout")  # the arguments of Keras


@claim("A2", "Δtest of the chosen setting, harm inside the recurrence and none outside")
def harm_inside(evidence):
    """Whether noise inside the recurrence harms, whatever its kind, and noise outside does not."""
    kinds = ("inside", "schemes", "zoneout")
    speakers = evidence.study("speakers", *(f"speakers_{kind}" for kind in kinds))
    volume = evidence.study("volume", *(f"volume_{kind}" for kind in kinds[1:]))
    for task, comparison, at, epoch in at_both_epochs({"speakers": speakers, "volume": volume}):
        for side, judge, named in (("inside", harms, KINDS), ("outside", no_harm, OUTSIDE)):
            for kind, schemes in named.items():
                if arms := comparison.of(*schemes):
                    where = {"side": side, "noise": kind, "task": task, "epoch": epoch}
                    chosen = comparison.choose(at, arms)
                    yield by_difference(judge, comparison, chosen, at, **where)


@claim("A5", "Test loss with a mask per sequence minus a mask per step, harm done")
def mask_of_sequence(evidence):
    """Whether a mask held over the sequence is worse than one redrawn at every step."""
    speakers = evidence.study("speakers_inside")
    for state in ("h", "c"):
        for per_step in speakers.of(state):
            rate = speakers.known(per_step)["rate"]
            per_sequence = speakers.nearest(f"{state}:sequence", rate)
            for at, epoch in EPOCHS.items():
                where = {"state": f"masks on {state}", "rate": f"{rate:g}", "epoch": epoch}
                yield by_difference(harms, speakers, per_sequence, at, per_step, **where)


@claim("A16", "Test loss with both arguments minus dropout alone, better with both")
def second_argument(evidence):
    """Whether recurrent dropout gains anything beside input dropout."""
    speakers = evidence.study("speakers")
    for both in speakers.of("dropout+recurrent_dropout"):
        rate = speakers.known(both)["rate"]
        alone = speakers.nearest("dropout", rate)
        for at, epoch in EPOCHS.items():
            where = {"rate": f"rate {rate:g}", "epoch": epoch}
            yield by_difference(gains, speakers, both, at, alone, **where)


@claim("A18", "Δtest of recurrent dropout at its chosen rate, better by loss and metric")
def recurrent_dropout(evidence):
    """Whether recurrent dropout gains in most cases."""
    comparisons = {
        "speakers": evidence.study("speakers_schemes"),
        "volume": evidence.study("volume", "volume_schemes"),
        "drift": evidence.study("known_floor"),
        "verses": evidence.study("verses_embedding"),
    }
    for task, comparison, at, epoch in at_both_epochs(comparisons):
        chosen = comparison.choose(at, comparison.of("recurrent_dropout"))
        yield better(comparison, chosen, at, task=task, epoch=epoch)


@claim("A19", "Noise cost of zoneout minus that of a rival, milder")
def zoneout_cost(evidence):
    """Whether zoneout costs less in training."""
    for task, comparison in speakers_and_volume(evidence, "zoneout", "schemes").items():
        for scheme in RIVALS:
            rival = comparison.nearest(scheme, 0.5)
            costs = comparison.paired(PAPER, "last", "noise_cost", rival)
            yield by_interval(gains, costs, rival=f"against {scheme}", task=task)


@claim("A21", "Test loss of zoneout minus a rival, better by loss and metric")
def zoneout_gain(evidence):
    """Whether zoneout is sometimes better than an argument of Keras."""
    comparisons = speakers_and_volume(evidence, "zoneout", "schemes")
    for task, comparison, at, epoch in at_both_epochs(comparisons):
        own = comparison.choose(at, comparison.of(*ZONEOUT))
        for scheme in RIVALS:
            where = {"rival": f"against {scheme}", "task": task, "epoch": epoch}
            rival = comparison.choose(at, comparison.of(scheme))
            yield better(comparison, own, at, rival, **where)
