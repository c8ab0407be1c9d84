"""Arms against their twins: paired differences, intervals, and the verdict they carry.

The rule was written before any run:

========== ========== =========================
Δtrain     Δtest      verdict
========== ========== =========================
up         down       regularization works
up         up         over-regularization
not up     up         overfitting made worse
not up     down       optimization helped
any        within ±δ  no difference
otherwise             undecided
========== ========== =========================

Both losses are measured with dropout off. δ is the task's margin.
"""

import numpy as np
import pandas as pd

from .tables import SETTINGS
from .tasks import load_task

CONFIDENCE = 0.95
RESAMPLES = 9999

WORKS = "regularization works"
OVER = "over-regularization"
WORSE = "overfitting made worse"
HELPED = "optimization helped"
SAME = "no difference"
UNDECIDED = "undecided"
VERDICTS = (WORKS, OVER, WORSE, HELPED, SAME, UNDECIDED)

CHECKPOINTS = ("last", "best")


def compare(table, at="last", margin=None):
    """Every arm against its twin without noise, paired over seeds.

    Parameters
    ----------
    table : pandas.DataFrame
        From `study`, with the twins in it; or of your own runs, with the columns ``arm`` (one of
        them ``'none'``), ``seed``, ``epoch``, ``train``, ``validation``, ``test`` (losses with
        dropout off) and, if you have them, ``rate``, ``task`` and ``noisy``.
    at : {'last', 'best'}, default='last'
        Which epoch of each run: its last, or the one of its lowest validation loss, which early
        stopping would keep.
    margin : float, optional
        The δ of the rule, in units of the loss. By default the margin of each task.

    Returns
    -------
    pandas.DataFrame
        A row per task, setting, arm and rate: ``n`` pairs; the mean and the ends of the 95 %
        interval of Δtrain (``d_train``, ``d_train_low``, ``d_train_high``), of Δtest
        (``d_test...``) and of the noise cost (``noise_cost...``, training loss with dropout on
        minus off); the mean ``train`` and ``test`` loss; ``epoch``, the mean epoch; ``verdict``.

    Raises
    ------
    ValueError
        An empty table, missing columns, another `at`, an arm without its twin, or a table of
        your own without a margin. The message names what is missing.

    Notes
    -----
    Intervals are bias-corrected and accelerated bootstrap intervals of the mean over seeds
    (Efron 1987). Each is one interval: among twenty arms that do nothing, expect one to seem to.

    Examples
    --------
    >>> rows = [dict(arm=arm, seed=seed, epoch=1, train=0.1, validation=1.0, test=1.0 - gain)
    ...         for arm, gain in [("none", 0.0), ("mine", 0.5)] for seed in range(5)]
    >>> compare(pd.DataFrame(rows), margin=0.01)[["arm", "d_test", "verdict"]].values.tolist()
    [['mine', -0.5, 'optimization helped']]
    """
    table = _complete(table)
    chosen = checkpoint(table, at)
    settings = [name for name in SETTINGS if name in chosen and name != "seed"]
    rows = []
    for values, group in chosen.groupby(settings, dropna=False, sort=False):
        setting = dict(zip(settings, values, strict=True))
        delta = _margin(setting["task"]) if margin is None else margin
        twins = group[group["arm"] == "none"].set_index("seed")
        noisy_arms = group[group["arm"] != "none"]
        for (name, rate), arm in noisy_arms.groupby(["arm", "rate"], dropna=False, sort=False):
            arm = arm.set_index("seed")
            _check_pairs(name, arm, twins)
            twin = twins.loc[arm.index]
            row = {**setting, "arm": name, "rate": rate, "at": at, "n": len(arm)}
            row |= interval_columns("d_train", arm["train"] - twin["train"])
            row |= interval_columns("d_test", arm["test"] - twin["test"])
            if "noisy" in arm:
                row |= interval_columns("noise_cost", arm["noisy"] - arm["train"])
            row |= arm[["train", "test", "epoch"]].mean().to_dict()
            row["verdict"] = verdict(
                (row["d_train_low"], row["d_train_high"]),
                (row["d_test_low"], row["d_test_high"]),
                delta,
            )
            rows.append(row)
    if not rows:
        raise ValueError("table must hold at least one arm besides 'none', got none")
    return pd.DataFrame(rows)


