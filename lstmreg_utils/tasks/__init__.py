"""Data sets and synthetic processes: split, padded, each with its loss, metric and floor."""

from .base import Split, Task
from .files import DamagedFileError
from .japanese_vowels import japanese_vowels
from .lag_recall import lag_recall
from .nyc_weather import nyc_weather
from .nyse_volume import nyse_volume
from .synthetic import hidden_ar1, kalman_floor, noise_targets
from .verses import verses

_TASKS = (
    japanese_vowels, nyse_volume, noise_targets, hidden_ar1, lag_recall, verses, nyc_weather,
)  # fmt: skip
TASKS = {task.__name__: task for task in _TASKS}

__all__ = [
    "TASKS",
    "DamagedFileError",
    "Split",
    "Task",
    "hidden_ar1",
    "japanese_vowels",
    "kalman_floor",
    "lag_recall",
    "load_task",
    "noise_targets",
    "nyc_weather",
    "nyse_volume",
    "verses",
]


def load_task(name, seed=0, **options):
    """Make one split of a task.

    Parameters
    ----------
    name : str
        One of `TASKS`: ``'japanese_vowels'``, ``'nyse_volume'``, ``'noise_targets'``,
        ``'hidden_ar1'``, ``'lag_recall'``, ``'verses'`` or ``'nyc_weather'``.
    seed : int, default=0
        The split, or the draw of a synthetic task. Equal seeds give equal arrays.
    **options
        Arguments of the task's own function, for instance ``per_speaker=10``.

    Returns
    -------
    Task

    Raises
    ------
    KeyError
        No task has this name.

    Examples
    --------
    >>> load_task("japanese_vowels", seed=3).train.x.shape
    (270, 29, 12)
    """
    if name not in TASKS:
        raise KeyError(f"task must be one of {sorted(TASKS)}, got {name!r}")
    return TASKS[name](seed=seed, **options)
