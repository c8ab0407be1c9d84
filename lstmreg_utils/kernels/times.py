"""What noise in an LSTM costs a training step, as a multiple of a step of the fused kernel.

On a GPU a plain `keras.layers.LSTM` runs as one kernel of cuDNN. Noise inside the recurrence has no
place in it, so the layer becomes a loop; without a fused kernel the plain LSTM is a loop as well.
"""

import logging
import numbers
import sys
import time
from functools import partial
from statistics import median

import keras
import numpy as np
from keras.layers import LSTM
from tqdm import tqdm

from ..layers import WeightDropLSTM, ZoneoutLSTM
from .devices import cards, describe_machine
from .graphs import kernel_trace, tell_error
from .steps import MODES, WARM_UP, find_quartiles, time_rounds
from .time_files import REFERENCE

FEATURES, RATE = 16, 0.3
FUSED, LOOP, XLA, NOT_CHECKED = "fused", "loop", "XLA", "not checked"

# Each with what may run it: a fused kernel if there is one, a loop, or a loop compiled by XLA.
ARMS = {
    REFERENCE: (FUSED, LSTM),
    "dropout": (FUSED, partial(LSTM, dropout=RATE)),
    "weight drop": (FUSED, partial(WeightDropLSTM, weight_drop=RATE)),
    "LSTM, no cuDNN": (LOOP, partial(LSTM, use_cudnn=False)),
    "LSTM, no cuDNN, XLA": (XLA, partial(LSTM, use_cudnn=False)),
    "recurrent_dropout": (LOOP, partial(LSTM, recurrent_dropout=RATE)),
    "recurrent_dropout, XLA": (XLA, partial(LSTM, recurrent_dropout=RATE, use_cudnn=False)),
    "zoneout": (LOOP, partial(ZoneoutLSTM, zoneout_c=0.5, zoneout_h=0.05)),
    "zoneout, XLA": (XLA, partial(ZoneoutLSTM, zoneout_c=0.5, zoneout_h=0.05)),
}
# The modes of `steps.MODES` that a backend has for them.
MODE = {
    "tensorflow": {FUSED: "graph", LOOP: "graph", XLA: "XLA"},
    "jax": {FUSED: "jit", XLA: "jit"},
    "torch": {FUSED: "eager", LOOP: "eager"},
}
NO_TIME = "the time was over"
SEEN = {
    "tensorflow": "CudnnRNNV3 is in its graph", "jax": "rnn_fwd is in its program",
    "torch": "its calls were counted",
}  # fmt: skip
LACKS = {"jax": "JAX compiles every step", "torch": "Keras compiles nothing on torch"}


def kernel_times(
    lengths=(50, 200, 1000), batch=64, units=128, rounds=20, progress=True, seconds=None
):
    """Time one training step of an LSTM with each kind of noise, and of one without.

    A step is forward, gradient and Adam. All arms are compiled and warmed up first; then in every
    round each takes one step, in random order, and its time is divided by the plain LSTM's in the
    same round. An arm that fails, say for lack of memory, is reported and the others go on.

    Parameters
    ----------
    lengths : sequence of int, default=(50, 200, 1000)
        Time steps T of the sequences.
    batch, units, rounds : int
        Sequences in a batch, width of the layer (64 and 128 in the recorded times), and how often
        every arm is measured.
    progress : bool, default=True
        Show a progress bar.
    seconds : float, optional
        Begin nothing new after so long: no arm, no length, and no round but the first. What is left
        out for it is named. No limit unless given.

    Returns
    -------
    dict
        Plain data: ``header`` has the machine, the versions, the sizes and what the reference is;
        ``left_out`` the arms that the backend cannot run as meant, and what there was no time for,
        with reasons; ``rows`` for every arm and T its mode, its kernel (``fused``, ``loop``, or
        ``not checked`` where none could be made), the medians
        ``milliseconds`` and ``ratio`` with quartiles ``q1``, ``q3``, and the ``error``, or None.

    Raises
    ------
    ValueError
        Sizes that are no integers of at least 1, no length, or one given twice.
    """
    end = float("inf") if seconds is None else time.monotonic() + seconds
    lengths, sizes = _read_sizes(lengths, {"batch": batch, "units": units, "rounds": rounds})
    backend, rows = keras.config.backend(), []
    left_out = {name: LACKS[backend] for name in ARMS if ARMS[name][0] not in MODE[backend]}
    total = len(lengths) * (len(ARMS) - len(left_out)) * (WARM_UP + sizes["rounds"])
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)  # no advice to trace no function twice: every arm is its own
    try:
        with tqdm(total=total, unit="step", disable=not progress, file=sys.stderr) as bar:
            for T in lengths:
                if rows and time.monotonic() > end:
                    left_out[f"T = {T}"] = NO_TIME
                    continue
                bar.set_description(f"T = {T}")
                rows += _measure(T, **sizes, left_out=left_out, end=end, tick=bar.update)
    finally:
        logger.setLevel(level)
    header = {**describe_machine(), **sizes, "features": FEATURES, "rate": RATE}
    header["reference"] = _name_reference(rows)
    return {"header": header, "left_out": left_out, "rows": rows}


