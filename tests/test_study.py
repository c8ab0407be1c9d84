import dataclasses
import json
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pandas as pd
import pytest
from made_up_runs import made_up, made_up_record

import lstmreg_utils
from lstmreg_utils import DamagedFileError, Records, StaleRecordWarning, grid, study
from lstmreg_utils.lab import NUMERICS, engines, named_study, studies
from lstmreg_utils.lab.engines import Engine
from lstmreg_utils.lab.runs import blocks_of

RUNS = grid("hidden_ar1", ["input", "output"], rates=[0.5], seeds=3, epochs=2)
ENGINE = Engine("tensorflow", "CPU")


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
    assert not table.duplicated(["arm", "seed", "epoch"]).any()
    expected = {run.key: made_up_record(run).epochs[4, 0].tolist() for run in RUNS}
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
    assert table[["device", "processor", "system", "date", "commit"]].notna().all(axis=None)
    assert table["seconds"].gt(0).all()
    assert set(table["numerics"]) == {NUMERICS}
    assert set(table["engine"]) == {"tensorflow"}


# How it is trained.


def test_progress_is_shown_only_if_wanted_and_only_while_training(
    untrained, executor, tmp_path, capfd
):
    options = {"folder": tmp_path, "executor": executor, "recorded": False}
    study(RUNS[:3], progress=False, **options)
    assert capfd.readouterr().err == ""
    study(RUNS, **options)
    shown = capfd.readouterr().err
    assert shown.startswith(f"{len(RUNS) - 3} networks to train with TensorFlow.\n")
    assert f"{len(RUNS) - 3}/{len(RUNS) - 3}" in shown
    assert "run" in shown
    study(RUNS, **options)
    assert capfd.readouterr().err == ""


def test_what_training_will_take_is_read_from_records_of_the_same_runs(tmp_path):
    twins = named_study("known_floor", seeds=3)[:3]
    shipped = Records(tmp_path / "none").find(twins).values()
    seconds = [record.seconds[k] for record, k in shipped]
    told = f"with TensorFlow: about {sum(seconds) / 60:.2g} core-minutes"
    assert studies.announcement(twins, ENGINE).startswith(f"3 networks to train {told}")


def test_records_of_another_engine_or_device_tell_no_duration(monkeypatch, tmp_path):
    monkeypatch.setenv("LSTMREG_RECORDS", str(tmp_path))
    made = {"engine": "jax", "device": "NVIDIA Z1", "seconds": 90}
    Records(tmp_path).add(made_up_record(RUNS[0], **made))
    told = "1 network to train with JAX on NVIDIA Z1: about 1.5 minutes"
    assert studies.announcement(RUNS[:1], Engine("jax", "NVIDIA Z1")).startswith(told)
    for other in (Engine("jax", "CPU"), Engine("tensorflow", "NVIDIA Z1")):
        assert "about" not in studies.announcement(RUNS[:1], other)


def test_an_unknown_duration_is_not_guessed():
    assert studies.announcement(RUNS[:1], ENGINE) == "1 network to train with TensorFlow."


def test_workers_train_with_what_one_of_them_found(monkeypatch, executor, tmp_path):
    asked, got = [], []

    def find_engine(name):
        asked.append((name, threading.current_thread() is threading.main_thread()))
        return Engine("jax", "NVIDIA Z1")

    def train_block(run, seeds, engine):
        got.append((engine, len(seeds)))
        return made_up(run, seeds)

    monkeypatch.setattr(studies, "find_engine", find_engine)
    monkeypatch.setattr(studies, "train_block", train_block)
    runs = grid("hidden_ar1", ["none"], seeds=201, epochs=1)
    study(runs, folder=tmp_path, engine="jax", executor=executor, workers=1, recorded=False)
    assert asked == [("jax", False)]
    assert got == [("jax", 200), ("jax", 1)]  # as many as a card trains at a time


def test_failed_block_is_named_and_the_others_are_kept(monkeypatch, executor, tmp_path):
    def train_block(run, seeds, engine):
        if run["arm"] and 2 in seeds:
            raise FloatingPointError("overflow")
        return made_up(run, seeds)

    monkeypatch.setattr(studies, "train_block", train_block)
    monkeypatch.setattr(engines, "BLOCK", 1)
    with pytest.raises(RuntimeError, match=r"\[2\] of Run.*FloatingPointError: overflow") as raised:
        study(RUNS, folder=tmp_path, executor=executor, workers=1, recorded=False)
    assert isinstance(raised.value.__cause__, FloatingPointError)
    stored = Records(tmp_path, shipped=False).find(RUNS)
    assert len(stored) == len(list(tmp_path.iterdir())) == 5


class Breaking(Executor):
    """The first block finishes, the second never does, and then the pool is broken."""

    def __init__(self):
        self.futures = []

    def submit(self, call, *arguments):
        if call is studies.find_engine:
            found = Future()
            found.set_result(call(*arguments))
            return found
        if len(self.futures) == 2:
            for future in self.futures[1:]:
                future.set_exception(BrokenProcessPool("a worker died"))
            raise BrokenProcessPool("a worker died")
        self.futures.append(Future())
        if len(self.futures) == 1:
            self.futures[0].set_result(call(*arguments))
        return self.futures[-1]


def test_finished_block_is_kept_when_the_pool_breaks(untrained, tmp_path):
    with pytest.raises(RuntimeError, match=r"Run\(.*BrokenProcessPool: a worker died.*__main__"):
        study(RUNS, folder=tmp_path, executor=Breaking(), workers=2, recorded=False)
    assert len(list(tmp_path.iterdir())) == 3


def test_stale_record_is_reported_and_trained_again(untrained, executor, tmp_path):
    Records(tmp_path, shipped=False).add(made_up_record(RUNS[0], numerics=NUMERICS - 1))
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


