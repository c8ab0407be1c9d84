"""The experiments: what is trained, how, by whom, and where its numbers are kept.

``places -> arms -> runs -> catalogue`` say what; ``models -> tensorflow_engine -> worker`` train
it; ``records -> store -> studies`` keep it and give it back as tables.
"""

from .arms import TWIN, Described, Noise, arm, describe, label_of
from .catalogue import STUDIES, compare_study, named_study
from .numerics import NUMERICS
from .places import PLACES, Place, look
from .records import COLUMNS, Record
from .runs import Block, Run, grid
from .store import Records, StaleRecordWarning, pack
from .studies import study

__all__ = [
    "COLUMNS", "NUMERICS", "PLACES", "STUDIES", "TWIN", "Block", "Described",
    "Noise", "Place", "Record", "Records", "Run", "StaleRecordWarning", "arm",
    "audit", "build_model", "compare_study", "describe", "grid", "label_of", "look",
    "named_study", "pack", "study", "train",
]  # fmt: skip
_NEEDS_KERAS = {"audit": "auditing", "build_model": "models", "train": "engines"}


def __getattr__(name):
    """What needs Keras, when it is first asked for."""
    if name in _NEEDS_KERAS:
        from importlib import import_module

        return getattr(import_module(f".{_NEEDS_KERAS[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
