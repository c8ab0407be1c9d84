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

import numpy as np

from ..tasks.corruption import corrupt

CUTS = 10


LEVELS = {  # what level each kind takes: of what to what
    "noise": ("a number", 0, math.inf),
    "missing": ("a number", 0, 1),
    "gradient": ("a number", 0.01, 1),
    "samples": ("an integer", 1, math.inf),
    "ensemble": ("an integer", 1, math.inf),
    "unit": ("a number", 0, 1),
    "cut": ("a number", 0, 1),
    "calibration": ("an integer", 1, math.inf),
}


def check_probe(kind, level):
    """Return a probe with its level as a float, or raise a ValueError that says what is wrong."""
    if kind not in LEVELS:
        raise ValueError(f"probes must be of the kinds {sorted(LEVELS)}, got {kind!r}")
    what, least, most = LEVELS[kind]
    number = isinstance(level, (int, float)) and not isinstance(level, bool)
    if not number or not least <= level <= most or (what == "an integer" and level % 1):
        allowed = f"{what} of {least} to {most}"
        raise ValueError(f"probes: the level of {kind!r} must be {allowed}, got {level!r}")
    return kind, float(level)


def further_members(probes):
    """How many networks besides the run's own its ensembles need."""
    return max((int(level) for kind, level in probes if kind == "ensemble"), default=1) - 1


def measure(block, tasks, probes, seeds, others):
    """What each probe finds on the networks of a block, with the weights that they have now.

    Parameters
    ----------
    block
        Of an engine: ``losses(x, y, cut)``, noise off and some units not read; ``outputs(x,
        noisy)``; ``gradient_norms(x, y)``; and ``units``. In and out, axis 0 is the networks.
    tasks : list of Task
        One a network.
    seeds : array (networks, probes)
        Of what is random in a probe: the same in every arm.
    others : list of array (networks, n, outputs)
        What the further members of an ensemble predict for the test split.

    Returns
    -------
    ndarray of shape (networks, probes)
    """
    task = tasks[0]
    x, y = stacked(tasks, "test")
    found = np.zeros((len(tasks), len(probes)))
    for k, (kind, level) in enumerate(probes):
        drawn = [int(own) for own in np.asarray(seeds)[:, k]]
        match kind:
            case "noise" | "missing":
                pairs = zip(x, drawn, strict=True)
                damaged = [corrupt(own, kind, level, seed, task.masked) for own, seed in pairs]
                values = block.losses(np.stack(damaged), y)
            case "gradient":
                norms = block.gradient_norms(*stacked(tasks, "train"))
                first = norms[:, : math.ceil(level * norms.shape[1])]
                values = first.sum(axis=1) / norms.sum(axis=1)
            case "samples":
                passes = [block.outputs(x, noisy=True) for _ in range(int(level))]
                values = _losses_of_mean(passes, y, task.loss)
            case "ensemble":
                members = [block.outputs(x), *others[: int(level) - 1]]
                values = _losses_of_mean(members, y, task.loss)
            case "unit":
                cuts = np.eye(block.units, dtype=bool)[:, None].repeat(len(tasks), axis=1)
                values = np.quantile(_rises(block, x, y, cuts), level, axis=0)
            case "cut":
                cuts = np.stack([_cuts(seed, level, block.units) for seed in drawn], axis=1)
                values = np.mean(_rises(block, x, y, cuts), axis=0)
            case "calibration":
                outputs = zip(block.outputs(x), y, strict=True)
                values = [calibration_error(own, labels, int(level)) for own, labels in outputs]
        found[:, k] = values
    return found


def stacked(tasks, split):
    """Inputs and targets of a split of every task, each with the tasks as axis 0."""
    splits = [getattr(task, split) for task in tasks]
    return np.stack([own.x for own in splits]), np.stack([own.y for own in splits])


def _losses_of_mean(outputs, y, loss):
    by_network = zip(np.stack(outputs, axis=1), y, strict=True)
    return [loss_of_mean(own, targets, loss) for own, targets in by_network]


def _cuts(seed, part, units):
    """Which units are not read in each of ten draws: bool (draws, units)."""
    rng, count = np.random.default_rng(seed), round(part * units)
    draws = [rng.permutation(units)[:count] for _ in range(CUTS)]
    return np.stack([np.isin(np.arange(units), draw) for draw in draws])


def _rises(block, x, y, cuts):
    """By how much the loss rises for each cut (cuts, networks, units): (cuts, networks)."""
    return np.stack([block.losses(x, y, cut) for cut in cuts]) - block.losses(x, y)


def loss_of_mean(outputs, y, loss):
    """The loss of the mean of k predictions (k, n, outputs): of probabilities, or of values.

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
    """Expected calibration error of logits (n, classes), in `bins` of equal width."""
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
