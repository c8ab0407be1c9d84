"""Which rate to choose, and whether one rate serves everywhere: chapters 2 and 7."""

from ...diagnosis import TWIN
from ...lab import look
from ..evidence import EPOCHS, at_both_epochs, looks, speakers_and_volume
from ..outcomes import FAILS, HOLDS, decide, gains, harms, no_harm
from ..registry import Finding, Part, by_difference, by_interval, claim
from .placement import POINT, USUAL

BLANKET = (0.1, 0.3, 0.5, 0.7, 0.9)
START = 0.3
PLACES = ("input", "input:sequence", "between", "output")


def sizes(evidence):
    """The two sizes of the speakers."""
    sizes = {count: evidence.study("speakers_sizes", per_speaker=count) for count in (10, 30)}
    return {f"{count} utterances": comparison for count, comparison in sizes.items()}


def choose_or_none(comparison, at, scheme="dropout"):
    """The arm of a scheme with the lowest validation loss; the twin is a candidate as well."""
    return comparison.choose(at, [TWIN, *comparison.of(scheme)])


@claim("A25")
def blanket_rate(evidence):
    """Whether every blanket rate of dropout harms somewhere."""
    comparisons = {**sizes(evidence), "volume": evidence.study("volume", "volume_schemes")}
    parts, said = [], []
    for at, epoch in EPOCHS.items():
        cases = [(name, one, choose_or_none(one, at)) for name, one in comparisons.items()]
        by_rate = {rate: harm_somewhere(cases, rate, at) for rate in BLANKET}
        outcomes = set(by_rate.values())
        parts.append(Part({"epoch": epoch}, str(decide(outcomes == {HOLDS}, FAILS in outcomes))))
        chosen = ", ".join(f"{one.known(best)['rate']:g} ({name})" for name, one, best in cases)
        harm = ", ".join(f"{rate:g}" for rate in BLANKET if by_rate[rate] == HOLDS) or "no rate"
        said.append(f"At the {epoch} validation chooses {chosen}; shown to harm somewhere: {harm}.")
    quantity = "Every blanket rate does harm in at least one case"
    return Finding(quantity, parts, more=" ".join(said))


def harm_somewhere(cases, rate, at):
    """Whether one rate of dropout harms in at least one case, against the best arm of each."""
    arms = [(one, one.nearest("dropout", rate), best) for _, one, best in cases]
    found = {by_difference(harms, one, arm, at, best).outcome for one, arm, best in arms}
    return str(decide(HOLDS in found, found == {FAILS}))


@claim("B4")
def low_rate(evidence):
    """Whether a rate of 0.2 lowers the loss and raises the accuracy."""
    names, schemes = {"speakers": "speakers", "verses": "verses_schemes"}, ("dropout", "output")
    cases = [(task, evidence.study(name), s) for task, name in names.items() for s in schemes]
    parts = []
    for where, comparison, scheme, at in looks(cases):
        arm = comparison.nearest(scheme, 0.2)
        where["setting"] = arm
        parts.append(by_difference(gains, comparison, arm, at, measure="test loss", **where))
        more = comparison.paired(arm, at, "test_metric")  # more of it is better
        parts.append(by_interval(harms, more, POINT, measure="accuracy", **where))
    said = []
    for measure in ("test loss", "accuracy"):
        own = [part.outcome for part in parts if part.where["measure"] == measure]
        said.append(f"{measure}: {own.count(HOLDS)} of {len(own)} hold, {own.count(FAILS)} fail")
    return Finding("Low rates against the twin, better", parts, more=f"By {'; '.join(said)}.")


@claim("B20", "Cost of the usual range, and rate on the input the lowest")
def usual_range(evidence):
    """Whether the usual range costs nothing, and the rate on the input is the lowest."""
    placements = speakers_and_volume(evidence, "placements")
    cases = [(f"speakers, {size}", one, "dropout") for size, one in sizes(evidence).items()]
    cases += [(task, one, place) for task, one in placements.items() for place in PLACES]
    for where, comparison, scheme, at in looks(cases, "case", "arm"):
        arms = comparison.of(scheme)
        rates = comparison.arms.loc[arms, "rate"]
        usual = list(rates[rates.between(*USUAL)].index) or arms
        own, best = comparison.choose(at, usual), comparison.choose(at, arms)
        where = {"what": "usual range", **where, "arm": look(scheme).label}
        yield by_difference(no_harm, comparison, own, at, best, **where)
    schemes = ("input", "between", "output")
    for task, comparison, at, epoch in at_both_epochs(placements):
        chosen = [comparison.choose(at, comparison.of(scheme)) for scheme in schemes]
        first, *deeper = rates = [comparison.known(arm)["rate"] for arm in chosen]
        outcome = decide(first < min(deeper), first > min(deeper))
        rates = ", ".join(f"{s} {rate:g}" for s, rate in zip(schemes, rates, strict=True))
        where = {"what": "lower on the input", "case": task, "epoch": epoch, "rates": rates}
        yield Part(where, str(outcome))


@claim("B22", "Test loss at the starting rate minus at the chosen rate, no harm")
def starting_rate(evidence):
    """Whether a rate of 0.3 costs nothing against the one that validation chooses."""
    cases = [(size, one, "dropout") for size, one in sizes(evidence).items()]
    for case, name, schemes in (
        ("speakers, two layers", "speakers_placements", ("input", "between", "output")),
        ("volume", "volume", ("dropout", "recurrent_dropout")),
        ("verses", "verses_schemes", ("dropout", "output")),
    ):
        cases += [(case, evidence.study(name), scheme) for scheme in schemes]
    for where, comparison, scheme, at in looks(cases, "case"):
        arm = comparison.nearest(scheme, START)
        where["setting"] = arm
        best = choose_or_none(comparison, at, scheme)
        yield by_difference(no_harm, comparison, arm, at, best, **where)
