import dataclasses
import importlib
import itertools
import random
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pandas as pd
import pytest
from made_up_runs import made_up

from lstmreg_utils import DamagedFileError, Records, StaleRecordWarning, grid, study
from lstmreg_utils.fingerprint import fingerprint
from lstmreg_utils.studies import named_study

# `lstmreg_utils.study` is the function; this is its module.
MODULE = importlib.import_module("lstmreg_utils.study")

RUNS = grid("hidden_ar1", ["input", "output"], rates=[0.5], seeds=3, epochs=2)


@pytest.fixture
def executor():
    with ThreadPoolExecutor(2) as threads:
        yield threads


class NoTraining(Executor):
    def submit(self, *_, **__):
        raise AssertionError("a recorded run was to be trained")


# What comes back.


def test_every_run_and_epoch_is_a_row(untrained, executor, tmp_path):
    table = study(RUNS, folder=tmp_path, executor=executor, recorded=False)
    assert len(table) == len(RUNS) * 2
    assert not table.duplicated(["arm", "rate", "seed", "epoch"]).any()
    expected = {run.key: made_up(run.to_dict())["epochs"]["test"] for run in RUNS}
    found = table.sort_values("epoch").groupby("run")["test"].agg(list).to_dict()
    assert found == expected


def test_rows_come_in_the_order_of_the_runs_whatever_finishes_first(untrained, executor, tmp_path):
    table = study(RUNS, folder=tmp_path, executor=executor, recorded=False)
    assert table["run"].drop_duplicates().tolist() == [run.key for run in RUNS]


def test_run_that_is_named_twice_is_trained_once(untrained, executor, tmp_path):
    study(RUNS + RUNS, folder=tmp_path, executor=executor, recorded=False)
    assert len(untrained) == len(RUNS)


def test_recorded_runs_are_not_trained(tiny_runs, tiny_folder, tiny_table):
    again = study(tiny_runs, folder=tiny_folder, recorded=False, executor=NoTraining())
    pd.testing.assert_frame_equal(again, tiny_table)


def test_only_what_is_missing_is_trained(untrained, executor, tmp_path):
    study(RUNS[:4], folder=tmp_path, executor=executor, recorded=False)
    untrained.clear()
    study(RUNS, folder=tmp_path, executor=executor, recorded=False)
    assert [run["seed"] for run in untrained].count(0) == 1
    assert len(untrained) == len(RUNS) - 4


def test_probes_are_a_row_each(tiny_runs, tiny_folder):
    table = study(tiny_runs, folder=tiny_folder, recorded=False, table="probes")
    assert len(table) == len(tiny_runs) * 2 * 2
    assert set(table["at"]) == {"last", "best"}
    assert set(zip(table["probe"], table["level"], strict=True)) == {
        ("noise", 0.5), ("missing", 0.5),
    }  # fmt: skip
    assert table["value"].gt(0).all()


def test_provenance_says_where_a_record_comes_from(tiny_runs, tiny_folder):
    table = study(tiny_runs, folder=tiny_folder, recorded=False, table="provenance")
    assert len(table) == len(tiny_runs)
    for column in ("python", "keras", "tensorflow", "numpy", "lstmreg_utils"):
        assert table[column].str.match(r"\d+\.\d+").all(), column
    assert table[["device", "processor", "system", "date"]].notna().all(axis=None)
    assert table["seconds"].gt(0).all()
    assert set(table["fingerprint"]) == {fingerprint("hidden_ar1")}


# How it is trained.


def test_progress_is_shown_only_if_wanted_and_only_while_training(
    untrained, executor, tmp_path, capfd
):
    options = {"folder": tmp_path, "executor": executor, "recorded": False}
    study(RUNS[:3], progress=False, **options)
    assert capfd.readouterr().err == ""
    study(RUNS, **options)
    shown = capfd.readouterr().err
    assert shown.startswith(f"{len(RUNS) - 3} networks to train")
    assert f"{len(RUNS) - 3}/{len(RUNS) - 3}" in shown
    assert "run" in shown
    study(RUNS, **options)
    assert capfd.readouterr().err == ""


def test_what_training_will_take_is_read_from_records_of_the_same_runs(tmp_path):
    twins = named_study("known_floor", seeds=3)[:3]
    shipped = Records(tmp_path / "none").find(twins).values()
    seconds = [record["made"]["seconds"] for record in shipped]
    said = MODULE.announcement(twins)
    assert said.startswith(f"3 networks to train: about {sum(seconds) / 60:.2g} core-minutes")


def test_an_unknown_duration_is_not_guessed():
    assert MODULE.announcement(RUNS[:1]) == "1 network to train."


def test_failed_run_is_named_and_the_others_are_kept(monkeypatch, executor, tmp_path):
    def train_record(run):
        if run["arm"] and run["seed"] == 2:
            raise FloatingPointError("overflow")
        return made_up(run)

    monkeypatch.setattr(MODULE, "train_record", train_record)
    with pytest.raises(RuntimeError, match=r"seed=2.*FloatingPointError: overflow") as raised:
        study(RUNS, folder=tmp_path, executor=executor, workers=1, recorded=False)
    assert isinstance(raised.value.__cause__, FloatingPointError)
    stored = Records(tmp_path, shipped=False).find(RUNS)
    assert len(stored) == len(list(tmp_path.iterdir())) == 5


class Breaking(Executor):
    """The first run finishes, the second never does, and then the pool is broken."""

    def __init__(self):
        self.futures = []

    def submit(self, call, run):
        if len(self.futures) == 2:
            for future in self.futures[1:]:
                future.set_exception(BrokenProcessPool("a worker died"))
            raise BrokenProcessPool("a worker died")
        self.futures.append(Future())
        if len(self.futures) == 1:
            self.futures[0].set_result(call(run))
        return self.futures[-1]


