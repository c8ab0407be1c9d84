"""Rules of the first article beyond the cell: what is worse, what helps, what zoneout is worth."""

import pandas as pd
from scipy.stats import ttest_1samp

from ..effects import OVER, WORSE
from .evidence import TWIN, Case, ends, said
from .outcomes import (
    DEPENDS,
    FAILS,
    HOLDS,
    UNDECIDED,
    Finding,
    Part,
    combine,
    decided,
    gains,
    harms,
    named_verdict,
)
from .rules_cell import EPOCHS

LEVEL = 0.05
# What the first article speaks of: noise inside the recurrence, or an argument of Keras' LSTM.
IN_LSTM = ("dropout", "recurrent_dropout", "h", "g", "c", "zoneout_c", "zoneout_h", "weight_drop")
BLANKET = (0.1, 0.3, 0.5, 0.7, 0.9)
PAPER = "zoneout_c@0.5+zoneout_h@0.05"


def networks(evidence, studies):
    """Each network on each task of some studies."""
    for name in studies:
        for _, table in evidence.table(name).groupby(["options", "layers"], sort=False):
            yield Case(table)


def made_worse(evidence, studies):
    """A1: whether any setting of dropout makes overfitting worse, all of them considered."""
    rows = {}
    for case in networks(evidence, studies):
        layers, options = case.table[["layers", "options"]].iloc[0]
        for setting in case.settings():
            for at in EPOCHS if "weight_decay" not in setting[0] else ():
                key = (case.name, options, layers, *setting, at)
                if key in rows:
                    continue
                difference = case.values(setting, at) - case.values(TWIN, at)
                p = ttest_1samp(difference, 0).pvalue
                rows[key] = (case.verdict(setting, at), p, ends(difference))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["verdict", "p", "ends"])
    return worse_finding(table)


def worse_finding(table):
    """A1 from the table of all settings: verdict, p and interval, by task, arm, rate and epoch."""
    found = table[table["verdict"] == WORSE]
    kept = found[found.index.isin(holm(table["p"]))]
    parts = []
    for (task, _, layers, arm, rate, at), row in kept.iterrows():
        network = f"{task}, {'one layer' if layers == 1 else 'two layers'}"
        where = {"noise": said((arm, rate)), "network": network, "epoch": EPOCHS[at]}
        parts.append(Part(where, HOLDS, row["ends"]))
    within = [key for key in kept.index if set(places(key[3])) & set(IN_LSTM)]
    verdict = HOLDS if within else DEPENDS if len(kept) else UNDECIDED if len(found) else FAILS
    more = (
        f"Of {len(table)} verdicts (a setting at an epoch) {len(found)} read 'overfitting made "
        f"worse'; after correction for their number {len(kept)} of them can be told from chance"
        f"{'' if within or kept.empty else ', none of them with noise inside the LSTM'}."
    )
    return Finding("Δtest, overfitting made worse", parts, verdict, more)


def places(arm):
    """The places of an arm that `describe` has named, without masks and rates."""
    return [part.partition("@")[0].partition(":")[0] for part in arm.split("+")]


def holm(p_values, level=LEVEL):
    """The labels of what stays significant after Holm's correction for all of them.

    Examples
    --------
    >>> holm(pd.Series([0.001, 0.04, 0.03]))
    [0]
    """
    kept = []
    for rank, (name, p) in enumerate(p_values.sort_values().items()):
        if not p <= level / (len(p_values) - rank):
            break
        kept.append(name)
    return kept


def by_verdict(quantity, wanted, settings):
    """Parts that hold where the verdict is the one that is wanted."""
    parts = []
    for task, case, setting in settings:
        for at, epoch in EPOCHS.items():
            found = case.verdict(setting, at)
            outcome = named_verdict(found, wanted)
            if wanted == WORSE and harms(case.difference(setting, at, column="train")) == HOLDS:
                outcome = FAILS  # the training loss is up, which excludes it
            where = {"task": task, "setting": said(setting), "epoch": epoch}
            parts.append(Part(where, outcome, verdict=found))
    return Finding(quantity, parts)


def input_alone(evidence):
    """A13: whether dropout=0.5 makes overfitting worse."""
    cases = {"drift": "known_floor", "speakers": "speakers", "volume": "volume_schemes"}
    opened = {task: evidence.case(name) for task, name in cases.items()}
    settings = [(task, case, case.near("dropout", 0.5)) for task, case in opened.items()]
    return by_verdict("Overfitting made worse by input dropout", WORSE, settings)


def first_listing(evidence):
    """A14: whether the first listing can show anything."""
    case = evidence.case("noise_listing")
    setting = case.near("dropout", 0.5)
    finding = by_verdict("Overfitting made worse", WORSE, [("random targets", case, setting)])
    excess = ends(case.values(setting, "last") - 1 / 12)
    more = f"Its test loss lies {excess[0]:.4f} above 1/12, which nothing can beat on average."
    return Finding(finding.quantity, finding.parts, more=more)


