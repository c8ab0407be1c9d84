"""Kinds of noise inside the recurrence, beside one another: chapters 4 and 6."""

from ...lab import arm as make_arm
from ...lab import describe, look
from ..evidence import EPOCHS, at_both_epochs, speakers_and_volume
from ..outcomes import anywhere, gains, harms
from ..registry import Part, by_difference, by_interval, claim
from .memory import MASKS

ZONEOUT = ("zoneout_c", "zoneout_h", "zoneout_c+zoneout_h")
KINDS = {look(one).label: (one,) for one in (*MASKS, "recurrent_dropout", "weight_drop")}
KINDS |= {"zoneout": ZONEOUT}
PAPER = describe(make_arm("zoneout_c", 0.5) + make_arm("zoneout_h", 0.05)).arm
RIVALS = ("dropout", "recurrent_dropout")  # the arguments of Keras


@claim("A2", "Δtest of the chosen setting, noise inside the recurrence doing harm")
def harm_inside(evidence):
    """Whether noise inside the recurrence harms, whatever its kind."""
    speakers = evidence.study("speakers_inside", "speakers_schemes", "speakers_zoneout")
    volume = evidence.study("volume_schemes", "volume_zoneout")
    comparisons = {"speakers": speakers, "volume": volume}
    for kind, schemes in KINDS.items():
        for task, comparison, at, epoch in at_both_epochs(comparisons):
            if arms := comparison.of(*schemes):
                where = {"noise": kind, "task": task, "epoch": epoch}
                yield by_difference(harms, comparison, comparison.choose(at, arms), at, **where)


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


@claim("A18", "Δtest of recurrent dropout at its chosen rate, a gain")
def recurrent_dropout(evidence):
    """Whether recurrent dropout gains everywhere."""
    comparisons = {
        "speakers": evidence.study("speakers_schemes"),
        "volume": evidence.study("volume", "volume_schemes"),
        "drift": evidence.study("known_floor"),
        "verses": evidence.study("verses_embedding"),
    }
    for task, comparison, at, epoch in at_both_epochs(comparisons):
        chosen = comparison.choose(at, comparison.of("recurrent_dropout"))
        yield by_difference(gains, comparison, chosen, at, task=task, epoch=epoch)


@claim("A19", "Noise cost of zoneout minus that of a rival, milder")
def zoneout_cost(evidence):
    """Whether zoneout costs less in training."""
    for task, comparison in speakers_and_volume(evidence, "zoneout", "schemes").items():
        for scheme in RIVALS:
            rival = comparison.nearest(scheme, 0.5)
            costs = comparison.paired(PAPER, "last", "noise_cost", rival)
            yield by_interval(gains, costs, rival=f"against {scheme}", task=task)


@claim("A21", "Lowest difference of test losses, zoneout minus a rival")
def zoneout_gain(evidence):
    """Whether zoneout is sometimes better than Keras' arguments."""
    comparisons = speakers_and_volume(evidence, "zoneout", "schemes")
    for scheme in RIVALS:
        parts = []
        for _, comparison, at, _ in at_both_epochs(comparisons):
            own, rival = (comparison.choose(at, comparison.of(*s)) for s in (ZONEOUT, [scheme]))
            parts.append(by_difference(gains, comparison, own, at, rival))
        outcome, lowest = anywhere([p.outcome for p in parts]), min(p.ends for p in parts)
        yield Part({"rival": f"better than {scheme} at least once"}, outcome, lowest)
