"""Which kernel runs an LSTM, and what a training step costs.

`explain_kernel` judges by arguments, `kernel_trace` looks at the backend's own graph, program or
calls, `kernel_times` measures, and `kernel_costs` looks up what was measured on a card.
"""

from .costs import kernel_costs, price_in_words
from .reports import CudnnReport, Finding, LayerReport
from .time_files import load_times, recorded_times, save_times, tidy

__all__ = [
    "CudnnReport", "Finding", "LayerReport", "Trace", "behaviours", "card_record", "cards",
    "describe_machine", "explain_cudnn", "explain_kernel", "fault_table", "kernel_costs",
    "kernel_times", "kernel_trace", "load_times", "mask_kind", "price_in_words", "recorded_times",
    "refusal", "release_record", "release_table", "save_times", "tidy",
]  # fmt: skip
_NEEDS_KERAS = {
    "Trace": "graphs", "behaviours": "releases", "card_record": "releases", "cards": "devices",
    "describe_machine": "devices", "explain_cudnn": "explain", "explain_kernel": "explain",
    "fault_table": "releases", "kernel_times": "times", "kernel_trace": "graphs",
    "mask_kind": "rules", "refusal": "releases", "release_record": "releases",
    "release_table": "releases",
}  # fmt: skip


def __getattr__(name):
    """What needs Keras, when it is first asked for."""
    if name in _NEEDS_KERAS:
        from importlib import import_module

        return getattr(import_module(f".{_NEEDS_KERAS[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
