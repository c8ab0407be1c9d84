"""Logs and models of one's own are judged as the book's runs."""

import warnings
from functools import partial

import keras
import numpy as np
import pytest

from lstmreg_utils import compare
from lstmreg_utils.diagnosis.own_models import (
    check_pair,
    signed_metric,
    table_of_histories,
    table_of_models,
)
from lstmreg_utils.layers import ZoneoutLSTM


class History:
    """As `fit` returns it."""

    def __init__(self, **history):
        self.history = history


def history(train, test, **more):
    return {"clean_loss": [1.0, train], "val_loss": [1.0, test], "test_loss": [1.0, test], **more}


PLAIN = [history(0.1, 1.0 + 0.01 * seed) for seed in range(4)]
BETTER = [history(0.2, 0.8 + 0.01 * seed) for seed in range(4)]
WORSE = [history(0.05, 1.5 + 0.01 * seed) for seed in range(4)]


def test_logs_get_the_cause_that_their_losses_carry():
    table = table_of_histories({"none": PLAIN, "a": BETTER, "b": WORSE}, test="test_loss")
    causes = compare(table, margin=0.05).set_index("arm")["cause"]
    assert causes.to_dict() == {"a": "regularization works", "b": "overfitting made worse"}
    at_best = compare(table, at="best", margin=0.05).set_index("arm")
    assert at_best.loc["b", "epoch"] == 1  # stopped before it got worse


def test_what_fit_returns_and_what_it_holds_give_one_table():
    arms = {"none": PLAIN, "mine": BETTER}
    wrapped = {arm: [History(**log) for log in logs] for arm, logs in arms.items()}
    one, other = (table_of_histories(logs, test="test_loss") for logs in (arms, wrapped))
    assert one.equals(other)


def test_reported_loss_gives_the_noise_cost():
    logs = {"none": PLAIN, "mine": [history(0.2, 0.8, loss=[1.0, 0.5]) for _ in range(4)]}
    logs["none"] = [{**log, "loss": log["clean_loss"]} for log in PLAIN]
    row = compare(table_of_histories(logs, test="test_loss"), margin=0.05).iloc[0]
    assert row["noise_cost"] == pytest.approx(0.3)


def test_without_a_test_loss_the_validation_loss_is_reported_with_a_warning():
    with pytest.warns(UserWarning, match="test is not given"):
        table = table_of_histories({"none": PLAIN, "mine": BETTER})
    assert table["test"].equals(table["validation"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table_of_histories({"none": PLAIN, "mine": BETTER}, test="test_loss")


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ({"mine": BETTER}, r"histories must hold the twin under 'none', got \['mine'\]"),
        ({"none": PLAIN, "mine": BETTER[:2]}, "as many runs for each arm"),
        ({"none": PLAIN[:1], "mine": BETTER[:1]}, "at least 2, got"),
        (
            {"none": PLAIN, "mine": [{"loss": [1.0], "val_loss": [1.0]}] * 4},
            r"histories\['mine'\]\[0\] must hold .*missing: \['clean_loss', 'test_loss'\]",
        ),
    ],
)
def test_logs_that_cannot_be_paired_are_refused_by_name(histories, message):
    with pytest.raises(ValueError, match=message):
        table_of_histories(histories, test="test_loss")


def dense(value=0.0, loss="mse", penalty=None, **compiled):
    """A model of one input that predicts `value` times it."""
    layer = keras.layers.Dense(1, use_bias=False, kernel_regularizer=penalty)
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile("sgd", loss, **compiled)
    model.set_weights([np.full((1, 1), value)])
    return model


X, Y = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[1.0], [2.0], [3.0], [0.0]])
W = np.array([1.0, 0.0, 0.0, 3.0])
HALVES = {"train": (X[:2], Y[:2]), "validation": (X[1:3], Y[1:3]), "test": (X[2:], Y[2:])}


def test_fitted_models_are_measured_on_every_split():
    table = table_of_models({"none": [dense(1), dense(1)], "mine": [dense(0), dense(0)]}, **HALVES)
    assert table.loc[0, ["train", "validation", "test"]].tolist() == [0, 0, 8]
    assert table.loc[2, ["train", "validation", "test"]].tolist() == [2.5, 6.5, 4.5]
    assert compare(table, margin=0.05)["effect"].tolist() == ["helps"]


