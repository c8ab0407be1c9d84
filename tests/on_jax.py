"""What the package does on JAX, and how it says what it does not do.

Not collected with the other tests: a process can hold one backend of Keras only. `nox -s jax` runs
these where TensorFlow is not installed.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import jax_faults
import keras
import numpy as np
import pytest

from lstmreg_utils import compare, explain_kernel, grid, load_task, study
from lstmreg_utils.__main__ import main
from lstmreg_utils.diagnosis.clean_loss import CleanTrainingLoss
from lstmreg_utils.diagnosis.own_models import table_of_histories, table_of_models
from lstmreg_utils.kernels.releases import release
from lstmreg_utils.lab import named_study, pack
from lstmreg_utils.lab.worker import train_block
from lstmreg_utils.layers import RecurrentDropoutLSTM, WeightDropLSTM, ZoneoutLSTM
from lstmreg_utils.machine import installed_version

LAYERS = {
    "none": lambda: keras.layers.LSTM(4),
    "recurrent": lambda: RecurrentDropoutLSTM(4, dropout_g=0.5),
    "weights": lambda: WeightDropLSTM(4, weight_drop=0.5),
    "zoneout": lambda: ZoneoutLSTM(4, zoneout_c=0.5),
}
RUNS = grid(
    "hidden_ar1", ["dropout"], rates=[0.5], seeds=2, units=2, epochs=2, batch_size=16,
    options={"n_train": 32, "n_validation": 32, "n_test": 32, "steps": 5},
)  # fmt: skip
NEW = {"workers": 1, "recorded": False, "progress": False}


@pytest.fixture
def without_tensorflow(monkeypatch):
    """As where it is not installed."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)


@pytest.fixture
def with_tensorflow(monkeypatch):
    """As where it is installed, and Keras runs JAX all the same."""
    monkeypatch.setattr("lstmreg_utils.lab.engines.find_spec", lambda name: name)
    monkeypatch.setattr("lstmreg_utils.lab.engines._prepare_tensorflow", lambda: None)


def model_of(layer):
    model = keras.Sequential([keras.layers.Input((5, 1)), layer, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def test_this_is_jax():
    assert keras.config.backend() == "jax"


def test_models_of_ones_own_are_trained_and_compared(without_tensorflow):
    rng = np.random.default_rng(0)
    splits = [(rng.normal(size=(16, 5, 1)), rng.normal(size=(16, 1))) for _ in range(3)]
    models, logs = {}, {}
    for arm, layer in LAYERS.items():
        for seed in range(2):
            keras.utils.set_random_seed(seed)
            model = model_of(layer())
            clean = CleanTrainingLoss(*splits[0])
            fitted = model.fit(
                *splits[0], validation_data=splits[1], epochs=2, verbose=0, callbacks=[clean]
            )
            models.setdefault(arm, []).append(model)
            logs.setdefault(arm, []).append(fitted)
    with pytest.warns(UserWarning, match="test is not given"):
        by_epoch = compare(table_of_histories(logs), margin=0.01)
    at_the_end = compare(table_of_models(models, *splits), margin=0.01)
    assert sorted(by_epoch["arm"]) == sorted(at_the_end["arm"]) == sorted({*LAYERS} - {"none"})
    # One number in two ways: the callback's and that of `evaluate`.
    both = [table.set_index("arm").sort_index()["d_train"] for table in (by_epoch, at_the_end)]
    np.testing.assert_allclose(*both, atol=1e-5)


def test_recorded_studies_are_read_and_judged(without_tensorflow):
    effects = compare(study(named_study("known_floor")))
    assert len(effects) > 0
    assert effects["effect"].notna().all()


def test_data_sets_load(without_tensorflow):
    assert len(load_task("japanese_vowels").train) > 0


def test_tensorflow_is_refused_where_it_is_not_installed(without_tensorflow):
    with pytest.raises(RuntimeError, match="'tensorflow' needs TensorFlow: pip install tensorflow"):
        train_block(RUNS[0].to_dict(), [0])


def test_tensorflow_is_refused_where_keras_runs_jax(with_tensorflow):
    told = "'tensorflow' needs a process of its own, since Keras runs jax"
    with pytest.raises(RuntimeError, match=told):
        train_block(RUNS[0].to_dict(), [0])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of runs that a study has trained where TensorFlow is not installed."""
    folder = tmp_path_factory.mktemp("records")
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as executor:
        patch.setitem(sys.modules, "tensorflow", None)
        table = study(RUNS, folder=folder, executor=executor, **NEW)
    assert np.isfinite(table[["train", "validation", "test"]]).all(axis=None)
    return folder


def test_a_study_is_trained_without_tensorflow_and_says_with_what(without_tensorflow, trained):
    made = study(RUNS, folder=trained, table="provenance", **NEW)
    assert {*made["engine"]} == {"jax"}
    assert {*made["jax"]} == {installed_version("jax")}
    assert "tensorflow" not in made


def test_an_audit_trains_in_processes_of_its_own(trained, monkeypatch, tmp_path, capsys):
    pack(RUNS, tmp_path / "tiny.study", trained)
    monkeypatch.setattr("lstmreg_utils.lab.auditing.shipped_folder", lambda: tmp_path)
    assert main(["audit", "--sample", "2", "--workers", "1", "--engine", "jax"]) == 0
    assert "2 of 2 agree" in capsys.readouterr().out


def test_a_saved_model_is_judged_by_the_rules_of_jax(tmp_path, capsys):
    model = model_of(keras.layers.LSTM(4))
    path = tmp_path / "model.keras"
    model.save(path)
    since = release() >= (3, 14)
    assert main(["explain-kernel", str(path)]) == (0 if since else 1)
    assert "on jax, a machine with an NVIDIA GPU" in capsys.readouterr().out


@pytest.fixture(scope="module")
def measured():
    return jax_faults.facts()


def test_the_installed_keras_has_the_faults_on_record_or_the_notes_are_out_of_date(measured):
    known = json.loads(jax_faults.RECORD.read_text("utf-8"))
    # A release that no record has is judged like the last: if it has mended a fault, end the
    # behaviour in `lstmreg_utils/kernels/releases.py` and run `tools/jax_faults.py --releases`.
    recorded = [name for name in known if release(name)[:2] <= release()[:2]]
    expected = known[recorded[-1] if recorded else min(known, key=release)]
    assert measured["16 bits in fit"] == expected["16 bits in fit"]
    for name, found in measured["differences"].items():
        assert found == pytest.approx(expected["differences"][name], abs=1e-5), name


def test_the_report_warns_of_what_is_measured(measured):
    for name, arguments in jax_faults.CASES.items():
        made = {"return_sequences": True, **arguments}
        both = made.pop("both", False)
        layer = keras.layers.LSTM(5, **made)
        layer = keras.layers.Bidirectional(layer) if both else layer
        report = explain_kernel(layer, device="gpu")
        warned = any(each.costs == "result" for of in report.layers for each in of.findings)
        assert warned == ((measured["differences"][name] or 0) > 0.01), name
        assert not (warned and report)
