"""Fit the models without recurrence that the pages compare with: `python tools/baselines.py`.

Writes what `lstmreg_utils.tasks.baselines` gives of each data set and seed to
lstmreg_utils/records/baselines.csv. A quarter of an hour on one core, most of it for the verses.
"""

import argparse

import pandas as pd

from lstmreg_utils import load_task
from lstmreg_utils.book.linear import RECORDED
from lstmreg_utils.tasks import TASKS, baselines

MADE_UP = ("hidden_ar1", "lag_recall", "noise_targets")


def main():
    """Fit the tasks that are named, and keep what the file says of others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks = sorted({*TASKS} - {*MADE_UP})
    parser.add_argument("tasks", nargs="*", default=tasks, help="all data sets unless named")
    parser.add_argument("--seeds", type=int, default=20, help="from 0 on (default: 20)")
    arguments = parser.parse_args()
    for task in arguments.tasks:
        seeds = range(arguments.seeds)
        fitted = {(task, seed): baselines(load_task(task, seed)) for seed in seeds}
        found = pd.concat(fitted, names=["task", "seed", "model"]).reset_index()
        if RECORDED.exists():
            known = pd.read_csv(RECORDED)
            found = pd.concat([known[known["task"] != task], found])
        found = found.sort_values(["task", "seed", "model"], kind="stable")
        found.to_csv(RECORDED, index=False, float_format="%.6g")
        print(found[found["task"] == task].groupby("model")[["validation", "test"]].mean())


if __name__ == "__main__":
    main()
