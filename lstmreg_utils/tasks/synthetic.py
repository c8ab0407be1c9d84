"""Made-up tasks whose best possible loss is known: nothing to learn, or exactly so much."""

import numpy as np

from .base import Split, Task, register
from .checks import check_integers


@register(margin=0.0005)
def noise_targets(
    seed=0, n_train=800, n_validation=200, n_test=1000, steps=10, features=5, outputs=32
):
    """Inputs and targets drawn uniformly from [0, 1), independent: there is nothing to learn.

    No predictor has an expected squared error below Var U(0, 1) = 1/12; the constant 1/2 has
    exactly that. The defaults are the first article's set-up (1000 sequences, the last fifth for
    validation), with a fresh test split added.

    Parameters
    ----------
    seed : int, default=0
    n_train, n_validation, n_test : int
        Sequences of each split, at least 1.
    steps, features, outputs : int
        Shape (steps, features) of a sequence; width of a target.

    Returns
    -------
    Task
        Loss: mean squared error over the outputs; floor 1/12.

    Examples
    --------
    >>> task = noise_targets(seed=0)
    >>> round(task.floor, 5), round(float(task.test.y.var()), 2)
    (0.08333, 0.08)
    """
    check_integers(n_train=n_train, n_validation=n_validation, n_test=n_test)
    check_integers(steps=steps, features=features, outputs=outputs)
    rng = np.random.default_rng(seed)

    def split(n):
        x = rng.random((n, steps, features), dtype=np.float32)
        return Split(x, rng.random((n, outputs), dtype=np.float32))

    return Task(
        "noise_targets", *map(split, (n_train, n_validation, n_test)), loss="mse", outputs=outputs,
        margin=noise_targets.margin, floor=1 / 12,
    )  # fmt: skip


@register(margin=0.01, short="drift")
def hidden_ar1(
    seed=0, n_train=320, n_validation=1000, n_test=1000, steps=20, phi=0.95, q=0.3, s=0.5
):
    r"""Predict the next value of an autoregression that is seen through noise.

    :math:`h_t = \phi h_{t-1} + q\,\varepsilon_t` is hidden, :math:`x_t = h_t + s\,\eta_t` is
    seen, with standard normal noises and a stationary start. The Kalman filter is the best
    predictor, so its error variance is the floor.

    Parameters
    ----------
    seed : int, default=0
    n_train, n_validation, n_test : int
        Sequences of each split, at least 1.
    steps : int, default=20
        Values seen before the one to predict, at least 1.
    phi, q, s : float
        Persistence in (-1, 1), and the standard deviations of the two noises (positive).

    Returns
    -------
    Task
        Sequences of shape (steps, 1), the target of shape (1,); squared error; Kalman floor.

    Examples
    --------
    >>> round(hidden_ar1(seed=0).floor, 4)
    0.4364
    """
    check_integers(n_train=n_train, n_validation=n_validation, n_test=n_test, steps=steps)
    if not -1 < phi < 1:
        raise ValueError(f"phi must lie in (-1, 1) for a stationary process, got {phi!r}")
    for name, value in {"q": q, "s": s}.items():
        if not value > 0:
            raise ValueError(f"{name} must be a positive standard deviation, got {value!r}")
    rng = np.random.default_rng(seed)

    def split(n):
        h = np.empty((n, steps + 1))
        h[:, 0] = rng.normal(0, q / np.sqrt(1 - phi**2), n)
        for t in range(steps):
            h[:, t + 1] = phi * h[:, t] + rng.normal(0, q, n)
        x = (h + rng.normal(0, s, h.shape)).astype(np.float32)
        return Split(x[:, :-1, None], x[:, -1:])

    return Task(
        "hidden_ar1", *map(split, (n_train, n_validation, n_test)), loss="mse", outputs=1,
        margin=hidden_ar1.margin, floor=kalman_floor(steps, phi, q, s),
    )  # fmt: skip


def kalman_floor(steps, phi, q, s):
    """Expected squared error of the best one-step prediction from `steps` noisy values.

    Examples
    --------
    >>> [round(kalman_floor(n, 0.95, 0.3, 0.5), 4) for n in (1, 5, 100)]
    [0.5175, 0.4369, 0.4364]
    """
    return _variances(steps, phi, q, s)[-1] + s**2


def kalman_predictions(x, phi=0.95, q=0.3, s=0.5):
    """What the best predictor says comes after each sequence (Kalman 1960).

    Parameters
    ----------
    x : ndarray of shape (n, steps, 1)
        As `hidden_ar1` makes them; `phi`, `q` and `s` are those that it was given.

    Returns
    -------
    ndarray of shape (n, 1)

    Examples
    --------
    >>> test = hidden_ar1(seed=0).test
    >>> round(float(np.mean((test.y - kalman_predictions(test.x)) ** 2)), 2)
    0.45
    """
    means = np.zeros((len(x), 1))
    for t, P in enumerate(_variances(x.shape[1], phi, q, s)[:-1]):
        means = phi * (means + P / (P + s**2) * (x[:, t] - means))
    return means


def _variances(steps, phi, q, s):
    """Of the hidden value, before each of `steps` values is seen, and before the one after."""
    variances = [q**2 / (1 - phi**2)]
    for _ in range(steps):
        P = variances[-1]
        variances.append(phi**2 * (1 - P / (P + s**2)) * P + q**2)
    return variances
