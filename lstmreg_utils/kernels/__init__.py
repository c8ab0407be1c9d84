"""Which kernel runs an LSTM, and what a training step costs.

`explain_kernel` judges by arguments, `kernel_trace` looks at the backend's own graph, program or
calls, `kernel_times` measures, and `kernel_costs` looks up what was measured on a card.
"""

from .costs import kernel_costs
from .devices import cards, describe_machine
from .explain import explain_cudnn, explain_kernel
from .graphs import Trace, kernel_trace
from .releases import (
    behaviours,
    card_record,
    fault_table,
    refusal,
    release_record,
    release_table,
)
from .reports import CudnnReport, Finding, LayerReport
from .rules import mask_kind
from .time_files import load_times, recorded_times, save_times, tidy
from .times import kernel_times

__all__ = [
    "CudnnReport", "Finding", "LayerReport", "Trace", "behaviours", "card_record", "cards",
    "describe_machine", "explain_cudnn", "explain_kernel", "fault_table", "kernel_costs",
    "kernel_times", "kernel_trace", "load_times", "mask_kind", "recorded_times", "refusal",
    "release_record", "release_table", "save_times", "tidy",
]  # fmt: skip
