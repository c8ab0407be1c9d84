"""What `lstmreg_utils.study` costs at scale, on this machine.

    python benchmarks/study_scaling.py
    python benchmarks/study_scaling.py overhead workers     # some of the parts

open      seconds until a study of 10,000 recorded runs is a table
memory    of the worker, and of this process, over a long study: MB at most, MB a run
renewal   seconds until a new worker can train, which happens once in many arms
overhead  a study with one worker against the same compiled `train` in a bare loop, in that worker
workers   runs a minute with two workers against one, their start and compilation included

Each part prints its ratios or figures, and their median last. The sides of a ratio alternate.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import time
from concurrent.futures import Executor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import psutil

from lstmreg_utils import Run, grid, study
from lstmreg_utils.executors import ARMS_A_PROCESS, OwnProcess
from lstmreg_utils.fingerprint import fingerprint
from lstmreg_utils.record import encode, record_name
from lstmreg_utils.worker import VERSIONS, plain

COLUMNS = 8  # numbers that a run records of each epoch
ARMS = ["dropout", "recurrent_dropout"]
TINY = {"n_train": 40, "n_validation": 40, "n_test": 40, "steps": 6}


def vowels(seeds, epochs):
    """A study of the size that a headline of the book has: five arms."""
    return grid(
        "japanese_vowels", ARMS, rates=[0.2, 0.5], seeds=seeds, units=64, epochs=epochs,
        batch_size=30,
    )  # fmt: skip


def fresh_study(runs, **options):
    """Seconds of a study that finds no records."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        study(runs, folder=folder, recorded=False, progress=False, **options)
        return time.perf_counter() - start


# ---------------------------------------------------------------- opening


