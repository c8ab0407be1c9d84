"""What the parts of a rule come to, and what they come to together."""

from dataclasses import replace

import numpy as np

from ..diagnosis import survivors

HOLDS, FAILS, DEPENDS, UNDECIDED = "holds", "fails", "depends", "undecided"
VERDICTS = (HOLDS, FAILS, DEPENDS, UNDECIDED, "not testable as stated")
READINGS = ("every", "ever", "often")


def decide(holds, fails):
    """The outcome of two conditions that exclude each other; of arrays, for each."""
    return np.select([holds, fails], [HOLDS, FAILS], UNDECIDED)


def gains(ends, margin=0.0):
    """Holds if an interval lies below 0 and not inside ±margin, fails if it lies above −margin."""
    _, low, high = ends
    return decide((high < 0) & (low <= -margin), low > -margin)


def harms(ends, margin=0.0):
    """The same with the sign turned: holds if an interval lies above 0 and not inside ±margin."""
    mean, low, high = ends
    return gains((-mean, -high, -low), margin)


def no_harm(ends, margin):
    """Holds where `harms` fails, and fails where it holds."""
    _, low, high = ends
    return decide(high < margin, (low > 0) & (high >= margin))


def inside(ends, margin):
    """Holds if an interval lies inside ±margin, fails if it lies wholly outside."""
    _, low, high = ends
    return decide((-margin < low) & (high < margin), (low > margin) | (high < -margin))


def standing(parts, reading):
    """The parts, of which those that may hold by chance, as so many were looked at, are undecided.

    By Holm for a claim that a thing occurs at all, by Benjamini and Yekutieli for a count.
    """
    if reading == "every":  # looks for no finding among many
        return list(parts)
    stand = survivors([part.p for part in parts], counted=reading == "often")
    lost = [part.outcome == HOLDS and not kept for part, kept in zip(parts, stand, strict=True)]
    return [replace(p, said=UNDECIDED) if gone else p for p, gone in zip(parts, lost, strict=True)]


def combine(outcomes, reading="every"):
    """One verdict of several outcomes, as a claim says it: of every case, of any, or of many.

    Examples
    --------
    >>> [combine(["holds", "undecided", "fails"], reading) for reading in READINGS]
    ['depends', 'holds', 'depends']
    """
    outcomes = list(outcomes)
    found, half = set(outcomes), len(outcomes) / 2
    if reading == "ever" and HOLDS in found:
        return HOLDS
    if reading == "often" and found and outcomes.count(HOLDS) >= half:
        return HOLDS
    if reading == "often" and outcomes.count(FAILS) > half:
        return FAILS
    if found in ({HOLDS}, {FAILS}):
        return found.pop()
    return DEPENDS if {HOLDS, FAILS} <= found else UNDECIDED
