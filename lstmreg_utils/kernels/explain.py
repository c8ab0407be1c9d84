"""From a layer or a whole model to a report: find what is recurrent, judge each, add its mask."""

import keras

from .costs import cost_of, written
from .devices import cards, machine_notes
from .releases import behaviours, refusal
from .reports import CudnnReport, Finding, LayerReport
from .rules import (
    BACKENDS,
    KNOWN_CODE,
    UNREADABLE,
    NoisyLSTM,
    WeightDropLSTM,
    judge,
    judge_awaited,
    judge_mask,
    mask_kind,
)
from .seen import mask_source, of_class, unseen

DEVICES = ("auto", "gpu", "cpu")
# Where a loop that was not compiled is.
COMPILES = {"tensorflow": "tensorflow", "torch": "jax"}


def explain_kernel(layer_or_model, mask=None, device="auto", backend="auto"):
    """Say how each recurrent layer runs on a card, what costs it the fused kernel, and how much.

    Judged by the rules of Keras 3.9 to 3.15 on TensorFlow, JAX and torch. Layers with code of their
    own are named and not judged, and the report is False then. On releases that drop inputs at
    inference on the fused kernel (3.4 to 3.8, TensorFlow) no verdict for a GPU is given. Costs are
    those of a recorded card.

    Parameters
    ----------
    layer_or_model : keras.layers.Layer
        An `LSTM`, `GRU`, `Bidirectional` or other recurrent layer, one of this package's, a model
        with models inside, or a wrapper; built or not. Nothing of it is run or changed.
    mask : array of shape (batch, steps), bool, optional
        True where a step counts, as it reaches the recurrent layers.
    device : {'auto', 'gpu', 'cpu'}, default='auto'
        ``'auto'`` is this machine; ``'gpu'`` one on which the backend sees an NVIDIA GPU.
    backend : {'auto', 'tensorflow', 'jax', 'torch'}, default='auto'
        Whose rules; ``'auto'`` is what Keras runs here.

    Returns
    -------
    CudnnReport
        True if every recurrent layer runs on the fused kernel, and rightly, and no part of the
        model is hidden. A table in a notebook, else text.

    Raises
    ------
    TypeError, ValueError
        `layer_or_model` is no Keras layer; `device` or `backend` is none of those.

    Examples
    --------
    >>> explain_kernel(keras.layers.LSTM(64, dropout=0.2), device="gpu").summary()
    '1 of 1 recurrent layer on the fused kernel'
    >>> slow = keras.layers.LSTM(64, recurrent_dropout=0.2)
    >>> report = explain_kernel(slow, device="gpu", backend="tensorflow")
    >>> bool(report), report.layers[0].findings[0].what
    (False, 'recurrent_dropout=0.2')
    >>> report.layers[0].findings[-1].remedy
    'use_cudnn=False: 3.1 times'
    """
    if not isinstance(layer_or_model, keras.layers.Layer):
        got = of_class(layer_or_model)
        raise TypeError(f"layer_or_model must be a Keras layer or model of Keras 3, got {got}")
    if device not in DEVICES:
        raise ValueError(f"device must be one of {DEVICES}, got {device!r}")
    if backend not in ("auto", *BACKENDS):
        raise ValueError(f"backend must be one of {('auto', *BACKENDS)}, got {backend!r}")
    gpu = bool(cards()) if device == "auto" else device == "gpu"
    backend = keras.config.backend() if backend == "auto" else backend
    told = refusal(backend=backend) if gpu else None
    if backend not in BACKENDS:
        told = f"Keras runs {backend} here; only the rules of {[*BACKENDS.values()]} are known"
    notes = ([told] if told else []) + (machine_notes() if device == "auto" else [])
    try:
        kind = None if mask is None else mask_kind(mask)
    except (ValueError, TypeError) as error:
        kind = UNREADABLE
        notes.append(f"the mask is left aside: {error}")
    found = [*_find_recurrent(layer_or_model)]
    layers = [LayerReport(path, type(layer).__name__) for layer, path, _ in found]
    if not told:
        layers = [
            _report(layer, path, around, backend, gpu, kind,
                    "" if kind else mask_source(layer_or_model, layer))
            for layer, path, around in found
        ]  # fmt: skip
    if gpu and not told:
        compiled = backend == "jax" or all(report.xla for report in layers)
        layers = [
            report.with_finding(_cost(layer, report, backend, compiled))
            for (layer, *_), report in zip(found, layers, strict=True)
        ]
    if backend == "torch" and layers and not told:
        notes.append("Keras compiles nothing on torch: a loop runs step by step")
    # Layers of other people's code that hold no recurrent layer that is seen.
    hidden = {
        f"{layer.name} ({type(layer).__name__})"
        for layer in layer_or_model._flatten_layers()
        if not type(layer).__module__.startswith(KNOWN_CODE)
        and layer not in [seen for seen, *_ in found]
    }
    notes += (blind := unseen(layer_or_model))
    how = "the layers it holds are judged by their arguments, how it calls them is not"
    notes += [f"{name} has code of its own: {how}" for name in sorted(hidden)]
    where = f"{'this machine: ' if device == 'auto' else ''}a machine"
    card = "with an NVIDIA GPU" if gpu else "without a GPU"
    title = f"Keras {keras.__version__} on {backend}, {where} {card}"
    return CudnnReport(title, tuple(layers), tuple(notes), not blind)


