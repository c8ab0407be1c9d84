"""Which kernel Keras gives one recurrent layer on a backend, and the argument or mask that decides.

Read from the layer as it stands, never by running it. The conditions are those of Keras 3.9 to
3.15 (`inner_loop` of the layers; `cudnn_ok`, `lstm`, `gru` of the backends). `kernel_trace` looks
at what the backend does, and tests hold the two together on several hundred configurations.
"""

import sys

import keras
import numpy as np

from ..layers.noisy_lstm import NoisyLSTM
from ..layers.weight_drop import WeightDropLSTM
from .releases import FLOAT16, LISTED_STATE, TWICE_FLIPPED, behaviours, release
from .reports import Finding

KNOWN_CODE = ("keras.", "lstmreg_utils.")
UNREADABLE = "unreadable"
PAD = "pad on the right (keras.utils.pad_sequences(..., padding='post'))"
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "torch"}
# The first releases whose fused kernels are judged here.
SINCE = {
    "tensorflow": {"LSTM": (3, 0), "GRU": (3, 0)},
    "jax": {"LSTM": (3, 14)},
    "torch": {"LSTM": (3, 15), "GRU": (3, 14)},
}


def judge(layer, backend, gpu, around=None):
    """The kernel, whether XLA stays possible, and findings on one recurrent layer without masks.

    `around` is the `Bidirectional` that has remade the layer, if one has.
    """
    bases = (keras.layers.LSTM, keras.layers.GRU, WeightDropLSTM)
    if not any(isinstance(layer, base) and not _replaces_code(layer, base) for base in bases):
        return _judge_loop(layer, backend)
    rate, use_cudnn = layer.recurrent_dropout, layer.use_cudnn
    of_keras = not isinstance(layer, WeightDropLSTM)
    # What Keras looks at when the layer is made; the rate of recurrent dropout is not among it, and
    # `use_cudnn` is missing where `Bidirectional` makes it twice, until it is put back.
    findings = unmet = _unmet_arguments(layer, backend)
    asked = use_cudnn is not False or around is not None if of_keras else use_cudnn and not rate
    made_for_fused = backend == "tensorflow" and asked and not findings
    findings = findings + _of_kernel(
        (rate, f"recurrent_dropout={rate:g}",
         "masks h inside the recurrence, where cuDNN's kernel has nothing; at inference as well",
         "noise that stays outside: dropout, a Dropout layer, WeightDropLSTM"),
        (use_cudnn is False, "use_cudnn=False", "asks for the loop", "use_cudnn='auto'"),
        (not gpu, "no GPU", "cuDNN is NVIDIA's library for its GPUs"),
    )  # fmt: skip
    fused = not findings
    one_by_one = of_keras and getattr(layer.cell, "implementation", 2) == 1
    crashes = one_by_one and layer.dropout and not rate and use_cudnn is not False
    noted = {behaviour.argument for behaviour in behaviours()}
    is_gru = isinstance(layer, keras.layers.GRU)
    lists = fused and is_gru and layer.return_state and backend == "tensorflow"
    half = backend == "jax" and fused and layer.compute_dtype in ("float16", "bfloat16")
    errors = _of_kernel(
        (use_cudnn is True and _raises(layer, backend, unmet, gpu), "use_cudnn=True",
         "raises a ValueError at the first call",
         "use_cudnn='auto', or change what is named above"),
        (crashes, f"implementation=1, dropout={layer.dropout:g}",
         "crashes in training from Keras 3.8 on: four masks are taken for one tensor",
         "leave implementation out"),
        (lists and not crashes and LISTED_STATE in noted, "return_state=True",
         "Keras before 3.11.3 raises an error for a GRU on the fused kernel",
         "Keras 3.11.3 or later, or use_cudnn=False"),
        (half and FLOAT16 in noted, f"dtype={layer.dtype_policy.name}",
         f"fit stops with 'Unknown output type {layer.compute_dtype}', seen on a card; an eager "
         "call takes the loop", "use_cudnn=False"),
    )  # fmt: skip
    plain = "unrolled" if layer.unroll and backend != "torch" else "loop"
    kernel = "error" if errors else "fused" if fused else plain
    backwards = backend == "jax" and kernel == "fused" and _flips_twice(layer, around)
    wrong = [
        Finding("result", "go_backwards=True, return_sequences=True",
                "the outputs come in the wrong order of time (up to 0.88 off on a card, where a "
                "backward layer stood alone)",
                "use_cudnn=False"),
    ] if backwards and TWICE_FLIPPED in noted else []  # fmt: skip
    lost = [_without_xla(kernel, use_cudnn)] if gpu and made_for_fused else []
    return kernel, backend != "torch" and not lost, findings + errors + wrong + lost


