"""Arms as plain data: where the noise goes, how long a mask lives, how much is dropped.

An arm is a tuple of `Noise`, so it can be compared, hashed, stored and sent to another process.
The empty tuple is the twin without noise.
"""

from collections.abc import Sequence
from typing import NamedTuple

# Each place and the masks it allows, its usual one first. Keras' own arguments hold one mask a
# sequence; the output of the last LSTM is one vector a sequence, so it has one mask as well.
PLACES = {
    "input": ("step", "sequence"),
    "between": ("step", "sequence"),
    "output": ("sequence",),
    "dropout": ("sequence",),
    "recurrent_dropout": ("sequence",),
}


class Noise(NamedTuple):
    """One source of multiplicative noise in a network of LSTM layers.

    Parameters
    ----------
    place : {'input', 'between', 'output', 'dropout', 'recurrent_dropout'}
        A `Dropout` layer before the first LSTM, between each two, or after the last; or the
        argument of that name of every `keras.layers.LSTM`.
    mask : {'step', 'sequence'}
        A new mask at every step, or one mask held over the whole sequence.
    rate : float
        Probability to drop, in [0, 1). What is kept is scaled by 1 / (1 - rate).
    """

    place: str
    mask: str
    rate: float


def arm(name, rate):
    """The arm called `name` at a rate.

    Parameters
    ----------
    name : str
        ``'none'``, a place (``'input'``), a place with its mask (``'input:sequence'``), or
        several joined by ``'+'`` (``'dropout+recurrent_dropout'``), all at the same rate.
        Tuples add, for unequal rates: ``arm("input", 0.2) + arm("output", 0.5)``.
    rate : float
        Probability to drop, in [0, 1). Rate 0 is the twin without noise, the empty tuple.

    Returns
    -------
    tuple of Noise

    Raises
    ------
    KeyError
        A place or a mask that does not exist.
    ValueError
        A rate outside [0, 1), or that is no number.

    Examples
    --------
    >>> arm("input", 0.5)
    (Noise(place='input', mask='step', rate=0.5),)
    >>> arm("input:sequence", 0)
    ()
    """
    rate = check_rate(rate)
    noises = () if name == "none" else tuple(_noise(part, rate) for part in name.split("+"))
    return noises if rate > 0 else ()


def check_rate(rate, argument="rate"):
    """Return `rate` as a float in [0, 1), or raise a ValueError that names the argument."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate < 1:
        raise ValueError(f"{argument} must be a number in [0, 1), got {rate!r}")
    return float(rate)


def check_arm(noises):
    """Return an arm, given as any sequence of triples, as a tuple of valid `Noise`."""
    if isinstance(noises, str) or not isinstance(noises, Sequence):
        raise ValueError(f"arm must be a tuple of (place, mask, rate), got {noises!r}")
    checked = []
    for noise in noises:
        if isinstance(noise, str) or not isinstance(noise, Sequence) or len(noise) != 3:
            raise ValueError(f"arm must hold triples (place, mask, rate), got {noise!r}")
        place, mask, rate = noise
        checked += arm(f"{place}:{mask}", rate)
    if len({noise.place for noise in checked}) < len(checked):
        raise ValueError(f"arm must name each place once, got {noises!r}")
    return tuple(checked)


def describe(noises):
    """The name and the rate of an arm, for the columns of a table.

    Returns
    -------
    name : str
        What `arm` would take; with ``@rate`` at each place if the rates differ.
    rate : float
        The common rate, or NaN if there is none.

    Examples
    --------
    >>> describe(arm("dropout+recurrent_dropout", 0.5))
    ('dropout+recurrent_dropout', 0.5)
    """
    if not noises:
        return "none", 0.0
    names = [_name(noise) for noise in noises]
    rates = [noise.rate for noise in noises]
    if len(set(rates)) == 1:
        return "+".join(names), rates[0]
    return "+".join(f"{n}@{r:g}" for n, r in zip(names, rates, strict=True)), float("nan")


def _noise(part, rate):
    place, _, mask = part.partition(":")
    if place not in PLACES:
        raise KeyError(f"arm must be 'none' or use the places {sorted(PLACES)}, got {part!r}")
    mask = mask or PLACES[place][0]
    if mask not in PLACES[place]:
        raise KeyError(f"the mask of {place!r} must be one of {PLACES[place]}, got {mask!r}")
    return Noise(place, mask, rate)


def _name(noise):
    usual = noise.mask == PLACES[noise.place][0]
    return noise.place if usual else f"{noise.place}:{noise.mask}"
