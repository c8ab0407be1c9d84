"""Splits of a pool: examples drawn one by one, or units of them that stay whole."""

import numpy as np

from .base import Split

SHARES = (0.5, 0.2, 0.3)  # of the units that train, validate and test


def drawn(n, sizes, rng):
    """Rows of a pool of `n` for each of `sizes`, no row twice."""
    total = sum(sizes.values())
    if total > n:
        raise ValueError(f"{' + '.join(sizes)} must be at most {n}, got {total}")
    return np.split(rng.permutation(n)[:total], np.cumsum([*sizes.values()])[:-1])


def drawn_by_unit(units, rng, shares=SHARES):
    """Rows of each share of the units (tracks, days, persons): those of a unit stay together."""
    shuffled = rng.permutation(np.unique(units))
    ends = np.round(np.cumsum(shares) * len(shuffled)).astype(int)[:-1]
    return [np.flatnonzero(np.isin(units, part)) for part in np.split(shuffled, ends)]


def splits_of(x, y, parts):
    """A `Split` of the rows of each part; what is real is standardized with the first part."""
    x, y = (_standardized(values, parts[0]) for values in (x, y))
    return [Split(x[part], y[part]) for part in parts]


def _standardized(values, fitted):
    """In 64 bits, with a mean and a scale for each feature; tokens and labels as they are."""
    if values.dtype.kind != "f":
        return values.astype(np.int32)
    values = values.astype(np.float64)
    axes = tuple(range(values.ndim - 1))
    mean, scale = values[fitted].mean(axis=axes), values[fitted].std(axis=axes)
    return ((values - mean) / scale).astype(np.float32)