def _raises(layer, backend, unmet, gpu):
    """Whether ``use_cudnn=True`` is an error without a mask: some backends hide that they loop."""
    kind = "GRU" if isinstance(layer, keras.layers.GRU) else "LSTM"
    early = kind == "GRU" and not layer.reset_after
    if layer.recurrent_dropout:
        return True
    if backend == "torch" and (kind == "LSTM" or release() >= (3, 15)):
        return early or release() < (3, 14)
    if backend == "jax" and kind == "GRU" and release() >= (3, 15):
        return early or layer.unroll
    return bool(unmet) or not gpu


def _flips_twice(layer, around):
    """Whether a layer meets the fault of JAX's fused path: alone, or where both directions are."""
    if not (layer.go_backwards and layer.return_sequences):
        return False
    return around is None or not _in_one_call(around)


def _in_one_call(both):
    """Whether `Bidirectional` asks for one fused kernel of both directions, since Keras 3.15."""
    layers = one, other = both.forward_layer, both.backward_layer
    return release() >= (3, 15) and not (
        both.stateful
        or not all(isinstance(layer, keras.layers.LSTM) for layer in layers)
        or any(layer.dropout or layer.recurrent_dropout for layer in layers)
        or any(layer.use_cudnn is False for layer in layers)
        or any(getattr(one, name) != getattr(other, name)
               for name in ("units", "activation", "recurrent_activation"))
    )  # fmt: skip


def _of_kernel(*rows):
    """Of rows of a condition and the words of a finding: the findings whose condition holds."""
    return [Finding("kernel", *words) for holds, *words in rows if holds]


def _replaces_code(layer, base):
    """Whether somebody's subclass replaces what the class would run."""
    kind = type(layer)
    return any(getattr(kind, name) is not getattr(base, name) for name in ("inner_loop", "call"))


def _judge_loop(layer, backend):
    """A layer that has no fused kernel to lose, or that does something of its own."""
    kind = type(layer).__name__
    base = next(base for base in type(layer).__mro__ if base.__module__.startswith(KNOWN_CODE))
    if _replaces_code(layer, base):
        effect = "runs code of its own in the place of Keras'"
        remedy = "trace it on a machine of your choice with kernel_trace"
        return (
            None,
            None,
            [Finding("unjudged", kind, effect, remedy)],
        )
    if isinstance(layer, NoisyLSTM):
        effect = "draws noise inside the recurrence, at every step; cuDNN's kernel has none there"
        remedy = "WeightDropLSTM, whose noise is on the weights"
    elif isinstance(layer, keras.layers.SimpleRNN):
        effect, remedy = "Keras has no fused kernel for it", "LSTM or GRU"
    else:
        cell = type(layer.cell).__name__
        kind, effect = f"{kind}({cell})", "runs any cell in a loop"
        better = {"LSTMCell": "keras.layers.LSTM", "GRUCell": "keras.layers.GRU"}.get(cell)
        remedy = f"{better} with the same arguments" if better else ""
    loop = "unrolled" if layer.unroll and backend != "torch" else "loop"
    return loop, backend != "torch", [Finding("kernel", kind, effect, remedy)]


def _unmet_arguments(layer, backend):
    """The arguments that `cudnn_ok` looks at, where they are not as it wants them."""
    kind = "GRU" if isinstance(layer, keras.layers.GRU) else "LSTM"
    since = SINCE[backend].get(kind)
    if since is None or release() < since:
        first = f" before {since[0]}.{since[1]}" if since else ""
        effect = f"Keras{first} runs no fused kernel for it on {BACKENDS[backend]}"
        return [Finding("kernel", kind, effect, "" if since else "LSTM")]
    homes = {"tensorflow": "tensorflow", "jax": "jax.numpy", "torch": "torch"}
    found, homes = [], (keras.activations, keras.ops, sys.modules.get(homes[backend]))
    for name, wanted in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        function = getattr(layer, name)
        if function not in [getattr(home, wanted, None) for home in homes if home]:
            label = getattr(function, "__name__", type(function).__name__)
            effect = f"cuDNN's kernel has {wanted} alone, and Keras compares the function itself"
            found.append(Finding("kernel", f"{name}={label}", effect, f"{name}='{wanted}'"))
    early = isinstance(layer, keras.layers.GRU) and not layer.reset_after
    return found + _of_kernel(
        (not layer.use_bias, "use_bias=False", "cuDNN's kernel has biases", "use_bias=True"),
        (layer.unroll, "unroll=True", "a graph of single steps", "unroll=False"),
        (early, "reset_after=False", "cuDNN's GRU resets after the product", "reset_after=True"),
        (kind == "GRU" and backend == "torch" and release() < (3, 15)
         and layer.compute_dtype != "float32", f"dtype={layer.dtype_policy.name}",
         "Keras 3.14 feeds the fused GRU on torch float32 whatever its weights are", "Keras 3.15"),
    )  # fmt: skip


