"""Intervals of paired differences over seeds."""

import functools

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 9999


def interval(values):
    """Mean and 95 % interval, by a bias-corrected and accelerated bootstrap (Efron 1987).

    Parameters
    ----------
    values : array-like of shape (n,)
        One difference a seed, n >= 2, in the order of the seeds: resampling follows their order.

    Returns
    -------
    mean, low, high : float

    Examples
    --------
    >>> interval([1.0, 1.0, 1.0])
    (1.0, 1.0, 1.0)
    """
    values = np.asarray(values, float)
    found = values.tolist()
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"values must be at least 2 finite numbers, one a seed, got {found}")
    return _interval(tuple(found), RESAMPLES)


def interval_columns(name, values):
    """An `interval` as columns of a table: ``name``, ``name_low`` and ``name_high``.

    Examples
    --------
    >>> interval_columns("d", [1.0, 1.0])
    {'d': 1.0, 'd_low': 1.0, 'd_high': 1.0}
    """
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval(values), strict=True))


@functools.lru_cache(maxsize=8192)
def _interval(values, resamples):
    """The same values are resampled once: pages and claims ask for many intervals twice."""
    values = np.array(values)
    mean = float(values.mean())
    if np.ptp(values) <= 1e-12 * np.abs(values).max():  # equal: nothing to resample
        return mean, mean, mean
    from scipy.stats import bootstrap  # a slow import that a light `import lstmreg_utils` spares

    ends = bootstrap(
        (values,), np.mean, confidence_level=CONFIDENCE, n_resamples=resamples,
        rng=np.random.default_rng(0), method="BCa" if len(values) > 2 else "percentile",
    ).confidence_interval  # fmt: skip
    return mean, float(ends.low), float(ends.high)
