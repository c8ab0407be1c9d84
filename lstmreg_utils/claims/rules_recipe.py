"""Rules of chapter 7: units, ensembles, other networks, other regularizers, and rates."""

from .evidence import TWIN, ends, said
from .outcomes import Finding, Part, decided, gains, harms, inside, turned
from .rules_cell import EPOCHS
from .rules_first import chosen_or_none
from .rules_second import USUAL

START = 0.3
MEMBERS = 5
PASSES = 100


def probed_units(kind, level, compared):
    """Parts for a probe of units: whether the arm's loss rises less than the twin's."""
    parts = []
    for task, case, setting in compared:
        for at, epoch in EPOCHS.items():
            own, twin = (case.probe(s, kind, level, at) for s in (setting, TWIN))
            found = ends(own - twin)
            where = {"task": task, "setting": said(setting), "epoch": epoch}
            parts.append(Part(where, gains(found, case.margin), found))
    return parts


def switched_off(evidence):
    """The arms that switch units of a single LSTM off."""
    speakers, volume = evidence.case("speakers_inference"), evidence.case("volume_inference")
    for arm in ("recurrent_dropout", "output"):
        yield "speakers", speakers, speakers.near(arm, 0.5)
    yield "volume", volume, volume.near("recurrent_dropout", 0.3)


def single_units(evidence):
    """B2: whether the one unit that is missed most is missed less."""
    parts = probed_units("unit", 1.0, switched_off(evidence))
    return Finding("Rise of the loss without the most missed unit, arm minus twin, smaller", parts)


def redundancy(evidence):
    """B7: whether the loss rises less when half of the units are cut off."""
    stacked = evidence.case("speakers_between_units")
    between = [("speakers, two layers", stacked, stacked.near("between", 0.5))]
    parts = probed_units("cut", 0.5, [*switched_off(evidence), *between])
    return Finding("Rise of the loss without half of the units, arm minus twin, smaller", parts)


def lower_units(evidence):
    """B16: whether the second layer misses the most missed unit of the first one less."""
    case = evidence.case("speakers_between_units")
    compared = [("speakers", case, setting) for setting in case.settings("between")]
    parts = probed_units("unit", 1.0, compared)
    return Finding("Rise of the loss without the most missed unit, arm minus twin, smaller", parts)


def averages(evidence):
    """B8: whether one pass is as good as the mean of many, and one network as an ensemble."""
    parts = []
    for task in ("speakers", "volume"):
        case, plain = (evidence.case(f"{task}_{kind}") for kind in ("inference", "ensembles"))
        for at, epoch in EPOCHS.items():
            setting = case.chosen(at)
            loss, where = case.values(setting, at), {"task": task, "epoch": epoch}
            found = ends(case.probe(setting, "samples", PASSES, at) - loss)
            outcome = inside(found, case.margin)
            parts.append(Part({"what": f"equal to {PASSES} passes", **where}, outcome, found))
            found = ends(loss - plain.probe(TWIN, "ensemble", MEMBERS, at))
            outcome = turned(harms(found, case.margin))
            parts.append(Part({"what": f"as good as {MEMBERS} networks", **where}, outcome, found))
    return Finding("Difference of test losses, dropout as an average", parts)


def whole_network(evidence):
    """B9: whether the whole network beats one thinned network."""
    parts = []
    for task in ("speakers", "volume"):
        case = evidence.case(f"{task}_inference")
        for setting in case.settings():
            for at, epoch in EPOCHS.items():
                found = ends(case.probe(setting, "samples", 1, at) - case.values(setting, at))
                where = {"task": task, "setting": said(setting), "epoch": epoch}
                parts.append(Part(where, harms(found), found))
    case = evidence.case("speakers_inside")
    setting = case.near("c", 0.5)
    found = ends(case.values(setting, "last", "noisy") - case.values(setting, "last", "train"))
    where = {"task": "speakers", "setting": f"{said(setting)}, not in Keras", "epoch": "last epoch"}
    parts.append(Part(where, harms(found), found))
    return Finding("Loss of a thinned network minus that of the whole one, whole better", parts)


def recurrent_gains_more(evidence):
    """B10: whether the relative gain of an LSTM is larger than that of a perceptron."""
    arms = {"speakers": ("dropout", "output"), "volume": ("dropout", "recurrent_dropout")}
    parts = []
    for task, own in arms.items():
        lstm, perceptron = evidence.case(task), evidence.case(f"{task}_perceptron")
        for at, epoch in EPOCHS.items():
            found = ends(
                relative_gain(lstm, at, lstm.settings(*own))
                - relative_gain(perceptron, at, perceptron.settings())
            )
            parts.append(Part({"task": task, "epoch": epoch}, harms(found), found))
    return Finding("Relative gain of the LSTM minus that of the perceptron, larger", parts)