def test_equal_predictions_are_no_difference_whatever_the_penalty():
    arms = {"none": None, "l2": "l2", "l1": keras.regularizers.L1(3.0)}
    models = {arm: [dense(1, penalty=rule) for _ in range(2)] for arm, rule in arms.items()}
    rows = compare(table_of_models(models, **HALVES), margin=0.01)
    assert rows[["d_train", "d_test"]].to_numpy().tolist() == [[0, 0], [0, 0]]
    assert {*rows["effect"]} == {"no difference"}


def test_metric_stands_beside_the_loss_with_its_direction():
    models = [dense(1, metrics=["mae"]), dense(0, metrics=["mae"])]
    table = table_of_models({"none": models, "mine": models}, **HALVES, metric="mae")
    assert table["test_metric"].tolist() == [-2, -1.5, -2, -1.5]


def test_metric_is_found_whose_name_keras_has_numbered():
    assert signed_metric({"loss": 1.0, "auc_3": 0.5}, "auc") == 0.5
    with pytest.raises(ValueError, match="metric must be one of"):
        signed_metric({"loss": 1.0, "auc_3": 0.5}, "au")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: dense(loss="mae"), r"models\['mine'\]\[1\] must be compiled with .*'mse'"),
        (lambda: keras.Sequential(), r"models\['mine'\]\[1\] cannot be .*is not compiled"),
        (lambda: 0, r"models\['mine'\]\[1\] cannot be .*must be a model of Keras 3, got builtins"),
    ],
)  # fmt: skip
def test_model_that_cannot_be_measured_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        table_of_models({"none": [dense()] * 2, "mine": [dense(), wrong()]}, **HALVES)


class Own(keras.losses.Loss):
    """Keras numbers its name as it is made."""

    def call(self, y, predicted):
        return (y - predicted) ** 2


def test_losses_that_are_made_anew_are_the_same_loss():
    models = [dense(1, loss=Own()), dense(0, loss=Own())]
    assert len(table_of_models({"none": models, "mine": models}, **HALVES)) == 4


def test_models_without_a_twin_are_refused():
    with pytest.raises(ValueError, match="models must hold the twin"):
        table_of_models({"mine": [dense()] * 2}, **HALVES)


def made(noise, seed=0, **arguments):
    """A small model with a layer of noise, from a seed."""
    keras.utils.set_random_seed(seed)
    stack = [*noise(), keras.layers.LSTM(3, name="lstm", **arguments), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input((4, 2)), *stack])


@pytest.mark.parametrize("kind", [keras.layers.Dropout, keras.layers.SpatialDropout1D])
def test_a_rate_of_zero_makes_no_twin_and_a_seed_or_copied_weights_do(kind):
    twin, model = made(lambda: [kind(0.0)]), made(lambda: [kind(0.5)])
    with pytest.raises(ValueError, match="got others from layer 'lstm' on"):
        check_pair(twin, model)
    model.set_weights(twin.get_weights())
    check_pair(twin, model)
    check_pair(made(lambda: [kind(0.0, seed=7)]), made(lambda: [kind(0.5, seed=7)]))


def test_arguments_of_the_lstm_and_layers_of_the_package_keep_their_twins():
    def alone():
        return []

    check_pair(made(alone), made(alone, dropout=0.5, recurrent_dropout=0.2))
    ours = [
        made(lambda: [ZoneoutLSTM(2, zoneout_c=rate, return_sequences=True)])  # noqa: B023
        for rate in (0.0, 0.5)
    ]
    check_pair(*ours)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (lambda: (made(list), made(list, seed=1)), "got others from layer 'lstm' on"),
        (lambda: (made(list), keras.Sequential([keras.layers.LSTM(3)])), "model must have weights"),
        (lambda: (made(list), made(lambda: [keras.layers.LSTM(2, return_sequences=True)])),
         "as many layers with weights, got 2 and 3"),
        (lambda: (made(list), made(list, use_bias=False)), "got others from layer 'lstm' on"),
    ],
)  # fmt: skip
def test_models_that_are_no_pair_are_refused_by_the_layer(models, message):
    with pytest.raises(ValueError, match=message):
        check_pair(*models())


