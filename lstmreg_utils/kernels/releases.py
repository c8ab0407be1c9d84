"""What the releases of Keras do about cuDNN and dropout: a list of changes, and measured facts.

`tools/keras_releases.py` measured its record on a CPU: a pretended GPU for the graphs, and a kernel
of plain TensorFlow operations in the place of cuDNN's. `card_record` is what a card did.
"""

import json
import re
from importlib import resources
from typing import NamedTuple

import keras
import pandas as pd


class Behaviour(NamedTuple):
    """What holds of some releases."""

    first: tuple
    last: tuple | None  # included; None where it has no end
    source: str
    what: str
    argument: str = ""  # what of a layer it concerns: a report on a layer that has it says so
    faulty: bool = False  # results on a GPU cannot be trusted


BROUGHT = "seen on a card; it came with keras-team/keras#22399, no report known"
OFF = "from a layer without dropout"
LISTED_STATE = "return_state of a GRU"
TWICE_FLIPPED, FLOAT16 = "a backward sequence on JAX", "16 bits on JAX"
BEHAVIOURS = (
    Behaviour((3, 0), (3, 1), "keras-team/keras#19395",
              "recurrent_dropout takes the rate of dropout, and dropout loses the fused kernel"),
    Behaviour((3, 2), (3, 3), "keras-team/keras#19644",
              "dropout loses the fused kernel in training"),
    Behaviour((3, 4), (3, 8), "keras-team/keras#20983",
              "dropout drops inputs at inference too, on the fused kernel: predict and evaluate "
              "on a GPU are noisy", faulty=True),
    Behaviour((3, 8), None, "keras-team/keras#20656",
              "with recurrent_dropout each gate has masks of its own, of the input as well",
              "recurrent_dropout"),
    Behaviour((3, 8), None, "measured; no report known",
              "implementation=1 with dropout crashes in training"),
    Behaviour((3, 9), (3, 11, 2), "keras-team/keras#20173",
              "GRU(return_state=True) raises an error on the fused kernel", LISTED_STATE),
    Behaviour((3, 3), (3, 11), "keras-team/keras#21534",
              "a layer inside Bidirectional forgets the use_cudnn that it was given",
              "Bidirectional"),
    Behaviour((3, 10), (3, 14), "keras-team/keras#22274 and #22874",
              "the fused LSTM on torch fails and is silently replaced by the loop"),
    Behaviour((3, 14), None, BROUGHT,
              "LSTM(go_backwards=True, return_sequences=True) on JAX's fused path puts its outputs "
              "out in the wrong order of time", TWICE_FLIPPED),
    Behaviour((3, 14), None, BROUGHT,
              "an LSTM in float16 or bfloat16 on JAX's fused path stops fit", FLOAT16),
)  # fmt: skip


def behaviours(version=None):
    """What is on record of a release of Keras, of the installed one unless given.

    Returns
    -------
    list of Behaviour
        Each with ``first`` and ``last`` release, ``what`` and its ``source``.

    Examples
    --------
    >>> any(behaviour.faulty for behaviour in behaviours("3.5.0"))
    True
    """
    now = release(version)
    begun = [each for each in BEHAVIOURS if each.first <= now]
    return [each for each in begun if each.last is None or now[: len(each.last)] <= each.last]


def release(version=None):
    """A version of Keras as numbers, that of the installed one unless given.

    Examples
    --------
    >>> release("3.15.0rc1")
    (3, 15, 0)
    """
    parts = (version or keras.__version__).split(".")[:3]
    return tuple(int(re.match(r"\d+", part)[0]) for part in parts)


def refusal(version=None, backend="tensorflow"):
    """Why no verdict about a GPU is given on a release of Keras, the installed one unless given.

    It is a release that drops inputs at inference, on TensorFlow.

    Returns
    -------
    str or None
        None where a verdict is given.

    Examples
    --------
    >>> refusal("3.9.0") is None
    True
    """
    version = version or keras.__version__
    if backend != "tensorflow":
        return None
    told = [f"{each.what} ({each.source})" for each in behaviours(version) if each.faulty]
    advice = "No verdict for a GPU; use Keras 3.9 or later."
    return f"Keras {version}: {told[0]}. {advice}" if told else None


def release_record():
    """What was measured, a dict of plain data; under ``releases`` the facts of each by name."""
    file = resources.files("lstmreg_utils") / "records" / "keras_releases.json"
    return json.loads(file.read_text("utf-8"))


def fault_table():
    """Two faults of the fused LSTM on JAX, a row a release: differences, and what `fit` raises.

    Measured by `tools/jax_faults.py` with JAX's reference in the place of the kernel. A difference
    is None where the release has no fused path.

    Examples
    --------
    >>> fault_table().loc["3.15.1", "LSTM(go_backwards=True, return_sequences=True)"]
    np.float64(0.373032)
    """
    file = resources.files("lstmreg_utils") / "records" / "jax_faults.json"
    record = json.loads(file.read_text("utf-8"))
    rows = {name: facts["differences"] | facts["16 bits in fit"] for name, facts in record.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("release")


def card_record():
    """What was seen on a card, a dict of plain data.

    ``rows`` has, by backend, layer, arguments and mask, how often the fused kernel ran in an eager
    call and how far the outputs were from the loop's; ``fits`` what happened in `fit`; ``releases``
    what dropout did in `predict`, by release of Keras.

    Examples
    --------
    >>> card_record()["header"]["card"]
    'NVIDIA H200'
    """
    file = resources.files("lstmreg_utils") / "records" / "card.json"
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
    ``off on a card``: how far `predict` with dropout 0.5 was from the same layer without any, seen
    on a card; NaN for a release that was not.

    Examples
    --------
    >>> table = release_table()
    >>> [float(table.loc[release, "inputs at inference"]) for release in ("3.8.0", "3.9.2")]
    [0.501, 1.0]
    """
    rows, on_card = {}, card_record()["releases"]
    for name, facts in release_record()["releases"].items():
        kernels, rates = facts["kernel"], facts["recurrent_rate_used"]
        masks = facts["masks"]["LSTM(recurrent_dropout=0.5), recurrent, compiled"] or {}
        rows[name] = {
            "kernel": kernels["LSTM()"]["kernel"],
            "with dropout": kernels["LSTM(dropout=0.3)"]["kernel"],
            "with recurrent_dropout": kernels["LSTM(recurrent_dropout=0.3)"]["kernel"],
            "inputs at inference": facts["inputs_kept"]["LSTM(dropout=0.5), fused, inference"],
            "rate for 0.6": rates["LSTM(dropout=0.3, recurrent_dropout=0.6)"],
            "masks over steps": masks.get("steps"),
            "masks over gates": masks.get("gates"),
            "off on a card": on_card.get(name, {}).get("LSTM(dropout=0.5)", {}).get(OFF),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("release")
