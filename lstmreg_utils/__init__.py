"""Is this LSTM overfitting or over-regularized? Paired, multi-seed dropout experiments on Keras 3.

A folder a purpose, each importing only from those before it: ``tasks`` (data), ``layers`` (noise
that Keras lacks), ``kernels`` (cuDNN and speed), ``diagnosis`` (for anybody's models), ``lab`` (the
experiments), ``claims`` (the two articles), ``book`` (what its chapters share).
Nothing is imported before it is asked for: TensorFlow, when something is trained.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for programs that read code and do not run it, such as editors
    from .diagnosis import checkpoint, compare, diagnose, interval  # noqa: F401
    from .kernels import explain_cudnn, explain_kernel  # noqa: F401
    from .lab import Noise, Records, Run, StaleRecordWarning, arm, grid, study  # noqa: F401
    from .tasks import DamagedFileError, Split, Task, load_task  # noqa: F401

__version__ = "0.1.0"

# Where the names live that most people need. pandas alone takes longer to import than a command
# line should take to answer, and Keras takes seconds.
_HOMES = {
    "tasks": ("DamagedFileError", "Split", "Task", "load_task"),
    "kernels": ("explain_cudnn", "explain_kernel"),
    "diagnosis": ("checkpoint", "compare", "diagnose", "interval"),
    "lab": ("Noise", "Records", "Run", "StaleRecordWarning", "arm", "grid", "study"),
}
_FOLDERS = (*_HOMES, "layers", "claims", "book")

__all__ = sorted(name for names in _HOMES.values() for name in names)


def __getattr__(name):
    """A public name, or a folder of the package, when it is first asked for."""
    if name in _FOLDERS:
        return import_module(f".{name}", __name__)
    for folder, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f".{folder}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__, *_FOLDERS]
