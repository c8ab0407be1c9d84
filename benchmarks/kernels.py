"""What noise in an LSTM costs a training step, as a multiple of a step of the fused kernel.

    KERAS_BACKEND=tensorflow python benchmarks/kernels.py --json my_card.json

On TensorFlow, JAX or torch, on a GPU if the backend sees one; without a GPU there is no fused
kernel, and the ratios are to a plain LSTM. The printed header says which. One table holds the
medians of the ratios within a round, with their quartiles; zoneout, where it is compiled, is held
to Keras' own loop. Chapter 5 draws the files in `lstmreg_utils/records/kernel_times`.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pandas as pd

from lstmreg_utils.kernels import kernel_times, save_times

ZONEOUT, LOOP = "zoneout, XLA", "LSTM, no cuDNN, XLA"


def hold(rows):
    """The rows, zoneout with its time as a share of Keras' own loop, both compiled: at most 1."""
    times = {(row["T"], row["arm"]): row["milliseconds"] for row in rows}

    def bound(T):
        ours, loop = times[T, ZONEOUT], times.get((T, LOOP))
        if not (ours and loop):
            return ""
        share = ours / loop
        return f"{share:.2f} of Keras' loop, <= 1: {'yes' if share <= 1 else 'no'}"

    return [row | {"bound": bound(row["T"]) if row["arm"] == ZONEOUT else ""} for row in rows]


def main(arguments=None):
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--lengths", type=int, nargs="+", default=[50, 200, 1000], help="default: 50 200 1000"
    )
    parser.add_argument("--rounds", type=int, default=20, help="steps an arm (default: 20)")
    parser.add_argument("--batch", type=int, default=64, help="sequences (default: 64)")
    parser.add_argument("--units", type=int, default=128, help="of every layer (default: 128)")
    parser.add_argument("--json", type=Path, help="file to write the same record to")
    options = parser.parse_args(arguments)
    record = kernel_times(options.lengths, options.batch, options.units, options.rounds)
    if options.json:
        save_times(record, options.json)
    for name, value in record["header"].items():
        print(f"{name}: {value}")
    for name, why in record["left_out"].items():
        print(f"left out: {name} ({why})")
    table = pd.DataFrame(hold(record["rows"])).fillna({"error": ""})
    columns = ["T", "arm", "mode", "kernel", "milliseconds", "ratio", "q1", "q3", "bound", "error"]
    print(f"\n{table[columns].to_string(index=False, na_rep='')}")


if __name__ == "__main__":
    main()
