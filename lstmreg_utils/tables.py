"""Records -> tidy tables: one row an observation, one column a variable."""

import itertools

import numpy as np
import pandas as pd

from .arms import describe

# All that a run is, but for its arm: what an arm and its twin have in common.
SETTINGS = (
    "task", "seed", "options", "units", "layers", "head", "epochs", "batch_size", "learning_rate",
)  # fmt: skip


def epochs_table(records):
    """One row per run and epoch: the losses and metrics of all splits.

    Parameters
    ----------
    records : iterable of (Run, dict)

    Returns
    -------
    pandas.DataFrame
        Columns ``run``, ``arm``, ``rate``, the settings, ``epoch`` (from 1), and those of
        `lstmreg_utils.training`: ``reported``, ``noisy``, ``train``, ``validation``, ``test``
        and the metric of each split.
    """
    records = list(records)
    runs = pd.DataFrame([_described(run) for run, _ in records])
    lengths = [run.epochs for run, _ in records]
    rows = np.repeat(np.arange(len(runs)), lengths)
    # Put together at once: columns that are added one by one cost a third of the time.
    columns = {name: column.array.take(rows) for name, column in runs.items()}
    columns["epoch"] = np.concatenate([np.arange(1, n + 1) for n in lengths])
    for name in records[0][1]["epochs"]:
        values = itertools.chain.from_iterable(record["epochs"][name] for _, record in records)
        columns[name] = np.fromiter(values, float, len(rows))
    return pd.DataFrame(columns, copy=False)


def probes_table(records):
    """One row per run, checkpoint ('last' or 'best' epoch) and probe, with the `value` it found."""
    return pd.DataFrame(
        {**_described(run), "at": at, "probe": kind, "level": level, "value": value}
        for run, record in records
        for at, values in record["probes"].items()
        for (kind, level), value in zip(run.probes, values, strict=True)
    )


def provenance_table(records):
    """One row per run: versions, hardware, date, wall time and fingerprint."""
    return pd.DataFrame({**_described(run), **record["made"]} for run, record in records)


TABLES = {"epochs": epochs_table, "probes": probes_table, "provenance": provenance_table}


def _described(run):
    """The columns that say which run a row belongs to."""
    name, rate = describe(run.arm)
    settings = {setting: getattr(run, setting) for setting in SETTINGS}
    settings["options"] = ", ".join(f"{option}={value}" for option, value in run.options)
    settings["head"] = "-".join(map(str, run.head))
    return {"run": run.key, "arm": name, "rate": rate, **settings}
