"""From a layer or a whole model to a report: find what is recurrent, judge each, add its mask."""

import keras

from .masks import awaited_mask, judge_mask, mask_kind, mask_makers
from .report import CudnnReport, LayerReport
from .rules import Finding, judge
from .versions import behaviours, refusal

DEVICES = ("auto", "gpu", "cpu")


def explain_cudnn(layer_or_model, mask=None, device="auto"):
    """Say which recurrent layers run on cuDNN's fused kernel, and what costs the others theirs.

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
        True if every recurrent layer runs on the fused kernel. Prints as text, and as a table in a
        notebook.

    Raises
    ------
    TypeError
        `layer_or_model` is no Keras layer.
    ValueError
        An unknown `device`.

    Notes
    -----
    Judged by the rules of Keras 3.9 to 3.15 on TensorFlow. On JAX and torch, and for layers with
    code of their own, the report says that it does not judge, and is False. On Keras 3.4 to 3.8,
    which drop inputs at inference on the fused kernel, no verdict for a GPU is given.

    Examples
    --------
    >>> explain_cudnn(keras.layers.LSTM(64, dropout=0.2), device="gpu").summary()
    '1 of 1 recurrent layer on the fused kernel'
    >>> report = explain_cudnn(keras.layers.LSTM(64, recurrent_dropout=0.2), device="gpu")
    >>> bool(report), report.layers[0].findings[0].what
    (False, 'recurrent_dropout=0.2')
    """
    if not isinstance(layer_or_model, keras.layers.Layer):
        raise TypeError(
            f"layer_or_model must be a Keras layer or model, got {type(layer_or_model).__name__}"
        )
    if device not in DEVICES:
        raise ValueError(f"device must be one of {DEVICES}, got {device!r}")
    gpu = _sees_gpu() if device == "auto" else device == "gpu"
    title = _title(gpu, device)
    notes = []
    if keras.config.backend() != "tensorflow":
        notes.append(
            f"Keras runs {keras.config.backend()} here; only the rules of TensorFlow are known"
        )
    elif gpu and (told := refusal()):
        notes.append(told)
    silent = bool(notes)
    kind = None
    if mask is not None:
        try:
            kind = mask_kind(mask)
        except (ValueError, TypeError) as error:
            notes.append(f"the mask is left aside: {error}")
    found = [*_recurrent(layer_or_model)]
    makers = mask_makers(layer_or_model._flatten_layers()) if mask is None else []
    layers = tuple(
        _report(layer, path, made, gpu, kind, makers, silent) for layer, path, made in found
    )
    notes += _unknown(layer_or_model, [layer for layer, _, _ in found])
    if mask is not None and kind is None:
        layers = tuple(_unjudged(layer) for layer in layers)
    return CudnnReport(title, layers, tuple(notes))


def _report(layer, path, twice_made, gpu, kind, makers, silent):
    """The report of one recurrent layer."""
    name = type(layer).__name__
    if silent:
        return LayerReport(path, name, None, None, None)
    here, there = judge(layer, gpu, twice_made), judge(layer, True, twice_made)
    kernel, on_gpu, findings = here.kernel, there.kernel, [*here.findings]
    if on_gpu == "fused" and kind is not None:
        on_gpu, of_mask = judge_mask(layer, kind)
        kernel = on_gpu if gpu else kernel
        findings += of_mask
    elif on_gpu == "fused" and makers:
        findings.append(awaited_mask(makers))
    findings += _of_this_release(layer, twice_made)
    return LayerReport(path, name, kernel, on_gpu, here.xla, tuple(findings))


def _of_this_release(layer, twice_made):
    """Notes on what the installed Keras does with an argument that the layer has."""
    has = {"recurrent_dropout": getattr(layer, "recurrent_dropout", 0), "Bidirectional": twice_made}
    return [
        Finding("note", f"Keras {keras.__version__}", f"{behaviour.what} ({behaviour.source})")
        for behaviour in behaviours()
        if has.get(behaviour.argument)
    ]


def _unjudged(layer):
    """A layer whose mask could not be read: what it would do with it is open."""
    if layer.on_gpu != "fused":
        return layer
    finding = Finding("unjudged", "mask", "could not be read", "bool, with the axes (batch, steps)")
    kernel = None if layer.kernel == "fused" else layer.kernel
    return LayerReport(layer.path, layer.kind, kernel, None, layer.xla, (*layer.findings, finding))


def _recurrent(layer, around="", twice_made=False):
    """Every recurrent layer inside, with its path, and whether `Bidirectional` has remade it."""
    if isinstance(layer, keras.layers.RNN):
        yield layer, f"{around}{layer.name}", twice_made
        return
    twice_made = isinstance(layer, keras.layers.Bidirectional)
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        below = "" if isinstance(inner, keras.layers.RNN) else f"{inner.name}/"
        yield from _recurrent(inner, f"{around}{below}", twice_made)


def _unknown(layer, recurrent):
    """Notes on the layers of other people's code that hold no recurrent layer that is seen."""
    known = ("keras.", "lstmreg_utils.")
    hidden = sorted(
        {
            f"{inner.name} ({type(inner).__name__})"
            for inner in layer._flatten_layers()
            if not type(inner).__module__.startswith(known) and inner not in recurrent
        }
    )
    return [
        f"{name} has code of its own: the layers it holds are judged by their arguments, "
        "how it calls them is not"
        for name in hidden
    ]


def _sees_gpu():
    if keras.config.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return bool(tf.config.list_logical_devices("GPU"))


def _title(gpu, device):
    where = "a machine with an NVIDIA GPU" if gpu else "a machine without a GPU"
    this = "this machine: " if device == "auto" else ""
    return f"Keras {keras.__version__} on {keras.config.backend()}, {this}{where}"
