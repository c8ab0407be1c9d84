"""Intervals over seeds, Student's: of a mean, and of a ratio of two means.

The first edition's bootstrap (BCa) holds the true mean of 20 seeds in 92 % of studies, of 5 seeds
in 83 %; Student's interval does in 95 % and 94 %: of 3,000 studies each, drawn from settings of
which 200 seeds are known (`tests/test_decomposition.py` draws from some). As it is a formula, a
study can be drawn again a thousand times in no time: see `repeat_rates`.
"""

import numpy as np

CONFIDENCE = 0.95


def interval(values):
    """Mean and 95 % interval of one difference a seed.

    Parameters
    ----------
    values : array-like of shape (n,)
        n >= 2 numbers, one a seed.

    Returns
    -------
    mean, low, high : float

    Examples
    --------
    >>> interval([1.0, 1.0, 1.0])
    (1.0, 1.0, 1.0)
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        found = values.tolist()
        raise ValueError(f"values must be at least 2 finite numbers, one a seed, got {found}")
    return tuple(end.item() for end in bounds(values))


def interval_columns(name, values):
    """An `interval` as columns of a table: ``name``, ``name_low`` and ``name_high``.

    Examples
    --------
    >>> interval_columns("d", [1.0, 1.0])
    {'d': 1.0, 'd_low': 1.0, 'd_high': 1.0}
    """
    return columns(name, interval(values))


def columns(name, bounds):
    """Mean, low and high end as columns of a table."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), bounds, strict=True))


def bounds(values):
    """`interval` along the last axis of an array, without its checks."""
    mean = values.mean(-1)
    half = critical(values.shape[-1]) * error(values)
    return mean, mean - half, mean + half


def ratio_ends(part, whole):
    """What share of the mean of a whole a part of it has, and its 95 % interval (Fieller 1954).

    The interval holds the shares s for which 0 lies in the interval of ``part - s * whole``. All
    three are NaN where the interval of the whole holds 0: of nothing there is no share.
    """
    n, (part_mean, whole_mean) = part.shape[-1], (part.mean(-1), whole.mean(-1))
    product = (part - part_mean[..., None]) * (whole - whole_mean[..., None])
    squared = critical(n) ** 2
    a = whole_mean**2 - squared * error(whole) ** 2
    b = part_mean * whole_mean - squared * product.sum(-1) / (n * (n - 1))
    c = part_mean**2 - squared * error(part) ** 2
    a, whole_mean = (np.where(a > 0, number, np.nan) for number in (a, whole_mean))
    root = np.sqrt(np.maximum(b**2 - a * c, 0))
    return part_mean / whole_mean, (b - root) / a, (b + root) / a


def p_value(values):
    """Two-sided, of a mean of 0, along the last axis: below 0.05 where `bounds` leave 0 out."""
    from scipy.special import stdtr  # a slow import that a light `import lstmreg_utils` spares

    mean, spread = values.mean(-1), error(values)
    sure = np.where(mean == 0, 0, np.inf)  # values that are all equal
    t = np.divide(np.abs(mean), spread, out=sure, where=spread > 0)
    return 2 * stdtr(values.shape[-1] - 1, -t)


def error(values):
    """The standard error of the mean, along the last axis."""
    return values.std(-1, ddof=1) / np.sqrt(values.shape[-1])


def critical(n):
    """How many standard errors an interval of n values reaches to each side."""
    from scipy.special import stdtrit

    return stdtrit(n - 1, (1 + CONFIDENCE) / 2)
