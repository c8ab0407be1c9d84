"""What the parts of a rule come to, and what they come to together."""

HOLDS, FAILS, DEPENDS, UNDECIDED = "holds", "fails", "depends", "undecided"
VERDICTS = (HOLDS, FAILS, DEPENDS, UNDECIDED, "not testable as stated")


def decide(holds, fails):
    """The outcome of a part whose two conditions exclude each other."""
    return HOLDS if holds else FAILS if fails else UNDECIDED


def gains(ends, margin=0.0):
    """Holds if an interval lies below 0 and not inside ±margin, fails if it lies above −margin."""
    _, low, high = ends
    return decide(high < 0 and low <= -margin, low > -margin)


def harms(ends, margin=0.0):
    """The same with the sign turned: holds if an interval lies above 0 and not inside ±margin."""
    mean, low, high = ends
    return gains((-mean, -high, -low), margin)


def no_harm(ends, margin):
    """Holds where `harms` fails, and fails where it holds."""
    return {HOLDS: FAILS, FAILS: HOLDS}.get(harms(ends, margin), UNDECIDED)


def inside(ends, margin):
    """Holds if an interval lies inside ±margin, fails if it lies wholly outside."""
    _, low, high = ends
    return decide(-margin < low and high < margin, low > margin or high < -margin)


def matches(verdict, wanted):
    """Holds if a verdict is the one that is wanted, fails if another, unless it is undecided."""
    return decide(verdict == wanted, verdict not in (wanted, UNDECIDED))


def anywhere(outcomes):
    """Holds if one of some outcomes does, fails if all do."""
    return decide(HOLDS in outcomes, set(outcomes) == {FAILS})


def combine(outcomes):
    """One verdict of several parts, of which some that hold and some that fail make it depend."""
    found = set(outcomes)
    if found in ({HOLDS}, {FAILS}):
        return found.pop()
    return DEPENDS if {HOLDS, FAILS} <= found else UNDECIDED
