"""Is this LSTM overfitting or over-regularized? Paired, multi-seed dropout experiments on Keras 3.

``tasks -> models -> training -> study -> effects -> plots``: see the reference page of the book.
TensorFlow is imported only when something is trained.
"""

from .arms import Noise, arm
from .effects import checkpoint, compare, interval, verdict
from .records import Records, StaleRecordWarning
from .runs import Run, grid
from .study import study
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
    "explain_cudnn",
    "grid",
    "interval",
    "load_task",
    "study",
    "verdict",
]


def __getattr__(name):
    """`explain_cudnn` when it is first asked for: it needs Keras, which takes seconds to import."""
    if name == "explain_cudnn":
        from .cudnn import explain_cudnn

        return explain_cudnn
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