def test_copied_weights_and_one_seed_before_fit_give_equal_batches():
    """With a rate that drops nothing the pair trains alike, though one of them draws masks."""
    x = np.random.default_rng(0).normal(size=(24, 4, 2)).astype("float32")
    losses = []
    for rate in (0.0, 1e-9):
        model = made(lambda: [keras.layers.Dropout(rate, seed=3)])  # noqa: B023
        model.compile("adam", "mse", run_eagerly=True)
        losses.append(model.fit(x, x[:, 0, 0], epochs=1, batch_size=12, verbose=0).history["loss"])
    assert losses[0] == losses[1]


@pytest.mark.parametrize("one", [PLAIN[0], History(), dense], ids=["log", "History", "model"])
@pytest.mark.parametrize("table", [table_of_histories, partial(table_of_models, **HALVES)])
def test_one_run_instead_of_a_list_is_refused_in_words(table, one):
    with pytest.raises(ValueError, match=r"\['none'\] must be a list of runs, one a seed, got one"):
        table({"none": one, "mine": one})


@pytest.mark.parametrize("every", [1, 2, 3])
def test_epochs_without_validation_are_left_out(every):
    log = {"clean_loss": [5, 4, 3, 2, 1, 0], "test_loss": [7, 7, 7, 7, 7, 7]}
    log["val_loss"] = [*range(6 // every)]
    table = table_of_histories({"none": [log] * 2}, test="test_loss")
    own = table[table["seed"] == 0]
    assert own["epoch"].tolist() == [*range(every, 7, every)]
    assert own["train"].tolist() == [6 - epoch for epoch in own["epoch"]]


def test_validation_is_of_every_second_epoch_of_all_and_not_of_those_since_training_went_on():
    run = History(clean_loss=[3.0, 2.0], val_loss=[9.0], test_loss=[1.0, 4.0])
    run.epoch = [1, 2]  # the second and the third, of which the second is validated
    own = table_of_histories({"none": [run] * 2}, test="test_loss")
    assert own["train"].tolist() == [3, 3]
    assert own["test"].tolist() == [1, 1]


def test_losses_that_no_frequency_explains_are_named_with_their_lengths():
    log = {"clean_loss": [3, 2, 1], "val_loss": [1, 1], "test_loss": [1]}
    with pytest.raises(ValueError, match=r"histories\['none'\]\[0\] .*lengths {'clean_loss': 3"):
        table_of_histories({"none": [log] * 2}, test="test_loss")


@pytest.mark.parametrize(("metric", "best"), [("val_accuracy", 2), ("val_auc", 2), ("val_mae", 1)])
def test_metric_that_chooses_the_epoch_is_read_in_its_direction(metric, best):
    log = {"clean_loss": [0.5, 0.4], metric: [0.6, 0.9], "test_loss": [0.5, 0.3]}
    arms = {"none": [log] * 2, "mine": [log] * 2}
    table = table_of_histories(arms, validation=metric, test="test_loss")
    assert compare(table, "best", margin=0.01)["epoch"].item() == best


@pytest.mark.parametrize("names", [{"train": "accuracy"}, {"test": "val_auc"}])
def test_metric_in_the_place_of_a_loss_is_refused(names):
    with pytest.raises(ValueError, match="must name a loss, got"):
        table_of_histories({"none": PLAIN, "mine": BETTER}, **names)


def test_metric_without_a_known_direction_is_refused():
    with pytest.raises(ValueError, match="validation must have a name that says whether more"):
        table_of_histories({"none": PLAIN}, validation="val_quux", test="test_loss")


def test_penalty_is_no_noise_and_no_validation_loss():
    log = history(0.2, 0.8, loss=[3.0, 2.2], penalty=[2.0, 2.0], clean_val_loss=[1.0, 0.5])
    table = table_of_histories({"none": [log] * 2}, test="test_loss")
    assert table["validation"].tolist() == [1.0, 0.5] * 2
    assert table["noisy"].tolist() == table["train"].tolist()
