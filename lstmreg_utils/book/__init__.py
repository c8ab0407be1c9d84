"""What the chapters share: set-up, computed sentences, tables, figures, and the claims check."""

from . import plots
from .chapter import claims_check, effect, effect_table, judged, number, pick, say, setup, words
from .explorer import explorer_data, rate_explorer
from .linear import yardstick
from .memory import BIT, recall, recall_curves, survival
from .style import draw_as, title_of

__all__ = [
    "BIT", "claims_check", "draw_as", "effect", "effect_table", "explorer_data", "judged",
    "number", "pick", "plots", "rate_explorer", "recall", "recall_curves", "say", "setup",
    "survival", "title_of", "words", "yardstick",
]  # fmt: skip
