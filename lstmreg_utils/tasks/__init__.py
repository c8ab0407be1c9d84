"""Data sets and synthetic processes: split, padded, each with its loss, metric and floor."""

from .airport import departures

# margin_of, options_of and short_name are for tables: no page tells a reader of them.
from .base import TASKS, Split, Task, load_task, margin_of, options_of, short_name  # noqa: F401
from .books import verses
from .characters import novels
from .files import DamagedFileError
from .handwriting import pen_digits
from .hurricanes import storms
from .proteins import peptides
from .recall import lag_recall
from .speakers import japanese_vowels
from .synthetic import hidden_ar1, kalman_floor, kalman_predictions, noise_targets
from .volume import nyse_volume
from .watches import wrist_motion
from .weather import nyc_weather
from .yardsticks import baselines

__all__ = [
    "TASKS",
    "DamagedFileError",
    "Split",
    "Task",
    "baselines",
    "departures",
    "hidden_ar1",
    "japanese_vowels",
    "kalman_floor",
    "kalman_predictions",
    "lag_recall",
    "load_task",
    "noise_targets",
    "novels",
    "nyc_weather",
    "nyse_volume",
    "pen_digits",
    "peptides",
    "storms",
    "verses",
    "wrist_motion",
]
