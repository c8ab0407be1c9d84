"""The rules, by what they are about. Importing a file enters its rules in the registry."""

from . import memory, overfitting, placement, rates, recurrence, units, worth  # noqa: F401
