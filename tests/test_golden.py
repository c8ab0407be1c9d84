"""The golden runs give the numbers on record: `pytest -m golden`, about a minute on two free cores.

A run that is red after a change of code says that records of old code are no longer what new code
computes. If that is meant, raise NUMERICS; see tools/golden.py.
"""

import json

import golden
import numpy as np
import pytest
from golden_runs import RUNS, WRITTEN, completed

from lstmreg_utils import Run, arm, load_task
from lstmreg_utils.kernels import cards
from lstmreg_utils.lab import PLACES, places
from lstmreg_utils.lab.auditing import EARLY_LIMITS
from lstmreg_utils.lab.probes import LEVELS
from lstmreg_utils.tasks import TASKS

pytestmark = pytest.mark.golden


@pytest.fixture(scope="module")
def recorded():
    return json.loads(golden.RECORDED.read_text("utf-8"))


@pytest.fixture(autouse=True)
def device(monkeypatch):
    """The numbers are of a processor; on a card the runs are held to them as an audit would."""
    if cards():
        monkeypatch.setattr(golden, "TOLERANCE", EARLY_LIMITS["device"])


@pytest.mark.parametrize("name", RUNS)
def test_run_gives_its_recorded_numbers(name, recorded):
    excess = golden.excess_of_run(RUNS[name], golden.trained(RUNS[name]), recorded["runs"][name])
    assert {where: factor for where, factor in excess.items() if factor > 1} == {}


@pytest.mark.parametrize("name", TASKS)
def test_data_have_their_recorded_sums(name, recorded):
    excess = golden.excess_of_data(golden.sums(load_task(name)), recorded["data"][name])
    assert {where: factor for where, factor in excess.items() if factor > 1} == {}


def test_recorded_is_what_is_compared(recorded):
    assert recorded["numerics"] == golden.NUMERICS
    assert recorded["runs"].keys() == RUNS.keys(), "python tools/golden.py adds what is missing"
    assert recorded["data"].keys() == TASKS.keys(), "python tools/golden.py adds what is missing"


def test_every_task_place_mask_and_probe_has_a_run():
    runs = RUNS.values()
    assert {run.task for run in runs} == TASKS.keys()
    assert {(noise.place, noise.mask) for run in runs for noise in run.arm} == {
        (place.place, place.mask) for place in PLACES.values()
    }
    assert {kind for run in runs for kind, _ in run.probes} == LEVELS.keys()
    assert {run.layers for run in runs} == {0, 1, 2}
    assert any(len(run.head) > 1 for run in runs)
    assert any(not run.arm for run in runs)


def test_what_has_no_written_run_gets_one(monkeypatch):
    def river(seed=0):
        return load_task("lag_recall", seed, n_train=25, n_validation=4, n_test=4)

    def lake(seed=0):
        return load_task("verses", seed, n_train=2, n_validation=4, n_test=4)

    # A new place inside the recurrence, and new masks of old places elsewhere.
    rows = {
        "forget": PLACES["zoneout_c"]._replace(place="forget"),
        "between:batch": PLACES["between"]._replace(mask="batch"),
        "head:step": PLACES["head"]._replace(mask="step"),
        "embedding:step": PLACES["embedding"]._replace(mask="step"),
    }
    monkeypatch.setitem(TASKS, "river", river)
    monkeypatch.setitem(TASKS, "lake", lake)
    monkeypatch.setattr(places, "ROWS", (*places.ROWS, *rows.values()))
    for name, row in rows.items():
        assert row.name == name
        monkeypatch.setitem(PLACES, name, row)
    added = {name: run for name, run in completed(WRITTEN).items() if name not in RUNS}
    assert added.pop("twin of river") == Run("river", units=4, epochs=2, batch_size=8)
    assert added.pop("twin of lake") == Run("lake", units=4, epochs=2, batch_size=1)
    assert {name: run.arm for name, run in added.items()} == {
        f"{name} alone": arm(name, 0.3) for name in rows
    }
    assert added["embedding:step alone"].task == "verses"


def test_best_epoch_of_the_probes_is_neither_the_last_nor_chosen_by_the_test_loss(recorded):
    epochs = recorded["runs"]["probes of values"]["epochs"]
    best = np.argmin(epochs["validation"])
    assert best not in (len(epochs["validation"]) - 1, np.argmin(epochs["test"]))


def test_only_what_is_missing_is_recorded(recorded, monkeypatch):
    monkeypatch.setattr(golden, "trained", lambda run: "new")
    monkeypatch.setattr(golden, "sums", lambda task: "new")
    lacking = {**recorded, "runs": {**recorded["runs"]}, "data": {**recorded["data"]}}
    del lacking["runs"]["zoneout"], lacking["data"]["hidden_ar1"]
    again, added = golden.record(lacking)
    assert sorted(added) == ["hidden_ar1", "zoneout"]
    assert again["runs"] == {**recorded["runs"], "zoneout": "new"}
    assert again["data"] == {**recorded["data"], "hidden_ar1": "new"}


def test_everything_is_recorded_anew_on_request_and_with_other_numerics(recorded, monkeypatch):
    monkeypatch.setattr(golden, "trained", lambda run: "new")
    monkeypatch.setattr(golden, "NUMERICS", recorded["numerics"] + 1)
    with pytest.raises(ValueError, match="--all"):
        golden.record(recorded)
    again, added = golden.record(recorded, everything=True)
    assert again["numerics"] == recorded["numerics"] + 1
    assert set(added) == {*RUNS, *TASKS}
    assert set(again["runs"].values()) == {"new"}


def test_file_is_as_the_tool_writes_it(recorded):
    assert golden.encode(recorded) == golden.RECORDED.read_text("utf-8")


def test_moved_value_other_shape_and_nan_are_seen(recorded):
    name = "perceptron of japanese_vowels"
    run, numbers = RUNS[name], recorded["runs"][name]

    def worst(part, column, change):
        values = change(np.array(numbers[part][column])).tolist()
        moved = {**numbers, part: {**numbers[part], column: values}}
        return max(golden.excess_of_run(run, moved, numbers).values())

    assert worst("epochs", "test", lambda values: values) == 0
    assert worst("epochs", "test", lambda values: values * (1 + 1e-6)) < 1
    assert worst("epochs", "test", lambda values: values * (1 + 1e-4)) > 10
    assert worst("probes", "best", lambda values: values + 1e-3) > 10
    assert worst("epochs", "noisy", lambda values: values[:1]) == np.inf
    assert worst("epochs", "noisy", lambda values: values * np.nan) == np.inf
    one = 1 / 187
    assert worst("epochs", "test_metric", lambda values: values + one) < 1
    assert worst("epochs", "test_metric", lambda values: values + 2 * one) > 1.9


def test_swapped_values_of_a_split_are_seen(recorded):
    task = load_task("nyse_volume")
    y = task.test.y
    y[[3, 4]] = y[[4, 3]]
    excess = golden.excess_of_data(golden.sums(task), recorded["data"]["nyse_volume"])
    assert [name for name, factor in excess.items() if factor > 1] == ["test y"]
