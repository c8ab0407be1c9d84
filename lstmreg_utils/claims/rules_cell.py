"""Rules of chapter 4: what noise inside the cell does to memory, to gradients and to the losses."""

import numpy as np

from ..effects import OVER, WORSE
from ..memory import BIT
from .evidence import TWIN, ends, said
from .outcomes import FAILS, HOLDS, Finding, Part, decided, gains, harms, inside, named_verdict

EPOCHS = {"last": "last epoch", "best": "best epoch"}
STEADY = ("h", "h:sequence", "g", "g:sequence")
ON_C = ("c", "c:sequence")
ZONEOUT = ("zoneout_c", "zoneout_c+zoneout_h")
HIGH = 0.5
SHORTEST, LONGEST = 5, 40
MOST = 0.9  # of the one bit that was shown
NEXT_TO_NOTHING = 0.1


def lag(evidence, steps):
    """The lag task at one lag."""
    return evidence.case("recall_short" if steps < 20 else "recall_long", options=f"lag={steps}")


def bits(case, setting, at="best"):
    """Bits recalled with noise off, mean and interval."""
    return ends(1 - case.values(setting, at) / BIT)


def inside_harms(evidence):
    """A2: whether noise inside the recurrence harms, whatever its kind."""
    schemes = (*STEADY, *ON_C, "recurrent_dropout", "weight_drop", "zoneout")
    cases = {
        "speakers": evidence.case("speakers_inside", "speakers_schemes", "speakers_zoneout"),
        "volume": evidence.case("volume_schemes", "volume_zoneout"),
    }
    parts = []
    for scheme in schemes:
        for task, case in cases.items():
            own = [s for s in case.settings() if s[0] == scheme]
            if scheme == "zoneout":
                own = [s for s in case.settings() if s[0].startswith("zoneout")]
            for at, epoch in EPOCHS.items() if own else ():
                found = case.difference(case.chosen(at, own), at)
                where = {"noise": said((scheme, 0.0)), "task": task, "epoch": epoch}
                parts.append(Part(where, harms(found, case.margin), found))
    return Finding("Δtest of the chosen setting, noise inside the recurrence doing harm", parts)


def memory_lost(evidence):
    """A4: whether noise inside the cell costs memory at the longest lag."""
    case = lag(evidence, LONGEST)
    parts = []
    for arm in (*STEADY, *ON_C, *ZONEOUT):
        setting = case.near(arm, HIGH)
        found = bits(case, setting)
        outcome = decided(found[2] < MOST, found[1] > MOST)
        parts.append(Part({"noise": said(setting)}, outcome, found))
    return Finding(f"Bits of one recalled after {LONGEST} steps, memory lost", parts, digits=2)


def held_mask(evidence):
    """A5: whether a mask held over the sequence is worse than one redrawn at every step."""
    case = evidence.case("speakers_inside")
    parts = []
    for state in ("h", "c"):
        for _, rate in case.settings(state):
            for at, epoch in EPOCHS.items():
                found = case.difference((f"{state}:sequence", rate), at, (state, rate))
                where = {"state": f"masks on {state}", "rate": f"{rate:g}", "epoch": epoch}
                parts.append(Part(where, harms(found, case.margin), found))
    return Finding("Test loss with a mask per sequence minus a mask per step, harm done", parts)


def harm_by_lag(evidence):
    """A6: whether the harm grows with the lag."""
    short, long = lag(evidence, SHORTEST), lag(evidence, LONGEST)
    parts = []
    for arm in (*STEADY, *ON_C, *ZONEOUT):
        setting = long.near(arm, HIGH)
        far, near = (c.values(setting, "best") - c.values(TWIN, "best") for c in (long, short))
        found = ends(far - near)
        parts.append(Part({"noise": said(setting)}, harms(found, long.margin), found))
    return Finding(f"Δtest at a lag of {LONGEST} minus {SHORTEST}, growing with the lag", parts)