def time_open(options):
    """Seconds to open a folder of recorded runs; the first is that of a new process."""
    runs = grid("nyse_volume", ["dropout"], rates=[0.5], seeds=range(options.records // 2))
    numbers = [0.12345678 + 1e-8 * epoch for epoch in range(runs[0].epochs)]
    with tempfile.TemporaryDirectory() as folder:
        for run in runs:
            code = fingerprint(run.task, run.arm)
            record = {
                "run": plain(run),
                "epochs": {f"column {k}": numbers for k in range(COLUMNS)},
                "probes": {},
                "made": {"fingerprint": code, **dict.fromkeys(VERSIONS, "1.0.0")},
            }
            (Path(folder) / record_name(run, code)).write_text(encode(record), "utf-8")
        fingerprint.cache_clear()
        taken = []
        for _ in range(options.rounds):
            asked = [Run(**plain(run)) for run in runs]  # whose keys are not known yet
            start = time.perf_counter()
            table = study(asked, folder=folder, recorded=False)
            taken.append(time.perf_counter() - start)
            assert len(table) == len(runs) * runs[0].epochs
    print(f"open: {len(runs)} records of {runs[0].epochs} epochs: {_list(taken)} s")
    print(f"open: median {statistics.median(taken):.2f} s")


# ---------------------------------------------------------------- memory


def measure_memory(options):
    """Megabytes of the worker after each run, sampled when its record arrives."""
    runs = grid(
        "hidden_ar1", ["dropout"], rates=[k / 100 for k in range(1, options.arms)],
        seeds=options.seeds, units=4, epochs=2, batch_size=20, options=TINY,
    )  # fmt: skip
    watched = Watched()
    try:
        fresh_study(runs, executor=watched, workers=1)
    finally:
        watched.shutdown()
    for process, sizes in watched.sizes.items():
        print(f"memory: process {process}: {sizes[0]:.0f} to {max(sizes):.0f} MB")
    within, arms = [], []
    for sizes in watched.sizes.values():
        # The first run of an arm compiles. From the second to the last nothing should be added.
        firsts, lasts = sizes[1 :: options.seeds], sizes[options.seeds - 1 :: options.seeds]
        within += [(b - a) / (options.seeds - 2) for a, b in zip(firsts, lasts, strict=False)]
        arms += [b - a for a, b in itertools.pairwise(firsts)]
    print(f"memory: {statistics.median(arms):.1f} MB an arm, in {len(watched.sizes)} processes")
    print(f"memory: this process grew by {watched.parent_growth() * 1000:.0f} kB a run")
    print(f"memory: at most {max(map(max, watched.sizes.values())):.0f} MB a worker")
    print(f"memory: median {statistics.median(within):.2f} MB a run of one arm")


class Watched(Executor):
    """One process of the study's own kind, whose memory is noted after every run."""

    def __init__(self):
        self.process, self.sizes, self.own = OwnProcess(), {}, []

    def submit(self, call, run):
        """Have it train, and look afterwards."""
        future = self.process.submit(call, run)
        future.add_done_callback(self._note)
        return future

    def _note(self, _):
        worker = max(psutil.Process().children(), key=psutil.Process.create_time)
        self.sizes.setdefault(worker.pid, []).append(worker.memory_info().rss / 2**20)
        self.own.append(psutil.Process().memory_info().rss / 2**20)

    def parent_growth(self):
        """Megabytes a run, over the second half."""
        half = len(self.own) // 2
        return (self.own[-1] - self.own[half]) / (len(self.own) - half)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """End the process."""
        self.process.shutdown(wait, cancel_futures=cancel_futures)


# ---------------------------------------------------------------- overhead


def bare_loop(runs):
    """Seconds of training in a loop, in a worker."""
    from lstmreg_utils.training import train

    start = time.perf_counter()
    for fields in runs["runs"]:
        train(Run(**fields))
    return time.perf_counter() - start


def time_overhead(options):
    """A study against a bare loop, both in one process that has the program."""
    runs = vowels(options.seeds, options.epochs)
    runs = [run for run in runs if run.arm == runs[-1].arm]
    process, ratios = OwnProcess(arms=10**9), []  # the loop is no arm
    work = {"runs": [plain(run) for run in runs]}
    try:
        fresh_study(runs[:1], executor=process, workers=1)  # imports and compiles
        for _ in range(options.rounds):
            by_loop = process.submit(bare_loop, work).result()
            by_study = fresh_study(runs, executor=process, workers=1)
            ratios.append(by_study / by_loop)
            print(
                f"overhead: {len(runs)} runs: loop {by_loop:.2f} s, study {by_study:.2f} s, "
                f"ratio {ratios[-1]:.3f}",
                flush=True,
            )
    finally:
        process.shutdown()
    print(f"overhead: ratio {statistics.median(ratios):.3f}")


# ---------------------------------------------------------------- workers


def time_workers(options):
    """Two workers against one."""
    runs, ratios = vowels(options.seeds, options.epochs), []
    for _ in range(options.rounds):
        one, two = (fresh_study(runs, workers=count) for count in (1, 2))
        ratios.append(one / two)
        print(
            f"workers: {len(runs)} runs: one {60 * len(runs) / one:.1f}, "
            f"two {60 * len(runs) / two:.1f} runs a minute, ratio {ratios[-1]:.2f}",
            flush=True,
        )
    print(f"workers: ratio {statistics.median(ratios):.2f}")


def time_renewal(options):
    """What a new process after every `ARMS_A_PROCESS` arms costs: its start, in seconds."""
    del options
    taken = []
    for _ in range(2):
        process = OwnProcess()
        start = time.perf_counter()
        process.submit(imports_only, {}).result()
        taken.append(time.perf_counter() - start)
        process.shutdown()
    print(f"renewal: a process starts in {_list(taken)} s; one for every {ARMS_A_PROCESS} arms")


def imports_only(_):
    """Start a worker."""
    from lstmreg_utils import training

    return training.__name__


def _list(values):
    return ", ".join(f"{value:.2f}" for value in values)


PARTS = {
    "open": time_open,
    "memory": measure_memory,
    "renewal": time_renewal,
    "overhead": time_overhead,
    "workers": time_workers,
}


def main(arguments=None):
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", default=[], help=f"of {', '.join(PARTS)} (all)")
    parser.add_argument("--records", type=int, default=10_000, help="of `open` (10,000)")
    parser.add_argument("--arms", type=int, default=50, help="of `memory` (50)")
    parser.add_argument("--seeds", type=int, default=20, help="seeds an arm (20)")
    parser.add_argument("--epochs", type=int, default=60, help="epochs a run (60)")
    parser.add_argument("--rounds", type=int, default=3, help="times each side (3)")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"parts must be among {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", flush=True)
    for name in options.parts or PARTS:
        PARTS[name](options)


if __name__ == "__main__":
    main()
