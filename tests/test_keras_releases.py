import json
import sys

import keras
import keras_releases as tool
import mask_reader as reader
import numpy as np
import pytest
import release_environment as environments
import release_probe as probe
from packaging.version import Version
from stand_in_kernel import stand_in

RECORD = json.loads(tool.RECORD.read_text("utf-8"))
RELEASES = RECORD["releases"]
KERAS_3 = {name: facts for name, facts in RELEASES.items() if not name.startswith("tf_keras")}
KERAS_2 = RELEASES["tf_keras 2.21.0"]
LATEST = RECORD["latest"]
LAYERS = ("LSTM(dropout=0.5)", "GRU(dropout=0.5)")
BOTH = "LSTM(dropout=0.3, recurrent_dropout=0.6)"


# What the record says


def test_the_record_holds_every_release_and_no_failure():
    asked = [tool.label(release) for release in tool.RELEASES]
    assert list(RELEASES) == [LATEST if name == tool.LATEST else name for name in asked]
    assert RECORD["failed"] == {}
    for name, facts in RELEASES.items():
        assert facts["versions"]["keras"] == name.split()[-1]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("release", ["3.4.1", "3.8.0"])
def test_these_drop_inputs_at_inference_in_the_fused_kernel_alone(release, layer):
    kept = RELEASES[release]["inputs_kept"]
    assert kept[f"{layer}, fused, inference"] == pytest.approx(0.5, abs=0.03)
    assert kept[f"{layer}, loop, inference"] == 1


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("release", ["3.9.2", "3.12.0", LATEST])
def test_later_ones_keep_all_inputs_at_inference(release, layer):
    kept = RELEASES[release]["inputs_kept"]
    for path in ("fused", "loop"):
        assert kept[f"{layer}, {path}, inference"] == 1
        assert kept[f"{layer}, {path}, training"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("release", ["3.0.5", "3.1.1", "3.3.3"])
def test_earlier_ones_leave_the_fused_kernel_for_input_dropout(release, layer):
    facts = RELEASES[release]
    assert facts["kernel"][layer.replace("0.5", "0.3")]["kernel"] == "loop"
    for mode in ("training", "inference"):
        assert facts["inputs_kept"][f"{layer}, fused, {mode}"] is None
        assert f"inputs_kept: {layer}, fused, {mode}" in facts["unmeasured"]
    assert facts["inputs_kept"][f"{layer}, loop, inference"] == 1


@pytest.mark.parametrize("release", RELEASES)
def test_only_3_0_and_3_1_use_the_wrong_rate_for_h(release):
    used = RELEASES[release]["recurrent_rate_used"]
    wrong = release in ("3.0.5", "3.1.1")  # the rate of the input
    assert used[BOTH] == pytest.approx(0.3 if wrong else 0.6, abs=0.03)
    assert used["LSTM(recurrent_dropout=0.5)"] == pytest.approx(0 if wrong else 0.5, abs=0.03)


def test_keras_3_draws_a_mask_once_a_call_and_keras_2_often_at_every_step():
    for facts in KERAS_3.values():
        assert {found["steps"] for found in facts["masks"].values() if found} == {1}
    steps = {name: found["steps"] for name, found in KERAS_2["masks"].items()}
    compiled = {name: found for name, found in steps.items() if name.endswith(", compiled")}
    assert set(compiled.values()) == {probe.STEPS}
    assert steps["LSTM(dropout=0.5), input, eager"] == probe.STEPS
    assert steps["LSTM(recurrent_dropout=0.5), recurrent, eager"] == 1


def test_recurrent_dropout_brings_a_mask_for_each_gate_since_3_8():
    both = "LSTM(dropout=0.5, recurrent_dropout=0.5)"
    for release, facts in KERAS_3.items():
        for source in ("input", "recurrent"):
            gates = facts["masks"][f"{both}, {source}, compiled"]["gates"]
            assert gates == (4 if Version(release) >= Version("3.8") else 1)
        assert facts["masks"]["LSTM(dropout=0.5), input, compiled"]["gates"] == 1


def test_recurrent_dropout_loses_the_fused_kernel_and_without_use_cudnn_xla():
    for facts in KERAS_3.values():
        taken = facts["kernel"]["LSTM(recurrent_dropout=0.3)"]
        assert taken == {"kernel": "loop", "supports_jit": False}
        cured = facts["kernel"]["LSTM(recurrent_dropout=0.3, use_cudnn=False)"]
        assert cured in (None, {"kernel": "loop", "supports_jit": True})


def test_the_stand_in_computed_what_the_loop_does_in_every_release():
    errors = [error for facts in KERAS_3.values() for error in facts["stand_in_error"].values()]
    assert max(errors) < 1e-5


# What the probe measures


@pytest.mark.apart
def test_the_installed_keras_does_what_the_record_says():
    """Starts a process and measures all there: 10 s of processor time."""
    found = tool.probe("keras")
    # One release of a minor version stands for all of it: 3.9.2 for 3.9.0 as well.
    minor = Version(found["versions"]["keras"]).release[:2]
    known = max((name for name in KERAS_3 if Version(name).release[:2] <= minor), key=Version)
    expected = KERAS_3[known]
    assert found.keys() == expected.keys()
    assert found["unmeasured"] == expected["unmeasured"]
    for fact in ("kernel", "masks"):
        assert found[fact] == expected[fact]
    for fact in ("inputs_kept", "recurrent_rate_used"):
        assert found[fact] == pytest.approx(expected[fact], abs=0.03)
    assert max(found["stand_in_error"].values()) < 1e-5


@pytest.fixture
def some_zeros():
    shape = (16, probe.STEPS, reader.WIDTH)
    return (np.random.default_rng(0).random(shape) < 0.5).astype("float32")


def test_the_stand_in_tells_every_dropped_input_from_a_kept_one(some_zeros):
    with stand_in() as calls:
        lstm = reader.read(reader.watching(keras, "LSTM", "input"), some_zeros, training=False)
        gru = reader.read(reader.watching(keras, "GRU", "input"), some_zeros, training=False)
    assert len(calls) == 2
    check_seen(lstm, some_zeros)
    assert np.array_equal(gru[:, :, 0], some_zeros)


@pytest.mark.parametrize("compiled", [True, False])
def test_the_loop_is_read_alike(some_zeros, compiled):
    layer = reader.watching(keras, "LSTM", "input")
    check_seen(reader.read(layer, some_zeros, training=False, compiled=compiled), some_zeros)


def check_seen(seen, inputs):
    for gate, name in enumerate(reader.LSTM_GATES):
        steps = slice(0, 1 if name == "forget" else None)
        assert np.array_equal(seen[:, steps, gate], inputs[:, steps])


def test_the_recurrent_masks_are_read_gate_by_gate(monkeypatch):
    units = reader.WIDTH * 5
    masks = (np.random.default_rng(0).random((4, 16, units)) < 0.5).astype("float32")
    monkeypatch.setattr(keras.layers.LSTMCell, "get_recurrent_dropout_mask", lambda *_: list(masks))
    layer = reader.watching(keras, "LSTM", "recurrent", recurrent_dropout=0.5)
    seen = reader.read(layer, np.ones((16, 3, reader.WIDTH), "float32"), training=True)
    watched = masks.swapaxes(0, 1)[..., : reader.WIDTH]
    assert np.array_equal(seen[:, 0], watched)
    others = [0, 2, 3]  # not the forget gate
    assert np.array_equal(seen[:, 2][:, others], watched[:, others])


def test_the_defect_is_found_where_it_is_put_back(monkeypatch):
    inner_loop = keras.layers.LSTM.inner_loop

    def always_training(self, sequences, initial_state, mask, training=False):
        return inner_loop(self, sequences, initial_state, mask, training=True)

    arguments = (keras, "LSTM", {"dropout": 0.5}, "fused", "inference")
    assert probe.inputs_kept(*arguments) == 1
    monkeypatch.setattr(keras.layers.LSTM, "inner_loop", always_training)
    assert probe.inputs_kept(*arguments) == pytest.approx(0.5, abs=0.03)


def test_a_path_that_was_not_taken_gives_no_number():
    options = {"dropout": 0.5, "use_cudnn": False}
    with pytest.raises(probe.UnmeasuredError, match="did not take the fused kernel"):
        probe.inputs_kept(keras, "LSTM", options, "fused", "inference")


# The command


def test_a_release_that_fails_is_named_and_stops_no_other(monkeypatch, tmp_path, capsys):
    def measure(module, environment, version):
        if version == "3.0.5":
            raise tool.FailedError("ImportError: no such thing")
        return {"module": module}

    def install(release, folder):
        return folder, "9.0.0" if release == tool.LATEST else release.split("==")[-1]

    monkeypatch.setattr(tool, "install", install)
    monkeypatch.setattr(tool, "probe", measure)
    output = tmp_path / "record.json"
    releases = ["3.10.0", "latest", "3.0.5", "3.9.2", "tf_keras==2.21.0"]
    monkeypatch.setattr(sys, "argv", ["", "--output", str(output), "--releases", *releases])
    with pytest.raises(SystemExit) as stopped:
        tool.main()
    assert stopped.value.code == 1
    record = json.loads(output.read_text())
    assert record["failed"] == {"3.0.5": "ImportError: no such thing"}
    assert list(record["releases"]) == ["tf_keras 2.21.0", "3.9.2", "3.10.0", "9.0.0"]
    assert record["releases"]["tf_keras 2.21.0"] == {"module": "tf_keras"}
    assert record["latest"] == "9.0.0"
    assert "FAILED 3.0.5: ImportError: no such thing" in capsys.readouterr().err


def test_a_release_with_failing_tests_is_named(monkeypatch, tmp_path):
    counts = {"passed": 7, "failed": 2, "skipped": 0}
    monkeypatch.setattr(tool, "install", lambda release, folder: (folder, release))
    monkeypatch.setattr(tool, "probe", lambda *_: {})
    monkeypatch.setattr(tool, "run_grid", lambda _: counts)
    record = tool.survey(["3.8.0", "3.9.2"], tmp_path, tool.GRID_RELEASES)
    assert record["grid"] == {"3.9.2": counts}
    assert record["failed"] == {"3.9.2": f"2 tests of {tool.GRID} failed"}


def test_the_report_of_pytest_is_counted(tmp_path):
    report = tmp_path / "report.xml"
    suite = '<testsuite tests="9" failures="2" errors="1" skipped="2"/>'
    report.write_text(f"<testsuites>{suite}</testsuites>")
    assert tool.counted(report) == {"passed": 4, "failed": 3, "skipped": 2}


def test_another_version_than_the_one_installed_is_refused(monkeypatch):
    monkeypatch.setattr(tool, "run", lambda *_: '{"versions": {"keras": "3.9.2"}}')
    assert tool.probe("keras", version="3.9.2")
    with pytest.raises(tool.FailedError, match=r"the probe found 3\.9\.2 instead"):
        tool.probe("keras", version="3.8.0")


def test_what_is_no_release_is_refused_before_anything_is_installed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["", "--releases", "newest"])
    with pytest.raises(SystemExit, match="2"):
        tool.main()
    assert "invalid release_name value: 'newest'" in capsys.readouterr().err


def test_the_environment_goes_first_and_a_failure_is_its_last_line(tmp_path):
    (tmp_path / "keras.py").write_text("__version__ = 'mine'")
    command = [sys.executable, "-c", "import keras; print(keras.__version__)"]
    assert environments.run(command, tmp_path) == "mine\n"
    with pytest.raises(tool.FailedError, match=r"^ModuleNotFoundError: No module named 'nought'$"):
        environments.run([sys.executable, "-c", "import nought"], tmp_path)


def test_only_what_is_needed_and_not_here_is_installed_too(tmp_path):
    needed = ["numpy>=1", "tensorflow", "not-here", 'extra-only; extra == "x"']
    folder = tmp_path / "some-1.0.dist-info"
    folder.mkdir()
    lines = ["Metadata-Version: 2.1", "Name: some", "Version: 1.0"]
    lines += [f"Requires-Dist: {text}" for text in needed]
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    assert environments.distributions(tmp_path) == {"some": "1.0"}
    assert environments.lacking(tmp_path) == ["not_here"]
