"""Will this LSTM run on cuDNN's fused kernel, which argument costs it, and what to change."""

from .explain import explain_cudnn
from .report import CudnnReport, LayerReport
from .rules import Finding
from .trace import Trace, kernel_trace

__all__ = ["CudnnReport", "Finding", "LayerReport", "Trace", "explain_cudnn", "kernel_trace"]
