"""Damaged inputs for a trained network, as a noisy sensor would give them."""

import numpy as np

KINDS = ("noise", "missing")


def corrupt(x, kind, level, seed, masked=False):
    """Sequences with N(0, level**2) added, or a share `level` of the values set to 0, their mean.

    The same seed gives the same damage. In a masked task steps of zeros are padding, and stay so.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    highest = np.inf if kind == "noise" else 1.0
    if not 0 <= level <= highest:
        raise ValueError(f"level of {kind!r} must lie in [0, {highest}], got {level!r}")
    if x.ndim != 3:
        raise ValueError(f"x must be of shape (n, steps, features), got {x.shape}")
    rng = np.random.default_rng(seed)
    if kind == "noise":
        damaged = x + rng.normal(0, level, x.shape)
    else:
        damaged = np.where(rng.random(x.shape) < level, 0.0, x)
    if masked:
        damaged = np.where((x != 0).any(axis=-1, keepdims=True), damaged, 0.0)
    return damaged.astype(x.dtype)
