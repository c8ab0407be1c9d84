"""What noise in an LSTM costs a training step, as a multiple of a step of the fused kernel.

On a GPU a plain `keras.layers.LSTM` runs as one kernel of cuDNN. Noise inside the recurrence has no
place in it, so the layer becomes a loop: `kernel_times` says how much longer that takes, on
TensorFlow, JAX or torch. Where there is no fused kernel, the plain LSTM is a loop as well.
"""

import contextlib
import logging
import numbers
import re
import sys

import keras
import numpy as np
from keras.layers import LSTM
from tqdm import tqdm

from ..layers import WeightDropLSTM, ZoneoutLSTM
from .machine import cards, description
from .recorded import REFERENCE
from .rounds import WARM_UP, median, quartiles, time_rounds
from .steps import MODES, traced_operations

FEATURES, RATE = 16, 0.3
FUSED, LOOP, XLA, NOT_CHECKED = "fused", "loop", "XLA", "not checked"


def _zoneout(units):
    return ZoneoutLSTM(units, zoneout_c=0.5, zoneout_h=0.05)


# Each with what may run it: a fused kernel if there is one, a loop, or a loop compiled by XLA.
ARMS = {
    REFERENCE: (FUSED, LSTM),
    "dropout": (FUSED, lambda units: LSTM(units, dropout=RATE)),
    "weight drop": (FUSED, lambda units: WeightDropLSTM(units, weight_drop=RATE)),
    "LSTM, no cuDNN": (LOOP, lambda units: LSTM(units, use_cudnn=False)),
    "LSTM, no cuDNN, XLA": (XLA, lambda units: LSTM(units, use_cudnn=False)),
    "recurrent_dropout": (LOOP, lambda units: LSTM(units, recurrent_dropout=RATE)),
    "recurrent_dropout, XLA": (
        XLA,
        lambda units: LSTM(units, recurrent_dropout=RATE, use_cudnn=False),
    ),
    "zoneout": (LOOP, _zoneout),
    "zoneout, XLA": (XLA, _zoneout),
}
# The modes of `steps.MODES` that a backend has for them.
MODE = {
    "tensorflow": {FUSED: "graph", LOOP: "graph", XLA: "XLA"},
    "jax": {FUSED: "jit", XLA: "jit"},
    "torch": {FUSED: "eager", LOOP: "eager"},
}
LACKS = {"jax": "JAX compiles every step", "torch": "Keras compiles nothing on torch"}


def kernel_times(lengths=(50, 200, 1000), batch=64, units=128, rounds=20, progress=True):
    """Time one training step of an LSTM with each kind of noise, and of one without.

    A step is forward, gradient and Adam. All arms are compiled and warmed up first; then in every
    round each takes one step, in random order, and its time is divided by the plain LSTM's in the
    same round. An arm that fails, say for lack of memory, is reported and the others go on.

    Parameters
    ----------
    lengths : sequence of int, default=(50, 200, 1000)
        Time steps T of the sequences.
    batch, units : int
        Sequences in a batch, and width of the layer; 64 and 128 in the recorded times.
    rounds : int, default=20
        Times that every arm is measured.
    progress : bool, default=True
        Show a progress bar.

    Returns
    -------
    dict
        Plain data: under ``header`` the machine, the versions, the sizes and what the reference
        is; under ``left_out`` the arms that the backend cannot run as meant, each with the reason;
        under ``rows`` for every arm and T its mode, its kernel (``fused``, ``loop`` or ``not
        checked``), the median ``milliseconds``, the median ``ratio`` with quartiles ``q1`` and
        ``q3``, and the ``error``; what does not apply is None.

    Raises
    ------
    ValueError
        Sizes that are no integers of at least 1, no length, or one given twice.

    Examples
    --------
    >>> record = kernel_times([3], batch=2, units=2, rounds=2, progress=False)
    >>> row = record["rows"][0]
    >>> row["arm"], row["ratio"], row["error"]
    ('LSTM', 1.0, None)
    """
    lengths = _checked_lengths(lengths)
    sizes = {"batch": batch, "units": units, "rounds": rounds}
    for name, value in sizes.items():
        if not _is_size(value):
            raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
    sizes = {name: int(value) for name, value in sizes.items()}
    backend, rows = keras.config.backend(), []
    left_out = {name: LACKS[backend] for name in ARMS if ARMS[name][0] not in MODE[backend]}
    total = len(lengths) * (len(ARMS) - len(left_out)) * (WARM_UP + sizes["rounds"])
    bar = tqdm(total=total, unit="step", disable=not progress, file=sys.stderr)
    with bar, _quiet_tensorflow():
        for T in lengths:
            bar.set_description(f"T = {T}")
            rows += _rows(T, **sizes, tick=bar.update)
    header = {**description(), **sizes, "features": FEATURES, "rate": RATE}
    return {"header": {**header, **_reference(rows)}, "left_out": left_out, "rows": rows}


