"""Damaged inputs for a trained network, as a noisy sensor would give them."""

import numpy as np

KINDS = ("noise", "missing")


def corrupt(x, kind, level, seed, masked=False):
    """Sequences with noise added, or with values missing. Padding stays padding.

    Parameters
    ----------
    x : ndarray of shape (n, steps, features)
        Standardized sequences.
    kind : {'noise', 'missing'}
        ``'noise'`` adds N(0, level**2); ``'missing'`` sets a share `level` of the values to 0,
        the mean of a standardized feature.
    level : float
        A standard deviation >= 0, or a share in [0, 1].
    seed : int
        The same seed gives the same damage.
    masked : bool, default=False
        Whether steps of zeros are padding.

    Returns
    -------
    ndarray of the shape and dtype of `x`

    Raises
    ------
    ValueError
        Another kind, a level outside its range, or tokens, which bear no such damage.

    Examples
    --------
    >>> x = np.ones((1, 2, 1), np.float32)
    >>> corrupt(x, "missing", 1.0, seed=0).ravel()
    array([0., 0.], dtype=float32)
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
