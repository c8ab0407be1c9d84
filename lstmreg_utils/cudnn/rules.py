"""Which kernel TensorFlow's Keras gives one recurrent layer, and the argument that decides it.

Read from the layer as it stands, never by running it. The conditions are those of Keras 3.9 to
3.15 (`LSTM.inner_loop`, `GRU.inner_loop`, `cudnn_ok` of the TensorFlow backend); `kernel_trace`
builds the graph instead, and a test holds the two together on several hundred configurations.
"""

import sys
from typing import NamedTuple

import keras

from ..layers.noisy_lstm import NoisyLSTM
from ..layers.weight_drop import WeightDropLSTM
from .versions import LISTED_STATE, release

KERNELS = ("fused", "loop", "unrolled", "error")


class Finding(NamedTuple):
    """One thing about a layer that a reader should know.

    Parameters
    ----------
    costs : {'kernel', 'XLA', 'mask', 'note', 'unjudged'}
        What it costs: the fused kernel, compilation by XLA, some masks, nothing, or a verdict.
    what : str
        The argument as it stands, such as ``recurrent_dropout=0.3``.
    effect : str
        What follows from it.
    remedy : str
        What to change; empty where there is nothing to change.
    """

    costs: str
    what: str
    effect: str
    remedy: str = ""


class Judgement(NamedTuple):
    """What one recurrent layer gets on one kind of machine.

    Parameters
    ----------
    kernel : {'fused', 'loop', 'unrolled', 'error', None}
        ``'error'`` where a call raises; None where it cannot be judged.
    xla : bool or None
        Whether Keras lets XLA compile a model that holds the layer.
    findings : tuple of Finding
    """

    kernel: str | None
    xla: bool | None
    findings: tuple


def judge(layer, gpu, twice_made=False):
    """Judge one recurrent layer, leaving masks aside.

    Parameters
    ----------
    layer : keras.layers.Layer
        An `RNN` of any kind, built or not.
    gpu : bool
        Whether TensorFlow sees a GPU.
    twice_made : bool, default=False
        Whether a `Bidirectional` has made the layer anew from its configuration, where
        `use_cudnn` is missing: Keras asks about XLA before it is put back.

    Returns
    -------
    Judgement

    Examples
    --------
    >>> judge(keras.layers.LSTM(4, recurrent_dropout=0.2), gpu=True).kernel
    'loop'
    >>> judge(keras.layers.LSTM(4, dropout=0.2), gpu=True).kernel
    'fused'
    """
    if not _has_fused_kernel(layer):
        return _loop_only(layer)
    broken = [*_arguments(layer)]
    # What Keras looks at when the layer is made; the rate of recurrent dropout is not among it.
    made_for_fused = not broken and (layer.use_cudnn is not False or twice_made)
    rate = layer.recurrent_dropout
    if isinstance(layer, WeightDropLSTM):
        made_for_fused = not broken and bool(layer.use_cudnn) and not rate
    if rate:
        broken.append(_recurrent_dropout(rate))
    if layer.use_cudnn is False:
        broken.append(Finding("kernel", "use_cudnn=False", "asks for the loop", "use_cudnn='auto'"))
    findings = [*broken]
    if not gpu:
        findings.append(Finding("kernel", "no GPU", "cuDNN is NVIDIA's library for its GPUs"))
    xla = not (gpu and made_for_fused)
    loop = "unrolled" if layer.unroll else "loop"
    kernel = loop if broken or not gpu else "fused"
    if kernel != "fused" and layer.use_cudnn is True:
        kernel = "error"
        findings.append(
            Finding(
                "kernel",
                "use_cudnn=True",
                "raises a ValueError at the first call",
                "use_cudnn='auto', or change what is named above",
            )
        )
    if _crashes(layer):
        kernel = "error"
        findings.append(
            Finding(
                "kernel",
                f"implementation=1, dropout={layer.dropout:g}",
                "crashes in training from Keras 3.8 on: four masks are taken for one tensor",
                "leave implementation out",
            )
        )
    if kernel == "fused" and _lists_its_state(layer):
        kernel = "error"
        findings.append(
            Finding(
                "kernel",
                "return_state=True",
                "Keras before 3.11.3 raises an error for a GRU on the fused kernel",
                "Keras 3.11.3 or later, or use_cudnn=False",
            )
        )
    if not xla:
        findings.append(_without_xla(kernel, layer.use_cudnn))
    return Judgement(kernel, xla, tuple(findings))