def _rows(T, batch, units, rounds, tick):
    """A row an arm, at one length."""
    normal, failures = np.random.default_rng(0).normal, {}
    data = normal(size=(batch, T, FEATURES)), normal(size=(batch, units))
    modes, kernels, steps = MODE[keras.config.backend()], {}, {}
    arms = {name: arm for name, arm in ARMS.items() if arm[0] in modes}
    for name, (meant, make) in arms.items():
        try:
            kernels[name] = _kernel(meant, make(units), *data)
            steps[name] = MODES[modes[meant]](make(units), *data)
        except Exception as error:
            failures[name] = error
    taken = time_rounds(steps, rounds, failures, tick)
    return [
        {
            "arm": name,
            "T": T,
            "mode": modes[meant],
            "kernel": kernels.get(name, NOT_CHECKED),
            **_numbers(taken.get(name), taken.get(REFERENCE)),
            "error": _one_line(failures[name]) if name in failures else None,
        }
        for name, (meant, _) in arms.items()
    ]


def _kernel(meant, layer, x, y):
    """What runs the layer: on TensorFlow its graph shows it, whatever the layer was meant to be."""
    if meant != FUSED or not cards():
        return LOOP
    if keras.config.backend() != "tensorflow":
        return NOT_CHECKED
    return FUSED if traced_operations(layer, x, y)["CudnnRNNV3"] else LOOP


def _numbers(times, of_reference):
    q1 = ratio = q3 = None
    if times and of_reference:
        q1, ratio, q3 = (round(value, 4) for value in quartiles(times, of_reference))
    milliseconds = round(1e3 * median(times), 4) if times else None
    return {"milliseconds": milliseconds, "ratio": ratio, "q1": q1, "q3": q3}


def _reference(rows):
    """What the ratios are ratios to."""
    kernels = {row["kernel"] for row in rows if row["arm"] == REFERENCE}
    if kernels == {FUSED}:
        return {"reference": "LSTM, the fused kernel (CudnnRNNV3 is in its graph)"}
    if NOT_CHECKED in kernels:
        backend = keras.config.backend()
        return {"reference": f"LSTM; whether it is fused on this GPU was not checked ({backend})"}
    return {"reference": "LSTM, a loop: no fused kernel here"}


def _one_line(error):
    """The error without TensorFlow's account of where in the code it arose."""
    told = re.sub(r'^ *File "[^\n]*\n[^\n]*\n?', "", str(error), flags=re.MULTILINE)
    lines = [line.strip() for line in told.splitlines()]
    places = ("Graph execution error", "Detected at node", "in user code")
    told = next((line for line in lines if line and not line.startswith(places)), "")
    return f"{type(error).__name__}: {told}"[:200]


def _checked_lengths(lengths):
    try:
        found = list(lengths)
    except TypeError:
        found = []
    if not found or not all(map(_is_size, found)) or len({*found}) < len(found):
        raise ValueError(
            f"lengths must be different integers of at least 1, at least one, got {lengths!r}"
        )
    return [int(T) for T in found]


def _is_size(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= 1


@contextlib.contextmanager
def _quiet_tensorflow():
    """Without the advice to trace no function twice: every arm is a function of its own."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