def verdict(d_train, d_test, margin):
    """Apply the rule to two intervals.

    Parameters
    ----------
    d_train, d_test : tuple of (float, float)
        Ends of the intervals of Δtrain and Δtest.
    margin : float
        Two test losses that differ by less are equivalent. Δtrain is judged by its sign first:
        a network that has memorized its data sits at a training loss near zero, where every
        regularizer's effect is small.

    Returns
    -------
    str
        One of `VERDICTS`.

    Examples
    --------
    >>> verdict((0.02, 0.05), (-0.09, -0.04), margin=0.02)
    'regularization works'
    >>> verdict((0.02, 0.05), (-0.09, 0.04), margin=0.02)
    'undecided'
    """
    for name, (low, high) in {"d_train": d_train, "d_test": d_test}.items():
        if not low <= high:
            raise ValueError(f"{name} must be an interval (low, high), got {(low, high)!r}")
    if not margin > 0:
        raise ValueError(f"margin must be positive, got {margin!r}")
    if _within(d_test, margin):
        return SAME
    test = _sign(d_test)
    train = _sign(d_train) or (-1 if _within(d_train, margin) else 0)  # the same is "not up"
    return {
        (1, -1): WORKS,
        (1, 1): OVER,
        (-1, 1): WORSE,
        (-1, -1): HELPED,
    }.get((train, test), UNDECIDED)


def checkpoint(table, at="last"):
    """One row per run: its last epoch, or that of its lowest validation loss.

    Examples
    --------
    >>> table = pd.DataFrame({"arm": "none", "seed": 0, "epoch": [1, 2], "validation": [0.1, 0.2]})
    >>> checkpoint(table, "best")["epoch"].item()
    1
    """
    if at not in CHECKPOINTS:
        raise ValueError(f"at must be one of {CHECKPOINTS}, got {at!r}")
    run = [name for name in ("arm", "rate", *SETTINGS) if name in table]
    table = table.reset_index(drop=True)  # tables put together repeat their labels
    column = "epoch" if at == "last" else "validation"
    groups = table.groupby(run, dropna=False, sort=False)[column]
    return table.loc[groups.idxmax() if at == "last" else groups.idxmin()].reset_index(drop=True)


def interval(values):
    """Mean of paired differences and its bootstrap interval.

    Parameters
    ----------
    values : array-like of shape (n,)
        One value a seed, n >= 2.

    Returns
    -------
    mean, low, high : float

    Examples
    --------
    >>> interval([1.0, 1.0, 1.0])
    (1.0, 1.0, 1.0)
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(
            f"values must be at least 2 finite numbers, one a seed, got {values.tolist()}"
        )
    mean = float(values.mean())
    if np.ptp(values) <= 1e-12 * np.abs(values).max():  # equal: nothing to resample
        return mean, mean, mean
    from scipy.stats import bootstrap  # a slow import that a light `import lstmreg_utils` spares

    ends = bootstrap(
        (values,), np.mean, confidence_level=CONFIDENCE, n_resamples=RESAMPLES,
        rng=np.random.default_rng(0), method="BCa" if len(values) > 2 else "percentile",
    ).confidence_interval  # fmt: skip
    return mean, float(ends.low), float(ends.high)


def interval_columns(name, values):
    """An `interval` as columns of a table: ``name``, ``name_low`` and ``name_high``.

    Examples
    --------
    >>> interval_columns("d", [1.0, 1.0])
    {'d': 1.0, 'd_low': 1.0, 'd_high': 1.0}
    """
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval(values), strict=True))


def _sign(ends):
    low, high = ends
    return 1 if low > 0 else -1 if high < 0 else 0


def _within(ends, margin):
    return -margin < ends[0] and ends[1] < margin


def _margin(task):
    if not isinstance(task, str):  # None, which pandas may have made a NaN
        raise ValueError("margin must be given for a table without the column 'task'")
    return load_task(task).margin


def _complete(table):
    """The table with the columns that readers of their own runs may leave out."""
    if not len(table):
        raise ValueError("table must hold at least one run, got an empty table")
    needed = {"arm", "seed", "epoch", "train", "validation", "test"}
    if missing := sorted(needed - set(table.columns)):
        raise ValueError(f"table must have the columns {sorted(needed)}, missing: {missing}")
    defaults = {"rate": np.nan, "task": None}
    table = table.assign(**{k: v for k, v in defaults.items() if k not in table})
    epoch = ["arm", "rate", *(name for name in SETTINGS if name in table), "epoch"]
    table = table.drop_duplicates([*epoch, "train", "validation", "test"])  # of overlapping studies
    if (several := table.duplicated(epoch)).any():
        arms = sorted(table.loc[several, "arm"].unique())
        raise ValueError(
            f"table must hold one run an arm and seed, got several that differ: {arms}"
        )
    return table


def _check_pairs(name, arm, twins):
    if arm.index.has_duplicates or twins.index.has_duplicates:
        raise ValueError(f"arm {name!r} and its twin must have one run a seed, got several")
    if len(lonely := arm.index.difference(twins.index)):
        raise ValueError(
            f"arm {name!r} must have a run without noise for each seed, missing: {list(lonely)}"
        )
