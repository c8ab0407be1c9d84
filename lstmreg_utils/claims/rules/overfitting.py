"""What is overfitting and what is not: causes and gaps, of chapters 1 to 4."""

import itertools
from dataclasses import replace

from ...diagnosis import OVER, TWIN, WORSE, interval
from ...tasks import short_name
from ..entries import ledger
from ..evidence import looks, noises, speakers_and_volume
from ..outcomes import HOLDS, gains, harms, standing
from ..registry import (
    Finding,
    both_up,
    by_cause,
    by_difference,
    by_interval,
    by_rule,
    claim,
    together,
)
from ..sentences import write
from .memory import HIGH, LONGEST, lag_task

PERFECT = 0.95
MANY = "speakers_many"
ON_C = ("c", "c:sequence")


def networks(evidence, id):
    """Every network of the studies that the ledger names for a claim, by what it is called.

    The study of many seeds comes first, by itself: it trains what another one trains, too.
    """
    names = ledger()[id].named("study")
    several = [evidence.networks(MANY)] if MANY in names else []
    several.append(evidence.networks(*(name for name in names if name != MANY)))
    for network in itertools.chain(*several):
        layers = "one layer" if network.table["layers"].iloc[0] == 1 else "two layers"
        yield f"{short_name(network.task)}, {layers}", network


@claim("A1")
def worse_anywhere(evidence):
    """Whether any setting of dropout makes overfitting worse, all of them considered."""
    parts = {}
    for name, network in networks(evidence, "A1"):
        for arm in noises(network):
            # Networks of one name that differ in their width count as one where they share an arm.
            where = {"noise": arm, "network": name, "options": network.table["options"].iloc[0]}
            if tuple(where.values()) not in parts:
                part = by_cause(WORSE, network, arm, noise=arm, network=name)
                parts[tuple(where.values())] = part
    parts = [*parts.values()]
    found = [part for part in parts if part.said == HOLDS]
    again = sum(part.outcome == HOLDS for part in found)
    kept = sum(part.outcome == HOLDS for part in standing(parts, "ever"))
    likely = "; ".join(f"{part.label} (Δtest {write(part.ends)})" for part in found)
    more = (
        f"Of {len(parts)} settings at the last epoch {len(found)} read 'overfitting made worse'"
        f"{': ' * bool(found)}{likely}. A fresh study would say {again} of them again, and "
        f"corrected for their number {kept} stand{'s' * (kept == 1)}."
    )
    return Finding("", parts, more=more)


def causes(wanted, arms):
    """Parts that hold where an arm hurts by the cause that is wanted."""
    return [by_cause(wanted, one, arm, task=name, setting=arm) for name, one, arm in arms]


@claim("A13", "Overfitting made worse by input dropout")
def input_dropout(evidence):
    """Whether dropout=0.5 makes overfitting worse."""
    names = {"drift": "known_floor", "speakers": "speakers", "volume": "volume_schemes"}
    cases = {task: evidence.study(name) for task, name in names.items()}
    arms = [(task, one, one.nearest("dropout", 0.5)) for task, one in cases.items()]
    gaps = [f"{task} {write(one.difference(arm, column='gap'))}" for task, one, arm in arms]
    more = f"Δgap: {'; '.join(gaps)}."
    return Finding("Overfitting made worse by input dropout", causes(WORSE, arms), more=more)


@claim("A14")
def first_listing(evidence):
    """Whether the first listing can show anything."""
    listing = evidence.study("noise_listing")
    arm = listing.nearest("dropout", 0.5)
    parts = causes(WORSE, [("random targets", listing, arm)])
    excess = (listing.values(arm) - 1 / 12).mean()
    more = f"Its test loss lies {excess:.4f} above 1/12, which nothing can beat on average."
    return Finding("Overfitting made worse", parts, more=more)


@claim("A17", "Over-regularization by both arguments")
def both_arguments(evidence):
    """Whether both arguments over-regularize at some rate."""
    speakers = evidence.study("speakers")
    arms = speakers.of("dropout+recurrent_dropout")
    return causes(OVER, [("speakers", speakers, arm) for arm in arms])


@claim("B21", "Over-regularization at the highest rate")
def highest_rates(evidence):
    """Whether the highest rates over-regularize somewhere."""
    cases = []
    for task, stacked in speakers_and_volume(evidence, "placements").items():
        cases += [(f"{task}, two layers", stacked, s) for s in stacked.arms["scheme"].unique()]
    for scheme in ("dropout", "dropout+recurrent_dropout"):
        cases.append(("speakers, one layer", evidence.study("speakers"), scheme))
    return causes(OVER, [(name, one, one.nearest(s, 1)) for name, one, s in cases])


@claim("A8", "Training and test loss both up under noise on c")
def both_losses(evidence):
    """Whether noise on c can raise both losses."""
    speakers, far = evidence.study("speakers_inside"), lag_task(evidence, LONGEST)
    arms = [("speakers", speakers, arm) for arm in speakers.of(*ON_C)]
    arms += [(f"lag {LONGEST}", far, far.nearest(scheme, HIGH)) for scheme in ON_C]
    wind = evidence.study("weather")
    arms.append(("wind", wind, wind.nearest("c", HIGH)))
    for where, comparison, arm, at in looks(arms, arm="noise"):
        yield by_rule(both_up, "p_effect", comparison, arm, at, **where)


@claim("B3", "Training accuracy or R² without dropout, near-perfect with a gap")
def memorization(evidence):
    """Whether there is a network without noise that fits its training data, and fails on new."""
    names = {"speakers": "speakers", "volume": "volume", "verses": "verses_embedding"}
    for task, name in names.items():
        twin = evidence.study(name)
        fit, gap = (twin.values(TWIN, "last", of) for of in ("train_metric", "gap"))
        parts = by_interval(harms, fit - PERFECT), by_interval(harms, gap, twin.margin)
        yield replace(together(*parts, task=task), ends=interval(fit))


@claim("B23")
def smaller_gap(evidence):
    """Whether there is a gain where the gap is smaller than the twin's."""
    parts = [
        by_difference(gains, network, arm, "last", network=name, setting=arm)
        for name, network in networks(evidence, "B23")
        for arm in network.of()
        if by_interval(gains, network.paired(arm, "last", "gap")).outcome == HOLDS
    ]
    if not parts:
        return Finding("Gap smaller than the twin's", parts)
    works, harmful = sum(p.outcome == HOLDS for p in parts), sum(p.ends[1] > 0 for p in parts)
    worst = max(parts, key=lambda part: part.ends[0])
    more = (
        f"Of {len(parts)} settings with a smaller gap than their twin's {works} gain, and "
        f"{harmful} have an interval of Δtest above 0; the highest: {worst.label}, Δtest "
        f"{write(worst.ends)}."
    )
    return Finding("", parts, more=more)
