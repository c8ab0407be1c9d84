"""The claims of the two articles, the rules that decide them, and what the records say.

``ledger.toml -> entries -> rules -> rulings -> page``: see chapter 8 of the book. Predictions for
data that chose nothing go another way: ``predictions.toml -> confirmation``. What the first edition
said stands in ``first_edition.toml``, which ``editions`` holds beside the second.
"""

from .confirmation import confirm, predictions
from .editions import claims_by_edition, headlines_by_edition, settings_by_edition
from .entries import Claim, LedgerError, ledger
from .outcomes import combine
from .page import show
from .rulings import Ruling, rule, rule_all

__all__ = [
    "Claim", "LedgerError", "Ruling",
    "claims_by_edition", "combine", "confirm", "headlines_by_edition", "ledger", "predictions",
    "rule", "rule_all", "settings_by_edition", "show",
]  # fmt: skip
