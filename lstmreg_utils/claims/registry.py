"""What a rule is made of, and where it is entered, with the id of the claim that it decides."""

import functools
from dataclasses import dataclass, field

from ..diagnosis import TWIN, interval
from .outcomes import matches

RULES = {}  # by the id of a claim: a function of an `Evidence` that gives a `Finding`


def claim(id, quantity="", digits=3):
    """Enter a rule as the one that decides a claim; its sentence begins with the quantity."""

    def enter(rule):
        if id in RULES:
            raise ValueError(f"claim {id} must have one rule, got {rule.__name__!r} as another")

        @functools.wraps(rule)
        def find(evidence):
            # Most rules yield parts. One that says more than they do returns a finding.
            found = rule(evidence)
            whole = isinstance(found, Finding)
            return found if whole else Finding(quantity, list(found), digits=digits)

        RULES[id] = find
        return rule

    return enter


@dataclass(frozen=True)
class Part:
    """One comparison of a rule."""

    where: dict = field(hash=False)  # what tells it from the others: task, epoch, arm ...
    outcome: str  # 'holds', 'fails' or 'undecided'
    ends: tuple = ()  # mean and interval of the quantity, if that decided it
    verdict: str = ""  # of `Comparison.verdict`, if that decided it

    @property
    def label(self):
        """Where the part looks, in words."""
        return ", ".join(self.where.values())


@dataclass(frozen=True)
class Finding:
    """What a rule found: its parts, and what a sentence about them begins with."""

    quantity: str  # what the number of a part is; without it, the sentence is `more`
    parts: list
    verdict: str = ""  # of a rule with a way of its own to make one of the parts
    more: str = ""  # a further sentence
    digits: int = 3  # decimals of the numbers


# Most parts are made by one of these three. The judge is `gains`, `harms`, `no_harm` or `inside`.
def by_interval(judge, values, margin=0.0, **where):
    """The part that the interval of some values, one a seed, decides."""
    ends = interval(values)
    return Part(where, judge(ends, margin), ends)


def by_difference(judge, comparison, label, at, other=TWIN, **where):
    """The part that the test loss of one arm minus another decides, by the margin of the task."""
    differences = comparison.paired(label, at, other=other)
    return by_interval(judge, differences, comparison.margin, **where)


def by_verdict(wanted, comparison, label, at, **where):
    """The part that the verdict on an arm decides."""
    found = comparison.verdict(label, at)
    return Part(where, matches(found, wanted), verdict=found)
