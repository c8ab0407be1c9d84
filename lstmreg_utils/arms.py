"""Arms as plain data: where the noise goes, how long a mask lives, how much is dropped.

An arm is a tuple of `Noise`, so it can be compared, hashed, stored and sent to another process.
The empty tuple is the twin without noise. Weight decay, which is no noise but competes with it,
is named in the same way.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

# Each place and the masks it allows, its usual one first. Keras' own arguments hold one mask a
# sequence; the output of the last LSTM is one vector a sequence, so it has one mask as well.
PLACES = {
    "embedding": ("sequence",),
    "input": ("step", "sequence"),
    "between": ("step", "sequence"),
    "output": ("sequence",),
    "head": ("sequence",),
    "dropout": ("sequence",),
    "recurrent_dropout": ("sequence",),
    "h": ("step", "sequence"),
    "g": ("step", "sequence"),
    "c": ("step", "sequence"),
    "zoneout_c": ("step",),
    "zoneout_h": ("step",),
    "weight_drop": ("batch",),
    "weight_decay": ("none",),
}
# The places that read a sequence step by step, or its tokens: no use without an LSTM.
NEED_LSTM = frozenset(PLACES) - {"embedding", "input", "head", "weight_decay"}
# The places inside the recurrence, and the module of `lstmreg_utils.layers` that reaches them.
INSIDE = {
    "h": "recurrent_dropout",
    "g": "recurrent_dropout",
    "c": "recurrent_dropout",
    "zoneout_c": "zoneout",
    "zoneout_h": "zoneout",
    "weight_drop": "weight_drop",
}


class Noise(NamedTuple):
    """One source of noise in a network of LSTM layers.

    Parameters
    ----------
    place : str
        ``'input'``, ``'between'`` or ``'output'``: a `Dropout` layer before the first LSTM,
        between each two, or after the last. ``'head'``: one after each hidden layer of the head.
        ``'embedding'``: whole words, dropped wherever they stand in a sequence.
        ``'dropout'`` or ``'recurrent_dropout'``: the
        argument of that name of every `keras.layers.LSTM`. ``'h'``, ``'g'``, ``'c'``,
        ``'zoneout_c'``, ``'zoneout_h'`` or ``'weight_drop'``: noise of `lstmreg_utils.layers`
        inside every LSTM. ``'weight_decay'``: none; the optimizer shrinks every kernel.
    mask : {'step', 'sequence', 'batch', 'none'}
        A new mask at every step, one mask held over the whole sequence, one for the batch, or
        none.
    rate : float
        Probability to drop (of zoneout: to keep the old value), in [0, 1). Of weight decay the
        factor λ of Loshchilov and Hutter (2019): a step takes learning rate · λ · w off a weight.
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
    inside = [noise for noise in checked if noise.place in INSIDE]
    if len({(INSIDE[noise.place], noise.mask) for noise in inside}) > 1:
        raise ValueError(
            "arm must hold noise inside the LSTM of one layer and one kind of mask, since one "
            f"layer draws it, got {noises!r}"
        )
    return tuple(checked)


def check_places(places, layers, head):
    """Raise a ValueError if a network of these sizes lacks one of the places."""
    if "between" in places and layers < 2:
        raise ValueError(f"noise between layers needs layers >= 2, got layers={layers}")
    if not layers and (lost := sorted(NEED_LSTM.intersection(places))):
        raise ValueError(f"noise at {lost} needs an LSTM, got layers=0")
    if "head" in places and not head:
        raise ValueError(f"noise in the head needs hidden layers there, got head={head!r}")


def rate_at(place, name, rate):
    """The rate at one place of an arm that `describe` has named; 0 where it has no noise.

    Examples
    --------
    >>> rate_at("zoneout_h", "zoneout_c@0.5+zoneout_h@0.05", float("nan"))
    0.05
    >>> rate_at("h", "h:sequence", 0.25), rate_at("g", "h:sequence", 0.25)
    (0.25, 0.0)
    """
    for part in name.split("+"):
        where, _, own = part.partition("@")
        if where.partition(":")[0] == place:
            return float(own or rate)
    return 0.0


def layer_modules(noises):
    """The modules of `lstmreg_utils.layers` that an arm needs.

    Examples
    --------
    >>> layer_modules(arm("zoneout_c+zoneout_h", 0.1))
    ['zoneout']
    """
    modules = {**INSIDE, "embedding": "embedding_dropout"}
    return sorted({modules[place] for place, _, _ in noises if place in modules})


@functools.lru_cache
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
