"""Arms as plain data: where the noise goes, how long a mask lives, how much is dropped.

An arm is a tuple of `Noise`, so it can be compared, hashed, stored and sent to another process.
The empty tuple is the twin without noise. Weight decay, which is no noise but competes with it,
is named in the same way.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

from ..diagnosis import TWIN
from ..rates import check_rate
from .places import PLACES, ROWS, find_place, look


class Noise(NamedTuple):
    """One source of noise in a network of LSTM layers.

    Parameters
    ----------
    place : str
        ``'input'``, ``'between'`` or ``'output'``: a `Dropout` layer before the first LSTM,
        between each two, or after the last. ``'head'``: one after each hidden layer of the head.
        ``'embedding'``: whole words, dropped wherever they stand in a sequence.
        ``'dropout'`` or ``'recurrent_dropout'``: the argument of that name of every
        `keras.layers.LSTM`. ``'h'``, ``'g'``, ``'c'``, ``'zoneout_c'``, ``'zoneout_h'`` or
        ``'weight_drop'``: noise of `lstmreg_utils.layers` inside every LSTM. ``'listing'``: the
        zoneout of the first article, which inference forgets (`lstmreg_utils.lab.listing`).
        ``'weight_decay'``: none; the optimizer shrinks every kernel.
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


class Described(NamedTuple):
    """An arm as the columns of a table."""

    arm: str  #: in words, its rates included; no two arms share this label
    scheme: str  #: what it shares with the same noise at other rates, as `arm` takes it
    rate: float  #: the common rate, for the axis of a plot; NaN if there is none


def arm(name, rate):
    """The arm called `name` at a rate, as a tuple of `Noise`.

    Parameters
    ----------
    name : str
        ``'none'``, a place (``'input'``), a place with its mask (``'input:sequence'``), or
        several joined by ``'+'`` (``'dropout+recurrent_dropout'``), all at the same rate.
        Tuples add, for unequal rates: ``arm("input", 0.2) + arm("output", 0.5)``.
    rate : float
        Probability to drop, in [0, 1). Rate 0 is the twin without noise, the empty tuple.

    Raises
    ------
    KeyError, ValueError
        A place or a mask that does not exist; a rate outside [0, 1), or that is no number.

    Examples
    --------
    >>> arm("input", 0.5)
    (Noise(place='input', mask='step', rate=0.5),)
    >>> arm("input:sequence", 0)
    ()
    """
    rate = check_rate("rate", rate, limit=False)
    if name == TWIN:
        return ()
    rows = [PLACES.get(part) or find_place(*part.split(":", 1)) for part in name.split("+")]
    return tuple(Noise(row.place, row.mask, rate) for row in rows) if rate > 0 else ()


def check_arm(noises):
    """Return an arm, given as any sequence of triples, as a tuple of valid `Noise`."""
    if isinstance(noises, str) or not isinstance(noises, Sequence):
        raise ValueError(f"arm must be a tuple of (place, mask, rate), got {noises!r}")
    checked, rows = [], []
    for noise in noises:
        if isinstance(noise, str) or not isinstance(noise, Sequence) or len(noise) != 3:
            raise ValueError(f"arm must hold triples (place, mask, rate), got {noise!r}")
        place, mask, rate = noise
        row, rate = find_place(place, mask), check_rate("rate", rate, limit=False)
        if rate > 0:
            checked.append(Noise(place, mask, rate))
            rows.append(row)
    if len({row.place for row in rows}) < len(rows):
        raise ValueError(f"arm must name each place once, got {noises!r}")
    if len({(row.layer, row.mask) for row in rows if row.layer}) > 1:
        raise ValueError(
            "arm must hold noise inside the LSTM of one layer and one kind of mask, since one "
            f"layer draws it, got {noises!r}"
        )
    return tuple(checked)


def check_places(places, layers, head):
    """Raise a ValueError if a network of these sizes lacks one of the places."""
    if "between" in places and layers < 2:
        raise ValueError(f"noise between layers needs layers >= 2, got layers={layers}")
    lost = sorted({row.place for row in ROWS if row.needs_lstm and row.place in places})
    if lost and not layers:
        raise ValueError(f"noise at {lost} needs an LSTM, got layers=0")
    if "head" in places and not head:
        raise ValueError(f"noise in the head needs hidden layers there, got head={head!r}")


@functools.lru_cache
def describe(noises):
    """An arm as the columns of a table: in words, its scheme, and its rate.

    Examples
    --------
    >>> describe(arm("dropout+recurrent_dropout", 0.5))
    Described(arm='both arguments 0.5', scheme='dropout+recurrent_dropout', rate=0.5)
    >>> describe(arm("zoneout_c", 0.5) + arm("zoneout_h", 0.05)).arm
    'zoneout c 0.5, zoneout h 0.05'
    """
    if not noises:
        return Described(TWIN, TWIN, 0.0)
    rows = [(find_place(noise.place, noise.mask), noise.rate) for noise in noises]
    scheme = "+".join(row.name for row, _ in rows)
    if len({rate for _, rate in rows}) == 1:
        return Described(f"{look(scheme).label} {noises[0].rate:.12g}", scheme, noises[0].rate)
    label = ", ".join(f"{row.label} {rate:.12g}" for row, rate in rows)
    return Described(label, scheme, float("nan"))


def label_of(name, rate):
    """The label of the arm called `name` at a rate, as it stands in a table.

    Examples
    --------
    >>> label_of("input:sequence", 0.3)
    'input, per sequence 0.3'
    """
    return describe(arm(name, rate)).arm
