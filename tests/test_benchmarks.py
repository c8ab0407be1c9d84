"""What the benchmarks compute; how fast anything is, no test asserts."""

import collections
import json
from argparse import Namespace
from importlib import resources

import keras
import kernels
import numpy as np
import pytest
import recurrent_layers
import tensorflow as tf
from kernels import ZONEOUT
from recurrent_layers import AGAIN, COMPILED, KERAS_OWN, LISTING, OURS, UNROLLED, ZONEOUT_C, ratio
from tolerances import ATOL
from zoneout_listing import ListingZoneoutLSTM

from lstmreg_utils.kernels import load_times, steps
from lstmreg_utils.kernels.steps import MODES, count_step_operations, time_rounds
from lstmreg_utils.kernels.times import ARMS
from lstmreg_utils.layers import ZoneoutLSTM

pytestmark = pytest.mark.rare

TINY = ["--steps", "4", "--rounds", "2", "--batch", "2", "--units", "3", "--modes", "graph"]
RECORDED = resources.files("lstmreg_utils") / "records/kernel_times/amd_epyc_2_threads.json"


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 4, 5)).astype("float32"), rng.normal(size=(2, 3)).astype("float32")


@pytest.fixture
def untraced():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize("target", [("<=", 1.0), ("<", 1)])
def test_ratio_is_the_median_of_the_ratios_of_a_round(target):
    row = ratio({"a": [1.0, 8.0, 6.0], "b": [1.0, 2.0, 6.0]}, "a", "b", target)
    assert (row["layer"], row["against"], row["ms"]) == ("a", "b", 6000)
    assert (row["q1"], row["ratio"], row["q3"]) == (1, 1, 2.5)  # of the medians: 3
    assert row["target"] == f"{target[0]} 1: {'yes' if target[0] == '<=' else 'no'}"


def test_every_step_runs_once_a_round_in_changing_order(monkeypatch):
    monkeypatch.setattr(steps, "WARM_UP", 0)
    calls, names = [], list("abcd")
    taken = time_rounds({name: lambda name=name: calls.append(name) for name in names}, 5)
    rounds = [calls[k : k + 4] for k in range(0, 20, 4)]
    assert all(sorted(order) == names for order in rounds)
    assert len({*map(tuple, rounds)}) > 1
    assert {name: len(times) for name, times in taken.items()} == dict.fromkeys(names, 5)


def test_table_has_every_layer_and_paired_ratios(tmp_path, monkeypatch, capsys, untraced):
    kept = {}

    def spied(*arguments):
        kept.update(time_rounds(*arguments))
        return kept

    monkeypatch.setattr(recurrent_layers, "time_rounds", spied)
    file = tmp_path / "table.json"
    recurrent_layers.main([*TINY, "--no-listing", "--json", str(file)])
    record = json.loads(file.read_text())
    against_reference = {row["layer"] for row in record["rows"] if row["against"] == "LSTM"}
    assert {*KERAS_OWN, *OURS} <= against_reference == {*kept}
    for row in record["rows"]:
        paired = np.median(np.array(kept[row["layer"]]) / np.array(kept[row["against"]]))
        assert row["ratio"] == pytest.approx(paired, abs=1e-3)
    printed = capsys.readouterr().out
    assert all(f"{name}: {value}\n" in printed for name, value in record["header"].items())
    *_, last = printed.rstrip().splitlines()
    assert f"{record['rows'][-1]['layer']} " in last


@pytest.mark.parametrize(("mode", "limit"), [("XLA", "1.5"), ("jit", "1.5"), ("graph", "1.25")])
def test_compiled_zoneout_is_held_to_the_loop_of_keras_up_to_noise(mode, limit, monkeypatch):
    taken = {name: [2.0, 2.0, 2.0] for name in [*KERAS_OWN, *OURS]} | {AGAIN: [1.0, 2.0, 4.0]}
    monkeypatch.setattr(recurrent_layers, "time_rounds", lambda *_: taken)
    monkeypatch.setattr(recurrent_layers, "cards", list)
    monkeypatch.setitem(MODES, mode, lambda *_: None)
    rows = recurrent_layers.compare_layers(mode, 4, Namespace(batch=2, units=3, rounds=3))
    (held,) = (r for r in rows if r["layer"] == "zoneout" and r["against"] == "LSTM")
    assert held["target"] == f"<= {limit}: yes"


