"""Splits in the order of time, for data that are one long series."""

import numpy as np

from .base import Split
from .checks import check_integers


def chronological_split(series, target, sizes, seed, lags, ahead=1, known=None, origin=None):
    """Windows of `lags` rows, the last one `ahead` rows before its target: a `Split` a size.

    The first target's row is `origin`, or drawn anew by each seed: a study sees many stretches. It
    is given back as well, after the splits.
    """
    check_integers(lags=lags, ahead=ahead, **sizes)
    rows, total = len(series), sum(sizes.values())
    first, last = lags + ahead - 1, rows - total  # where the first target can be
    if last < first:
        raise ValueError(
            f"{' + '.join(sizes)} must be at most {rows - first}, the {rows} rows less the {first} "
            f"that stand before the first target, got {total}"
        )
    if origin is None:
        origin = int(np.random.default_rng(seed).integers(first, last + 1))
    check_integers(first, last, origin=origin)

    fitted = series[origin - first : origin + sizes["n_train"]]  # to the last training target
    series = (series - fitted.mean(axis=0)) / fitted.std(axis=0)
    features = series if known is None else np.hstack([series, known])  # known, as a weekday is
    features = features.astype(np.float32)
    splits, start = [], origin
    for size in sizes.values():
        targets = np.arange(start, start + size)
        x = np.stack([features[t - first : t - ahead + 1] for t in targets])
        splits.append(Split(x, features[targets, target : target + 1]))
        start += size
    return *splits, origin
