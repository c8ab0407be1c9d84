"""A loss taken apart, and the rule that names what an arm does and by which part.

With both losses measured with dropout off, and ``gap = test - train``, an arm differs from its
twin by ``Δtest = Δtrain + Δgap``, exactly: by how much less it fits, and by how much worse it
generalizes. In the plane (Δtrain across, Δtest up) the *line of equal gaps*, its diagonal, parts
the arms whose gap is wider than the twin's, above it, from those whose gap is narrower.

The *effect* is what Δtest says, with δ the margin of the task:

================================== =============
interval of Δtest                  effect
================================== =============
inside ±δ                          no difference
otherwise, below 0                 helps
otherwise, above 0                 hurts
otherwise                          undecided
a loss of a pair is no number      diverged
================================== =============

The *cause* is what the share of Δgap in Δtest says; the rest of it is the share of Δtrain:

================================== ====================== =====================
interval of the share              of an arm that helps   of an arm that hurts
================================== ====================== =====================
above 3/4: it is the gap           regularization works   overfitting made worse
below 1/4: it is the fit           optimization helped    over-regularization
between the two                    both                   both
across 1/4 or 3/4                  undecided              undecided
================================== ====================== =====================

No cause is given, and the word says why, by the first of these that is so:

================================== =================================================
early stopping                     a run of a pair was trained for longer than the other,
                                   or the epoch is the best one, which differs
not finished                       the validation loss of the arm or of its twin still falls
broken expectation                 the training loss with dropout on is below that with
                                   dropout off: the network that is tested is none that
                                   was trained
loss and metric apart              one gets better, the other worse
================================== =================================================

What a table does not hold is not judged: without epochs before the last nothing is unfinished,
without ``noisy`` no expectation is broken, without ``test_metric`` nothing points apart.
"""

import numpy as np

from .intervals import bounds, columns, p_value, ratio_ends

HELPS, HURTS, SAME, UNDECIDED = "helps", "hurts", "no difference", "undecided"
DIVERGED = "diverged"
EFFECTS = (HELPS, HURTS, SAME, UNDECIDED, DIVERGED)
WORKS, HELPED = "regularization works", "optimization helped"
WORSE, OVER, BOTH = "overfitting made worse", "over-regularization", "both"
EARLY, UNFINISHED = "early stopping", "not finished"
BROKEN, APART = "broken expectation", "loss and metric apart"
WITHHELD = (EARLY, UNFINISHED, BROKEN, APART)
NAMED = (WORKS, HELPED, WORSE, OVER, BOTH)
CAUSES = (*NAMED, UNDECIDED, *WITHHELD)

# Besides δ the one threshold. Less than a quarter is not what an effect comes from, however certain
# it is: a certain +0.003 of +0.031 names nothing, and the part that is named is at least three
# times the other. Half would leave no room for "both". It was chosen with the replication's 60
# settings of 200 seeds in view, of which two change their cause between 0.2 and 0.4.
#
# A quarter of δ is what a network must gain not to be finished: a validation loss that falls by
# that much from one quarter of the epochs to the next would, at that pace, fall by δ in training as
# long again. It is the validation loss, as the training loss of a network that memorizes falls for
# ever: that is what the gap counts. And a quarter of δ is what an expectation is broken by, since
# less could not be the quarter of an effect that matters.
QUARTER = 0.25


def effect(low, high, margin):
    """The effect that an interval of Δtest shows; of arrays, for each.

    Examples
    --------
    >>> str(effect(-0.09, -0.04, margin=0.02)), str(effect(-0.009, -0.004, margin=0.02))
    ('helps', 'no difference')
    """
    inside = (-margin < low) & (high < margin)
    return np.select([inside, low > 0, high < 0], [SAME, HURTS, HELPS], UNDECIDED)


def cause(effect, low, high):
    """The cause that an interval of the share of Δgap shows, '' where the effect has none.

    Examples
    --------
    >>> str(cause("hurts", 0.8, 1.1)), str(cause("helps", 0.8, 1.1)), str(cause("hurts", 0.7, 1.1))
    ('overfitting made worse', 'regularization works', 'undecided')
    """
    cells = [low > 1 - QUARTER, high < QUARTER, (low > QUARTER) & (high < 1 - QUARTER)]
    words = {HELPS: (WORKS, HELPED, BOTH), HURTS: (WORSE, OVER, BOTH)}
    found = [np.select(cells, named, UNDECIDED) for named in words.values()]
    return np.select([np.equal(effect, word) for word in words], found, "")


