"""From a claim to its ruling: the computed verdict, and the sentence with the numbers behind it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from . import rules_cell, rules_first, rules_recipe, rules_second
from .evidence import Evidence
from .ledger import SPAN, ledger
from .outcomes import combine, told

RULES: dict[str, Callable] = {
    "A1": rules_first.made_worse,
    "A2": rules_cell.inside_harms,
    "A4": rules_cell.memory_lost,
    "A5": rules_cell.held_mask,
    "A6": rules_cell.harm_by_lag,
    "A7": rules_cell.cell_interrupted,
    "A8": rules_cell.both_degrade,
    "A9": rules_cell.called_overfitting,
    "A10": rules_cell.gradient_spoiled,
    "A11": rules_cell.near_chance,
    "A13": rules_first.input_alone,
    "A14": rules_first.first_listing,
    "A16": rules_first.both_preserve,
    "A17": rules_first.both_underfit,
    "A18": rules_first.recurrent_helps,
    "A19": rules_first.zoneout_milder,
    "A20": rules_cell.zoneout_keeps,
    "A21": rules_first.zoneout_better,
    "A25": rules_first.no_blanket,
    "B1": rules_second.helps,
    "B2": rules_recipe.single_units,
    "B3": rules_second.memorizes,
    "B4": rules_second.low_rate,
    "B7": rules_recipe.redundancy,
    "B8": rules_recipe.averages,
    "B9": rules_recipe.whole_network,
    "B10": rules_recipe.recurrent_gains_more,
    "B11": rules_recipe.vital,
    "B12": rules_second.place_or_rate,
    "B14": rules_second.output_best,
    "B16": rules_recipe.lower_units,
    "B17": rules_second.head_protected,
    "B18": rules_second.robust,
    "B20": rules_recipe.usual_rates,
    "B21": rules_second.high_rates,
    "B22": rules_recipe.first_rate,
    "B23": rules_second.smaller_gap,
    "B24": rules_recipe.complementary,
    "B25": rules_second.title,
}
OF_MANY = ("A1", "B23")  # rules that take the list of their studies from the ledger


@dataclass(frozen=True)
class Ruling:
    """What a rule came to.

    Parameters
    ----------
    id : str
    verdict : str
        ``'holds'``, ``'fails'``, ``'depends'``, ``'undecided'`` or ``'not testable as stated'``.
    sentence : str
        The numbers behind the verdict and, where it depends, on what; of a claim that rests on
        no study, its condition or reason.
    parts : tuple of Part
        The comparisons of the rule; empty where no study is involved.
    """

    id: str
    verdict: str
    sentence: str
    parts: tuple = ()


def rule(id, seeds=20, epochs=None, rates=None, recorded=True):
    """The verdict on one claim, computed from the records where it rests on a study.

    Parameters
    ----------
    id : str
        Of the ledger, such as ``'A14'``.
    seeds, epochs, rates
        As for `lstmreg_utils.studies.named_study`.
    recorded : bool, default=True
        As for `lstmreg_utils.study`: without records the networks are trained.

    Returns
    -------
    Ruling

    Raises
    ------
    KeyError
        No claim has this id.

    Examples
    --------
    >>> rule("A14").verdict
    'fails'
    """
    if id not in ledger():
        raise KeyError(f"claim must be one of {SPAN}, got {id!r}")
    return _ruling(id, _evidence(seeds, epochs, rates, recorded))


def rule_all(seeds=20, epochs=None, rates=None, recorded=True):
    """The rulings on all claims, by id; every study is opened once.

    Parameters
    ----------
    seeds, epochs, rates, recorded
        As for `rule`.

    Returns
    -------
    dict of str to Ruling

    Examples
    --------
    >>> rule_all()["B15"].verdict
    'fails'
    """
    evidence = _evidence(seeds, epochs, rates, recorded)
    evidence.open(sorted({name for c in ledger().values() for name in c.named("study")}))
    return {id: _ruling(id, evidence) for id in ledger()}


@functools.lru_cache(maxsize=2)
def _evidence(seeds, epochs, rates, recorded):
    return Evidence(seeds, epochs, rates, recorded)


@functools.cache
def _ruling(id, evidence):
    claim = ledger()[id]
    if not claim.computed:
        return Ruling(id, claim.verdict, claim.condition or claim.reason)
    more = (claim.named("study"),) if id in OF_MANY else ()
    finding = RULES[id](evidence, *more)
    verdict = finding.verdict or combine(part.outcome for part in finding.parts)
    return Ruling(id, verdict, told(finding), tuple(finding.parts))
