"""Train a few recorded runs again, picked at random, and compare them with their records.

Another processor rounds otherwise, and training magnifies what was rounded. So the first epochs
must agree closely, while at the last one a run may be anywhere among the recorded seeds.
"""

import tempfile
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from .arms import describe
from .fingerprint import fingerprint
from .records import Records, read_archive
from .study import study

EARLY_EPOCHS = 2
EARLY_LIMIT = 1e-3  # of a value, or of 1 where the value is smaller
ENVIRONMENT = ("python", "keras", "tensorflow", "numpy", "device", "processor", "system")


def audit(
    sample=3, seed=None, archives=None, folder=None, executor=None, workers=None, progress=True
):
    """Retrain some of the shipped records and compare.

    Parameters
    ----------
    sample : int, default=3
        How many records, of different settings as long as there are enough.
    seed : int, optional
        Which ones; by default others at every call.
    archives : path-like, optional
        Folder with the zip files; the package's own unless given.
    folder : path-like, optional
        Where the retrained runs go; else a temporary one.
    executor, workers, progress
        As for `study`.

    Returns
    -------
    pandas.DataFrame
        A row a run: its ``task``, ``arm``, ``rate``, ``seed`` and ``key``; ``early``, the largest
        relative difference in the first two epochs; ``late``, the largest difference of a loss at
        the last epoch, as a share of its range over the recorded seeds of the setting; ``verdict``
        (``equal`` to the last digit, ``agrees``: early at most 0.001 and late at most 1, or
        ``differs``); and the environments ``recorded`` and ``here``.

    Raises
    ------
    ValueError
        No positive number of records, none to audit, or some that other code has made.
    DamagedFileError
        An archive or a record is not what was written.
    """
    if isinstance(sample, bool) or not isinstance(sample, int) or sample < 1:
        raise ValueError(f"sample must be an integer of at least 1, got {sample!r}")
    records = _current_records(archives)
    chosen = pick(records, sample, np.random.default_rng(seed))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary if folder is None else folder)
        study(
            chosen,
            recorded=False,
            folder=folder,
            executor=executor,
            workers=workers,
            progress=progress,
        )
        again = Records(folder, shipped=False).find(chosen)
    return pd.DataFrame(_row(run, records, again[run]) for run in chosen)


def pick(runs, sample, rng):
    """Runs of as many settings as possible, at random."""
    settings = {}
    for run in sorted(runs, key=lambda run: run.key):
        settings.setdefault(replace(run, seed=0), []).append(run)
    groups = [list(rng.permutation(len(group))) for group in settings.values()]
    members, chosen = list(settings.values()), []
    while len(chosen) < min(sample, len(runs)):
        for place in rng.permutation(len(members)):
            if groups[place] and len(chosen) < sample:
                chosen.append(members[place][groups[place].pop()])
    return chosen


def environment(record):
    """What a record was made with, in one line."""
    return ", ".join(f"{name} {record['made'].get(name, 'unknown')}" for name in ENVIRONMENT)


def _current_records(archives):
    """All records of the archives, or an error if some cannot be compared."""
    if archives is None:
        archives = Path(str(resources.files("lstmreg_utils"))) / "records"
    records = {}
    for archive in sorted(Path(archives).glob("*.zip")):
        records |= read_archive(archive)
    if not records:
        raise ValueError(f"archives must hold records, got none in {archives}")
    stale = [
        run.key
        for run, record in records.items()
        if record["made"]["fingerprint"] != fingerprint(run.task, run.arm)
    ]
    if stale:
        raise ValueError(
            f"{len(stale)} of {len(records)} records were made by other code and cannot be "
            f"compared, the first {stale[0]}"
        )
    return records


def _row(run, records, again):
    """Compare one run with its record, column by column."""
    record = records[run]
    setting = replace(run, seed=0)
    recorded = [r["epochs"] for other, r in records.items() if replace(other, seed=0) == setting]
    early, late = 0.0, 0.0
    for column, values in record["epochs"].items():
        there, here = np.array(values), np.array(again["epochs"][column])
        difference = np.abs(here - there)
        relative = difference / np.maximum(np.abs(there), 1)
        early = max(early, _largest(relative[:EARLY_EPOCHS]))
        last = [values[column][-1] for values in recorded]
        spread = max(last) - min(last)
        # An accuracy may be the same for all seeds: its range over them is no yardstick.
        if difference[-1] > 0 and not column.endswith("_metric"):
            late = max(late, _largest(difference[-1:]) / spread if spread else np.inf)
    name, rate = describe(run.arm)
    equal = again["epochs"] == record["epochs"]
    agrees = early <= EARLY_LIMIT and late <= 1
    return {
        "task": run.task,
        "arm": name,
        "rate": rate,
        "seed": run.seed,
        "key": run.key,
        "early": early,
        "late": late,
        "verdict": "equal" if equal else "agrees" if agrees else "differs",
        "recorded": environment(record),
        "here": environment(again),
    }


def _largest(values):
    """The largest; what is no number counts as infinite."""
    return float(np.max(np.where(np.isnan(values), np.inf, values)))
