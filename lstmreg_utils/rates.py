"""The check of a rate, for arms and layers alike. It needs no Keras, which is slow to import."""

import numbers

import numpy as np


def check_rate(name, rate, limit=True):
    """Return a rate of [0, 1] (of [0, 1) without `limit`) as a float; others are a ValueError.

    NumPy numbers mean the decimal number that they print: ``np.float32(0.3)`` is 0.3.
    """
    number = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
    if not number or not 0 <= rate <= 1 or (rate == 1 and not limit):
        allowed = "[0, 1]" if limit else "[0, 1)"
        raise ValueError(f"{name} must be a number in {allowed}, got {rate!r}")
    return float(str(rate) if isinstance(rate, np.floating) else rate)