def paces(table):
    """By arm and seed, what the validation loss fell from the third to the last quarter of epochs.

    Nothing of a run of fewer than four epochs.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"arm": "none", "seed": 0, "epoch": range(1, 9)})
    >>> paces(table.assign(validation=1 / table["epoch"])).round(2).tolist()
    [0.05]
    """
    run = ["arm", "seed"]
    length = table.groupby(run)["epoch"].transform("max")
    quarter = ((4 * table["epoch"] - 1) // length + 1).where(length >= 4)
    late, quarter = table[quarter > 2], quarter[quarter > 2].rename("quarter")
    means = late.groupby([*run, quarter])["validation"].mean().unstack().reindex(columns=[3, 4])
    return (means[3] - means[4]).rename("pace")


def take_apart(samples, margin, early=False, p_values=True):
    """From the differences of an arm to its twin, the numbers of its row in `compare`.

    Parameters
    ----------
    samples : dict of str to array of shape (..., seeds)
        ``d_train`` and ``d_test``; and, where they are known, ``noise_cost``, ``d_metric``,
        ``pace`` and ``twin_pace``, as in `compare`.
    margin : float
        The δ of the rule.
    early : bool
        Whether the runs of a pair were trained for different numbers of epochs.
    p_values : bool
        Whether they are wanted, which take half of the time.

    Examples
    --------
    >>> samples = {"d_train": np.array([0.3, 0.4, 0.5]), "d_test": np.array([0.2, 0.3, 0.4])}
    >>> found = take_apart(samples, margin=0.02)
    >>> str(found["effect"]), str(found["cause"]), round(found["share_gap"].item(), 2)
    ('hurts', 'over-regularization', -0.33)
    """
    if not margin > 0:
        raise ValueError(f"margin must be positive, got {margin!r}")
    train, test = samples["d_train"], samples["d_test"]
    samples = {"d_train": train, "d_test": test, "d_gap": test - train, **samples}
    found = {}
    for name, values in samples.items():
        found |= columns(name, bounds(values))
    share, low, high = ratio_ends(samples["d_gap"], test)
    found |= columns("share_train", (1 - share, 1 - high, 1 - low))
    found |= columns("share_gap", (share, low, high))
    what = effect(found["d_test_low"], found["d_test_high"], margin)
    what = np.where(np.isfinite(train + test).all(-1), what, DIVERGED)
    better = _beyond(found, "d_metric", 0), _beyond(found, "d_metric", 0, down=True)
    metric = np.select(better, [HELPS, HURTS], UNDECIDED)
    why, least = cause(what, low, high), QUARTER * margin
    withheld = {
        EARLY: np.full(np.shape(why), early),
        UNFINISHED: _beyond(found, "pace", least) | _beyond(found, "twin_pace", least),
        BROKEN: _beyond(found, "noise_cost", least, down=True),
        APART: (what == HELPS) & (metric == HURTS) | (what == HURTS) & (metric == HELPS),
    }
    why = np.select([why == "", *withheld.values()], ["", *withheld], why)
    if p_values:
        found |= {"p_effect": p_value(test), "p_cause": _p_of_cause(why, samples["d_gap"], test)}
    told = {"metric_effect": metric} if "d_metric" in samples else {}
    return found | {"effect": what, "cause": why} | told


def _beyond(found, name, margin, down=False):
    """Whether a number is decidedly above 0, and not inside ±margin; `down`: below."""
    low, high = (found.get(f"{name}_{end}", np.nan) for end in ("low", "high"))
    low, high = (-high, -low) if down else (low, high)
    return (low > 0) & (high >= margin)


def _p_of_cause(why, gap, test):
    """The larger p value of all that a named cause needs: of Δtest, and of each bound it keeps."""
    p, below, above = p_value(test), *(p_value(gap - at * test) for at in (QUARTER, 1 - QUARTER))
    needs = {WORKS: above, WORSE: above, HELPED: below, OVER: below, BOTH: np.maximum(below, above)}
    named = np.select([why == word for word in needs], [*needs.values()], np.nan)
    return np.maximum(p, named)
