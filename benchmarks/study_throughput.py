"""How many runs a minute: a loop over `model.fit` against `lstmreg_utils.study`.

    python benchmarks/study_throughput.py

The same small grid on JapaneseVowels (masked sequences of unequal length), twice in one go:

A. as a reader would write it: for every run one model, built, compiled and fitted, with
   `validation_data`, and a callback for the training and test loss with dropout off;
B. through `study`, into an empty folder, with its own pool of processes.

Both record the clean training, validation and test loss of every epoch. The sides alternate; the
last line is the median of the ratios of B to A. Before that, both are shown to give the same
losses from the same seed, weights and batches.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from lstmreg_utils import grid, study

# Largest difference of a loss, near 2 in these epochs, that rounding may make in the early
# epochs. Later ones tell nothing: rounding errors grow with every step of training.
TOLERANCE, EARLY = 1e-4, 3
ARMS = ["none", "dropout", "dropout+recurrent_dropout"]
CLEAN = ("train", "validation", "test")


def runs_of(seeds, epochs):
    """The grid that both sides train: three arms of one LSTM(32)."""
    return grid(
        "japanese_vowels", ARMS, rates=[0.5], seeds=seeds, units=32, epochs=epochs, batch_size=30
    )


def check_losses(runs):
    """Compare both sides' losses, epoch by epoch; leave with an error if they differ."""
    from keras_loop import fit, fit_like_study

    from lstmreg_utils.lab.tensorflow_engine import batch_orders

    runs = [replace(run, epochs=EARLY) for run in runs if run.seed == 0]
    with tempfile.TemporaryDirectory() as folder:
        table = study(runs, folder=folder, recorded=False, progress=False)
    for run in runs:
        ours = table[table["run"] == run.key]
        if run.arm:
            # Noise is drawn and evaluated in another order by the reader's loop.
            side, theirs = "model.fit with the study's noise", fit_like_study(run)
        else:
            orders = batch_orders(run.seed, 270, run.batch_size, run.epochs)
            side, theirs = "the loop that is timed", fit(run, orders)
        worst = max(abs(ours[name].to_numpy() - theirs[name]).max() for name in CLEAN)
        arm = ours["arm"].iloc[0]
        print(f"losses of {arm}, epochs 1 to {EARLY}, study against {side}: within {worst:.1e}")
        if not worst < TOLERANCE:
            sys.exit(f"the losses of {arm} differ by more than {TOLERANCE}")


def time_fit(runs):
    """Seconds of a loop over `model.fit`."""
    from keras_loop import fit

    start = time.perf_counter()
    for run in runs:
        assert all(len(fit_losses) == run.epochs for fit_losses in fit(run).values())
    return time.perf_counter() - start


def time_study(runs, workers):
    """Seconds of a study that finds no records, its processes' start included."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        table = study(runs, folder=folder, recorded=False, workers=workers, progress=False)
        seconds = time.perf_counter() - start
    assert table[[*CLEAN]].notna().all(axis=None)
    return seconds


def main():
    """Check, time, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="seeds an arm (default: 10)")
    parser.add_argument("--epochs", type=int, default=20, help="epochs a run (default: 20)")
    parser.add_argument("--rounds", type=int, default=2, help="times A and B (default: 2)")
    parser.add_argument("--workers", type=int, default=2, help="processes of B (default: 2)")
    parser.add_argument("--quick", action="store_true", help="a minute's check, no measurement")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.epochs, options.rounds = 1, EARLY, 1

    import keras
    import tensorflow as tf

    print(f"Keras {keras.__version__}, TensorFlow {tf.__version__}, {os.cpu_count()} processors")
    runs = runs_of(options.seeds, options.epochs)
    print(f"{len(runs)} runs: {', '.join(ARMS)}; {options.seeds} seeds; {options.epochs} epochs")
    check_losses(runs)
    time_fit(runs[:1])  # what TensorFlow does once a process, before anything is timed
    ratios = []
    for _ in range(options.rounds):
        by_fit, by_study = time_fit(runs), time_study(runs, options.workers)
        ratios.append(by_fit / by_study)
        print(
            f"A, model.fit: {60 * len(runs) / by_fit:.1f} runs a minute; "
            f"B, study: {60 * len(runs) / by_study:.1f} runs a minute; ratio {ratios[-1]:.1f}",
            flush=True,
        )
    print(f"ratio {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    main()
