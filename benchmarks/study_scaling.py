"""What `lstmreg_utils.study` costs at scale, on this machine.

    python benchmarks/study_scaling.py
    python benchmarks/study_scaling.py overhead workers     # some of the parts

open      milliseconds until all records that ship are read, and until they are a table
folder    seconds until a study of 10,000 runs, a file each, is a table
memory    of the worker over a long study: MB at most, and MB an arm
overhead  a study with one worker against the same compiled `train` in a bare loop, in that worker
workers   runs a minute with two workers against one, their start and compilation included

Each part prints its ratios or figures, and their median last. The sides of a ratio alternate.
"""

import argparse
import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import itertools

import numpy as np
import psutil

from lstmreg_utils import Records, Run, grid, study
from lstmreg_utils.lab import COLUMNS, NUMERICS, STUDIES, Record, named_study
from lstmreg_utils.lab.executors import LocalProcesses
from lstmreg_utils.lab.records import read_file
from lstmreg_utils.lab.store import STUDY, shipped_folder
from lstmreg_utils.lab.worker import plain

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
        options = {"engine": "tensorflow", "recorded": False, "progress": False, **options}
        study(runs, folder=folder, **options)
        return time.perf_counter() - start


# ---------------------------------------------------------------- opening


def time_open(options):
    """Milliseconds to read the files that ship, and to make one table of all their runs."""
    runs = [run for name in STUDIES for run in named_study(name)]
    files, taken = sorted(shipped_folder().glob(f"*{STUDY}")), {"read": [], "table": []}
    study(runs)  # from here on the files are known, and only the table is made
    for _ in range(options.rounds):
        start = time.perf_counter()
        records = [record for path in files for record in read_file(path)]
        taken["read"].append(1000 * (time.perf_counter() - start))
        start = time.perf_counter()
        study(runs)
        taken["table"].append(1000 * (time.perf_counter() - start))
    count = sum(len(record.seeds) for record in records)
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"open: {count} runs in {len(files)} files of {size:.2f} MB")
    for what, times in taken.items():
        print(f"open: {what}: median {statistics.median(times):.0f} ms of {_list(times)}")


def time_folder(options):
    """Seconds to open a folder of runs, a file each; the first is that of a new process."""
    runs = grid("nyse_volume", ["dropout"], rates=[0.5], seeds=range(options.records // 2))
    with tempfile.TemporaryDirectory() as folder:
        store, taken = Records(folder, shipped=False), []
        for setting in dict.fromkeys(run.setting for run in runs):
            seeds = tuple(run.seed for run in runs if run.setting == setting)
            numbers = np.full((len(COLUMNS), len(seeds), setting.epochs), 0.1, np.float32)
            probes, made = np.empty((2, len(seeds), 0), np.float32), {"numerics": NUMERICS}
            store.add(Record(setting, seeds, numbers, probes, (1.0,) * len(seeds), made))
        for _ in range(options.rounds):
            asked = [Run(**plain(run)) for run in runs]  # whose keys are not known yet
            start = time.perf_counter()
            table = study(asked, folder=folder, recorded=False)
            taken.append(time.perf_counter() - start)
            assert len(table) == len(runs) * runs[0].epochs
    print(f"folder: {len(runs)} runs of {runs[0].epochs} epochs: {_list(taken)} s")
    print(f"folder: median {statistics.median(taken):.2f} s")


# ---------------------------------------------------------------- memory


def measure_memory(options):
    """Megabytes of one worker after each arm, over many arms and so several processes."""
    runs = grid(
        "hidden_ar1", ["dropout"], rates=[k / 100 for k in range(1, options.arms)],
        seeds=2, units=4, epochs=2, batch_size=20, options=TINY,
    )  # fmt: skip
    with Watched(1) as watched:
        fresh_study(runs, executor=watched, workers=1)
    sizes = watched.sizes
    for process, found in sizes.items():
        print(f"memory: process {process}: {found[0]:.0f} to {max(found):.0f} MB")
    arms = [
        after - before for found in sizes.values() for before, after in itertools.pairwise(found)
    ]
    print(f"memory: median {statistics.median(arms):.1f} MB an arm, in {len(sizes)} processes")
    print(f"memory: at most {max(map(max, sizes.values())):.0f} MB a worker")


class Watched(LocalProcesses):
    """One process of the study's own kind, whose memory is noted after every block."""

    sizes = {}  # noqa: RUF012  of one measurement

    def submit(self, call, /, *args, **kwargs):
        """Have it train, and look afterwards."""
        future = super().submit(call, *args, **kwargs)
        future.add_done_callback(self._note)
        return future

    def _note(self, _):
        pid = next(reversed(self._processes))  # of the process that has just trained
        size = psutil.Process(pid).memory_info().rss / 2**20
        self.sizes.setdefault(pid, []).append(size)


# ---------------------------------------------------------------- overhead


def bare_loop(runs):
    """Seconds of training in a loop, in a worker."""
    from lstmreg_utils.lab import train

    start = time.perf_counter()
    for fields in runs:
        train(Run(**fields))
    return time.perf_counter() - start


def time_overhead(options):
    """A study against a bare loop, both in one process that has the program."""
    runs = vowels(options.seeds, options.epochs)
    runs = [run for run in runs if run.arm == runs[-1].arm]
    process, ratios = LocalProcesses(1, blocks=10**9), []
    work = [plain(run) for run in runs]
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


def _list(values):
    return ", ".join(f"{value:.2f}" for value in values)


PARTS = {
    "open": time_open,
    "folder": time_folder,
    "memory": measure_memory,
    "overhead": time_overhead,
    "workers": time_workers,
}


def main(arguments=None):
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", default=[], help=f"of {', '.join(PARTS)} (all)")
    parser.add_argument("--records", type=int, default=10_000, help="of `folder` (10,000)")
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
