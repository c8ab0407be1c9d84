"""Golden runs: numbers that a change of code must not move by accident, and their comparison.

tests/golden_runs.py defines the runs and tests/golden.json holds what they gave, trained with
TensorFlow; tests/golden_jax.json those that draw noise, trained with JAX, which draws others. If a
change means to move them, raise NUMERICS and record everything anew; a new task or arm only adds
its run.

    python tools/golden.py          # train the runs that have no numbers yet, and add them
    python tools/golden.py --all    # train all of them: a few minutes on two cores
"""

import argparse
import json
import multiprocessing
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT), str(ROOT / "tests")]

from golden_runs import RUNS  # noqa: E402

from lstmreg_utils import load_task  # noqa: E402
from lstmreg_utils.lab import NUMERICS  # noqa: E402
from lstmreg_utils.tasks import TASKS  # noqa: E402

RECORDED = ROOT / "tests" / "golden.json"
RECORDED_ON_JAX = ROOT / "tests" / "golden_jax.json"
# With XLA's optimizer on or off, and without XLA, no loss of a run moved by more than 4e-7 of
# itself: a few steps of a 32-bit float. Another processor may do as much again and more.
TOLERANCE = 5e-6
# Data are drawn and standardized in 64 bits: what differs is a last bit of a few values.
DATA_TOLERANCE = 1e-8


def draws_noise(run):
    """Whether the two engines train the run with other noise, and so to other numbers."""
    return any(noise.mask != "none" for noise in run.arm)


def trained(run, engine="tensorflow"):
    """The numbers of a run, of each epoch and of its probes; in a process of that engine."""
    from lstmreg_utils.lab import train

    epochs, probes, _ = train(run, engine)
    return {"epochs": epochs, "probes": probes}


def trained_on_jax(run):
    """The same with JAX, in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(trained, run, "jax").result()


def sums(task):
    """Of x and y of each split: how many values, their sum, that of squares, that by position.

    The last one weighs a value by its place among all, from 0 to 1, and sees two that are swapped.

    Returns
    -------
    dict of str to list of float
        By split and part, as in ``'train x'``.
    """
    found = {}
    for name, split in task.splits().items():
        for part in ("x", "y"):
            values = getattr(split, part).ravel().astype(np.float64)
            by_position = np.linspace(0, 1, len(values)) @ values
            found[f"{name} {part}"] = [
                float(number)
                for number in (len(values), values.sum(), np.square(values).sum(), by_position)
            ]
    return found


def excess_of_run(run, found, recorded):
    """How far two results of a run lie apart, in tolerances: above 1 they are not the same.

    A loss may move by TOLERANCE of the largest one in its column. A metric is a difference from 1,
    so it may move by TOLERANCE at least; an accuracy by one example, which a last bit can put on
    the other side. A probe can be a difference of losses near 0, so it may move by TOLERANCE of
    the test loss at least.

    Returns
    -------
    dict of str to float
        For each column, and for each probe at each checkpoint.
    """
    examples = _examples_with_classes(run)
    test_loss = np.max(np.abs(recorded["epochs"]["test"]))
    excess = {}
    for name, values in recorded["epochs"].items():
        least, extra = 0, 0
        if name.endswith("_metric"):
            least, extra = 1, examples.get(name.removesuffix("_metric"), 0)
        excess[name] = _apart(found["epochs"].get(name), values, least, TOLERANCE, extra)
    for at, values in recorded["probes"].items():
        for i, (kind, level) in enumerate(run.probes):
            value = found["probes"].get(at, {i: None})[i]
            excess[f"{kind} {level:g}, {at}"] = _apart(value, values[i], test_loss, TOLERANCE)
    return excess


def excess_of_data(found, recorded):
    """The same for the sums of a task's data: of what each sum could be at most."""
    excess = {}
    for name, values in recorded.items():
        size, _, squares, _ = values
        excess[name] = _apart(found.get(name), values, np.sqrt(size * squares), DATA_TOLERANCE)
    return excess


def _examples_with_classes(run):
    """What one example is worth in the accuracy of each split; nothing where values are learned."""
    task = load_task(run.task, run.seed, **dict(run.options))
    if task.metric != "accuracy":
        return {}
    return {name: 1 / len(split) for name, split in task.splits().items()}


def _apart(found, recorded, scale, tolerance, extra=0.0):
    if np.shape(found) != np.shape(recorded):
        return np.inf
    allowed = extra + tolerance * max(scale, np.max(np.abs(recorded)))
    difference = np.max(np.abs(np.subtract(found, recorded)))
    return float(difference / allowed) if np.isfinite(difference) else np.inf


def record(recorded, everything=False):
    """Numbers of the runs and of the data that `recorded` lacks, or of all of them.

    Parameters
    ----------
    recorded : dict
        What RECORDED holds; ``{}`` if there is no such file.
    everything : bool, default=False
        Whether to take no number over.

    Returns
    -------
    recorded : dict
        The whole, to be written.
    added : list of str
        Names of the runs and of the tasks whose numbers are new.

    Raises
    ------
    ValueError
        The recorded numbers are of other NUMERICS, and would stay.
    """
    recorded = _current(recorded, everything, RECORDED)
    runs, data = dict(recorded.get("runs", {})), dict(recorded.get("data", {}))
    added = [name for name in (*RUNS, *TASKS) if name not in runs and name not in data]
    for name in added:
        print(name, flush=True)
        if name in RUNS:
            runs[name] = trained(RUNS[name])
        else:
            data[name] = sums(load_task(name))
    return {"numerics": NUMERICS, "data": data, "runs": runs}, added


def record_on_jax(recorded, everything=False):
    """The same of what RECORDED_ON_JAX holds: the runs that draw noise."""
    runs = dict(_current(recorded, everything, RECORDED_ON_JAX).get("runs", {}))
    added = [name for name, run in RUNS.items() if draws_noise(run) and name not in runs]
    for name in added:
        print(f"{name}, with JAX", flush=True)
        runs[name] = trained_on_jax(RUNS[name])
    return {"numerics": NUMERICS, "runs": runs}, added


def _current(recorded, everything, path):
    if everything:
        return {}
    if recorded and recorded["numerics"] != NUMERICS:
        raise ValueError(
            f"{path.name} holds numerics {recorded['numerics']} and the code {NUMERICS}: "
            "record everything anew with --all"
        )
    return recorded


def encode(recorded):
    """JSON with one column a line, and nine digits: as many as a 32-bit float has."""
    text = json.dumps(_rounded(recorded), indent=1)
    # Lists of numbers, which `indent` spreads over lines.
    return re.sub(r"\[([^][]*)\]", lambda list_: f"[{' '.join(list_[1].split())}]", text) + "\n"


def _rounded(value):
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [float(f"{number:.9g}") for number in value]
    return value


def main():
    """Add what is missing, or record everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="record all runs anew")
    arguments = parser.parse_args()
    for path, make in {RECORDED: record, RECORDED_ON_JAX: record_on_jax}.items():
        before = json.loads(path.read_text("utf-8")) if path.exists() else {}
        try:
            recorded, added = make(before, arguments.all)
        except ValueError as error:
            sys.exit(str(error))
        path.write_text(encode(recorded), "utf-8")
        print(f"{len(added)} recorded in {path.name}")


if __name__ == "__main__":
    main()
