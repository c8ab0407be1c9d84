"""A run as plain values: what it takes to train one network, and nothing else."""

import functools
import hashlib
import itertools
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

from .arms import arm as make_arm
from .arms import check_arm, check_places
from .probes import check_probe
from .tasks import TASKS


@dataclass(frozen=True)
class Run:
    """One network to be trained. Two runs with equal fields are the same run.

    Parameters
    ----------
    task : str
        Name of a task, as for `load_task`.
    arm : tuple of Noise, default=()
        From `lstmreg_utils.arm`; the empty tuple is the twin without noise.
    seed : int, default=0
        Split, initial weights, batch order and noise. A twin shares the first three.
    options : tuple of (str, value), default=()
        Arguments of the task, sorted; a dict is accepted.
    units, layers : int
        Width and number of the LSTMs. Without an LSTM (``layers=0``) the head reads the whole
        sequence, flattened, and the network is a multilayer perceptron.
    head : tuple of int, default=()
        Widths of ReLU layers before the last one.
    epochs, batch_size : int
        A new order each epoch; the sequences beyond the last full batch sit that epoch out.
    learning_rate : float, default=0.003
        Of Adam (Kingma and Ba 2015), constant.
    probes : tuple of (str, float), default=()
        What else is measured on the trained network, each a kind and a level, such as
        ``("noise", 0.5)``: see `lstmreg_utils.probes`.

    Raises
    ------
    KeyError
        Unknown task or place.
    ValueError
        Any other value that cannot be trained. The message names the argument.

    Examples
    --------
    >>> Run("japanese_vowels", epochs=2) == Run("japanese_vowels", epochs=2, arm=[])
    True
    """

    task: str
    arm: tuple = ()
    seed: int = 0
    options: tuple = ()
    units: int = 32
    layers: int = 1
    head: tuple = ()
    epochs: int = 40
    batch_size: int = 30
    learning_rate: float = 0.003
    probes: tuple = ()

    def __post_init__(self):
        if self.task not in TASKS:
            raise KeyError(f"task must be one of {sorted(TASKS)}, got {self.task!r}")
        for name, least in LEAST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
        rate = self.learning_rate
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate < math.inf:
            raise ValueError(f"learning_rate must be a positive number, got {rate!r}")
        # Lists and dicts, as JSON gives them back, become the tuples that can be hashed.
        options = self.options.items() if isinstance(self.options, dict) else self.options
        frozen = {
            "arm": check_arm(self.arm),
            "options": tuple(sorted((str(k), v) for k, v in _pairs("options", options))),
            "head": _widths(self.head),
            "learning_rate": float(rate),
            "probes": tuple(check_probe(*probe) for probe in _pairs("probes", self.probes)),
        }
        check_places({noise.place for noise in frozen["arm"]}, self.layers, frozen["head"])
        for name, value in frozen.items():
            object.__setattr__(self, name, value)

    def to_dict(self):
        """The fields, as plain values."""
        return {name: getattr(self, name) for name in FIELDS}

    @functools.cached_property
    def key(self):
        """Name of the run in a store: a hash of all its fields."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:20]


def _pairs(name, values):
    values = list(values) if isinstance(values, Iterable) else values
    if not isinstance(values, list) or any(
        not isinstance(pair, (tuple, list)) or len(pair) != 2 for pair in values
    ):
        raise ValueError(f"{name} must hold pairs (name, value), got {values!r}")
    return values


def _widths(head):
    if not isinstance(head, (tuple, list)) or any(
        isinstance(width, bool) or not isinstance(width, int) or width < 1 for width in head
    ):
        raise ValueError(f"head must hold integers of at least 1, got {head!r}")
    return tuple(head)


LEAST = {"seed": 0, "units": 1, "layers": 0, "epochs": 1, "batch_size": 1}


def grid(task, arms, rates=(), seeds=20, **settings):
    """The runs of a study: every arm at every rate for every seed, and the twins.

    Parameters
    ----------
    task : str
        Name of a task.
    arms : sequence of (str or tuple of Noise)
        Names, taken at each of `rates`; tuples carry rates of their own. The twin without noise
        is always part of the grid.
    rates : sequence of float, default=()
        Rates in [0, 1) for the names.
    seeds : int or sequence of int, default=20
        How many seeds, counted from 0, or which.
    **settings
        Other fields of `Run`, the same in all runs.

    Returns
    -------
    list of Run
        Without repetitions, the seeds of an arm side by side.

    Raises
    ------
    KeyError, ValueError
        An unknown task or arm; a rate outside [0, 1); no seeds, or no rates for a named arm.

    Examples
    --------
    >>> len(grid("japanese_vowels", ["input", "output"], rates=[0.2, 0.5], seeds=3))
    15
    """
    listed = range(seeds) if isinstance(seeds, int) and not isinstance(seeds, bool) else seeds
    if not isinstance(listed, Iterable) or not (listed := list(dict.fromkeys(listed))):
        raise ValueError(f"seeds must be a number or a list of at least one seed, got {seeds!r}")
    if not isinstance(rates, Iterable):
        raise ValueError(f"rates must be a list of rates, got {rates!r}")
    if isinstance(arms, str):
        raise ValueError(f"arms must be a list of arms, got the single text {arms!r}")
    named = [name for name in arms if isinstance(name, str)]
    if any(name != "none" for name in named) and not len(rates):
        raise ValueError(f"rates must hold at least one rate for {named}, got {rates!r}")
    chosen = [()]
    chosen += [make_arm(name, rate) for name, rate in itertools.product(named, rates)]
    chosen += [check_arm(noises) for noises in arms if not isinstance(noises, str)]
    unique = dict.fromkeys(chosen)  # rate 0 is the twin, whatever its name
    return [Run(task, arm=noises, seed=seed, **settings) for noises in unique for seed in listed]


FIELDS = tuple(field.name for field in fields(Run))
