"""What noise inside the cell does to memory and to gradients: the lag task of chapter 4."""

from dataclasses import replace

import numpy as np

from ...diagnosis import TWIN, interval
from ..outcomes import HOLDS, gains, harms, inside
from ..registry import Finding, by_difference, by_interval, claim

MASKS = ("h", "h:sequence", "g", "g:sequence", "c", "c:sequence")
INSIDE = (*MASKS, "zoneout_c", "zoneout_c+zoneout_h")
BIT = np.log(2)  # the loss of guessing one bit, in nats
HIGH = 0.5
SHORTEST, LONGEST = 5, 40
MOST = 0.9  # of the one bit that was shown


def lag_task(evidence, lag):
    """The lag task at one lag."""
    return evidence.study("recall_short" if lag < 20 else "recall_long", lag=lag)


def forgotten(study, arm):
    """The part that holds where less than most of the one bit is recalled."""
    bits = 1 - study.values(arm, "best") / BIT
    return replace(by_interval(gains, bits - MOST, noise=arm), ends=interval(bits))


@claim("A4", f"Bits of one recalled after {LONGEST} steps, memory lost", digits=2)
def memory_loss(evidence):
    """Whether noise inside the cell can cost memory at the longest lag."""
    far = lag_task(evidence, LONGEST)
    for arm in [far.nearest(scheme, HIGH) for scheme in INSIDE]:
        yield forgotten(far, arm)


@claim("A6", f"Δtest at a lag of {LONGEST} minus {SHORTEST}, growing with the lag")
def harm_by_lag(evidence):
    """Whether the harm grows with the lag, of the noise that does harm."""
    near, far = (lag_task(evidence, lag) for lag in (SHORTEST, LONGEST))
    for arm in [far.nearest(scheme, HIGH) for scheme in INSIDE]:
        if by_difference(harms, far, arm, "best").outcome == HOLDS:
            growth = far.paired(arm, "best") - near.paired(arm, "best")
            yield by_interval(harms, growth, far.margin, noise=arm)


@claim("A7")
def cell_interruption(evidence):
    """Whether masks on c at every step lose memory."""
    far = lag_task(evidence, LONGEST)
    part = forgotten(far, far.nearest("c", HIGH))
    more = "No argument of Keras puts noise there: the test that the evidence names shows it."
    quantity = f"Bits of one recalled after {LONGEST} steps, context lost"
    return Finding(quantity, [part], more=more, digits=2)


@claim("A10")
def gradient_loss(evidence):
    """Whether a mask keeps the gradient from the first steps, before anything is learned."""
    drawn, later = (less_gradient(evidence.study(f"recall_{at}")) for at in ("start", "gradients"))
    fallen = sum(part.outcome == HOLDS for part in later)
    more = f"After one epoch, when the networks have learned different things, {fallen} hold."
    return Finding("Δ of the gradient's share that reaches the first quarter", drawn, more=more)


def less_gradient(study):
    """The parts that hold where less of the gradient reaches the first quarter of the steps."""
    shares, parts = study.probe(TWIN, "gradient", 0.25), []
    for arm in [study.nearest(scheme, HIGH) for scheme in INSIDE]:
        less = study.probe(arm, "gradient", 0.25) - shares
        parts.append(by_interval(gains, less, shares.mean() / 10, noise=arm))
    return parts


@claim("A11")
def chance(evidence):
    """Whether the network is near chance, and whether that looks like overfitting."""
    far = lag_task(evidence, LONGEST)
    arm = far.nearest("c", HIGH)
    above, gap = far.values(arm, "last", "train") - BIT, far.values(arm, "last", "gap")
    parts = [
        by_interval(inside, above, far.margin, what="training loss minus that of guessing"),
        by_interval(harms, gap, far.margin, what="gap between test and training loss"),
    ]
    return Finding(f"{arm}, lag {LONGEST}, near chance and looking like overfitting", parts)


@claim("A20", "Test loss with zoneout of c minus dropout of c, less being lost")
def zoneout_memory(evidence):
    """Whether zoneout keeps what dropout of c loses."""
    for lag in (20, LONGEST):
        recall = lag_task(evidence, lag)
        for arm in recall.of("c"):
            rate = recall.known(arm)["rate"]
            where = {"lag": f"lag {lag}", "rate": f"rate {rate:g}"}
            zoneout = recall.nearest("zoneout_c", rate)
            yield by_difference(gains, recall, zoneout, "best", arm, **where)