def relative_gain(case, at, settings):
    """By how much of the twin's test loss the chosen setting is better, by seed."""
    setting = case.chosen(at, settings)
    return 1 - case.values(setting, at) / case.values(TWIN, at)


def factorial(evidence):
    """The studies of dropout and weight decay, with the names of their three settings."""
    for task in ("speakers", "volume"):
        case = evidence.case(f"{task}_factorial")
        decay = next(s for s in case.settings() if s[0] == "weight_decay")
        both = next(s for s in case.settings() if "+" in s[0])
        dropout = next(s for s in case.settings() if s not in (decay, both))
        yield task, case, dropout, decay, both


def vital(evidence):
    """B11: whether it is harmful to do without dropout, if all else may be used."""
    parts = []
    for task, case, dropout, decay, both in factorial(evidence):
        without = case.chosen("best", [TWIN, decay])
        found = case.difference(without, "best", case.chosen("best", [dropout, both]))
        parts.append(Part({"task": task}, harms(found, case.margin), found))
    return Finding("Test loss without dropout minus with it, both stopped early, harm", parts)


def complementary(evidence):
    """B24: whether each of three regularizers adds to another."""
    parts = []
    for task, case, dropout, decay, both in factorial(evidence):
        added = {
            "dropout to early stopping": case.difference(dropout, "best"),
            "early stopping to dropout": case.difference(dropout, "best", dropout, "last"),
            "dropout to weight decay": case.difference(both, "last", decay),
            "weight decay to dropout": case.difference(both, "last", dropout),
        }
        for what, found in added.items():
            parts.append(Part({"added": what, "task": task}, gains(found, case.margin), found))
    return Finding("Difference of test losses by what is added, a gain", parts)


def usual_rates(evidence):
    """B20: whether the usual range costs nothing, and the rate on the input is the lowest."""
    cases = {
        size: (evidence.case("speakers_sizes", options=f"per_speaker={size}"), ["dropout"])
        for size in (10, 30)
    }
    cases = {f"speakers, {size} utterances": case for size, case in cases.items()}
    places = ["input", "input:sequence", "between", "output"]
    placements = {task: evidence.case(f"{task}_placements") for task in ("speakers", "volume")}
    cases |= {task: (case, places) for task, case in placements.items()}
    parts = []
    for task, (case, arms) in cases.items():
        for arm in arms:
            settings = case.settings(arm)
            usual = [s for s in settings if USUAL[0] <= s[1] <= USUAL[1]] or settings
            for at, epoch in EPOCHS.items():
                found = case.difference(case.chosen(at, usual), at, case.chosen(at, settings))
                where = {"what": "usual range", "case": task, "arm": said((arm, 0)), "epoch": epoch}
                parts.append(Part(where, turned(harms(found, case.margin)), found))
    for task, case in placements.items():
        for at, epoch in EPOCHS.items():
            parts.append(lowest_on_input(task, case, at, epoch))
    return Finding("Cost of the usual range, and rate on the input the lowest", parts)


def lowest_on_input(task, case, at, epoch):
    """Part (b) of B20: the chosen rate on the input beside those deeper in the network."""
    rate = {arm: case.chosen(at, case.settings(arm))[1] for arm in ("input", "between", "output")}
    deeper = [rate["between"], rate["output"]]
    outcome = decided(rate["input"] < min(deeper), rate["input"] > min(deeper))
    found = ", ".join(f"{arm} {value:g}" for arm, value in rate.items())
    where = {"what": "lower on the input", "case": task, "epoch": epoch, "rates": found}
    return Part(where, outcome)


def first_rate(evidence):
    """B22: whether a rate of 0.3 costs nothing against the one that validation chooses."""
    small, large = (
        evidence.case("speakers_sizes", options=f"per_speaker={size}") for size in (10, 30)
    )
    placements, verses = evidence.case("speakers_placements"), evidence.case("verses_schemes")
    cases = {
        "10 utterances": (small, ["dropout"]),
        "30 utterances": (large, ["dropout"]),
        "speakers, two layers": (placements, ["input", "between", "output"]),
        "volume": (evidence.case("volume"), ["dropout", "recurrent_dropout"]),
        "verses": (verses, ["dropout", "output"]),
    }
    parts = []
    for name, (case, arms) in cases.items():
        for arm in arms:
            for at, epoch in EPOCHS.items():
                start = case.near(arm, START)
                found = case.difference(start, at, chosen_or_none(case, at, arm))
                where = {"case": name, "setting": said(start), "epoch": epoch}
                parts.append(Part(where, turned(harms(found, case.margin)), found))
    return Finding("Test loss at the starting rate minus at the chosen rate, no harm", parts)
