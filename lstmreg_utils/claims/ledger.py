"""The ledger as data: what each claim says, what decides it, and where the book treats it."""

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources

from ..studies import STUDIES
from .outcomes import VERDICTS

COUNTS = {"A": 25, "B": 25}  # claims of each article
IDS = tuple(f"{letter}{n}" for letter, count in COUNTS.items() for n in range(1, count + 1))
SPAN = " and ".join(f"{letter}1 to {letter}{count}" for letter, count in COUNTS.items())
ARTICLES = {"A": "first", "B": "second"}
KINDS = ("study", "test", "source")
RULE = ("quantity", "comparison", "threshold", "margin")
NOT_TESTABLE = "not testable as stated"
CONFIRMATION = "weather"  # kept out of the ledger, for predictions made beforehand


class LedgerError(ValueError):
    """The ledger is not what it must be; the message names the claim and what is wrong."""


@dataclass(frozen=True)
class Claim:
    """One claim of an article, its rule and its evidence.

    Parameters
    ----------
    id : str
        ``'A1'``, ``'A2'`` ... of the first article, ``'B1'`` ... of the second.
    article : {'first', 'second'}
    claim : str
        What the article says, in our words.
    chapter : str
        Name of the chapter that treats it.
    rule : dict of str to str
        ``quantity``, ``comparison``, ``threshold`` and ``margin``.
    evidence : tuple of str
        ``'study:name'``, ``'test:file::name'`` or ``'source:key'``.
    verdict : str
        What the book states; `rule` computes it where a study is among the evidence.
    seen : str
        What was known of the data when the rule was written; empty if nothing was.
    condition, reason : str
        Of a verdict that rests on no study: on what it depends, or what was found. Why a claim
        cannot be tested.
    """

    id: str
    article: str
    claim: str
    chapter: str
    rule: dict
    evidence: tuple
    verdict: str
    seen: str = ""
    condition: str = ""
    reason: str = ""

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
    """All claims by id, checked.

    Returns
    -------
    dict of str to Claim

    Raises
    ------
    LedgerError
        A claim is missing, or lacks something.

    Examples
    --------
    >>> claims = ledger()
    >>> list(claims)[:3], claims["B15"].verdict
    (['A1', 'A2', 'A3'], 'fails')
    """
    text = (resources.files(__package__) / "ledger.toml").read_text("utf-8")
    return parse(text)


def parse(text):
    """A ledger from the text of its file.

    Raises
    ------
    LedgerError
        See `ledger`.
    """
    try:
        entries = tomllib.loads(text)["claim"]
        claims = [_claim(entry) for entry in entries]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise LedgerError(f"the ledger cannot be read: {error}") from error
    found = tuple(claim.id for claim in claims)
    if found != IDS:
        missing, extra = sorted(set(IDS) - set(found)), sorted(set(found) - set(IDS))
        raise LedgerError(
            f"the ledger must hold {SPAN} once each, in order; missing: {missing}, unknown: {extra}"
        )
    for claim in claims:
        for problem in problems(claim):
            raise LedgerError(f"{claim.id}: {problem}")
    return {claim.id: claim for claim in claims}


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