# Blocks.


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 99])
@pytest.mark.parametrize("size", [1, 4, 20])
def test_every_run_is_in_one_block_and_a_block_holds_one_arm(
    size, workers, monkeypatch, executor, tmp_path
):
    got = []

    def train_block(run, seeds, engine):
        got.append((json.dumps(run["arm"]), seeds))
        return made_up(run, seeds)

    monkeypatch.setattr(studies, "train_block", train_block)
    monkeypatch.setattr(engines, "BLOCK", size)
    study(RUNS, folder=tmp_path, executor=executor, workers=workers, recorded=False)
    assert max(len(seeds) for _, seeds in got) <= size
    each = [(arm, seed) for arm, seeds in got for seed in seeds]
    assert sorted(each) == sorted((json.dumps(run.arm), run.seed) for run in RUNS)


def test_one_arm_is_shared_out_among_the_workers():
    runs = grid("hidden_ar1", ["none"], seeds=20)
    sizes = {workers: [] for workers in (1, 2, 4, 100)}
    for workers, found in sizes.items():
        executor = Counting(found)
        list(studies._train_all(runs, executor, workers, ENGINE))
    assert sizes[1] == [20]
    assert sizes[2] == [10, 10]
    assert sizes[4] == [5] * 4
    assert sizes[100] == [1] * 20


class Counting(Executor):
    """Notes the sizes of the blocks that it gets, and trains nothing."""

    def __init__(self, sizes):
        self.sizes = sizes

    def submit(self, call, run, seeds, engine):
        self.sizes.append(len(seeds))
        future = Future()
        future.set_result(made_up(run, seeds))
        return future


def test_no_more_blocks_are_under_way_than_there_are_workers(monkeypatch, tmp_path):
    under_way, most = set(), []

    def train_block(run, seeds, engine):
        under_way.add(key := (json.dumps(run["arm"]), tuple(seeds)))
        most.append(len(under_way))
        time.sleep(0.01)
        under_way.remove(key)
        return made_up(run, seeds)

    monkeypatch.setattr(studies, "train_block", train_block)
    with ThreadPoolExecutor(8) as threads:
        study(RUNS, folder=tmp_path, executor=threads, workers=3, recorded=False)
    assert max(most) <= 3


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
    assert [block.seeds for block in blocks_of(runs, 20)] == [(0, 1)] * len(other)


# Code that is edited while a study runs.

EDITED = """
import pathlib, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

package, when = pathlib.Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, str(package.parent))
import lstmreg_utils
from lstmreg_utils import grid, study
assert pathlib.Path(lstmreg_utils.__file__).parent == package

def edit():
    for name, old, new in [
        ("numerics.py", "NUMERICS = 1", "NUMERICS = 2"),
        ("losses.py", "ops.square(y - predicted)", "7 * ops.square(y - predicted)"),
    ]:
        path = package / "lab" / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

def table(seeds):
    runs = grid("hidden_ar1", ["none"], seeds=seeds, units=2, epochs=1, batch_size=64)
    with ThreadPoolExecutor(1) as threads, tempfile.TemporaryDirectory() as folder:
        options = {"executor": threads, "workers": 1, "recorded": False, "progress": False}
        epochs = study(runs, folder=folder, **options)
        made = study(runs, folder=folder, table="provenance", **options)
        return epochs["test_metric"].tolist(), made["numerics"].tolist()

if when == "before training":
    edit()
    print(table([0]))
else:
    before = table([0])
    edit()
    assert table([0]) == before, "other numbers, or another signature"
    print(before[1])
"""


@pytest.fixture
def copied_package(tmp_path):
    """The package without its records, to be edited."""
    source = Path(lstmreg_utils.__file__).parent
    leave = shutil.ignore_patterns("records", "__pycache__")
    return shutil.copytree(source, tmp_path / "lstmreg_utils", ignore=leave)


def run_edited(package, when):
    command = [sys.executable, "-c", EDITED, str(package), when]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.apart
def test_code_that_is_edited_while_it_trains_signs_what_it_has_made(copied_package):
    done = run_edited(copied_package, "while training")
    assert done.stdout == "[1]\n", done.stderr


def test_code_that_is_edited_before_it_trains_does_not_sign_for_the_old(copied_package):
    done = run_edited(copied_package, "before training")
    assert "a worker trained it with other code" in done.stderr
    assert "(NUMERICS 2)" in done.stderr


# A study that is killed.

SCRIPT = """
from lstmreg_utils import grid, study

if __name__ == "__main__":
    study(grid(**{grid!r}), folder={folder!r}, workers=2, recorded=False, progress=False)
"""


@pytest.mark.apart
def test_killed_study_goes_on_where_it_was(
    tiny_grid, tiny_runs, tiny_table, train_in_process, tmp_path
):
    folder, script = tmp_path / "records", tmp_path / "script.py"
    script.write_text(SCRIPT.format(grid=tiny_grid, folder=str(folder)))
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        while not list(folder.glob("*.run")):
            assert process.poll() is None, "the study ended before it could be killed"
            time.sleep(0.005)
    finally:
        process.kill()
        # The workers hold the other end of the pipe: it closes when the last one has gone.
        process.communicate(timeout=60)
    before = {path: path.read_bytes() for path in folder.glob("*.run")}
    kept = Records(folder, shipped=False).find(tiny_runs)  # raises if a file were half-written
    assert 1 <= len(kept) == len(before) < len(tiny_runs)

    resumed = train_in_process(tiny_runs, folder)
    assert {path: path.read_bytes() for path in before} == before
    pd.testing.assert_frame_equal(resumed, tiny_table, rtol=1e-6, atol=1e-6)
