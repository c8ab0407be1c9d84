"""Keep what the book's studies say with other seeds: `python tools/other_seeds.py FOLDER`.

Trains nothing: the folder holds what `python -m lstmreg_utils study 00_the_answer_evidence --first
2000` or `python -m lstmreg_utils record STUDY --first 2000` has left. Writes
lstmreg_utils/records/other_seeds.json. Seeds 0 to 19 and 100 to 105 chose what the book says, and
1000 to 1199 are those of a second implementation.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from lstmreg_utils import Records, study
from lstmreg_utils.book.across import CORE, DATA_SETS, across_data_sets
from lstmreg_utils.book.other_seeds import KEY, RECORDED, SAID
from lstmreg_utils.diagnosis import CHECKPOINTS, Comparison, comparisons, repeat_rates
from lstmreg_utils.lab import STUDIES, named_study
from lstmreg_utils.tasks import short_name

MADE = ["engine", "keras", "jax", "tensorflow", "numpy", "python", "device", "processor"]
DIGITS = 6


def main():
    """Write the file, and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the records with other seeds")
    parser.add_argument("--first", type=int, default=2000, help="of the seeds (default: 2000)")
    parser.add_argument("--seeds", type=int, default=20, help="how many (default: 20)")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    collected = collect(arguments.folder, seeds)
    lines = [f"{json.dumps(name)}: {as_json(part)}" for name, part in collected.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    print(f"{len(collected['settings'])} settings, {RECORDED}")


def collect(folder, seeds):
    """What the studies say of every arm that a folder has with all of these seeds, and its twin.

    The tables of `lstmreg_utils.book.other_seeds.recorded_again`; the summary over data sets only
    if there are three that have all of its arms. A ValueError if there is no such arm at all.
    """
    runs = {name: named_study(name, seeds) for name in STUDIES}
    found = Records(folder, shipped=False).find([run for each in runs.values() for run in each])
    whole = {name: kept for name, each in runs.items() if (kept := with_twins(each, found))}
    if not whole:
        raise ValueError(f"folder must have an arm and its twin with all seeds, got {folder}")

    def table_of(names, table="epochs"):
        kept = [run for name in names for run in whole[name]]
        return study(kept, recorded=False, folder=folder, table=table)

    settings = pd.concat(
        each.effects(at).merge(repeat_rates(each, at)[["arm", "effect_repeats"]], on="arm")
        for name in whole
        for each in comparisons(table_of([name]))
        for at in CHECKPOINTS
    )
    sets = [[name for name in names if name in whole] for names in DATA_SETS]
    sets = [Comparison(table_of(names)) for names in sets if names]
    sets = {short_name(each.task): each for each in sets if {*CORE} <= {*each.arms.index}}
    made = table_of(whole, "provenance").drop_duplicates("run")
    taken = sorted({*made["seed"].tolist()})  # more than were asked for, where a study takes more
    made = made.reindex(columns=[*MADE, "date"]).astype(object).fillna("")  # one engine each
    return {
        "seeds": taken,
        "made": made.groupby(MADE).agg(runs=("date", "size"), date=("date", "max")).reset_index(),
        "settings": settings.drop_duplicates(KEY)[[*KEY, *SAID]],
    } | ({"across": across_data_sets(sets)} if len(sets) > 2 else {})


def with_twins(runs, found):
    """Of some runs those whose arm has a record of every seed, as has its twin; none if alone."""
    missing = {run.setting for run in runs if run not in found}
    kept = [run for run in runs if not {run.setting, replace(run.setting, arm=())} & missing]
    return kept if any(run.arm for run in kept) else []


def as_json(part):
    """A list, or a table with a row in a line."""
    if isinstance(part, list):
        return json.dumps(part)
    rows = ",\n".join(json.dumps([short(value) for value in row]) for row in part.values.tolist())
    return f'{{"columns": {json.dumps([*part.columns])}, "data": [\n{rows}\n]}}'


def short(value):
    """A number as it is kept; what is none, of a single data set, is null."""
    if isinstance(value, float):
        return None if value != value else float(f"{value:.{DIGITS}g}")
    return value


if __name__ == "__main__":
    main()