def _has_fused_kernel(layer):
    """Whether Keras' own code decides about the kernel of this layer."""
    for known in (keras.layers.LSTM, keras.layers.GRU, WeightDropLSTM):
        if isinstance(layer, known):
            return all(
                getattr(type(layer), name) is getattr(known, name)
                for name in ("inner_loop", "call")
            )
    return False


def _loop_only(layer):
    """A layer that has no fused kernel to lose, or that does something of its own."""
    kind = type(layer).__name__
    if _own_code(layer):
        return Judgement(
            None,
            layer.supports_jit,
            (
                Finding(
                    "unjudged",
                    kind,
                    "runs code of its own in the place of Keras'",
                    "trace it on a machine of your choice with kernel_trace",
                ),
            ),
        )
    if isinstance(layer, NoisyLSTM):
        why = Finding(
            "kernel",
            kind,
            "draws noise inside the recurrence, at every step; cuDNN's kernel has none there",
            "WeightDropLSTM, whose noise is on the weights",
        )
    elif isinstance(layer, keras.layers.SimpleRNN):
        why = Finding("kernel", kind, "Keras has no fused kernel for it", "LSTM or GRU")
    else:
        cell = type(layer.cell).__name__
        by_name = {"LSTMCell": "keras.layers.LSTM", "GRUCell": "keras.layers.GRU"}
        remedy = f"{by_name[cell]} with the same arguments" if cell in by_name else ""
        why = Finding("kernel", f"{kind}({cell})", "runs any cell in a loop", remedy)
    return Judgement("unrolled" if layer.unroll else "loop", True, (why,))


def _own_code(layer):
    """Whether somebody's subclass replaces what Keras, or this package, would run."""
    known = ("keras.", "lstmreg_utils.")
    base = next(kind for kind in type(layer).__mro__ if kind.__module__.startswith(known))
    return any(
        getattr(type(layer), name) is not getattr(base, name) for name in ("inner_loop", "call")
    )


def _arguments(layer):
    """The arguments that `cudnn_ok` looks at, where they are not as it wants them."""
    for name, wanted in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        function = getattr(layer, name)
        if function not in _same_functions(wanted):
            label = getattr(function, "__name__", type(function).__name__)
            effect = f"cuDNN's kernel has {wanted} alone, and Keras compares the function itself"
            yield Finding("kernel", f"{name}={label}", effect, f"{name}='{wanted}'")
    if not layer.use_bias:
        yield Finding("kernel", "use_bias=False", "cuDNN's kernel has biases", "use_bias=True")
    if layer.unroll:
        yield Finding("kernel", "unroll=True", "a graph of single steps", "unroll=False")
    if isinstance(layer, keras.layers.GRU) and not layer.reset_after:
        effect = "cuDNN's GRU resets after the product"
        yield Finding("kernel", "reset_after=False", effect, "reset_after=True")


def _same_functions(name):
    """What Keras takes for tanh, or for sigmoid."""
    same = [getattr(keras.activations, name), getattr(keras.ops, name)]
    if "tensorflow" in sys.modules:
        same.append(getattr(sys.modules["tensorflow"], name))
    return same


def _recurrent_dropout(rate):
    return Finding(
        "kernel",
        f"recurrent_dropout={rate:g}",
        "masks h inside the recurrence, where cuDNN's kernel has nothing; at inference as well",
        "noise that stays outside: dropout, a Dropout layer, WeightDropLSTM",
    )


def _crashes(layer):
    """The list of four masks that Keras 3.8 and later broadcast as if it were one."""
    return (
        getattr(layer.cell, "implementation", 2) == 1
        and bool(layer.dropout)
        and not layer.recurrent_dropout
        and layer.use_cudnn is not False
        and not isinstance(layer, WeightDropLSTM)
    )


def _lists_its_state(layer):
    """Whether this Keras takes the state that the kernel gives back for a list."""
    is_gru = isinstance(layer, keras.layers.GRU)
    return is_gru and layer.return_state and (3, 9) <= release() <= LISTED_STATE


def _without_xla(kernel, use_cudnn):
    if kernel == "fused":
        return Finding(
            "XLA",
            "the fused kernel",
            "keeps XLA from the whole model, jit_compile=True included",
            "use_cudnn=False, if XLA is worth more to the model than the kernel",
        )
    if use_cudnn is False:
        return Finding(
            "XLA",
            "Bidirectional",
            "made the layer anew without use_cudnn=False, so XLA is lost as well",
            "two layers and a Concatenate in its place",
        )
    return Finding(
        "XLA",
        f"use_cudnn={use_cudnn!r}",
        "keeps XLA from the whole model though the fused kernel is lost",
        "use_cudnn=False gives XLA back",
    )
