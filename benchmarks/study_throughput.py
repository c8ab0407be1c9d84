"""How many networks a minute: a loop over `model.fit`, and `study` with each of its engines.

    python benchmarks/study_throughput.py            # two cores: some ten minutes
    python benchmarks/study_throughput.py --card     # 200 seeds: where JAX sees a card

The same grid on JapaneseVowels (masked sequences of unequal length), in turn:

A. as a reader would write it: for every run one model, built, compiled and fitted, with
   `validation_data`, and a callback for the training and test loss with dropout off; as each run
   takes the same time, every tenth is enough;
B. `study` with TensorFlow, one network at a time in each of its processes;
C. `study` with JAX, a block of seeds as one program.

All record the clean training, validation and test loss of every epoch; B and C start with an empty
folder, so that their processes' start and all compilation count. Before that, the twin's losses are
shown to be the same by each side from the same seed, weights and batches. A side whose framework
is not installed is left out. The last line has the ratios, the medians over the rounds.
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import find_spec

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from lstmreg_utils import grid, study
from lstmreg_utils.machine import graphics_driver, installed_version, processor

# Largest difference of a loss, near 2 in these epochs, that rounding may make in the early
# epochs. Later ones tell nothing: rounding errors grow with every step of training.
TOLERANCE, EARLY = 1e-4, 3
ARMS = ["none", "dropout", "dropout+recurrent_dropout"]
CLEAN = ("train", "validation", "test")
SIDES = {"A, model.fit": "tensorflow", "B, TensorFlow": "tensorflow", "C, JAX": "jax"}


def runs_of(seeds, epochs, units):
    """The grid that all sides train: three arms of one LSTM."""
    return grid(
        "japanese_vowels", ARMS, rates=[0.5], seeds=seeds, units=units, epochs=epochs, batch_size=30
    )


def study_with(engine, runs, workers=None, table="epochs"):
    """A study that finds no records."""
    with tempfile.TemporaryDirectory() as folder:
        return study(
            runs, folder=folder, recorded=False, engine=engine, workers=workers, progress=False,
            table=table,
        )  # fmt: skip


def losses_of(side, run):
    """The clean losses of one run, by column."""
    if side.startswith("A"):
        from keras_loop import fit

        from lstmreg_utils.lab.draws import batch_orders

        return fit(run, batch_orders(run.seed, 270, run.batch_size, run.epochs))
    return study_with(SIDES[side], [run], workers=1)


def check_losses(sides, runs):
    """Compare the twin's losses between the sides; leave with an error if they differ."""
    run = replace(next(run for run in runs if not run.arm), epochs=EARLY)
    first, *others = [losses_of(side, run) for side in sides]
    for side, found in zip(sides[1:], others, strict=True):
        worst = max(abs(a - b) for c in CLEAN for a, b in zip(first[c], found[c], strict=True))
        print(f"losses of the twin, epochs 1 to {EARLY}, {sides[0]} against {side}: {worst:.1e}")
        if not worst < TOLERANCE:
            sys.exit(f"the losses differ by more than {TOLERANCE}")


def seconds_of(side, runs, workers):
    """Wall time of one side."""
    start = time.perf_counter()
    if side.startswith("A"):
        from keras_loop import fit

        for run in runs:
            assert all(len(losses) == run.epochs for losses in fit(run).values())
    else:
        table = study_with(SIDES[side], runs, workers)
        assert table[[*CLEAN]].notna().all(axis=None)
    return time.perf_counter() - start


def main():
    """Check, time, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="seeds an arm (default: 20)")
    parser.add_argument("--epochs", type=int, default=20, help="epochs a run (default: 20)")
    parser.add_argument("--units", type=int, default=32, help="of the LSTM (default: 32)")
    parser.add_argument("--rounds", type=int, default=2, help="times each side (default: 2)")
    parser.add_argument("--workers", type=int, help="processes (default: all, or one card)")
    parser.add_argument("--sides", default="ABC", help="which, by letter (default: ABC)")
    card = "LSTM(64), 60 epochs, 200 seeds, JAX alone, which the other sides would make hours of"
    parser.add_argument("--card", action="store_true", help=card)
    parser.add_argument("--quick", action="store_true", help="a minute's check, no measurement")
    options = parser.parse_args()
    if options.card:
        options.seeds, options.epochs, options.units, options.sides = 200, 60, 64, "C"
    if options.quick:
        options.seeds, options.epochs, options.rounds = 1, EARLY, 1
    sides = [side for side, engine in SIDES.items() if side[0] in options.sides]
    sides = [side for side in sides if find_spec(SIDES[side])]

    programs = ("keras", "tensorflow", "jax", "numpy")
    versions = ", ".join(f"{name} {installed_version(name)}" for name in programs)
    print(f"{versions}; {os.cpu_count()} processors, {processor()}, driver {graphics_driver()}")
    runs = runs_of(options.seeds, options.epochs, options.units)
    print(
        f"{len(runs)} networks: {', '.join(ARMS)}; {options.seeds} seeds; {options.epochs} epochs; "
        f"{options.units} units"
    )
    check_losses(sides, runs)
    if sides[0].startswith("A"):
        seconds_of(sides[0], runs[:1], None)  # what TensorFlow does once a process
    rates = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side in sides:
            own = runs[::10] if side.startswith("A") else runs
            rates[side].append(60 * len(own) / seconds_of(side, own, options.workers))
            print(f"{side}: {rates[side][-1]:.1f} networks a minute", flush=True)
    ratios = []
    for one, other in itertools.pairwise(sides):
        of_rounds = [b / a for a, b in zip(rates[one], rates[other], strict=True)]
        ratios.append(f"{other[0]} to {one[0]} {statistics.median(of_rounds):.2f}")
    print("ratio " + ", ".join(ratios) if ratios else f"{statistics.median(rates[sides[0]]):.0f}")


if __name__ == "__main__":
    main()
