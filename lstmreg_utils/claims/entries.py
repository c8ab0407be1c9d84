"""The ledger as data: what each claim says, what decides it, and where the book treats it."""

import functools
import itertools
import tomllib
from collections import Counter
from dataclasses import dataclass
from importlib import resources

from ..lab import STUDIES
from .outcomes import VERDICTS

ARTICLES = {"A": "first", "B": "second"}
KINDS = ("study", "test", "source")
RULE = ("quantity", "comparison", "threshold", "margin")
NOT_TESTABLE = "not testable as stated"
CONFIRMATION = "weather"  # kept out of the ledger, for predictions made beforehand


class LedgerError(ValueError):
    """The ledger is not what it must be; the message names the claim and what is wrong."""


@dataclass(frozen=True)
class Claim:
    """One claim of an article, its rule and its evidence."""

    id: str  #: 'A1', 'A2' ... of the first article, 'B1' ... of the second
    article: str  #: 'first' or 'second'
    claim: str  #: what the article says, in our words
    chapter: str  #: name of the chapter that treats it
    rule: dict  #: its quantity, comparison, threshold and margin, in words
    evidence: tuple  #: ``study:name``, ``test:file::name`` or ``source:key``
    verdict: str  #: what the book states; computed where a study is among the evidence
    seen: str = ""  #: what was known of the data when the rule was written; empty if nothing was
    condition: str = ""  #: on what a verdict without a study depends, or what was found
    reason: str = ""  #: why a claim cannot be tested

    def named(self, kind):
        """The names of one kind of evidence: 'study', 'test' or 'source'."""
        pairs = (entry.partition(":") for entry in self.evidence)
        return tuple(name for found, _, name in pairs if found == kind)

    @property
    def computed(self):
        """Whether the verdict rests on records, and is computed from them."""
        return bool(self.named("study"))


@functools.cache
def ledger():
    """All claims, a dict of `Claim` by id; a `LedgerError` names a gap, or what a claim lacks.

    Examples
    --------
    >>> claims = ledger()
    >>> list(claims)[:3], claims["B15"].verdict
    (['A1', 'A2', 'A3'], 'fails')
    """
    return parse((resources.files(__package__) / "ledger.toml").read_text("utf-8"))


def parse(text):
    """A ledger from the text of its file, or a `LedgerError`."""
    try:
        claims = [_claim(entry) for entry in tomllib.loads(text)["claim"]]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise LedgerError(f"the ledger cannot be read: {error}") from error
    _check_order([claim.id for claim in claims])
    for claim in claims:
        for problem in problems(claim):
            raise LedgerError(f"{claim.id}: {problem}")
    return {claim.id: claim for claim in claims}


def _check_order(ids):
    """Raise a `LedgerError` unless the claims of each article are numbered from 1, in order."""
    counts = Counter(id[:1] for id in ids)
    wanted = [f"{letter}{n}" for letter in ARTICLES for n in range(1, counts[letter] + 1)]
    for expected, id in itertools.zip_longest(wanted, ids):
        if id != expected:
            raise LedgerError(
                f"the ledger must number the claims of {', then '.join(ARTICLES)} from 1, without "
                f"a gap: got {id} where {expected or 'its end'} should stand"
            )


def problems(claim):
    """What is wrong with one claim, besides what only the repository can tell."""
    if claim.article != ARTICLES[claim.id[0]]:
        yield f"article must be {ARTICLES[claim.id[0]]!r}, got {claim.article!r}"
    for name in ("claim", "chapter"):
        if not getattr(claim, name).strip():
            yield f"{name} is empty"
    if tuple(claim.rule) != RULE or not all(claim.rule.values()):
        yield f"rule must have {', '.join(RULE)}, got {', '.join(claim.rule) or 'nothing'}"
    if not claim.evidence:
        yield "it has no evidence"
    for entry in claim.evidence:
        kind, _, name = entry.partition(":")
        if kind not in KINDS or not name:
            yield f"evidence must be 'study:', 'test:' or 'source:' and a name, got {entry!r}"
    for name in claim.named("study"):
        if name not in STUDIES or name == CONFIRMATION:
            yield f"evidence must be a study of the book, not of its confirmation, got {name!r}"
    if claim.verdict not in VERDICTS:
        yield f"verdict must be one of {VERDICTS}, got {claim.verdict!r}"
    if claim.verdict == NOT_TESTABLE and not claim.reason:
        yield "it cannot be tested, but the reason is missing"
    elif not claim.computed and claim.verdict == "depends" and not claim.condition:
        yield "its verdict depends, but the condition is missing"
    elif not claim.computed and not (claim.condition or claim.reason):
        yield "it rests on no study, but the reason for its verdict is missing"


def _claim(entry):
    try:
        return Claim(**{**entry, "evidence": tuple(entry.get("evidence", ()))})
    except TypeError as error:
        raise LedgerError(f"{entry.get('id', 'a claim without id')}: {error}") from error
