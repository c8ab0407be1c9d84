"""What the first edition called `lstmreg_utils.diagnosis`: it goes with the next release."""

import warnings

from .diagnosis import check_pair, table_of_histories, table_of_models

__all__ = ["check_pair", "table_of_histories", "table_of_models"]

warnings.warn(
    "import from lstmreg_utils.diagnosis: lstmreg_utils.own_models goes with the next release",
    DeprecationWarning,
    stacklevel=2,
)
