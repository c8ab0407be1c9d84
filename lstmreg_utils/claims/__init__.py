"""The claims of the two articles, the rules that decide them, and what the records say.

``ledger.toml -> entries -> rules -> rulings -> page``: see chapter 8 of the book. Predictions for
data that chose nothing go another way: ``predictions.toml -> confirmation``.
"""

from .confirmation import confirm, predictions
from .entries import Claim, LedgerError, ledger
from .page import show
from .rulings import Ruling, rule, rule_all

__all__ = [
    "Claim", "LedgerError", "Ruling",
    "confirm", "ledger", "predictions", "rule", "rule_all", "show",
]  # fmt: skip
