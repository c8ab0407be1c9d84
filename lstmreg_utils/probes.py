"""What else is measured on a trained network, besides its losses: probes, each a kind and a level.

``("noise", s)``, ``("missing", share)``
    Test loss under damaged inputs, see `lstmreg_utils.tasks.corruption.corrupt`.
``("gradient", part)``
    Share of the training loss's gradient that reaches the inputs of the first `part` of the
    steps, noise on.
``("samples", k)``
    Test loss of the mean prediction of k passes with noise on: Monte Carlo dropout (Gal and
    Ghahramani 2016), and with k = 1 a single thinned network.
``("ensemble", k)``
    Test loss of the mean prediction of k networks, noise off: this one and others of the same
    arm on the same data, with initial weights and batch orders of their own.
``("unit", q)``
    By how much the test loss rises when the layer above stops reading one unit of the first
    LSTM: the quantile q over the units, 1 for the unit that is missed most.
``("cut", part)``
    The same for a random `part` of the units at once: the mean over ten draws.
``("calibration", bins)``
    Expected calibration error on the test split (Guo et al. 2017): the mean distance between the
    probability of the predicted class and its frequency, in bins of equal width.
"""

import math
from dataclasses import dataclass

import numpy as np

from .tasks.corruption import corrupt

CUTS = 10


@dataclass(frozen=True)
class Level:
    """The levels that a kind of probe takes."""

    lowest: float
    highest: float = math.inf
    whole: bool = False

    def __contains__(self, level):
        if isinstance(level, bool) or not isinstance(level, (int, float)):
            return False
        return self.lowest <= level <= self.highest and (not self.whole or level == int(level))

    def __str__(self):
        return f"{'an integer' if self.whole else 'a number'} of {self.lowest} to {self.highest}"


LEVELS = {
    "noise": Level(0),
    "missing": Level(0, 1),
    "gradient": Level(0.01, 1),
    "samples": Level(1, whole=True),
    "ensemble": Level(1, whole=True),
    "unit": Level(0, 1),
    "cut": Level(0, 1),
    "calibration": Level(1, whole=True),
}


def check_probe(kind, level):
    """Return a probe with its level as a float, or raise a ValueError that says what is wrong.

    Examples
    --------
    >>> check_probe("samples", 10)
    ('samples', 10.0)
    """
    if kind not in LEVELS:
        raise ValueError(f"probes must be of the kinds {sorted(LEVELS)}, got {kind!r}")
    if level not in LEVELS[kind]:
        raise ValueError(f"probes: the level of {kind!r} must be {LEVELS[kind]}, got {level!r}")
    return kind, float(level)


def further_members(probes):
    """How many networks besides the run's own its ensembles need."""
    return max((int(level) for kind, level in probes if kind == "ensemble"), default=1) - 1


def measure(network, task, probes, seeds, others):
    """What each probe finds on a network with the weights that it has now.

    Parameters
    ----------
    network : lstmreg_utils.training.Program
    task : Task
    probes : tuple of (str, float)
    seeds : sequence of int
        One a probe: what is random in it is the same in every arm of a run's seed.
    others : list of ndarray of shape (n, outputs)
        What the further members of an ensemble predict for the test split.

    Returns
    -------
    list of float
    """
    found = []
    for (kind, level), seed in zip(probes, seeds, strict=True):
        match kind:
            case "noise" | "missing":
                x = corrupt(task.test.x, kind, level, int(seed), task.masked)
                value = network.loss(x, task.test.y)
            case "gradient":
                norms = network.gradient_norms(task.train.x, task.train.y)
                value = norms[: math.ceil(level * len(norms))].sum() / norms.sum()
            case "samples":
                passes = [network.outputs(task.test.x, noisy=True) for _ in range(int(level))]
                value = loss_of_mean(passes, task.test.y, task.loss)
            case "ensemble":
                members = [network.outputs(task.test.x), *others[: int(level) - 1]]
                value = loss_of_mean(members, task.test.y, task.loss)
            case "unit":
                rises = [_rise(network, task, [unit]) for unit in range(network.units)]
                value = np.quantile(rises, level)
            case "cut":
                value = _mean_cut(network, task, level, np.random.default_rng(seed))
            case "calibration":
                outputs = network.outputs(task.test.x)
                value = calibration_error(outputs, task.test.y, int(level))
        found.append(float(value))
    return found


def loss_of_mean(outputs, y, loss):
    """The loss of the mean prediction: of probabilities for the cross-entropy, else of values.

    Parameters
    ----------
    outputs : array-like of shape (k, n, outputs)
        Logits, or values.
    y : ndarray of shape (n,), or (n, outputs)
    loss : {'crossentropy', 'mse'}

    Examples
    --------
    >>> y = np.array([0])
    >>> certain, wrong = [[9.0, 0.0]], [[0.0, 9.0]]
    >>> round(float(loss_of_mean([certain, wrong], y, "crossentropy")), 3)  # ln 2: as likely as not
    0.693
    """
    outputs = np.asarray(outputs, np.float64)
    if loss == "mse":
        return np.mean((outputs.mean(axis=0) - y) ** 2)
    of_label = probabilities(outputs)[:, np.arange(len(y)), y].mean(axis=0)
    return -np.mean(np.log(of_label))


def calibration_error(outputs, y, bins):
    """Expected calibration error of logits (n, classes), in `bins` of equal width.

    Examples
    --------
    >>> logits = np.log([[0.8, 0.2]] * 5)
    >>> round(float(calibration_error(logits, np.array([0, 0, 0, 0, 1]), bins=10)), 6)
    0.0
    """
    if y.ndim != 1:
        raise ValueError(f"probes: 'calibration' needs a task with classes, got y of {y.shape}")
    p = probabilities(np.asarray(outputs, np.float64))
    confidence, hit = p.max(axis=-1), p.argmax(axis=-1) == y
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(np.sum(confidence[bin_of == b] - hit[bin_of == b])) for b in np.unique(bin_of)]
    return np.sum(gaps) / len(y)


def probabilities(logits):
    """Softmax over the last axis."""
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def _rise(network, task, units):
    with network.cut(units):
        without = network.loss(task.test.x, task.test.y)
    return without - network.loss(task.test.x, task.test.y)


def _mean_cut(network, task, part, rng):
    count = round(part * network.units)
    draws = [rng.permutation(network.units)[:count] for _ in range(CUTS)]
    return np.mean([_rise(network, task, units) for units in draws])