def test_kernels_prints_one_table_and_writes_a_record(tmp_path, monkeypatch, capsys):
    asked = {}

    def measured(*arguments):
        asked.update(zip(("lengths", "batch", "units", "rounds"), arguments, strict=True))
        record = load_times(RECORDED)
        record["left_out"] = {"some arm": "some reason"}
        record["rows"][-1] |= dict.fromkeys(("milliseconds", "ratio", "q1", "q3"))
        record["rows"][-1] |= {"error": "some error"}
        return record

    monkeypatch.setattr(kernels, "kernel_times", measured)
    file = tmp_path / "record.json"
    kernels.main(["--lengths", "4", "5", "--rounds", "2", "--json", str(file)])
    assert asked == {"lengths": [4, 5], "batch": 64, "units": 128, "rounds": 2}
    record, printed = load_times(file), capsys.readouterr().out
    assert all(f"{name}: {value}\n" in printed for name, value in record["header"].items())
    assert "left out: some arm (some reason)\n" in printed
    assert "some error" in printed
    header, *rows = printed.rpartition("\n\n")[2].splitlines()
    assert header.split()[:7] == ["T", "arm", "mode", "kernel", "milliseconds", "ratio", "q1"]
    assert len(rows) == len(record["rows"])


def test_zoneout_is_held_to_the_compiled_loop_of_keras():
    record = load_times(RECORDED.with_name("nvidia_h200_tensorflow.json"))
    bounds = {r["T"]: r["bound"] for r in kernels.hold(record["rows"]) if r["bound"]}
    assert bounds == {
        50: "0.86 of Keras' loop, <= 1: yes", 200: "0.88 of Keras' loop, <= 1: yes",
        1000: "0.90 of Keras' loop, <= 1: yes",
    }  # fmt: skip
    slower = [row | {"milliseconds": 99.0} for row in record["rows"] if row["arm"] == ZONEOUT]
    others = [row for row in record["rows"] if row["arm"] != ZONEOUT]
    assert all(r["bound"].endswith("no") for r in kernels.hold(others + slower) if r["bound"])
    assert not any(row["bound"] for row in kernels.hold(slower))


@pytest.mark.whole_grid  # XLA compiles for half a minute
def test_every_arm_is_compiled_and_timed():
    record = kernels.kernel_times([3], batch=2, units=2, rounds=2, progress=False)
    assert [row["error"] for row in record["rows"]] == [None] * len(ARMS)


def test_listing_is_compared_by_first_call_and_by_step(tmp_path, monkeypatch, untraced):
    monkeypatch.setattr(
        recurrent_layers,
        "count_step_operations",
        lambda layer, x, y: collections.Counter(nodes=len(type(layer).__name__)),
    )
    monkeypatch.setattr(recurrent_layers, "compare_layers", lambda *_: [])
    file = tmp_path / "table.json"
    recurrent_layers.main([*TINY, "--json", str(file)])
    record = json.loads(file.read_text())
    layers = [LISTING, ZONEOUT_C, UNROLLED]
    # In a graph, with our layer compiled beside it, and all three compiled.
    found = [(row["mode"], row["what"], row["layer"]) for row in record["rows"]]
    assert found == [
        *(("graph", what, name) for what in ("step", "first call") for name in [*layers, COMPILED]),
        *(("XLA", what, name) for what in ("step", "first call") for name in layers),
        *(("graph", "nodes", name) for name in layers),
    ]
    assert [row["nodes"] for row in record["rows"] if row["what"] == "nodes"] == [18, 11, 11]


@pytest.mark.parametrize("mode", MODES)
def test_step_is_the_one_of_model_fit(batch, mode):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.LSTM(3, use_cudnn=False) for _ in range(2)]
    for layer in layers:
        layer.build(batch[0].shape)
    layers[1].set_weights(layers[0].get_weights())
    step = MODES[mode](layers[0], *batch)
    model = keras.Sequential([layers[1]])
    model.compile("adam", "mse", run_eagerly=True)
    theirs = []
    for _ in range(3):
        model.reset_metrics()  # Keras 3.9 gives the mean over all batches so far
        theirs.append(float(model.train_on_batch(*batch)))
    assert [step() for _ in range(3)] == pytest.approx(theirs, rel=1e-5)
    assert theirs[2] < theirs[0]


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_listing_and_layer_zone_alike(batch, rate):
    listing, ours = ListingZoneoutLSTM(3, rate), ZoneoutLSTM(3, zoneout_c=rate)
    for layer in (listing, ours):
        layer.build(batch[0].shape)
    ours.set_weights(listing.get_weights())
    theirs = listing(batch[0], training=True)
    np.testing.assert_allclose(ours(batch[0], training=True), theirs, atol=ATOL)


def test_only_the_graph_of_the_listing_grows_with_time(batch):
    def nodes(make, T):
        x, y = batch
        return count_step_operations(make(), np.resize(x, (len(x), T, x.shape[2])), y).total()

    listing = [nodes(lambda: ListingZoneoutLSTM(3), T) for T in (1, 2, 3)]
    # TensorFlow writes a tensor of up to 1000 equal numbers otherwise than a larger one.
    ours = [nodes(lambda: ZoneoutLSTM(3, zoneout_c=0.2), T) for T in (2, 600)]
    assert listing[2] - listing[1] == pytest.approx(listing[1] - listing[0], abs=10)
    assert listing[0] < listing[1] < listing[2]
    assert ours[0] == ours[1]