def both_preserve(evidence):
    """A16: whether recurrent dropout gains anything beside input dropout."""
    case = evidence.case("speakers")
    parts = []
    for both in case.settings("dropout+recurrent_dropout"):
        for at, epoch in EPOCHS.items():
            found = case.difference(both, at, ("dropout", both[1]))
            where = {"rate": f"rate {both[1]:g}", "epoch": epoch}
            parts.append(Part(where, gains(found, case.margin), found))
    return Finding("Test loss with both arguments minus dropout alone, better with both", parts)


def both_underfit(evidence):
    """A17: whether both arguments over-regularize at the highest rate."""
    case = evidence.case("speakers")
    highest = case.near("dropout+recurrent_dropout", 1)
    return by_verdict("Over-regularization by both arguments", OVER, [("speakers", case, highest)])


def recurrent_helps(evidence):
    """A18: whether recurrent dropout gains everywhere."""
    cases = {
        "speakers": evidence.case("speakers_schemes"),
        "volume": evidence.case("volume", "volume_schemes"),
        "drift": evidence.case("known_floor"),
        "verses": evidence.case("verses_embedding"),
    }
    parts = []
    for task, case in cases.items():
        for at, epoch in EPOCHS.items():
            found = case.difference(case.chosen(at, case.settings("recurrent_dropout")), at)
            where = {"task": task, "epoch": epoch}
            parts.append(Part(where, gains(found, case.margin), found))
    return Finding("Δtest of recurrent dropout at its chosen rate, a gain", parts)


def schemes(evidence):
    """The networks in which zoneout stands beside Keras' arguments."""
    return {
        task: evidence.case(f"{task}_zoneout", f"{task}_schemes") for task in ("speakers", "volume")
    }


def zoneout_milder(evidence):
    """A19: whether zoneout costs less in training."""
    parts = []
    for task, case in schemes(evidence).items():
        own = next(setting for setting in case.settings() if setting[0] == PAPER)
        for arm in ("dropout", "recurrent_dropout"):
            costs = [
                case.values(setting, "last", "noisy") - case.values(setting, "last", "train")
                for setting in (own, case.near(arm, 0.5))
            ]
            found = ends(costs[0] - costs[1])
            parts.append(Part({"rival": f"against {arm}", "task": task}, gains(found), found))
    return Finding("Noise cost of zoneout minus that of a rival, milder", parts)


def zoneout_better(evidence):
    """A21: whether zoneout is sometimes better than Keras' arguments."""
    parts = []
    for rival in ("dropout", "recurrent_dropout"):
        outcomes, differences = [], []
        for case in schemes(evidence).values():
            zoneouts = [s for s in case.settings() if s[0].startswith("zoneout")]
            for at in EPOCHS:
                other = case.chosen(at, case.settings(rival))
                found = case.difference(case.chosen(at, zoneouts), at, other)
                outcomes.append(gains(found, case.margin))
                differences.append(found)
        outcome = decided(HOLDS in outcomes, set(outcomes) == {FAILS})
        lowest = min(differences)
        parts.append(Part({"rival": f"better than {rival} at least once"}, outcome, lowest))
    return Finding("Lowest difference of test losses, zoneout minus a rival", parts)


def no_blanket(evidence):
    """A25: whether every blanket rate of dropout harms somewhere."""
    cases = {
        "10 utterances": evidence.case("speakers_sizes", options="per_speaker=10"),
        "30 utterances": evidence.case("speakers_sizes", options="per_speaker=30"),
        "volume": evidence.case("volume", "volume_schemes"),
    }
    parts, told = [], []
    for at, epoch in EPOCHS.items():
        best = {name: chosen_or_none(case, at) for name, case in cases.items()}
        by_rate = []
        for rate in BLANKET:
            costs = []
            for name, case in cases.items():
                found = case.difference(case.near("dropout", rate), at, best[name])
                costs.append(harms(found, case.margin))
            by_rate.append(decided(HOLDS in costs, set(costs) == {FAILS}))
        outcome = decided(set(by_rate) == {HOLDS}, FAILS in by_rate)
        parts.append(Part({"epoch": epoch}, outcome))
        harmful = [f"{r:g}" for r, o in zip(BLANKET, by_rate, strict=True) if o == HOLDS]
        chosen = ", ".join(f"{setting[1]:g} ({name})" for name, setting in best.items())
        told.append(
            f"At the {epoch} validation chooses {chosen}; shown to harm somewhere: "
            f"{', '.join(harmful) or 'no rate'}."
        )
    quantity = "Every blanket rate does harm in at least one case"
    return Finding(quantity, parts, combine([p.outcome for p in parts]), " ".join(told))


def chosen_or_none(case, at, arm="dropout"):
    """The setting of an arm with the lowest validation loss; the twin is a candidate as well."""
    return case.chosen(at, [TWIN, *case.settings(arm)])
