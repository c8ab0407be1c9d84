"""Remember one bit: shown at the first step, asked for after the last, with noise in between."""

import numpy as np

from .base import Split, Task, register
from .checks import check_integers


@register(margin=0.02, short="lag task")
def lag_recall(seed=0, lag=20, n_train=500, n_validation=500, n_test=1000, noise=0.5):
    """Say which of two signs the first step showed, `lag` steps later.

    The first of two features is the sign, +1 or -1 with equal chance, at the first step, and 0
    after it; the second is independent normal noise at every step. Only the sign matters, so how
    well it is recalled is how well the network has kept it for `lag` updates of its state.

    Parameters
    ----------
    seed : int, default=0
    lag : int, default=20
        Steps after the first one, at least 1.
    n_train, n_validation, n_test : int
        Sequences of each split, at least 1.
    noise : float, default=0.5
        Standard deviation of the second feature, at least 0.

    Returns
    -------
    Task
        Sequences of shape (lag + 1, 2), labels 0 and 1; cross-entropy in nats, floor 0. Guessing
        costs ln 2 = 0.693.

    Examples
    --------
    >>> task = lag_recall(lag=5)
    >>> task.train.x.shape, bool(((task.test.x[:, 0, 0] > 0) == task.test.y).all())
    ((500, 6, 2), True)
    """
    check_integers(lag=lag, n_train=n_train, n_validation=n_validation, n_test=n_test)
    if not noise >= 0:
        raise ValueError(f"noise must be a standard deviation of at least 0, got {noise!r}")
    rng = np.random.default_rng(seed)

    def split(n):
        y = rng.integers(0, 2, n, dtype=np.int32)
        x = np.zeros((n, lag + 1, 2), np.float32)
        x[:, 0, 0] = 2 * y - 1
        x[:, :, 1] = rng.normal(0, noise, (n, lag + 1))
        return Split(x, y)

    splits = map(split, (n_train, n_validation, n_test))
    return Task(
        "lag_recall", *splits, loss="crossentropy", outputs=2, margin=lag_recall.margin, floor=0.0
    )
