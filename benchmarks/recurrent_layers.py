"""What a training step of a recurrent layer costs, as a multiple of a step of Keras' own LSTM.

    KERAS_BACKEND=tensorflow python benchmarks/recurrent_layers.py

On TensorFlow, JAX or torch, on a GPU if the backend sees one. Every layer is compiled and warmed
up first. Then, in every round, each takes one step, in random order, and its time is divided by
that of `keras.layers.LSTM(use_cudnn=False)` in the same round and compile mode. One table has the
medians of these ratios and their quartiles; "LSTM, again" shows what noise alone makes of them.
Where it is compiled, zoneout is to cost no more than Keras' own loop, up to that noise.

On TensorFlow, zoneout is also compared with the first article's listing (zoneout_listing.py).
"""

import argparse
import json
import logging
import operator
import os
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pandas as pd
from keras.layers import LSTM

from lstmreg_utils.kernels import cards, describe_machine
from lstmreg_utils.kernels.steps import (
    MODES,
    count_step_operations,
    find_quartiles,
    time_rounds,
    time_step,
)
from lstmreg_utils.layers import RecurrentDropoutLSTM, WeightDropLSTM, ZoneoutLSTM

FEATURES, RATE = 16, 0.3
REFERENCE, AGAIN, KERAS_RIVAL = "LSTM", "LSTM, again", "LSTM, recurrent_dropout"

# From units to a layer. On a GPU, "auto" finds the fused kernel; everything else is a loop.
KERAS_OWN = {
    REFERENCE: lambda units: LSTM(units, use_cudnn=False),
    AGAIN: lambda units: LSTM(units, use_cudnn=False),
    "LSTM, dropout": lambda units: LSTM(units, dropout=RATE, use_cudnn=False),
    KERAS_RIVAL: lambda units: LSTM(units, recurrent_dropout=RATE, use_cudnn=False),
}
OURS = {
    "zoneout": lambda units: ZoneoutLSTM(units, zoneout_c=0.5, zoneout_h=0.05),
    "dropout_h": lambda units: RecurrentDropoutLSTM(units, dropout_h=RATE),
    "dropout_g": lambda units: RecurrentDropoutLSTM(units, dropout_g=RATE),
    "dropout_c": lambda units: RecurrentDropoutLSTM(units, dropout_c=RATE),
    "dropout_g a sequence": lambda units: RecurrentDropoutLSTM(
        units, dropout_g=RATE, mask_per="sequence"
    ),
    "weight drop": lambda units: WeightDropLSTM(units, weight_drop=RATE, use_cudnn=False),
}
FUSED = {
    "LSTM, fused": LSTM,
    "weight drop, fused": lambda units: WeightDropLSTM(units, weight_drop=RATE),
}
FASTER_THAN_RIVAL = ["zoneout", "dropout_g", "dropout_g a sequence"]

LISTING, LISTING_RATE = "the listing", 0.2
ZONEOUT_C, UNROLLED = "zoneout, c alone", "zoneout, c alone, unrolled"
COMPILED = "zoneout, c alone, compiled"
# XLA takes 20 s to compile the listing of 50 steps, and 10 minutes for 100.
COMPILED_STEPS = 50
TARGETS = {"<=": operator.le, "<": operator.lt}


def batch_of(T, options):
    """Random inputs and targets."""
    normal = np.random.default_rng(0).normal
    return normal(size=(options.batch, T, FEATURES)), normal(size=(options.batch, options.units))


def ratio(taken, name, other, target=None, what="step"):
    """A row: median and quartiles of the ratios within a round, and if the median is on target."""
    q1, middle, q3 = find_quartiles(taken[name], taken[other])
    row = {"what": what, "layer": name, "against": other, "ms": round(1e3 * median(taken[name]), 3)}
    row |= {"ratio": round(middle, 3), "q1": round(q1, 3), "q3": round(q3, 3)}
    if target is None:
        return {**row, "target": ""}
    sign, limit = target
    met = TARGETS[sign](middle, limit)
    return {**row, "target": f"{sign} {limit:g}: {'yes' if met else 'no'}"}


