"""A run as plain values: what it takes to train one network, and nothing else."""

import functools
import hashlib
import itertools
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

from ..tasks import TASKS
from ..tasks.checks import check_integers
from .arms import arm as make_arm
from .arms import check_arm, check_places
from .probes import check_probe

LEAST = {"seed": 0, "units": 1, "layers": 0, "epochs": 1, "batch_size": 1}


@dataclass(frozen=True)
class Run:
    """One network to be trained. Two runs with equal fields are the same run.

    Parameters
    ----------
    task : str
        As for `load_task`.
    arm : tuple of Noise
        From `arm`; the empty tuple is the twin without noise.
    seed : int
        Split, initial weights, batch order and noise. A twin shares the first three.
    options : tuple of (str, value)
        Arguments of the task; a dict is accepted.
    units, layers : int
        Width and number of the LSTMs. Without one (``layers=0``) the head reads the whole
        sequence, flattened, and the network is a multilayer perceptron.
    head : tuple of int
        Widths of ReLU layers before the last one.
    epochs, batch_size : int
        A new order each epoch; the sequences beyond the last full batch sit that epoch out.
    learning_rate : float
        Of Adam (Kingma and Ba 2015), constant.
    probes : tuple of (str, float)
        What else is measured on the trained network: see `lstmreg_utils.lab.probes`.

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
            check_integers(least, **{name: getattr(self, name)})
        rate = self.learning_rate
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate < math.inf:
            raise ValueError(f"learning_rate must be a positive number, got {rate!r}")
        listed = isinstance(self.head, (tuple, list))
        if not listed or any(type(width) is not int or width < 1 for width in self.head):
            raise ValueError(f"head must hold integers of at least 1, got {self.head!r}")
        # Lists and dicts, as JSON gives them back, become the tuples that can be hashed.
        options = self.options.items() if isinstance(self.options, dict) else self.options
        frozen = {name: int(getattr(self, name)) for name in LEAST} | {
            "arm": check_arm(self.arm),
            "options": tuple(sorted((str(k), v) for k, v in _pairs("options", options))),
            "head": tuple(self.head),
            "learning_rate": float(rate),
            "probes": tuple(check_probe(*probe) for probe in _pairs("probes", self.probes)),
        }
        check_places({noise.place for noise in frozen["arm"]}, self.layers, frozen["head"])
        for name, value in frozen.items():
            object.__setattr__(self, name, value)

    def __hash__(self):
        return self._hash

    @functools.cached_property
    def _hash(self):
        return hash(tuple(self.to_dict().values()))

    def __reduce__(self):
        return Run, tuple(self.to_dict().values())  # without the hash, which is of this process

    def to_dict(self):
        """The fields, as plain values."""
        return {name: getattr(self, name) for name in FIELDS}

    def with_seed(self, seed):
        """The same network at another seed, unchecked: thousands take no time."""
        other = object.__new__(Run)
        other.__dict__.update(self.to_dict(), seed=seed, setting=self.setting)
        return other

    @functools.cached_property
    def setting(self):
        """What the seeds of an arm have in common, the run with seed 0."""
        return self if self.seed == 0 else replace(self, seed=0)

    @functools.cached_property
    def key(self):
        """Name of the run in a store, a hash of all its fields."""
        before, after = self.setting._around_seed
        return hashlib.sha256(f"{before}{self.seed}{after}".encode()).hexdigest()[:20]

    @functools.cached_property
    def _around_seed(self):
        """The fields as text, before the seed and after it."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        before, after = text.split('"seed":0')
        return f'{before}"seed":', after


class Block(NamedTuple):
    """Runs that differ in their seed alone: what is trained at a time, in one place."""

    run: Run  #: what they have in common, with seed 0
    seeds: tuple  #: their seeds


def blocks_of(runs, size):
    """Runs as blocks of at most `size` seeds, those of an arm side by side.

    Examples
    --------
    >>> blocks = blocks_of(grid("japanese_vowels", ["input"], rates=[0.5], seeds=3), size=2)
    >>> [block.seeds for block in blocks]
    [(0, 1), (2,), (0, 1), (2,)]
    """
    seeds = {}
    for run in runs:
        seeds.setdefault(run.setting, []).append(run.seed)
    return [
        Block(setting, tuple(some[start : start + size]))
        for setting, some in seeds.items()
        for start in range(0, len(some), size)
    ]


def _pairs(name, values):
    pairs = list(values) if isinstance(values, Iterable) else [values]
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise ValueError(f"{name} must hold pairs (name, value), got {values!r}")
    return pairs


def grid(task, arms, rates=(), seeds=20, **settings):
    """The runs of a study: every arm at every rate for every seed, and the twins.

    Parameters
    ----------
    task : str
        Name of a task.
    arms : sequence of (str or tuple of Noise)
        Names, taken at each of `rates`; tuples carry rates of their own. The twin is always there.
    rates : sequence of float, default=()
    seeds : int or sequence of int, default=20
        How many seeds, counted from 0, or which.
    **settings
        Other fields of `Run`, the same in all runs.

    Returns
    -------
    list of Run
        The seeds of an arm side by side.

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
    # This checks the seeds once, and not for every arm.
    listed = [Run(task, seed=seed, **settings).seed for seed in listed]
    first = [Run(task, arm=noises, seed=listed[0], **settings) for noises in unique]
    return [run.with_seed(seed) for run in first for seed in listed]


FIELDS = tuple(field.name for field in fields(Run))
