"""Data sets and synthetic processes: split, padded, each with its loss, metric and floor."""

# margin_of, options_of and short_name are for tables: no page tells a reader of them.
from .base import TASKS, Split, Task, load_task, margin_of, options_of, short_name  # noqa: F401
from .books import verses
from .files import DamagedFileError
from .recall import lag_recall
from .speakers import japanese_vowels
from .synthetic import hidden_ar1, kalman_floor, noise_targets
from .volume import nyse_volume
from .weather import nyc_weather

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