def _without_xla(kernel, use_cudnn):
    """The finding on a layer that keeps XLA from its model."""
    shut_out = "keeps XLA from the whole model"
    if kernel == "fused":
        what, effect = "the fused kernel", f"{shut_out}, jit_compile=True included"
        remedy = "use_cudnn=False, if XLA is worth more to the model than the kernel"
    elif use_cudnn is False:
        what = "Bidirectional"
        effect = "made the layer anew without use_cudnn=False, so XLA is lost as well"
        remedy = "two layers and a Concatenate in its place"
    else:
        what, remedy = f"use_cudnn={use_cudnn!r}", "use_cudnn=False gives XLA back"
        effect = f"{shut_out} though the fused kernel is lost"
    return Finding("XLA", what, effect, remedy)


def mask_kind(mask):
    """Tell how the sequences of a batch are padded.

    Parameters
    ----------
    mask : array of shape (batch, steps), bool
        True where a step counts.

    Returns
    -------
    str
        ``'none masked'``; ``'right-padded'``; ``'empty row'``, if a sequence has no step at all;
        ``'left-padded'``, if a sequence starts masked and then has no gap; else ``'holes'``.

    Raises
    ------
    ValueError
        Not two axes, or not bool.

    Examples
    --------
    >>> mask_kind([[True, True, False], [True, True, True]])
    'right-padded'
    """
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.ndim != 2:
        got = f"{mask.dtype} of shape {mask.shape}"
        raise ValueError(f"mask must be bool with the axes (batch, steps), got {got}")
    if mask.all():
        return "none masked"
    if not mask.any(axis=1).all():
        return "empty row"
    falls = (mask[:, :-1] & ~mask[:, 1:]).any(axis=1)
    rises = (~mask[:, :-1] & mask[:, 1:]).any(axis=1)
    if not rises.any():
        return "right-padded"
    return "holes" if (rises & falls).any() else "left-padded"


def judge_mask(layer, kind, backend):
    """What a mask makes of a layer that is fused without: the kernel of `fit`, and findings."""
    if backend != "tensorflow":
        effect = f"any mask takes the loop on {BACKENDS[backend]}"
        if layer.use_cudnn is True:
            return "error", [Finding("mask", "mask", f"{effect}: a ValueError", "use_cudnn='auto'")]
        remedy = "sequences of one length, without a mask"
        return "loop", [Finding("kernel", "mask", effect, remedy)]
    if kind == "none masked":
        return "fused", []
    if kind == UNREADABLE:
        remedy = "bool, with the axes (batch, steps)"
        return None, [Finding("unjudged", "mask", "could not be read", remedy)]
    if kind == "right-padded":
        silent = layer.return_sequences and not layer.zero_output_for_mask
        effect = "masked steps put out zeros, where the loop repeats the last output"
        remedy = "leave masked steps out of what follows, or use_cudnn=False"
        return "fused", [Finding("note", "right-padded mask", effect, remedy)] if silent else []
    eager = "raises a ValueError" if layer.use_cudnn is True else "takes the loop, in silence"
    effect = f"fit, predict and evaluate stop with an InvalidArgumentError; an eager call {eager}"
    what, remedy = f"{kind} mask", PAD
    if kind == "empty row":
        what, remedy = "a sequence that is masked throughout", "leave the empty sequence out"
    return "error", [Finding("mask", what, effect, f"{remedy}, or use_cudnn=False")]


def announce_mask(layers):
    """The names of those of the layers that make masks, in one text."""
    makers = (
        layer.name
        for layer in layers
        if type(layer).__name__ == "Masking" or getattr(layer, "mask_zero", False)
    )
    return ", ".join(makers)


def judge_awaited(layer, makers, backend):
    """As `judge_mask`, of a mask that will reach the layer, of which no more is known."""
    if backend != "tensorflow":
        kernel, (finding,) = judge_mask(layer, None, backend)
        return kernel, [finding._replace(what=f"mask from {makers}")]
    takes = "the kernel takes sequences padded on the right only, none of them empty"
    words = f"{takes}; others stop fit", "pass mask= to have yours looked at"
    return "fused", [Finding("note", f"mask from {makers}", *words)]