def compare_layers(mode, T, options):
    """Rows of all layers, at one length of the sequences and in one compile mode."""
    # XLA holds no fused kernel.
    arms = KERAS_OWN | OURS | (FUSED if cards() and mode != "XLA" else {})
    data = batch_of(T, options)
    taken = time_rounds(
        {name: MODES[mode](make(options.units), *data) for name, make in arms.items()},
        options.rounds,
    )
    limits = dict.fromkeys(OURS, ("<=", 1.25))
    if mode in ("XLA", "jit"):
        limits["zoneout"] = "<=", max(1, ratio(taken, AGAIN, REFERENCE)["q3"])
    rows = [ratio(taken, name, REFERENCE, limits.get(name)) for name in arms]
    rows += [ratio(taken, name, KERAS_RIVAL, ("<", 1)) for name in FASTER_THAN_RIVAL]
    if "LSTM, fused" in arms:
        rows.append(ratio(taken, "weight drop, fused", "LSTM, fused"))
    return rows


def zoneout_layers():
    """What is compared with the listing, and the listing: from units to a layer."""
    from zoneout_listing import ListingZoneoutLSTM

    return {
        LISTING: lambda units: ListingZoneoutLSTM(units, LISTING_RATE),
        ZONEOUT_C: lambda units: ZoneoutLSTM(units, zoneout_c=LISTING_RATE),
        UNROLLED: lambda units: ZoneoutLSTM(units, zoneout_c=LISTING_RATE, unroll=True),
    }


def compare_listing(mode, T, options, repeats):
    """Rows of the listing and of `ZoneoutLSTM`: first calls, each afresh, and steps."""
    data, rng, layers = batch_of(T, options), np.random.default_rng(0), zoneout_layers()
    modes = dict.fromkeys(layers, mode)
    if mode == "graph":
        # Beyond `COMPILED_STEPS` no XLA can be had for the listing: this is its fastest, and ours.
        layers[COMPILED], modes[COMPILED] = layers[ZONEOUT_C], "XLA"
    steps, first = {}, {name: [] for name in layers}
    for _ in range(repeats):
        for name in rng.permutation([*layers]):
            steps[name] = MODES[modes[name]](layers[name](options.units), *data)
            first[name].append(time_step(steps[name]))
    taken = time_rounds(steps, options.rounds)
    limits = dict.fromkeys((ZONEOUT_C, COMPILED), 1)
    rows = [
        ratio(taken, name, LISTING, ("<=", limits[name]) if name in limits else None)
        for name in layers
    ]
    return rows + [
        ratio(first, name, LISTING, ("<=", 0.1) if name in limits else None, what="first call")
        for name in layers
    ]


def graph_sizes(options):
    """Rows of the nodes of the traced step, at every length."""
    rows = []
    for name, make in zoneout_layers().items():
        nodes = [
            count_step_operations(make(options.units), *batch_of(T, options)).total()
            for T in options.steps
        ]
        target = f"one size: {'yes' if len({*nodes}) == 1 else 'no'}" if name == ZONEOUT_C else ""
        rows += [
            {"mode": "graph", "T": T, "what": "nodes", "layer": name, "nodes": count}
            | {"target": target}
            for T, count in zip(options.steps, nodes, strict=True)
        ]
    return rows


def measure(options):
    """All rows."""
    rows = []

    def add(mode, T, found):
        rows.extend({"mode": mode, "T": T, **row} for row in found)
        print(f"done: {mode}, T = {T}", flush=True)

    for mode in options.modes:
        for T in options.steps:
            add(mode, T, compare_layers(mode, T, options))
    if options.listing and keras.config.backend() == "tensorflow":
        T = max(options.steps)
        add("graph", T, compare_listing("graph", T, options, repeats=3))
        T = min(T, COMPILED_STEPS)
        add("XLA", T, compare_listing("XLA", T, options, repeats=1))
        rows += graph_sizes(options)
    return rows


def main(arguments=None):
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[30, 200], help="lengths T")
    parser.add_argument("--rounds", type=int, default=100, help="steps a layer (default: 100)")
    parser.add_argument("--batch", type=int, default=32, help="sequences (default: 32)")
    parser.add_argument("--units", type=int, default=64, help="of every layer (default: 64)")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=[*MODES], help="default: all")
    parser.add_argument(
        "--listing",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compare zoneout with the listing: longest T, and compiled at 50 (TensorFlow only)",
    )
    parser.add_argument("--json", type=Path, help="file to write the same table to")
    options = parser.parse_args(arguments)

    keras.utils.set_random_seed(0)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # every layer is a trace of its own
    sizes = {name: getattr(options, name) for name in ("batch", "units", "rounds")}
    record = {"header": {**describe_machine(), **sizes, "features": FEATURES}}
    for name, value in record["header"].items():
        print(f"{name}: {value}")
    record["rows"] = measure(options)
    print(f"\n{pd.DataFrame(record['rows']).to_string(index=False, na_rep='')}")
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
