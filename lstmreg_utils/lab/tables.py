"""Records -> tidy tables: one row an observation, one column a variable."""

import numpy as np
import pandas as pd

from ..tasks import options_of
from .arms import describe
from .records import COLUMNS, PROBED_AT
from .runs import FIELDS

# All that a run is, but for its arm: what an arm and its twin have in common.
SETTINGS = tuple(name for name in FIELDS if name not in ("arm", "probes"))


def epochs_table(runs, found):
    """One row per run and epoch: who it is, ``epoch`` (from 1), and a column for each number."""
    described = _described(runs)
    rows = np.repeat(np.arange(len(runs)), [run.epochs for run in runs])
    # Put together at once: columns that are added one by one cost a third of the time.
    columns = {name: column.array.take(rows) for name, column in described.items()}
    columns["epoch"] = np.concatenate([np.arange(1, run.epochs + 1) for run in runs])
    numbers = np.concatenate([record.epochs[:, k] for record, k in map(found.get, runs)], axis=1)
    columns |= dict(zip(COLUMNS, numbers.astype(np.float64), strict=True))
    return pd.DataFrame(columns, copy=False)


def probes_table(runs, found):
    """One row per run, checkpoint ('last' or 'best' epoch) and probe, with the `value` it found."""
    probed = [run for run in runs if run.probes]
    if not probed:
        return pd.DataFrame()
    asked = [(at, *probe) for run in probed for at in PROBED_AT for probe in run.probes]
    rows = np.repeat(np.arange(len(probed)), [len(PROBED_AT) * len(run.probes) for run in probed])
    table = _described(probed).iloc[rows].reset_index(drop=True)
    table[["at", "probe", "level"]] = pd.DataFrame(asked)
    values = [record.probes[:, k].ravel() for record, k in map(found.get, probed)]
    return table.assign(value=np.concatenate(values).astype(np.float64))


def provenance_table(runs, found):
    """One row per run: versions, hardware, date and wall time."""
    made = [{**record.made, "seconds": record.seconds[k]} for record, k in map(found.get, runs)]
    return pd.concat([_described(runs), pd.DataFrame(made)], axis=1)


TABLES = {"epochs": epochs_table, "probes": probes_table, "provenance": provenance_table}


def _described(runs):
    """The columns that say which run a row belongs to."""
    settings = list(dict.fromkeys(run.setting for run in runs))
    options = sorted({name for setting in settings for name, _ in setting.options})
    rows = {setting: k for k, setting in enumerate(settings)}
    table = pd.DataFrame([_setting(setting, options) for setting in settings])
    table = table.iloc[[rows[run.setting] for run in runs]].reset_index(drop=True)
    table["seed"] = [run.seed for run in runs]
    table.insert(0, "run", [run.key for run in runs])
    return table


def _setting(run, options):
    """The columns that all seeds of an arm share; an option that is not given has its default."""
    columns = describe(run.arm)._asdict() | {name: getattr(run, name) for name in SETTINGS}
    columns["options"] = ", ".join(f"{option}={value}" for option, value in run.options)
    columns["head"] = "-".join(map(str, run.head))
    values = {**options_of(run.task), **dict(run.options)}
    return columns | {name: values.get(name) for name in options}
