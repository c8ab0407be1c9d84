"""Train a few recorded runs again, picked at random, and compare them with their records.

Another processor rounds otherwise, and training magnifies what was rounded. So the first epochs
must agree closely, while at the last one a run may be anywhere among the recorded seeds. Another
engine draws other noise: then that goes for the first epochs as well.
"""

import tempfile

import numpy as np
import pandas as pd

from ..tasks.checks import check_integers
from .arms import describe
from .engines import AUTO
from .numerics import NUMERICS
from .records import COLUMNS
from .store import STUDY, Records, open_study, shipped_folder
from .studies import study

EARLY_EPOCHS = 2
# By what is another: the largest early difference, of a value or of 1 where the value is smaller.
# A card sums in another order than a CPU.
EARLY_LIMITS = {"same": 1e-3, "device": 1e-2, "engine": 1e-2}
EQUAL = 2**-23  # of a value: the rounding of a float32
ENVIRONMENT = (
    "engine", "python", "keras", "tensorflow", "jax", "numpy", "device", "processor", "system",
)  # fmt: skip
LOSSES = [k for k, name in enumerate(COLUMNS) if not name.endswith("_metric")]


def audit(
    sample=3,
    seed=None,
    studies=None,
    folder=None,
    engine=AUTO,
    executor=None,
    workers=None,
    progress=True,
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
    engine, executor, workers, progress
        As for `study`. An engine can train what the other has recorded.

    Returns
    -------
    pandas.DataFrame
        A row a run: its ``task``, ``arm``, ``seed`` and ``key``; what is ``other`` than in the
        record (``'engine'``, ``'device'`` or nothing); ``early``, the largest relative difference
        in the first two epochs, and ``limit``, the most that it may be: 0.001, or 0.01 on another
        device or engine; where another engine draws the noise, ``early`` is a share of the range
        over the recorded seeds of the setting, and at most 1; ``late``, the largest difference of
        a loss at the last epoch as such a share, at most 1; ``verdict`` (``equal`` to the last
        digit, ``agrees`` within those limits, or ``differs``); and the environments ``recorded``
        and ``here``.

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
        how = {"engine": engine, "executor": executor, "workers": workers, "progress": progress}
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
    return ", ".join(f"{name} {record.made[name]}" for name in ENVIRONMENT if name in record.made)


def _row(run, record, k, again):
    """Compare one run with its record, column by column."""
    there, here = (np.float64(numbers) for numbers in (record.epochs[:, k], again.epochs[:, 0]))
    difference = np.abs(here - there)
    shares = _shares(difference[LOSSES], np.ptp(record.epochs[LOSSES], axis=1))
    others = [name for name in ("engine", "device") if record.made[name] != again.made[name]]
    other = others[0] if others else "same"
    drawn_anew = other == "engine" and any(noise.mask != "none" for noise in run.arm)
    if drawn_anew:
        limit, early = 1.0, shares[:, :EARLY_EPOCHS]
    else:
        limit = EARLY_LIMITS[other]
        early = difference[:, :EARLY_EPOCHS] / np.maximum(np.abs(there[:, :EARLY_EPOCHS]), 1)
    equal = (difference <= EQUAL * np.abs(there)).all()
    agrees = _largest(early) <= limit and _largest(shares[:, -1]) <= 1
    return {
        "task": run.task,
        "arm": describe(run.arm).arm,
        "seed": run.seed,
        "key": run.key,
        "other": "" if other == "same" else other,
        "early": _largest(early),
        "limit": limit,
        "late": _largest(shares[:, -1]),
        "verdict": "equal" if equal else "agrees" if agrees else "differs",
        "recorded": environment(record),
        "here": environment(again),
    }


def _shares(difference, spread):
    """Differences of losses as shares of their range over the recorded seeds."""
    of_none = np.where(difference > 0, np.inf, 0.0)
    return np.divide(difference, spread, out=of_none, where=spread > 0)


def _largest(values):
    """The largest; what is no number counts as infinite."""
    return float(np.max(np.where(np.isnan(values), np.inf, values)))
