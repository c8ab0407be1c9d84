"""Is this LSTM overfitting or over-regularized? Paired, multi-seed dropout experiments on Keras 3.

A folder a purpose, each importing only from those before it: ``tasks`` (data), ``layers`` (noise
that Keras lacks), ``kernels`` (cuDNN and speed), ``diagnosis`` (for anybody's models), ``lab`` (the
experiments), ``claims`` (the two articles), ``book`` (what its chapters share).
TensorFlow is imported only when something is trained.
"""

from .diagnosis import checkpoint, compare, interval
from .lab import Noise, Records, Run, StaleRecordWarning, arm, grid, study
from .tasks import DamagedFileError, Split, Task, load_task

__version__ = "0.1.0"

__all__ = [
    "DamagedFileError",
    "Noise",
    "Records",
    "Run",
    "Split",
    "StaleRecordWarning",
    "Task",
    "arm",
    "checkpoint",
    "compare",
    "diagnose",
    "explain_cudnn",
    "explain_kernel",
    "grid",
    "interval",
    "load_task",
    "study",
]


def __getattr__(name):
    """What needs Keras, which takes seconds to import, when it is first asked for."""
    if name == "diagnose":
        from .diagnosis import diagnose

        return diagnose
    if name in ("explain_kernel", "explain_cudnn"):
        from .kernels import explain_cudnn, explain_kernel

        return explain_kernel if name == "explain_kernel" else explain_cudnn
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
