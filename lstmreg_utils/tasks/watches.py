"""Motion of a wrist: which exercise is it? Ten persons, seven exercises of the shoulder, a watch.

Burns et al., Physiological Measurement 39 (2018) 075007, as shipped with seglearn 1.2.5.
"""

import numpy as np

from .base import Task, register
from .checks import check_integers
from .files import load_arrays
from .pools import drawn_by_unit, splits_of

EXERCISES = 7
PERSONS = (0.6, 0.2, 0.2)  # six train, two validate, two test
SHA256 = "249c9601500631641150d45b093e6179b008772f5a44d0cf5a21c5a14900e7ea"


@register(margin=0.04, short="wrist")
def wrist_motion(seed=0, steps=25):
    """Acceleration and turning rate of a wrist during an exercise of the shoulder, four seconds.

    No person is in two splits. Windows follow one another without overlap, at 6.25 values a
    second. Two of ten persons test, so that seeds differ much: an interval over them speaks of
    other choices among these ten.

    Parameters
    ----------
    seed : int, default=0
        Draws the six persons that train, the two that validate, and the two that test.
    steps : int, default=25
        Length of a window, 1 to 118: the shortest recording.

    Returns
    -------
    Task
        Sequences of shape (steps, 6), seven classes; loss in nats.

    Examples
    --------
    >>> [len(split) for split in wrist_motion(seed=0).splits().values()]
    [629, 268, 252]
    """
    check_integers(1, 118, steps=steps)
    arrays = load_arrays("wrist_motion.npz", SHA256)
    windows = arrays["lengths"] // steps  # of each recording
    recordings = np.split(arrays["x"] * arrays["scale"], np.cumsum(arrays["lengths"])[:-1])
    pairs = zip(recordings, windows, strict=True)
    x = np.concatenate([each[: n * steps].reshape(n, steps, -1) for each, n in pairs])
    exercise, person = (np.repeat(arrays[name], windows) for name in ("exercise", "person"))
    parts = drawn_by_unit(person, np.random.default_rng(seed), PERSONS)
    splits = splits_of(x, exercise, parts)
    return Task(
        "wrist_motion", *splits, loss="crossentropy", outputs=EXERCISES, margin=wrist_motion.margin
    )
