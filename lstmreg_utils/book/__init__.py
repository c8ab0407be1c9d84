"""What the chapters share: set-up, computed sentences, tables, figures, and the claims check."""

from . import across, plots
from .chapter import (
    answer,
    claims_check,
    compared,
    effect,
    effect_table,
    judged,
    number,
    pick,
    say,
    setup,
    words,
)
from .explorer import explorer_data, rate_explorer
from .linear import linear_against_network, yardstick, yardstick_table
from .memory import BIT, recall, recall_curves, survival
from .style import draw_as, title_of

__all__ = [
    "BIT", "across", "answer", "claims_check", "compared", "draw_as", "effect", "effect_table",
    "explorer_data", "judged", "linear_against_network", "number", "pick", "plots",
    "rate_explorer", "recall", "recall_curves", "say", "setup", "survival", "title_of", "words",
    "yardstick", "yardstick_table",
]  # fmt: skip
