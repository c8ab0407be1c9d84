"""NYSE trading volume: tomorrow from the last ten days. A weak signal, so it overfits at once.

LeBaron and Weigend, IEEE Transactions on Neural Networks 9(1), 1998, 213-220, as shipped with
James, Witten, Hastie, Tibshirani, Taylor, An Introduction to Statistical Learning (ISLP 0.6.0).
"""

import numpy as np

from .base import Split, Task
from .files import load_arrays

VOLUME = 1  # the target's column among (DJ_return, log_volume, log_volatility)
WEEKDAYS = 5


def nyse_volume(seed=0, lags=10, n_train=2400, n_validation=600, n_test=600, origin=None):
    """Log trading volume of the New York Stock Exchange, 1962 to 1986, one day ahead.

    The split is chronological: `n_train` target days, then `n_validation`, then `n_test`.
    LeBaron and Weigend found that the choice of the split moves results more than the network
    does, so each seed draws its own first day, and a study sees many decades and not one.
    A step holds the three series of a day and, one-hot, the weekday of the day after it.
    Series and target are standardized with the days up to the last training target.

    Parameters
    ----------
    seed : int, default=0
        Draws the first target day, uniformly among those that leave room for all splits.
    lags : int, default=10
        Days in a sequence.
    n_train, n_validation, n_test : int
        Target days of each split.
    origin : int, optional
        Row of the first target day (at least `lags`), instead of a draw.

    Returns
    -------
    Task
        Sequences of shape (lags, 8); squared error in training variances of log volume.

    Raises
    ------
    ValueError
        A size below 1, or splits that do not fit into the 6051 days.

    Examples
    --------
    >>> task = nyse_volume(seed=0)
    >>> task.train.x.shape, task.test.y.shape
    ((2400, 10, 8), (600, 1))
    """
    sizes = {"lags": lags, "n_train": n_train, "n_validation": n_validation, "n_test": n_test}
    for name, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise ValueError(f"{name} must be an integer of at least 1, got {size!r}")
    arrays = load_arrays("nyse_volume.npz")
    days = len(arrays["values"])
    last = days - (n_train + n_validation + n_test)  # the latest possible first target day
    if last < lags:
        raise ValueError(
            f"n_train + n_validation + n_test must be at most {days - lags} with lags={lags}, "
            f"got {n_train + n_validation + n_test}"
        )
    if origin is None:
        origin = int(np.random.default_rng(seed).integers(lags, last + 1))
    elif not isinstance(origin, int) or not lags <= origin <= last:
        raise ValueError(f"origin must be an integer of {lags} to {last}, got {origin!r}")

    fitted = arrays["values"][origin - lags : origin + n_train].astype(np.float64)
    series = (arrays["values"] - fitted.mean(axis=0)) / fitted.std(axis=0)
    weekday = np.eye(WEEKDAYS)[np.roll(arrays["day_of_week"], -1)]  # of the day after each step
    features = np.hstack([series, weekday]).astype(np.float32)

    def split(start, size):
        targets = np.arange(start, start + size)
        x = np.stack([features[t - lags : t] for t in targets])
        return Split(x, features[targets, VOLUME : VOLUME + 1])

    return Task(
        name="nyse_volume",
        train=split(origin, n_train),
        validation=split(origin + n_train, n_validation),
        test=split(origin + n_train + n_validation, n_test),
        loss="mse",
        outputs=1,
        margin=0.01,
    )