def test_finished_run_is_kept_when_the_pool_breaks(untrained, tmp_path):
    with pytest.raises(RuntimeError, match=r"Run\(.*BrokenProcessPool: a worker died"):
        study(RUNS, folder=tmp_path, executor=Breaking(), workers=2, recorded=False)
    assert len(list(tmp_path.iterdir())) == 1


def test_stale_record_is_reported_and_trained_again(untrained, executor, tmp_path):
    old = made_up(RUNS[0].to_dict())
    old["made"]["fingerprint"] = "0" * 16
    Records(tmp_path, shipped=False).write(old)
    with pytest.warns(StaleRecordWarning, match=RUNS[0].key):
        study(RUNS[:2], folder=tmp_path, executor=executor, recorded=False)
    assert len(untrained) == 2


def test_damaged_record_stops_a_study_before_it_trains(untrained, executor, tmp_path):
    study(RUNS[:1], folder=tmp_path, executor=executor, recorded=False)
    next(tmp_path.iterdir()).write_text("{")
    with pytest.raises(DamagedFileError):
        study(RUNS, folder=tmp_path, executor=NoTraining(), recorded=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runs": []}, "runs must hold at least one Run, got none"),
        ({"table": "epoch"}, "table must be one of .*'epochs'.*, got 'epoch'"),
        ({"workers": 0}, "workers must be an integer of at least 1, got 0"),
        ({"workers": True}, "workers must be"),
        ({"workers": 1.5}, "workers must be"),
    ],
)
def test_argument_that_makes_no_sense_is_refused_by_name(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        study(**{"runs": RUNS, "folder": tmp_path, "executor": NoTraining(), **options})


# Who trains what.


def handed_out(sizes, lanes, seed):
    """All runs in the order that each lane gets them, when lanes come back at random."""
    runs = [
        run
        for group, size in enumerate(sizes)
        for run in grid("hidden_ar1", ["none"], seeds=size, units=group + 1)
    ]
    source = MODULE._Lanes(runs, lanes)
    waiting, got = list(range(lanes)), [[] for _ in range(lanes)]
    chance = random.Random(seed)
    while waiting:
        lane = chance.choice(waiting)
        run = source.next(lane)
        got[lane].append(run) if run else waiting.remove(lane)
    return runs, got


@pytest.mark.parametrize("seed", range(50))
def test_every_run_is_handed_out_exactly_once(seed):
    chance = random.Random(seed)
    sizes = [chance.randint(1, 12) for _ in range(chance.randint(1, 9))]
    runs, got = handed_out(sizes, chance.randint(1, 8), seed)
    assert sorted(run.key for lane in got for run in lane) == sorted(run.key for run in runs)


def changes(lane):
    return sum(before.units != after.units for before, after in itertools.pairwise(lane))


@pytest.mark.parametrize("seed", range(10))
def test_lane_keeps_to_an_arm_while_others_have_work(seed):
    sizes, lanes = [20] * 6, 2
    _, got = handed_out(sizes, lanes, seed)
    # Each arm is begun once; work that is shared at the end is begun once more, in ever smaller
    # halves: at most log2(20) times by each lane.
    assert sum(map(changes, got)) <= len(sizes) - lanes + 2 * 5
    begun = [{run.units for run in lane} for lane in got]
    assert len(begun[0] & begun[1]) <= 2


@pytest.mark.parametrize("seed", range(10))
def test_lane_without_an_arm_helps_the_busiest(seed):
    _, got = handed_out([40], 2, seed)
    assert min(map(len, got)) > 10


def test_arms_that_differ_in_anything_but_the_seed_are_kept_apart():
    fields = {field.name for field in dataclasses.fields(RUNS[0])} - {"seed"}
    other = {
        "task": "noise_targets", "arm": [("input", "step", 0.1)], "options": {"steps": 3},
        "units": 1, "layers": 2, "head": (3,), "epochs": 9, "batch_size": 9,
        "learning_rate": 0.1, "probes": [("noise", 1)],
    }  # fmt: skip
    assert set(other) == fields
    runs = [
        dataclasses.replace(run, **{name: value})
        for name, value in other.items()
        for run in (RUNS[0], RUNS[1])
    ]
    lanes = MODULE._Lanes(runs, 1)
    assert [len(group) for group in lanes._waiting] == [2] * len(other)


# A study that is killed.

SCRIPT = """
from lstmreg_utils import grid, study

if __name__ == "__main__":
    study(grid(**{grid!r}), folder={folder!r}, workers=2, recorded=False, progress=False)
"""


def test_killed_study_goes_on_where_it_was(
    tiny_grid, tiny_runs, tiny_table, train_in_process, tmp_path
):
    folder, script = tmp_path / "records", tmp_path / "script.py"
    script.write_text(SCRIPT.format(grid=tiny_grid, folder=str(folder)))
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        while not list(folder.glob("*.json")):
            assert process.poll() is None, "the study ended before it could be killed"
            time.sleep(0.005)
    finally:
        process.kill()
        # The workers hold the other end of the pipe: it closes when the last one has gone.
        process.communicate(timeout=60)
    before = {path: path.read_bytes() for path in folder.glob("*.json")}
    kept = Records(folder, shipped=False).find(tiny_runs)  # raises if a file were half-written
    assert 1 <= len(kept) == len(before) < len(tiny_runs)

    resumed = train_in_process(tiny_runs, folder)
    assert {path: path.read_bytes() for path in before} == before
    pd.testing.assert_frame_equal(resumed, tiny_table, rtol=1e-6, atol=1e-6)
