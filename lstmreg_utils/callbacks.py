"""What the first edition called `lstmreg_utils.diagnosis`: it goes with the next release."""

import warnings

from .diagnosis import CleanTrainingLoss

__all__ = ["CleanTrainingLoss"]

warnings.warn(
    "import from lstmreg_utils.diagnosis: lstmreg_utils.callbacks goes with the next release",
    DeprecationWarning,
    stacklevel=2,
)
