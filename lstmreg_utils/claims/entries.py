"""The ledger as data: what each claim says, what decides it, and where the book treats it."""

import functools
import itertools
import tomllib
from collections import Counter
from dataclasses import dataclass
from importlib import resources

from ..lab import STUDIES
from .outcomes import READINGS, VERDICTS

ARTICLES = {"A": "first", "B": "second"}
KINDS = {"study": "computed", "test": "tested", "source": "read"}  # of evidence, and of rulings
RULE = ("quantity", "comparison", "threshold", "margin")
HELD_OUT = "departures"  # for predictions that are made beforehand


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
    kind: str  #: 'computed' from records, 'tested' by a test that is named, or 'read'
    verdict: str  #: what the book states; of a computed one a test says whether it is still so
    reading: str = ""  #: how parts make a computed verdict, 'every', 'ever' or 'often'
    seen: str = ""  #: what was known of the data when the rule was written; empty if nothing was
    reason: str = ""  #: of one that is not computed, what the verdict rests on

    def named(self, kind):
        """The names of one kind of evidence: 'study', 'test' or 'source'."""
        pairs = (entry.partition(":") for entry in self.evidence)
        return tuple(name for found, _, name in pairs if found == kind)

    @property
    def computed(self):
        """Whether the verdict rests on records, and is computed from them."""
        return self.kind == "computed"


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
    for entry in claim.evidence:
        kind, _, name = entry.partition(":")
        if kind not in KINDS or not name:
            yield f"evidence must be 'study:', 'test:' or 'source:' and a name, got {entry!r}"
    for name in claim.named("study"):
        if name not in STUDIES or name == HELD_OUT:
            yield f"evidence must be a study of the book, got {name!r}"
    if claim.kind not in KINDS.values():
        yield f"kind must be one of {(*KINDS.values(),)}, got {claim.kind!r}"
    found = [kind for name, kind in KINDS.items() if claim.named(name)]
    if found[:1] != [claim.kind] and (found or claim.kind != "read"):
        yield f"it is {claim.kind}, but rests on what is {' and '.join(found) or 'nothing'}"
    if claim.verdict not in VERDICTS:
        yield f"verdict must be one of {VERDICTS}, got {claim.verdict!r}"
    if claim.computed != (claim.reading in READINGS):
        yield f"reading must be one of {READINGS} if it is computed, got {claim.reading!r}"
    if claim.computed == bool(claim.reason):
        yield f"it is {claim.kind}, got {'a' if claim.reason else 'no'} reason for its verdict"


def _claim(entry):
    try:
        return Claim(**{**entry, "evidence": tuple(entry.get("evidence", ()))})
    except TypeError as error:
        raise LedgerError(f"{entry.get('id', 'a claim without id')}: {error}") from error
