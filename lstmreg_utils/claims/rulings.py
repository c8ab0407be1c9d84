"""From a claim to its ruling: the computed verdict, and the sentence with the numbers behind it."""

import functools
from dataclasses import dataclass, replace

from . import rules  # noqa: F401  enters every rule in RULES
from .entries import ledger
from .evidence import Evidence
from .outcomes import HOLDS, combine, standing
from .registry import RULES
from .sentences import sentence

_evidence = functools.lru_cache(maxsize=2)(Evidence)  # two sizes keep their studies open


@dataclass(frozen=True)
class Ruling:
    """What a rule came to."""

    id: str  #: of the claim
    verdict: str  #: 'holds', 'fails', 'depends', 'undecided' or 'not testable as stated'
    #: the numbers behind the verdict and, where it depends, on what; of a claim that rests on no
    #: study, its reason
    sentence: str
    parts: tuple = ()  #: every `Part` of the rule; none where no study is involved


def rule(id, seeds=20, epochs=None, rates=None, recorded=True):
    """The `Ruling` on one claim, computed from the records where it rests on a study.

    Parameters
    ----------
    id : str
        Of the ledger, such as ``'A14'``; another is a `KeyError`.
    seeds, epochs, rates, recorded
        As for `lstmreg_utils.lab.compare_study`: without records the networks are trained.

    Examples
    --------
    >>> rule("A14").verdict
    'fails'
    """
    if id not in (known := list(ledger())):
        raise KeyError(f"claim must be in the ledger, {known[0]} to {known[-1]}, got {id!r}")
    return _ruling(id, _evidence(seeds, epochs, rates, recorded))


def rule_all(seeds=20, epochs=None, rates=None, recorded=True):
    """The rulings on all claims, a dict of `Ruling` by id; the arguments are those of `rule`."""
    evidence = _evidence(seeds, epochs, rates, recorded)
    return {id: _ruling(id, evidence) for id in ledger()}


@functools.cache
def _ruling(id, evidence):
    claim = ledger()[id]
    if not claim.computed:
        return Ruling(id, claim.verdict, claim.reason)
    finding = RULES[id](evidence)
    finding = replace(finding, parts=standing(finding.parts, claim.reading))
    outcomes = [part.outcome for part in finding.parts]
    if claim.reading == "often":
        count = f"{outcomes.count(HOLDS)} of {len(outcomes)} hold, and half are enough."
        finding = replace(finding, more=f"{finding.more} {count}".strip())
    return Ruling(id, combine(outcomes, claim.reading), sentence(finding), tuple(finding.parts))
