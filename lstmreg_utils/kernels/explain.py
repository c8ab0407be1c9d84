"""From a layer or a whole model to a report: find what is recurrent, judge each, add its mask."""

import keras

from .devices import cards
from .releases import behaviours, refusal
from .reports import CudnnReport, Finding, LayerReport
from .rules import KNOWN_CODE, UNREADABLE, announce_mask, judge, judge_mask, mask_kind

DEVICES = ("auto", "gpu", "cpu")


def explain_cudnn(layer_or_model, mask=None, device="auto"):
    """Say which recurrent layers run on cuDNN's fused kernel, and what costs the others theirs.

    Judged by the rules of Keras 3.9 to 3.15 on TensorFlow. On JAX and torch, and for layers with
    code of their own, the report says that it does not judge, and is False. On Keras 3.4 to 3.8,
    which drop inputs at inference on the fused kernel, no verdict for a GPU is given.

    Parameters
    ----------
    layer_or_model : keras.layers.Layer
        An `LSTM`, `GRU`, `Bidirectional` or other recurrent layer, one of this package's, a model
        with models inside, or a wrapper; built or not. Nothing of it is run or changed.
    mask : array of shape (batch, steps), bool, optional
        True where a step counts, as it reaches the recurrent layers.
    device : {'auto', 'gpu', 'cpu'}, default='auto'
        ``'auto'`` is this machine; ``'gpu'`` one on which TensorFlow sees an NVIDIA GPU.

    Returns
    -------
    CudnnReport
        True if every recurrent layer runs on the fused kernel. A table in a notebook, else text.

    Raises
    ------
    TypeError, ValueError
        `layer_or_model` is no Keras layer; `device` is none of the three.

    Examples
    --------
    >>> explain_cudnn(keras.layers.LSTM(64, dropout=0.2), device="gpu").summary()
    '1 of 1 recurrent layer on the fused kernel'
    >>> report = explain_cudnn(keras.layers.LSTM(64, recurrent_dropout=0.2), device="gpu")
    >>> bool(report), report.layers[0].findings[0].what
    (False, 'recurrent_dropout=0.2')
    """
    if not isinstance(layer_or_model, keras.layers.Layer):
        kind = type(layer_or_model).__name__
        raise TypeError(f"layer_or_model must be a Keras layer or model, got {kind}")
    if device not in DEVICES:
        raise ValueError(f"device must be one of {DEVICES}, got {device!r}")
    gpu = bool(cards()) if device == "auto" else device == "gpu"
    backend, told = keras.config.backend(), refusal() if gpu else None
    if backend != "tensorflow":
        told = f"Keras runs {backend} here; only the rules of TensorFlow are known"
    notes = [told] if told else []
    try:
        kind = None if mask is None else mask_kind(mask)
    except (ValueError, TypeError) as error:
        kind = UNREADABLE
        notes.append(f"the mask is left aside: {error}")
    awaited = announce_mask(layer_or_model._flatten_layers()) if mask is None else []
    found = [*_find_recurrent(layer_or_model)]
    layers = [LayerReport(path, type(layer).__name__) for layer, path, _ in found]
    if not told:
        layers = [_report(*each, gpu, kind, awaited) for each in found]
    # Layers of other people's code that hold no recurrent layer that is seen.
    hidden = {
        f"{layer.name} ({type(layer).__name__})"
        for layer in layer_or_model._flatten_layers()
        if not type(layer).__module__.startswith(KNOWN_CODE)
        and layer not in [seen for seen, *_ in found]
    }
    how = "the layers it holds are judged by their arguments, how it calls them is not"
    notes += [f"{name} has code of its own: {how}" for name in sorted(hidden)]
    where = f"{'this machine: ' if device == 'auto' else ''}a machine"
    card = "with an NVIDIA GPU" if gpu else "without a GPU"
    title = f"Keras {keras.__version__} on {backend}, {where} {card}"
    return CudnnReport(title, tuple(layers), tuple(notes))


def _report(layer, path, twice_made, gpu, kind, awaited):
    """The report of one recurrent layer."""
    kernel, xla, findings = judge(layer, gpu, twice_made)
    on_gpu, *_ = judge(layer, True, twice_made)
    if on_gpu == "fused" and kind is not None:
        on_gpu, of_mask = judge_mask(layer, kind)
        kernel = on_gpu if gpu else kernel
        findings += of_mask
    elif on_gpu == "fused":
        findings += awaited
    has = {"recurrent_dropout": getattr(layer, "recurrent_dropout", 0), "Bidirectional": twice_made}
    findings += [
        Finding("note", f"Keras {keras.__version__}", f"{behaviour.what} ({behaviour.source})")
        for behaviour in behaviours()
        if has.get(behaviour.argument)
    ]
    return LayerReport(path, type(layer).__name__, kernel, on_gpu, xla, tuple(findings))


def _find_recurrent(layer, around="", twice_made=False):
    """Every recurrent layer inside, with its path, and whether `Bidirectional` has remade it."""
    if isinstance(layer, keras.layers.RNN):
        yield layer, f"{around}{layer.name}", twice_made
        return
    twice_made = isinstance(layer, keras.layers.Bidirectional)
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        below = "" if isinstance(inner, keras.layers.RNN) else f"{inner.name}/"
        yield from _find_recurrent(inner, f"{around}{below}", twice_made)
