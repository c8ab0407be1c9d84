"""What is overfitting and what is not: verdicts and gaps, of chapters 1 to 4."""

from dataclasses import replace

import pandas as pd

from ...diagnosis import OVER, TWIN, WORSE, interval, survivors
from ...diagnosis.intervals import p_value
from ...tasks import short_name
from ..entries import ledger
from ..evidence import looks, noises, places_of, speakers_and_volume
from ..outcomes import DEPENDS, FAILS, HOLDS, UNDECIDED, decide, gains, harms
from ..registry import Finding, Part, by_difference, by_verdict, claim
from ..sentences import write
from .memory import HIGH, LONGEST, lag_task

PERFECT = 0.95
ON_C = ("c", "c:sequence")


def networks(evidence, id):
    """Every network of the studies that the ledger names for a claim, by what it is called."""
    for network in evidence.networks(*ledger()[id].named("study")):
        layers = "one layer" if network.table["layers"].iloc[0] == 1 else "two layers"
        yield f"{short_name(network.task)}, {layers}", network


@claim("A1")
def worse_anywhere(evidence):
    """Whether any setting of dropout makes overfitting worse, all of them considered."""
    rows = []
    arms = [(name, one, arm) for name, one in networks(evidence, "A1") for arm in noises(one)]
    for where, network, arm, at in looks(arms, "network", "arm"):
        row = {**where, **network.known(arm), "options": network.table["options"].iloc[0]}
        row |= {"verdict": network.verdict(arm, at), "ends": network.difference(arm, at)}
        rows.append({**row, "p": p_value(network.paired(arm, at).to_numpy())})
    # Networks of one name that differ in their width count as one where they share an arm.
    table = pd.DataFrame(rows).drop_duplicates(["network", "options", "arm", "epoch"])
    return worse_finding(table)


def worse_finding(table):
    """A1 from its table: a row for every arm at an epoch, with the p value of its Δtest."""
    found = table[table["verdict"] == WORSE]
    kept = table[(table["verdict"] == WORSE) & survivors(table["p"])]
    parts = [
        Part({"noise": row.arm, "network": row.network, "epoch": row.epoch}, HOLDS, row.ends)
        for row in kept.itertuples()
    ]
    # What the article speaks of: noise inside the recurrence, or an argument of Keras' LSTM.
    within = any(place.argument for scheme in kept["scheme"] for place in places_of(scheme))
    verdict = HOLDS if within else DEPENDS if len(kept) else UNDECIDED if len(found) else FAILS
    more = (
        f"Of {len(table)} verdicts (a setting at an epoch) {len(found)} read 'overfitting made "
        f"worse'; after correction for their number {len(kept)} of them can be told from chance"
        f"{'' if within or kept.empty else ', none of them with noise inside the LSTM'}."
    )
    return Finding("Δtest, overfitting made worse", parts, verdict, more)


def parts_by_verdict(wanted, arms):
    """Parts that hold where the verdict is the one that is wanted."""
    for where, comparison, arm, at in looks(arms):
        part = by_verdict(wanted, comparison, arm, at, **where)
        if wanted == WORSE and harms(comparison.difference(arm, at, "train")) == HOLDS:
            part = replace(part, outcome=FAILS)  # the training loss is up, which excludes it
        yield part


@claim("A13", "Overfitting made worse by input dropout")
def input_dropout(evidence):
    """Whether dropout=0.5 makes overfitting worse."""
    names = {"drift": "known_floor", "speakers": "speakers", "volume": "volume_schemes"}
    comparisons = {task: evidence.study(name) for task, name in names.items()}
    arms = [(task, one, one.nearest("dropout", 0.5)) for task, one in comparisons.items()]
    return parts_by_verdict(WORSE, arms)


