"""What a mask does to a recurrent layer that would run on the fused kernel."""

import numpy as np

from .rules import Finding

TURN = "pad on the right (keras.utils.pad_sequences(..., padding='post')), or use_cudnn=False"


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
    >>> mask_kind([[False, True, True]])
    'left-padded'
    """
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.ndim != 2:
        raise ValueError(
            "mask must be bool with the axes (batch, steps), "
            f"got {mask.dtype} of shape {mask.shape}"
        )
    if mask.all():
        return "none masked"
    if not mask.any(axis=1).all():
        return "empty row"
    falls = (mask[:, :-1] & ~mask[:, 1:]).any(axis=1)
    rises = (~mask[:, :-1] & mask[:, 1:]).any(axis=1)
    if not rises.any():
        return "right-padded"
    # A row that starts masked and then never stops again is padded on the left.
    left = rises & ~falls & ~mask[:, 0]
    return "left-padded" if (left | ~rises).all() else "holes"


def judge_mask(layer, kind):
    """What a mask of this kind does to a layer that the fused kernel would run.

    Parameters
    ----------
    layer : keras.layers.Layer
    kind : str
        From `mask_kind`.

    Returns
    -------
    kernel : {'fused', 'error'}
        What `fit` meets; the finding says what an eager call does.
    findings : list of Finding
    """
    if kind == "none masked":
        return "fused", []
    if kind == "right-padded":
        silent = layer.return_sequences and not layer.zero_output_for_mask
        effect = "masked steps put out zeros, where the loop repeats the last output"
        remedy = "leave masked steps out of what follows, or use_cudnn=False"
        return "fused", [Finding("note", "right-padded mask", effect, remedy)] if silent else []
    eager = "raises a ValueError" if layer.use_cudnn is True else "takes the loop, in silence"
    effect = f"fit, predict and evaluate stop with an InvalidArgumentError; an eager call {eager}"
    what = {"empty row": "a sequence that is masked throughout"}.get(kind, f"{kind} mask")
    turn = "leave the empty sequence out, or use_cudnn=False" if kind == "empty row" else TURN
    return "error", [Finding("mask", what, effect, turn)]


def mask_makers(layers):
    """The names of the layers that give a mask to those after them.

    Examples
    --------
    >>> import keras
    >>> mask_makers([keras.layers.Masking(name="padding"), keras.layers.Dense(1)])
    ['padding']
    """
    return [
        layer.name
        for layer in layers
        if type(layer).__name__ == "Masking" or getattr(layer, "mask_zero", False)
    ]


def awaited_mask(makers):
    """The note on a layer that a mask will reach, of which nothing else is known."""
    return Finding(
        "note",
        f"mask from {', '.join(makers)}",
        "the kernel takes sequences padded on the right only, none of them empty; others stop fit",
        "pass mask= to have yours looked at",
    )
