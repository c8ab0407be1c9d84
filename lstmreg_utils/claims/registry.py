"""What a rule is made of, and where it is entered, with the id of the claim that it decides."""

import functools
from dataclasses import dataclass, field

import numpy as np

from ..diagnosis import HELPS, HURTS, OVER, REPEATS, SAME, TWIN, WORSE, interval
from ..diagnosis.intervals import bounds, p_value
from ..diagnosis.repeats import fresh_studies, said_again
from .outcomes import FAILS, HOLDS, UNDECIDED, decide, gains, harms

RULES = {}  # by the id of a claim: a function of an `Evidence` that gives a `Finding`
NEEDS = {WORSE: "d_gap", OVER: "d_train"}  # what is higher wherever a loss rises by this cause


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
    said: str  # 'holds', 'fails' or 'undecided', by the seeds at hand
    ends: tuple = ()  # mean and interval of the quantity, if that decided it
    words: str = ""  # effect and cause, if they decided it
    p: float = float("nan")  # of what it looks for
    repeats: float = 1.0  # how often a fresh study of as many seeds would say the same

    @property
    def outcome(self):
        """What is said, if it would be said again; else 'undecided'."""
        return str(self.said) if self.repeats >= REPEATS else UNDECIDED

    @property
    def label(self):
        """Where the part looks, in words."""
        return ", ".join(self.where.values())


@dataclass(frozen=True)
class Finding:
    """What a rule found: its parts, and what a sentence about them begins with."""

    quantity: str  # what the number of a part is; without it, the sentence is `more`
    parts: list
    more: str = ""  # a further sentence
    digits: int = 3  # decimals of the numbers


# Most parts are made by one of these. The judge is `gains`, `harms`, `no_harm` or `inside`.
def by_interval(judge, values, margin=0.0, **where):
    """The part that the interval of some values, one a seed, decides."""
    values = np.asarray(values, float)
    ends, fresh = interval(values), bounds(values[fresh_studies(len(values))])
    said = judge(ends, margin)
    return Part(where, str(said), ends, "", p_value(values), (judge(fresh, margin) == said).mean())


def by_difference(judge, comparison, label, at, other=TWIN, **where):
    """The part that the test loss of one arm minus another decides, by the margin of the task."""
    differences = comparison.paired(label, at, other=other)
    return by_interval(judge, differences, comparison.margin, **where)


def together(*parts, **where):
    """The part that holds where all of some do, and fails where one does, with the first's ends."""
    outcomes = [part.outcome for part in parts]
    said = str(decide(set(outcomes) == {HOLDS}, FAILS in outcomes))
    return Part(where, said, parts[0].ends, p=max(part.p for part in parts))


def better(comparison, label, at, other=TWIN, **where):
    """The part that holds where one arm is better than another by its test loss and its metric."""
    metric = comparison.paired(label, at, "test_metric", other)  # more of it is better
    loss = by_difference(gains, comparison, label, at, other)
    return together(loss, by_interval(harms, metric), **where)


def by_rule(judge, p, comparison, label, at="last", **where):
    """The part that the rule of effect and cause decides, and the p value that goes with it."""
    found, fresh = said_again(comparison, label, at)
    said = judge(found)
    words = f"{found['effect']}, {found['cause']}".removesuffix(", ")
    repeats = (judge(fresh) == said).mean()
    ends = tuple(found[f"d_test{end}"].item() for end in ("", "_low", "_high"))
    return Part(where, str(said), ends, words, float(found[p]), repeats)


def by_cause(wanted, comparison, label, **where):
    """The part that the cause of a harm decides, at the last epoch, where alone one is given."""

    def judge(found):
        # Without what it needs it is excluded, whatever else is undecided.
        excluded = found[f"{NEEDS[wanted]}_high"] < 0
        other = np.isin(found["effect"], (HELPS, SAME)) | np.isin(found["cause"], [*NEEDS])
        return decide(found["cause"] == wanted, excluded | other)

    return by_rule(judge, "p_cause", comparison, label, **where)


def both_up(found):
    """Holds if an arm hurts and fits its training data less well, fails if it does not."""
    hurts, train = found["effect"] == HURTS, (found["d_train_low"], found["d_train_high"])
    spared = np.isin(found["effect"], (HELPS, SAME)) | (train[1] < 0)
    return decide(hurts & (train[0] > 0), spared)