def _measure(T, batch, units, rounds, left_out, end, tick):
    """A row an arm, at one length; arms and rounds that come after the end are left out by name."""
    normal, failures = np.random.default_rng(0).normal, {}
    data = normal(size=(batch, T, FEATURES)), normal(size=(batch, units))
    modes, kernels, steps = MODE[keras.config.backend()], {}, {}
    arms = {name: arm for name, arm in ARMS.items() if arm[0] in modes}
    for name, (meant, make) in arms.items():
        try:
            kernels[name] = _find_kernel(make(units), data[0])
            steps[name] = MODES[modes[meant]](make(units), *data)
        except Exception as error:
            failures[name] = error
    taken = time_rounds(steps, rounds, failures, tick, end)
    late = [name for name in steps if name not in taken and name not in failures]
    left_out |= {f"{name}, T = {T}": NO_TIME for name in late}
    if (done := max(map(len, taken.values()), default=rounds)) < rounds:
        left_out[f"rounds of T = {T}"] = f"{done} of {rounds}: {NO_TIME}"
    return [
        {
            "arm": name, "T": T, "mode": modes[meant], "kernel": kernels.get(name, NOT_CHECKED),
            **_sum_up(taken.get(name), taken.get(REFERENCE)),
            "error": tell_error(failures[name]) if name in failures else None,
        }
        for name, (meant, _) in arms.items()
        if name not in late
    ]  # fmt: skip


def _find_kernel(layer, x):
    """What runs the layer on this machine, whatever it was meant to be."""
    if not cards():
        return LOOP
    return FUSED if kernel_trace(layer, "auto", shape=x.shape).kernel == FUSED else LOOP


def _sum_up(times, of_reference):
    """The numbers of a row."""
    found = find_quartiles(times, of_reference) if times and of_reference else []
    q1, ratio, q3 = [round(value, 4) for value in found] or [None] * 3
    milliseconds = round(1e3 * median(times), 4) if times else None
    return {"milliseconds": milliseconds, "ratio": ratio, "q1": q1, "q3": q3}


def _name_reference(rows):
    kernels = {row["kernel"] for row in rows if row["arm"] == REFERENCE}
    if kernels == {FUSED}:
        return f"LSTM, the fused kernel ({SEEN[keras.config.backend()]})"
    return "LSTM, a loop: no fused kernel here"


def _is_size(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= 1


def _read_sizes(lengths, sizes):
    """The lengths as a list and the sizes, all int, if all that was asked for can be measured."""
    found = [*lengths] if np.iterable(lengths) else []
    if not found or not all(map(_is_size, found)) or len({*found}) < len(found):
        wanted = "different integers of at least 1, at least one"
        raise ValueError(f"lengths must be {wanted}, got {lengths!r}")
    for name, value in sizes.items():
        if not _is_size(value):
            raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
    return [int(T) for T in found], {name: int(value) for name, value in sizes.items()}