@claim("A14")
def first_listing(evidence):
    """Whether the first listing can show anything."""
    listing = evidence.study("noise_listing")
    arm = listing.nearest("dropout", 0.5)
    parts = list(parts_by_verdict(WORSE, [("random targets", listing, arm)]))
    excess = (listing.values(arm) - 1 / 12).mean()
    more = f"Its test loss lies {excess:.4f} above 1/12, which nothing can beat on average."
    return Finding("Overfitting made worse", parts, more=more)


@claim("A17", "Over-regularization by both arguments")
def both_arguments(evidence):
    """Whether both arguments over-regularize at the highest rate."""
    speakers = evidence.study("speakers")
    highest = speakers.nearest("dropout+recurrent_dropout", 1)
    return parts_by_verdict(OVER, [("speakers", speakers, highest)])


@claim("B21", "Over-regularization at the highest rate")
def highest_rates(evidence):
    """Whether the highest rates over-regularize."""
    cases = []
    for task, stacked in speakers_and_volume(evidence, "placements").items():
        cases += [(f"{task}, two layers", stacked, s) for s in stacked.arms["scheme"].unique()]
    for scheme in ("dropout", "dropout+recurrent_dropout"):
        cases.append(("speakers, one layer", evidence.study("speakers"), scheme))
    return parts_by_verdict(OVER, [(name, one, one.nearest(s, 1)) for name, one, s in cases])


def arms_on_c(evidence):
    """Every arm with noise on c that A8 and A9 look at, at both epochs."""
    speakers, far = evidence.study("speakers_inside"), lag_task(evidence, LONGEST)
    arms = [("speakers", speakers, arm) for arm in speakers.of(*ON_C)]
    arms += [(f"lag {LONGEST}", far, far.nearest(scheme, HIGH)) for scheme in ON_C]
    return looks(arms, arm="noise")


@claim("A8", "Training and test loss both up under noise on c")
def both_losses(evidence):
    """Whether noise on c over-regularizes."""
    for where, comparison, arm, at in arms_on_c(evidence):
        yield by_verdict(OVER, comparison, arm, at, **where)


@claim("A9", "Overfitting made worse where noise on c harms")
def name_of_the_harm(evidence):
    """Whether it is overfitting where noise on c harms."""
    for where, comparison, arm, at in arms_on_c(evidence):
        if harms(comparison.difference(arm, at), comparison.margin) == HOLDS:
            found = comparison.verdict(arm, at)
            yield Part(where, decide(found == WORSE, found == OVER), verdict=found)


@claim("B3", "Training accuracy or R² without dropout, near-perfect with a gap")
def memorization(evidence):
    """Whether the network without noise fits its training data and fails on new ones."""
    names = {"speakers": "speakers", "volume": "volume", "verses": "verses_embedding"}
    for task, name in names.items():
        twin = evidence.study(name)
        fit, gap = (interval(twin.values(TWIN, "last", of)) for of in ("train_metric", "gap"))
        outcome = decide(
            fit[1] > PERFECT and gap[1] > twin.margin, fit[2] < PERFECT or gap[2] < twin.margin
        )
        yield Part({"task": task}, outcome, fit)


@claim("B23")
def smaller_gap(evidence):
    """Whether there is a gain where the gap is smaller than the twin's."""
    parts = [
        by_difference(gains, network, arm, "last", network=name, setting=arm)
        for name, network in networks(evidence, "B23")
        for arm in network.of()
        if gains(network.difference(arm, "last", "gap")) == HOLDS
    ]
    if not parts:
        return Finding("Gap smaller than the twin's", parts)
    works, harmful = sum(p.outcome == HOLDS for p in parts), sum(p.ends[1] > 0 for p in parts)
    worst = max(parts, key=lambda part: part.ends[0])
    more = (
        f"Of {len(parts)} settings with a smaller gap than their twin's {works} gain, and "
        f"{harmful} have a higher test loss; the highest: {worst.label}, Δtest {write(worst.ends)}."
    )
    return Finding("", parts, more=more)
