"""What each release of Keras does with dropout in an LSTM, as measured for the book.

By `tools/keras_releases.py`, on a CPU: a pretended GPU for the graphs, and a kernel of plain
TensorFlow operations in the place of cuDNN's for what goes through it. Nothing ran on a GPU.
"""

import json
from importlib import resources

import pandas as pd

INFERENCE = "LSTM(dropout=0.5), fused, inference"
BOTH_RATES = "LSTM(dropout=0.3, recurrent_dropout=0.6)"
MASKS = "LSTM(recurrent_dropout=0.5), recurrent, compiled"


def release_record():
    """The record as it is: plain data, under ``releases`` the facts of each release by its name."""
    file = resources.files("lstmreg_utils") / "records" / "keras_releases.json"
    return json.loads(file.read_text("utf-8"))


def release_table():
    """The facts that decide what dropout does, a row a release, the oldest first.

    Returns
    -------
    pandas.DataFrame
        ``kernel``, ``with dropout``, ``with recurrent_dropout``: the kernel in training, on a GPU.
        ``inputs at inference``: the share of its inputs that the fused kernel gets in `predict`,
        of a layer with dropout 0.5; NaN where it has no fused kernel. ``rate for 0.6``: the rate
        that ``recurrent_dropout=0.6`` beside ``dropout=0.3`` is measured to have. ``masks over
        steps``, ``masks over gates``: how many different masks of h one call draws; NaN for none.

    Examples
    --------
    >>> table = release_table()
    >>> [float(table.loc[release, "inputs at inference"]) for release in ("3.8.0", "3.9.2")]
    [0.501, 1.0]
    """
    rows = {}
    for name, facts in release_record()["releases"].items():
        kernels = [
            facts["kernel"][f"LSTM({argument})"]["kernel"]
            for argument in ("", "dropout=0.3", "recurrent_dropout=0.3")
        ]
        masks = facts["masks"][MASKS] or {}
        rows[name] = {
            **dict(zip(("kernel", "with dropout", "with recurrent_dropout"), kernels, strict=True)),
            "inputs at inference": facts["inputs_kept"][INFERENCE],
            "rate for 0.6": facts["recurrent_rate_used"][BOTH_RATES],
            "masks over steps": masks.get("steps"),
            "masks over gates": masks.get("gates"),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("release")
