"""The claims of the two articles, the rules that decide them, and what the records say.

``ledger.toml -> ledger -> rules_* -> rulings``: see chapter 8 of the book.
"""

from .ledger import Claim, LedgerError, ledger
from .rulings import Ruling, rule, rule_all

__all__ = ["Claim", "LedgerError", "Ruling", "ledger", "rule", "rule_all"]
