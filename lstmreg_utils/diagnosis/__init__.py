"""Overfitting or over-regularization, of anybody's models: losses, pairs, effects, causes."""

from .comparison import Comparison, compare, comparisons
from .decomposition import (
    CAUSES,
    DIVERGED,
    EFFECTS,
    HELPED,
    HELPS,
    HURTS,
    OVER,
    SAME,
    UNDECIDED,
    WORKS,
    WORSE,
)
from .families import combined, survivors
from .intervals import interval, interval_columns
from .own_models import check_pair, table_of_histories, table_of_models
from .repeats import REPEATS, in_words, repeat_rates, seeds_needed
from .summaries import (
    chosen_effects,
    epochs_needed,
    prediction_effects,
    probe_effects,
    share_saved,
    stopping_effects,
)  # fmt: skip
from .tables import CHECKPOINTS, TWIN, checkpoint

__all__ = [
    "CAUSES", "CHECKPOINTS", "DIVERGED", "EFFECTS", "HELPED", "HELPS", "HURTS", "OVER", "REPEATS",
    "SAME", "TWIN", "UNDECIDED", "WORKS", "WORSE", "CleanTrainingLoss", "Comparison", "check_pair",
    "checkpoint", "chosen_effects", "combined", "compare", "comparisons", "diagnose",
    "epochs_needed", "in_words", "interval", "interval_columns", "prediction_effects",
    "probe_effects", "repeat_rates", "seeds_needed", "share_saved", "stopping_effects", "survivors",
    "table_of_histories", "table_of_models",
]  # fmt: skip


def __getattr__(name):
    """What needs Keras, which takes seconds to import, when it is first asked for."""
    if name == "CleanTrainingLoss":
        from .clean_loss import CleanTrainingLoss

        return CleanTrainingLoss
    if name == "diagnose":
        from .experiment import diagnose

        return diagnose
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
