"""The first edition's rule, by which the ledger of claims still rules.

It was written before any run:

========== ========== =========================
Δtrain     Δtest      verdict
========== ========== =========================
up         down       regularization works
up         up         over-regularization
not up     up         overfitting made worse
not up     down       optimization helped
any        within ±δ  no difference
otherwise             undecided
========== ========== =========================

Both losses are measured with dropout off. δ is the task's margin.
"""

from .decomposition import HELPED, OVER, SAME, UNDECIDED, WORKS, WORSE

VERDICTS = (WORKS, OVER, WORSE, HELPED, SAME, UNDECIDED)


def verdict(d_train, d_test, margin):
    """Which of `VERDICTS` the rule gives for two intervals.

    Parameters
    ----------
    d_train, d_test : tuple of (float, float)
        Ends of the intervals of Δtrain and Δtest.
    margin : float
        Two test losses that differ by less are equivalent. Δtrain is judged by its sign first:
        of memorized data the loss is near zero, where every regularizer's effect is small.

    Examples
    --------
    >>> verdict((0.02, 0.05), (-0.09, -0.04), margin=0.02)
    'regularization works'
    """
    for name, (low, high) in {"d_train": d_train, "d_test": d_test}.items():
        if not low <= high:
            raise ValueError(f"{name} must be an interval (low, high), got {(low, high)!r}")
    if not margin > 0:
        raise ValueError(f"margin must be positive, got {margin!r}")
    if _within(d_test, margin):
        return SAME
    test = _sign(d_test)
    train = _sign(d_train) or (-1 if _within(d_train, margin) else 0)  # the same is "not up"
    clear = {(1, -1): WORKS, (1, 1): OVER, (-1, 1): WORSE, (-1, -1): HELPED}
    return clear.get((train, test), UNDECIDED)


def _sign(ends):
    return 1 if ends[0] > 0 else -1 if ends[1] < 0 else 0


def _within(ends, margin):
    return -margin < ends[0] and ends[1] < margin
