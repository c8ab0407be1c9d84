"""Parts of a rule, what they come to, and the sentence that says so."""

from collections import Counter
from dataclasses import dataclass, field

HOLDS, FAILS, DEPENDS, UNDECIDED = "holds", "fails", "depends", "undecided"
VERDICTS = (HOLDS, FAILS, DEPENDS, UNDECIDED, "not testable as stated")
FEW = 3  # as many parts are written out with their numbers
ASPECTS = ("epoch", "task", "measure", "what", "state", "lag")  # that can tell parts apart


@dataclass(frozen=True)
class Part:
    """One comparison of a rule.

    Parameters
    ----------
    where : dict of str to str
        What tells the part from the others: task, epoch, arm ...
    outcome : {'holds', 'fails', 'undecided'}
    ends : tuple of (float, float, float), optional
        Mean and interval of the quantity that decided it.
    verdict : str, optional
        The verdict of `effects.verdict`, where that decided it.
    """

    where: dict = field(hash=False)
    outcome: str
    ends: tuple = ()
    verdict: str = ""

    @property
    def label(self):
        """Where the part looks, in words."""
        return ", ".join(self.where.values())


@dataclass(frozen=True)
class Finding:
    """What a rule found: its parts, and what a sentence about them begins with.

    Parameters
    ----------
    quantity : str
        The name of the number that the sentence gives.
    parts : list of Part
    verdict : str, optional
        Where the rule has a way of its own to make one verdict of the parts.
    more : str, optional
        A further sentence; the only one, if the quantity is empty.
    digits : int
        Decimals of the numbers.
    """

    quantity: str
    parts: list
    verdict: str = ""
    more: str = ""
    digits: int = 3


def decided(holds, fails):
    """The outcome of a part whose two conditions exclude each other.

    Examples
    --------
    >>> decided(False, False)
    'undecided'
    """
    return HOLDS if holds else FAILS if fails else UNDECIDED


def gains(ends, margin=0.0):
    """Holds if an interval lies below 0 and not inside ±margin, fails if it lies above −margin.

    Examples
    --------
    >>> gains((-0.08, -0.11, -0.05), 0.02), gains((-0.01, -0.015, -0.005), 0.02)
    ('holds', 'fails')
    """
    _, low, high = ends
    return decided(high < 0 and low <= -margin, low > -margin)


def harms(ends, margin=0.0):
    """The same with the sign turned: holds if an interval lies above 0 and not inside ±margin."""
    mean, low, high = ends
    return gains((-mean, -high, -low), margin)


def turned(outcome):
    """Holds for fails and fails for holds."""
    return {HOLDS: FAILS, FAILS: HOLDS}.get(outcome, outcome)


def inside(ends, margin):
    """Holds if an interval lies inside ±margin, fails if it lies wholly outside."""
    _, low, high = ends
    return decided(-margin < low and high < margin, low > margin or high < -margin)


def named_verdict(verdict, wanted):
    """Holds if a verdict is the one that is wanted, fails if another, unless it is undecided."""
    return decided(verdict == wanted, verdict not in (wanted, UNDECIDED))


def combine(outcomes):
    """One verdict of several parts.

    Examples
    --------
    >>> combine(["holds", "holds"]), combine(["holds", "fails"]), combine(["holds", "undecided"])
    ('holds', 'depends', 'undecided')
    """
    found = set(outcomes)
    if not found:
        return UNDECIDED
    if found == {HOLDS} or found == {FAILS}:
        return found.pop()
    return DEPENDS if {HOLDS, FAILS} <= found else UNDECIDED


def written(ends, digits=3):
    """A number with its interval.

    Examples
    --------
    >>> written((-0.0823, -0.1, -0.06))
    '−0.082 [−0.100, −0.060]'
    """
    mean, low, high = (_number(value, digits) for value in ends)
    return f"{mean} [{low}, {high}]"


def told(finding):
    """The sentence of a finding: where it holds, where it fails, and the numbers."""
    if not finding.quantity:
        return finding.more
    groups = [(o, [p for p in finding.parts if p.outcome == o]) for o in (HOLDS, FAILS, UNDECIDED)]
    groups = [(outcome, parts) for outcome, parts in groups if parts]
    key = _separates(finding.parts) if len(groups) > 1 else ""
    largest = max(groups, key=lambda group: len(group[1]), default=None)
    texts = []
    for group in groups:
        outcome, parts = group
        if key:
            values = dict.fromkeys(part.where[key] for part in parts)
            where = f"{'; '.join(values)} ({_range(parts, finding.digits)})"
        elif group is largest and len(_merged(parts)) > FEW:
            every = "all" if len(groups) == 1 else "the other"
            where = f"{every} {len(parts)} comparisons ({_range(parts, finding.digits)})"
        else:
            where = _listed(parts, finding.digits)
        texts.append(f"undecided: {where}" if outcome == UNDECIDED else f"{outcome} for {where}")
    # What is spared the list comes last, since it speaks of the others.
    texts.sort(key=lambda text: "the other" in text)
    sentence = f"{finding.quantity}: {'; '.join(texts) or 'nothing to compare'}."
    return f"{sentence} {finding.more}".strip().replace(" ()", "")


def _separates(parts):
    """The one aspect that tells holding parts from failing ones, if there is one."""
    for key in ASPECTS:
        values = {}
        for part in parts:
            values.setdefault(part.where.get(key), set()).add(part.outcome)
        pure = all(len(outcomes) == 1 for outcomes in values.values())
        if pure and 1 < len(values) < len(parts):
            return key
    return ""


def _merged(parts):
    """Parts by their label, those that differ in the epoch alone together."""
    groups = {}
    for part in parts:
        rest = tuple(value for key, value in part.where.items() if key != "epoch")
        groups.setdefault(rest, []).append(part)
    labels = {}
    for rest, group in groups.items():
        epochs = dict.fromkeys(part.where.get("epoch", "") for part in group)
        both = "both epochs" if len(epochs) > 1 else next(iter(epochs))
        labels[", ".join(filter(None, (*rest, both)))] = group
    return labels


def _listed(parts, digits):
    """The labels of parts: a few with their own numbers, many with the range of all."""
    labels = _merged(parts)
    if len(labels) > FEW:
        return f"{'; '.join(labels)} ({_range(parts, digits)})"
    return "; ".join(f"{name} ({_range(group, digits)})" for name, group in labels.items())


def _range(parts, digits):
    """One number with its interval, the range of several, or the count of their verdicts."""
    if parts[0].verdict:
        counted = Counter(part.verdict for part in parts)
        return ", ".join(
            name if len(parts) == 1 else f"{n} × {name}" for name, n in counted.items()
        )
    found = [part.ends for part in parts if part.ends]
    if not found:
        return ""
    if len(found) == 1:
        return written(found[0], digits)
    means = [mean for mean, *_ in found]
    ends = dict.fromkeys(_number(extreme(means), digits) for extreme in (min, max))
    return " to ".join(ends)


def _number(value, digits):
    text = f"{value:.{digits}f}"
    zero = float(text) == 0
    return (text.lstrip("-") if zero else text).replace("-", "−")
