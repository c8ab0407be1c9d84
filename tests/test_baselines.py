"""What a constant and a linear model reach."""

from dataclasses import replace

import numpy as np
import pytest

from lstmreg_utils import Split, load_task
from lstmreg_utils.tasks import baselines
from lstmreg_utils.tasks.yardsticks import PENALTIES


def test_least_squares_reach_the_known_loss_of_the_volume():
    """0.397 without any penalty, over the seeds of the studies."""
    found = [baselines(load_task("nyse_volume", seed)).loc["linear", "test"] for seed in range(20)]
    assert np.mean(found) == pytest.approx(0.397, abs=0.001)


def test_the_constant_is_the_mean_or_the_frequencies():
    volume, letters = load_task("nyse_volume", 3), load_task("lag_recall", 3)
    constant = baselines(volume).loc["constant"]
    assert constant["test"] == pytest.approx(np.mean((volume.test.y - volume.train.y.mean()) ** 2))
    assert constant["train_metric"] == pytest.approx(0, abs=1e-6)
    constant = baselines(letters).loc["constant"]
    p = letters.train.y.mean()
    assert constant["train"] == pytest.approx(-p * np.log(p) - (1 - p) * np.log(1 - p), abs=1e-4)
    assert constant["test_metric"] == (letters.test.y == (p > 0.5)).mean()


def test_a_linear_model_comes_near_a_linear_floor():
    task = load_task("hidden_ar1", 0, n_train=4000, n_test=4000)
    assert baselines(task).loc["linear", "test"] == pytest.approx(task.floor, rel=0.05)


def test_of_pure_noise_the_strongest_penalty_leaves_the_constant():
    found = baselines(load_task("noise_targets", 0))
    assert found.loc["linear", "penalty"] == PENALTIES[0]
    assert found.loc["linear", "test"] == pytest.approx(found.loc["constant", "test"], rel=1e-3)


@pytest.mark.parametrize(
    ("name", "sizes", "inputs"),
    [
        ("verses", {"n_train": 400, "vocabulary": 300, "steps": 12}, "counted"),
        ("novels", {"n_train": 500}, "one-hot"),
        ("peptides", {}, "counted"),
        ("pen_digits", {}, "flattened"),
    ],
)
def test_tokens_are_read_in_the_form_that_validates_best(name, sizes, inputs):
    found = baselines(load_task(name, 0, **sizes))
    assert found.loc["linear", "inputs"] == inputs
    assert found.loc["linear", "test"] < found.loc["constant", "test"]


def test_test_data_choose_nothing():
    task = load_task("hidden_ar1", 0)
    reversed_test = replace(task, test=Split(task.test.x, -task.test.y))
    once, again = (baselines(each).loc["linear"] for each in (task, reversed_test))
    assert once.drop(["test", "test_metric"]).equals(again.drop(["test", "test_metric"]))
    assert again["test"] > once["test"]


def test_a_class_that_does_not_train_has_a_finite_loss():
    task = load_task("pen_digits", 0)
    kept = task.train.y != 3
    rare = replace(task, train=Split(task.train.x[kept], task.train.y[kept]))
    found = baselines(rare)
    assert np.isfinite(found[["validation", "test"]]).all(axis=None)
    assert found.loc["linear", "test"] > baselines(task).loc["linear", "test"] + 0.2
