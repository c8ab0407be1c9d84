"""Train a few recorded runs again, picked at random, and compare them with their records.

Another processor rounds otherwise, and training magnifies what was rounded. So the first epochs
must agree closely, while at the last one a run may be anywhere among the recorded seeds.
"""

import tempfile

import numpy as np
import pandas as pd

from ..tasks.checks import check_integers
from .arms import describe
from .numerics import NUMERICS
from .records import COLUMNS
from .store import STUDY, Records, open_study, shipped_folder
from .studies import study

EARLY_EPOCHS = 2
EARLY_LIMIT = 1e-3  # of a value, or of 1 where the value is smaller
EQUAL = 2**-23  # of a value: the rounding of a float32
ENVIRONMENT = (
    "engine", "python", "keras", "tensorflow", "numpy", "device", "processor", "system",
)  # fmt: skip
LOSSES = [k for k, name in enumerate(COLUMNS) if not name.endswith("_metric")]


def audit(
    sample=3, seed=None, studies=None, folder=None, executor=None, workers=None, progress=True
):
    """Retrain some of the shipped records and compare.

    Parameters
    ----------
    sample : int, default=3
        How many records, of different settings as long as there are enough.
    seed : int, optional
        Which ones; by default others at every call.
    studies, folder : path-like, optional
        Where the files of studies are, unless they are the package's own; and where the retrained
        runs go, unless to a temporary folder.
    executor, workers, progress
        As for `study`.

    Returns
    -------
    pandas.DataFrame
        A row a run: its ``task``, ``arm``, ``seed`` and ``key``; ``early``, the largest relative
        difference in the first two epochs; ``late``, the largest difference of a loss at the last
        epoch, as a share of its range over the recorded seeds of the setting; ``verdict``
        (``equal`` to the last digit, ``agrees``: early at most 0.001 and late at most 1, or
        ``differs``); and the environments ``recorded`` and ``here``.

    Raises
    ------
    ValueError
        No positive number of records, none to audit, some of other code, or a damaged file.
    """
    check_integers(sample=sample)
    studies = shipped_folder() if studies is None else studies
    records = [record for path in sorted(studies.glob(f"*{STUDY}")) for record in open_study(path)]
    if not records:
        raise ValueError(f"studies must hold records, got none in {studies}")
    stale = [record for record in records if record.made["numerics"] != NUMERICS]
    if stale:
        raise ValueError(
            f"{len(stale)} of {len(records)} settings were made by code with other numbers and "
            f"cannot be compared, the first {stale[0].run}"
        )
    chosen = pick(records, sample, np.random.default_rng(seed))
    with tempfile.TemporaryDirectory() as temporary:
        where = temporary if folder is None else folder
        runs = [run for run, *_ in chosen]
        how = {"executor": executor, "workers": workers, "progress": progress}
        study(runs, recorded=False, folder=where, **how)
        again = Records(where, shipped=False).find(runs)
    return pd.DataFrame(_row(run, record, k, again[run][0]) for run, record, k in chosen)


def pick(records, sample, rng):
    """Runs of as many settings as possible, at random: each with its record and its place there."""
    waiting = [(record, list(rng.permutation(len(record.seeds)))) for record in records]
    chosen = []
    while len(chosen) < sample and waiting:
        waiting = [waiting[k] for k in rng.permutation(len(waiting))]
        for record, places in waiting[: sample - len(chosen)]:
            k = places.pop()
            chosen.append((record.run.with_seed(record.seeds[k]), record, k))
        waiting = [(record, places) for record, places in waiting if places]
    return chosen


def environment(record):
    """What a record was made with, in one line."""
    return ", ".join(f"{name} {record.made.get(name, 'unknown')}" for name in ENVIRONMENT)


def _row(run, record, k, again):
    """Compare one run with its record, column by column."""
    there, here = (np.float64(numbers) for numbers in (record.epochs[:, k], again.epochs[:, 0]))
    difference = np.abs(here - there)
    early = difference[:, :EARLY_EPOCHS] / np.maximum(np.abs(there[:, :EARLY_EPOCHS]), 1)
    # An accuracy may be the same for all seeds: its range over them is no yardstick.
    late, spread = difference[LOSSES, -1], np.ptp(record.epochs[LOSSES, :, -1], axis=1)
    late = np.divide(late, spread, out=np.where(late > 0, np.inf, 0.0), where=spread > 0)
    equal = (difference <= EQUAL * np.abs(there)).all()
    agrees = _largest(early) <= EARLY_LIMIT and _largest(late) <= 1
    return {
        "task": run.task,
        "arm": describe(run.arm).arm,
        "seed": run.seed,
        "key": run.key,
        "early": _largest(early),
        "late": _largest(late),
        "verdict": "equal" if equal else "agrees" if agrees else "differs",
        "recorded": environment(record),
        "here": environment(again),
    }


def _largest(values):
    """The largest; what is no number counts as infinite."""
    return float(np.max(np.where(np.isnan(values), np.inf, values)))
