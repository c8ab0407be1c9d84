"""Carry shipped records over a change of code that left their numbers alone, after proving it.

The fingerprint of a record covers code, not results: a new layer in `models.py` makes every record
stale though no old run computes anything else. This command retrains one run of every setting
(task, arm, sizes) with the present code, each with another seed, compares every number of every
epoch, and only if none differs gives all records the present fingerprint. What was done is written
into each record (`made.restamped`): the fingerprint before, the date, how many were retrained.

    python tools/restamp.py                  # all studies; about 7 minutes on two cores
"""

import argparse
import datetime
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from lstmreg_utils import study
from lstmreg_utils.fingerprint import fingerprint
from lstmreg_utils.records import Records, encode, pack, read_archive, record_name

ARCHIVES = Path(__file__).parents[1] / "lstmreg_utils" / "records"


def main():
    """Restamp the archives that hold stale records, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archives", type=Path, default=ARCHIVES)
    parser.add_argument("--folder", type=Path, help="for the retrained runs; else a temporary one")
    parser.add_argument("--workers", type=int, help="processes (all processors)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        try:
            changed, retrained = restamp(arguments.archives, folder, workers=arguments.workers)
        except ValueError as error:
            sys.exit(str(error))
    print(f"{changed} records restamped after {retrained} retrained runs gave equal numbers")


def restamp(archives, folder, executor=None, workers=None):
    """Retrain a sample of the stale records, and restamp all of them if none of it differs.

    Parameters
    ----------
    archives : pathlib.Path
        Folder with the zip files.
    folder : path-like
        Where the retrained runs go.
    executor, workers
        As for `study`.

    Returns
    -------
    changed, retrained : int
        Numbers of records restamped and of runs retrained.

    Raises
    ------
    ValueError
        A retrained run gave other numbers. Nothing is changed then.
    """
    contents = {archive: read_archive(archive) for archive in sorted(archives.glob("*.zip"))}
    stale = {
        run: record
        for records in contents.values()
        for run, record in records.items()
        if record["made"]["fingerprint"] != fingerprint(run.task, run.arm)
    }
    if not stale:
        return 0, 0
    chosen = sample(stale)
    study(chosen, recorded=False, folder=folder, executor=executor, workers=workers)
    again = Records(folder, shipped=False).find(chosen)
    differing = [run for run in chosen if largest_difference(again[run], stale[run]) > 0]
    if differing:
        run = max(differing, key=lambda run: largest_difference(again[run], stale[run]))
        raise ValueError(
            f"{len(differing)} of {len(chosen)} retrained runs differ from their records, by up "
            f"to {largest_difference(again[run], stale[run]):.3g}: {run}. Nothing was changed. "
            "Train the studies again: python tools/record.py"
        )
    note = {"on": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}", "retrained": len(chosen)}
    for archive, records in contents.items():
        if not stale.keys() & records.keys():
            continue
        with tempfile.TemporaryDirectory() as temporary:
            for run, record in records.items():
                if run in stale:
                    record = restamped(record, run, note)
                (Path(temporary) / record_name(run)).write_text(encode(record), "utf-8")
            pack(list(records), archive, temporary)
    return len(stale), len(chosen)


def sample(runs):
    """One run of every setting; the settings take their seeds in turn."""
    settings = {}
    for run in runs:
        settings.setdefault(replace(run, seed=0), []).append(run)
    return [
        sorted(group, key=lambda run: run.seed)[turn % len(group)]
        for turn, group in enumerate(settings.values())
    ]


def largest_difference(one, other):
    """The largest absolute difference between two records of a run, over all that they hold."""
    return max(
        float(np.max(np.abs(np.subtract(one[part][column], other[part][column]))))
        for part in ("epochs", "probes")
        for column in one[part]
    )


def restamped(record, run, note):
    """The record with the present fingerprint, and a note of the one before."""
    made = record["made"]
    entry = {**note, "from": made["fingerprint"]}
    made = {
        **made,
        "fingerprint": fingerprint(run.task, run.arm),
        "restamped": [*made.get("restamped", []), entry],
    }
    return {**record, "made": made}


if __name__ == "__main__":  # worker processes import this file anew
    main()
