"""The sentence that says what a rule found: where it holds, where it fails, and the numbers."""

from collections import Counter

from .outcomes import FAILS, HOLDS, UNDECIDED

FEW = 3  # as many parts are written out with their numbers
ASPECTS = ("epoch", "task", "measure", "what", "state", "lag")  # that can tell parts apart


def write(ends, digits=3):
    """A number with its interval, such as '−0.082 [−0.100, −0.060]'."""
    mean, low, high = (_number(value, digits) for value in ends)
    return f"{mean} [{low}, {high}]"


def sentence(finding):
    """The sentence of a finding: where it holds, where it fails, and the numbers."""
    if not finding.quantity:
        return finding.more
    groups = {o: [p for p in finding.parts if p.outcome == o] for o in (HOLDS, FAILS, UNDECIDED)}
    groups = {outcome: parts for outcome, parts in groups.items() if parts}
    key = _aspect(finding.parts) if len(groups) > 1 else ""
    largest = max(groups.values(), key=len, default=None)
    texts = []
    for outcome, parts in groups.items():
        numbers, labels = _range(parts, finding.digits), _by_label(parts)
        if key:
            where = f"{'; '.join(dict.fromkeys(part.where[key] for part in parts))} ({numbers})"
        elif parts is largest and len(labels) > FEW:
            every = "all" if len(groups) == 1 else "the other"
            where = f"{every} {len(parts)} comparisons ({numbers})"
        elif len(labels) > FEW:
            where = f"{'; '.join(labels)} ({numbers})"
        else:
            own = {name: _range(group, finding.digits) for name, group in labels.items()}
            where = "; ".join(f"{name} ({numbers})" for name, numbers in own.items())
        texts.append(f"{outcome}{':' if outcome == UNDECIDED else ' for'} {where}")
    # What is spared the list comes last, since it speaks of the others.
    texts.sort(key=lambda text: "the other" in text)
    first = f"{finding.quantity}: {'; '.join(texts) or 'nothing to compare'}."
    return f"{first} {finding.more}".strip().replace(" ()", "")


def _aspect(parts):
    """The one aspect that tells holding parts from failing ones, if there is one."""
    for key in ASPECTS:
        found = {(part.where.get(key), part.outcome) for part in parts}
        values = {value for value, _ in found}
        if len(found) == len(values) and 1 < len(values) < len(parts):
            return key
    return ""


def _by_label(parts):
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


def _range(parts, digits):
    """One number with its interval, the range of several, or the count of their words."""
    if parts[0].words:
        counted = Counter(part.words for part in parts)
        several = len(parts) > 1
        return ", ".join(f"{n} × {name}" if several else name for name, n in counted.items())
    found = [part.ends for part in parts if part.ends]
    if not found:
        return ""
    if len(found) == 1:
        return write(found[0], digits)
    means = [mean for mean, *_ in found]
    return " to ".join(dict.fromkeys(_number(end(means), digits) for end in (min, max)))


def _number(value, digits):
    """With a minus sign, unless it rounds to zero."""
    return f"{value:z.{digits}f}".replace("-", "−")