def cell_interrupted(evidence):
    """A7: masks on c lose memory, but no argument of Keras puts them there."""
    case = lag(evidence, LONGEST)
    setting = case.near("c", HIGH)
    found = bits(case, setting)
    outcome = decided(found[2] < NEXT_TO_NOTHING, found[1] > MOST)
    parts = [
        Part({"noise": f"masks on the cell state ({said(setting)}, bits)"}, outcome, found),
        Part({"noise": "Keras' two arguments, which leave the cell state as it is"}, FAILS),
    ]
    return Finding(f"Context lost after {LONGEST} steps", parts, digits=2)


def settings_on_c(evidence):
    """Every setting of noise on c that A8 and A9 look at."""
    speakers, far = evidence.case("speakers_inside"), lag(evidence, LONGEST)
    for name, case, settings in (
        ("speakers", speakers, speakers.settings(*ON_C)),
        (f"lag {LONGEST}", far, [far.near(arm, HIGH) for arm in ON_C]),
    ):
        for setting in settings:
            for at, epoch in EPOCHS.items():
                where = {"task": name, "noise": said(setting), "epoch": epoch}
                yield where, case, setting, at


def both_degrade(evidence):
    """A8: whether noise on c over-regularizes."""
    parts = []
    for where, case, setting, at in settings_on_c(evidence):
        found = case.verdict(setting, at)
        parts.append(Part(where, named_verdict(found, OVER), verdict=found))
    return Finding("Training and test loss both up under noise on c", parts)


def called_overfitting(evidence):
    """A9: whether it is overfitting where noise on c harms."""
    parts = []
    for where, case, setting, at in settings_on_c(evidence):
        if harms(case.difference(setting, at), case.margin) == HOLDS:
            found = case.verdict(setting, at)
            outcome = decided(found == WORSE, found == OVER)
            parts.append(Part(where, outcome, verdict=found))
    return Finding("Overfitting made worse where noise on c harms", parts)


def gradient_spoiled(evidence):
    """A10: whether noise keeps the gradient from the first steps."""
    case = evidence.case("recall_gradients")
    shares = case.probe(TWIN, "gradient", 0.25, "last")
    margin = shares.mean() / 10
    parts = []
    for arm in (*STEADY, *ON_C, *ZONEOUT):
        setting = case.near(arm, HIGH)
        found = ends(case.probe(setting, "gradient", 0.25, "last") - shares)
        parts.append(Part({"noise": said(setting)}, gains(found, margin), found))
    more = f"The twin's share is {shares.mean():.3f}. One rate is on record."
    return Finding("Δ of the gradient's share that reaches the first quarter", parts, more=more)


def near_chance(evidence):
    """A11: whether the network is near chance, and whether that looks like overfitting."""
    case = lag(evidence, LONGEST)
    setting = case.near("c", HIGH)
    train, test = (case.values(setting, "last", column) for column in ("train", "test"))
    chance, gap = ends(train - np.log(2)), ends(test - train)
    parts = [
        Part({"what": "training loss minus that of guessing"}, inside(chance, case.margin), chance),
        Part({"what": "gap between test and training loss"}, harms(gap, case.margin), gap),
    ]
    return Finding(
        f"{said(setting)}, lag {LONGEST}, near chance and looking like overfitting", parts
    )


def zoneout_keeps(evidence):
    """A20: whether zoneout keeps what dropout of c loses."""
    parts = []
    for steps in (20, LONGEST):
        case = lag(evidence, steps)
        for _, rate in case.settings("c"):
            found = case.difference(case.near("zoneout_c", rate), "best", ("c", rate))
            where = {"lag": f"lag {steps}", "rate": f"rate {rate:g}"}
            parts.append(Part(where, gains(found, case.margin), found))
    return Finding("Test loss with zoneout of c minus dropout of c, less being lost", parts)
