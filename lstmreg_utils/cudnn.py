"""What the first edition called `lstmreg_utils.kernels`: it goes with the next release."""

import warnings

from .kernels import explain_cudnn, kernel_trace

__all__ = ["explain_cudnn", "kernel_trace"]

warnings.warn(
    "import from lstmreg_utils.kernels: lstmreg_utils.cudnn goes with the next release",
    DeprecationWarning,
    stacklevel=2,
)
