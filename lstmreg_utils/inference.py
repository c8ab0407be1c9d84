"""Trained networks, asked in other ways: noisy passes, ensembles, units cut off, calibration."""

import numpy as np
import pandas as pd

from .effects import checkpoint, interval_columns

ONE_PASS = "noise off"


def against_twin(probes, kind, at="last"):
    """What one kind of probe finds, against the twin without noise, paired over seeds.

    Parameters
    ----------
    probes : pandas.DataFrame
        ``study(runs, table="probes")``, of one task and setting.
    kind : str
        A kind of probe, as in `lstmreg_utils.probes`.
    at : {'last', 'best'}, default='last'
        Which weights.

    Returns
    -------
    pandas.DataFrame
        A row per arm, rate and level: the mean ``value``; for all arms but the twin the mean
        difference ``d_value`` with its 95 % interval (``d_value_low``, ``d_value_high``).

    Raises
    ------
    ValueError
        The study has no such probes, or holds more than one setting.

    Examples
    --------
    >>> rows = [dict(run="", arm=arm, rate=0.0, seed=seed, at="last", probe="unit", level=1.0,
    ...              value=value) for arm, value in [("none", 0.5), ("mine", 0.2)]
    ...         for seed in range(3)]
    >>> against_twin(pd.DataFrame(rows), "unit")["d_value"].round(3).tolist()
    [nan, -0.3]
    """
    found = _of_kind(probes, kind, at)
    rows = []
    for level, group in found.groupby("level", sort=False):
        twins = group[group["arm"] == "none"].set_index("seed")["value"]
        for (arm, rate), runs in group.groupby(["arm", "rate"], sort=False, dropna=False):
            values = runs.set_index("seed")["value"]
            row = {"arm": arm, "rate": rate, "probe": kind, "level": level, "at": at}
            row["value"] = values.mean()
            if arm != "none":
                row |= interval_columns("d_value", values - twins.loc[values.index])
            rows.append(row)
    return pd.DataFrame(rows)


def predictions(epochs, probes, ensembles=None, at="last"):
    """Test losses of several ways to predict, against one pass of the twin, paired over seeds.

    Parameters
    ----------
    epochs, probes : pandas.DataFrame
        Two tables of one study with "samples" probes, of one task and setting.
    ensembles : pandas.DataFrame, optional
        Probes of the same networks without noise, with "ensemble" probes.
    at : {'last', 'best'}, default='last'
        Which weights.

    Returns
    -------
    pandas.DataFrame
        A row per arm, rate and way (``how``: 'noise off', 'mean of k noisy passes', 'ensemble of
        k'): the mean ``test`` loss; against one pass of the twin ``d_test``, and against one pass
        of the same arm ``d_own``, both with their 95 % intervals (``..._low``, ``..._high``).

    Raises
    ------
    ValueError
        The study has no such probes, or holds more than one setting.

    Examples
    --------
    >>> from lstmreg_utils import study
    >>> from lstmreg_utils.studies import named_study
    >>> runs = named_study("volume_inference")
    >>> table = predictions(study(runs), study(runs, table="probes"))
    >>> table["how"].iloc[0]
    'noise off'
    """
    clean = checkpoint(epochs, at).assign(how=ONE_PASS).rename(columns={"test": "value"})
    sampled = _of_kind(probes, "samples", at)
    sampled = sampled[sampled["arm"] != "none"]  # without noise every pass is the same
    parts = [clean, sampled.assign(how=_named("mean of {} noisy passes", sampled["level"]))]
    if ensembles is not None:
        some = _of_kind(ensembles, "ensemble", at)
        parts.append(some.assign(how=_named("ensemble of {}", some["level"])))
    losses = pd.concat(parts)[["arm", "rate", "how", "seed", "value"]]
    one_pass = losses[losses["how"] == ONE_PASS].set_index(["arm", "rate", "seed"])
    one_pass = one_pass["value"].sort_index()
    rows = []
    for (arm, rate, how), runs in losses.groupby(["arm", "rate", "how"], sort=False):
        values = runs.set_index("seed")["value"]
        row = {"arm": arm, "rate": rate, "how": how, "at": at, "test": values.mean()}
        row |= interval_columns("d_test", values - one_pass["none", 0.0].loc[values.index])
        row |= interval_columns("d_own", values - one_pass[arm, rate].loc[values.index])
        rows.append(row)
    return pd.DataFrame(rows)


def _of_kind(probes, kind, at):
    found = probes[(probes["probe"] == kind) & (probes["at"] == at)] if len(probes) else probes
    if found.empty:
        raise ValueError(f"probes must hold probes of the kind {kind!r}, got none")
    if found.duplicated(["arm", "rate", "seed", "level"]).any():
        raise ValueError("probes must hold one setting, got several")
    return found


def _named(text, levels):
    named = [text.format(int(level)) for level in levels]
    return np.array([name.replace("of 1 noisy passes", "of 1 noisy pass") for name in named])