def explain_cudnn(layer_or_model, mask=None, device="auto"):
    """`explain_kernel` by its older name.

    Examples
    --------
    >>> import keras
    >>> bool(explain_cudnn(keras.layers.LSTM(8, recurrent_dropout=0.2), device="gpu"))
    False
    """
    return explain_kernel(layer_or_model, mask, device)


def _report(layer, path, around, backend, gpu, kind, makers):
    """The report of one recurrent layer."""
    kernel, xla, findings = judge(layer, backend, gpu, around)
    on_gpu, *_ = judge(layer, backend, True, around)
    if on_gpu == "fused" and (kind is not None or makers):
        on_gpu, of_mask = (
            judge_mask(layer, kind, backend) if kind else judge_awaited(layer, makers, backend)
        )
        if on_gpu != "fused":  # so it does not meet what the fused kernel does wrong
            findings = [each for each in findings if each.costs != "result"]
        kernel = on_gpu if gpu else kernel
        findings += of_mask
    gates = isinstance(layer, (keras.layers.LSTM, keras.layers.GRU))
    has = {"recurrent_dropout": gates and layer.recurrent_dropout, "Bidirectional": around}
    findings += [
        Finding("note", f"Keras {keras.__version__}", f"{behaviour.what} ({behaviour.source})")
        for behaviour in behaviours()
        if has.get(behaviour.argument)
    ]
    return LayerReport(path, type(layer).__name__, kernel, on_gpu, xla, tuple(findings))


def _cost(layer, report, backend, compiled):
    """The finding on what a step takes where a loop runs, or None where nothing is on record."""
    is_noisy = isinstance(layer, NoisyLSTM) and not isinstance(layer, WeightDropLSTM)
    if report.kernel != "loop" or not (is_noisy or isinstance(layer, keras.layers.LSTM)):
        return None
    rate = layer.recurrent_dropout
    arm = "recurrent_dropout" if rate else "zoneout" if is_noisy else "LSTM, no cuDNN"
    found = cost_of(f"{arm}, XLA" if compiled else arm, backend)
    if found is None:
        return None
    reasons, better = [each for each in report.findings if each.costs == "kernel"], ""
    if not compiled:  # what would compile it
        other = "on JAX" if backend == "torch" else "use_cudnn=False"
        other += "" if report.xla is False else " on every layer of the model"
        better = f"{other}: {written(cost_of(f'{arm}, XLA', COMPILES[backend])[0])} times"
    elif len(reasons) == 1 and not rate and not is_noisy:
        better = f"{reasons[0].remedy}: the fused kernel"
    ratio, where = found
    times = f"{written(ratio)} times the fused kernel"
    return Finding("time", times, f"a training step, {where}", better)


def _find_recurrent(layer, prefix="", around=None):
    """Every recurrent layer inside, with its path, and the `Bidirectional` that has remade it."""
    if isinstance(layer, keras.layers.RNN):
        yield layer, f"{prefix}{layer.name}", around
        return
    around = layer if isinstance(layer, keras.layers.Bidirectional) else None
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        below = "" if isinstance(inner, keras.layers.RNN) else f"{inner.name}/"
        yield from _find_recurrent(inner, f"{prefix}{below}", around)
