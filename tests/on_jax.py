"""What the package does on JAX, and how it says what it does not do.

Not collected with the other tests: a process can hold one backend of Keras only. `nox -s jax` runs
these where TensorFlow is not installed.
"""

import sys

import keras
import numpy as np
import pytest

from lstmreg_utils import compare, explain_cudnn, grid, load_task, study
from lstmreg_utils.__main__ import main
from lstmreg_utils.diagnosis.clean_loss import CleanTrainingLoss
from lstmreg_utils.diagnosis.own_models import table_of_histories, table_of_models
from lstmreg_utils.kernels import kernel_trace
from lstmreg_utils.lab.catalogue import named_study
from lstmreg_utils.lab.worker import train_block
from lstmreg_utils.layers import RecurrentDropoutLSTM, WeightDropLSTM, ZoneoutLSTM

LAYERS = {
    "none": lambda: keras.layers.LSTM(4),
    "recurrent": lambda: RecurrentDropoutLSTM(4, dropout_g=0.5),
    "weights": lambda: WeightDropLSTM(4, weight_drop=0.5),
    "zoneout": lambda: ZoneoutLSTM(4, zoneout_c=0.5),
}
NEW = {"arms": ["none"], "seeds": 1, "units": 2, "epochs": 2, "batch_size": 64}


@pytest.fixture
def without_tensorflow(monkeypatch):
    """As where it is not installed."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)


@pytest.fixture
def with_tensorflow(monkeypatch):
    """As where it is installed, and Keras runs JAX all the same."""
    monkeypatch.setattr("lstmreg_utils.lab.worker.find_spec", lambda name: name)
    monkeypatch.setattr("lstmreg_utils.lab.worker.use_one_thread", lambda: None)


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
    assert effects["verdict"].notna().all()


def test_data_sets_load(without_tensorflow):
    assert len(load_task("japanese_vowels").train) > 0


def test_training_without_tensorflow_is_refused_plainly(without_tensorflow, tmp_path):
    with pytest.raises(RuntimeError, match="trained with TensorFlow, which is not installed"):
        train_block({"task": "hidden_ar1"}, [0])


def test_training_on_jax_is_refused_plainly(with_tensorflow):
    with pytest.raises(RuntimeError, match="trained with TensorFlow, Keras runs jax here"):
        train_block({"task": "hidden_ar1"}, [0])


def test_a_study_that_needs_training_names_the_run_and_the_reason(tmp_path):
    runs = grid("hidden_ar1", **NEW)
    with pytest.raises(RuntimeError, match=r"Run\(task='hidden_ar1'.*trained with TensorFlow"):
        study(runs, folder=tmp_path, workers=1, progress=False)


def test_an_audit_is_refused_in_one_line(capsys):
    assert main(["audit", "--sample", "1", "--workers", "1"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "trained with TensorFlow" in told.err.splitlines()[-1]


def test_the_fused_kernel_is_not_judged_and_the_report_says_why(tmp_path, capsys):
    model = model_of(keras.layers.LSTM(4))
    report = explain_cudnn(model, device="gpu")
    assert report.layers[0].kernel is None
    assert "Keras runs jax here; only the rules of TensorFlow are known" in str(report)
    path = tmp_path / "model.keras"
    model.save(path)
    assert main(["explain-cudnn", str(path)]) == 2
    assert "Keras runs jax here" in capsys.readouterr().out


def test_a_trace_of_the_kernel_is_refused_plainly():
    with pytest.raises(RuntimeError, match="kernel_trace needs TensorFlow, Keras runs jax"):
        kernel_trace(lambda: keras.layers.LSTM(4))
