"""NYSE trading volume: tomorrow from the last ten days. A weak signal, so it overfits at once.

LeBaron and Weigend, IEEE Transactions on Neural Networks 9(1), 1998, 213-220, as shipped with
James, Witten, Hastie, Tibshirani, Taylor, An Introduction to Statistical Learning (ISLP 0.6.0).
"""

import numpy as np

from .base import Task, register
from .chronological import chronological_split
from .files import load_arrays

VOLUME = 1  # the target's column among (DJ_return, log_volume, log_volatility)
WEEKDAYS = 5
SHA256 = "c2e66bcf66107e9e1e380bdcff3fb822e0eba7dbd38f2c2f81d5cbbe5db0d694"


@register(margin=0.01, short="volume")
def nyse_volume(seed=0, lags=10, n_train=2400, n_validation=600, n_test=600, origin=None):
    """Log trading volume of the New York Stock Exchange, 1962 to 1986, one day ahead.

    The split is chronological: `n_train` target days, then `n_validation`, then `n_test`.
    LeBaron and Weigend found that the choice of the split moves results more than the network
    does, so each seed draws its own first day. The windows overlap: an interval over seeds speaks
    of other windows of these years (20 seeds test on 2,518 distinct days), not of other markets.
    A step holds the three series of a day and, one-hot, the weekday of the day after it.
    Series and target are standardized with the days up to the last training target.

    Parameters
    ----------
    seed : int, default=0
        Draws the first target day, uniformly among those that leave room for all splits.
    lags : int, default=10
        Days in a sequence, at least 1.
    n_train, n_validation, n_test : int
        Target days of each split, at least 1, which must fit into the 6051 days.
    origin : int, optional
        Row of the first target day (at least `lags`), instead of a draw.

    Returns
    -------
    Task
        Sequences of shape (lags, 8); squared error in training variances of log volume.

    Examples
    --------
    >>> nyse_volume(seed=0).train.x.shape
    (2400, 10, 8)
    """
    arrays = load_arrays("nyse_volume.npz", SHA256)
    series = arrays["values"].astype(np.float64)
    weekday = np.eye(WEEKDAYS)[np.roll(arrays["day_of_week"], -1)]  # of the day after each step
    sizes = {"n_train": n_train, "n_validation": n_validation, "n_test": n_test}
    *splits, origin = chronological_split(
        series, VOLUME, sizes, seed, lags, known=weekday, origin=origin
    )
    return Task(
        "nyse_volume", *splits, loss="mse", outputs=1, margin=nyse_volume.margin, origin=origin
    )
