"""The callback measures what `fit` trains on, and leaves the training as it was."""

import copy
import pickle

import keras
import numpy as np
import pytest

from lstmreg_utils.diagnosis.clean_loss import CleanTrainingLoss
from lstmreg_utils.diagnosis.measuring import Measure, readable

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)).astype("float32"), RNG.integers(0, 2, (24, 1)).astype("float32")
W = RNG.random(24).astype("float32")
WEIGHTS = {0: 1.0, 1: 9.0}
BY_CLASS = np.where(Y[:, 0] == 1, 9.0, 1.0)


class Batches(keras.utils.PyDataset):
    """Four batches of six rows, others at each end of an epoch."""

    def __init__(self, *arrays, endless=False):
        super().__init__()
        self.arrays, self.endless, self.ends = arrays, endless, 0

    def __len__(self):
        return 4

    @property
    def num_batches(self):
        return None if self.endless else 4

    def __getitem__(self, index):
        return tuple(array[6 * index % 24 : 6 * index % 24 + 6] for array in self.arrays)

    def on_epoch_end(self):
        self.ends += 1


def batches():
    while True:
        for start in range(0, 24, 6):
            yield X[start : start + 6], Y[start : start + 6]


def dataset(*arrays):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(arrays).batch(6)


def model(rate=0.0, penalty=None, activity=None, loss="mse"):
    keras.utils.set_random_seed(1)
    layers = [keras.Input((3,)), keras.layers.Dense(4, "tanh", activity_regularizer=activity)]
    noise = [keras.layers.Dropout(rate)] if rate else []
    made = keras.Sequential([*layers, *noise, keras.layers.Dense(1, kernel_regularizer=penalty)])
    made.compile(keras.optimizers.SGD(0.1), loss)
    return made


# What fit is given, what the callback is given, and the rows (x, y, weights) trained on.
FITS = {
    "arrays": (lambda: (X, Y), {}, {}, (X, Y)),
    "arrays, given": (lambda: (X, Y), {}, {"x": X, "y": Y}, (X, Y)),
    "share apart": (lambda: (X, Y), {"validation_split": 0.25}, {}, (X[:18], Y[:18])),
    "share apart, given": (
        lambda: (X, Y), {"validation_split": 0.25}, {"x": X, "y": Y}, (X[:18], Y[:18])
    ),
    "weights": (lambda: (X, Y), {"sample_weight": W}, {}, (X, Y, W)),
    "weights, a share apart, given": (
        lambda: (X, Y), {"sample_weight": W, "validation_split": 0.5}, {"x": X, "y": Y},
        (X[:12], Y[:12], W[:12]),
    ),
    "classes": (lambda: (X, Y), {"class_weight": WEIGHTS}, {"x": X, "y": Y}, (X, Y, BY_CLASS)),
    "PyDataset": (lambda: (Batches(X, Y),), {}, {}, (X, Y)),
    "PyDataset with weights": (lambda: (Batches(X, Y, W),), {}, {}, (X, Y, W)),
    "PyDataset with classes": (
        lambda: (Batches(X, Y),), {"class_weight": WEIGHTS}, {}, (X, Y, BY_CLASS)
    ),
    "tf.data": (lambda: (dataset(X, Y),), {}, {}, (X, Y)),
    "tf.data with classes": (
        lambda: (dataset(X, Y),), {"class_weight": WEIGHTS}, {}, (X, Y, BY_CLASS)
    ),
    "tf.data for ever": (
        lambda: (dataset(X, Y, W).repeat(),), {"steps_per_epoch": 4}, {}, (X, Y, W)
    ),
    "tf.data by parts, one an epoch": (
        lambda: (dataset(X, Y),), {"steps_per_epoch": 1}, {}, (X[:12], Y[:12])
    ),
    "generator": (lambda: (batches(),), {"steps_per_epoch": 4}, {"x": batches()}, (X, Y)),
}  # fmt: skip


@pytest.mark.parametrize("name", FITS)
def test_clean_loss_is_what_evaluate_gives_on_the_rows_that_were_trained_on(name):
    data, options, given, (x, y, *weight) = FITS[name]
    made = model()
    callback = CleanTrainingLoss(**given)
    history = made.fit(*data(), epochs=2, verbose=0, callbacks=[callback], **options).history
    weight = weight[0] if weight else None
    expected = made.evaluate(x, y, sample_weight=weight, verbose=0)
    assert history["clean_loss"][-1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("data", "options", "given", "message"),
    [
        (lambda: (batches(),), {"steps_per_epoch": 4}, {}, "a generator, which can be read only"),
        (lambda: (X, Y), {}, {"x": batches()}, "must end, got a generator .* with steps="),
        (
            lambda: (X, Y), {}, {"x": Batches(X, Y, endless=True)}, "must end, got a Batches",
        ),
        (lambda: (X, Y), {"sample_weight": W}, {"x": X[:9], "y": Y[:9]}, "the 24 rows .*got 9"),
        (
            lambda: (X, Y), {"validation_data": batches(), "validation_steps": 4}, {},
            "validation_data must be what can be read again, .*got a generator",
        ),
        (lambda: (X, Y), {}, {"loss": "total"}, r"loss must be one of \['loss'\].* got 'total'"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused_and_not_waited_for(data, options, given, message):
    made = model(penalty="l2")
    with pytest.raises(ValueError, match=message):
        made.fit(*data(), verbose=0, callbacks=[CleanTrainingLoss(**given)], **options)


def test_metric_where_a_loss_is_meant_is_refused():
    with pytest.raises(ValueError, match="loss must name a loss, got 'accuracy'"):
        Measure(model(), loss="accuracy")


def test_penalties_are_left_out_and_named():
    made = model(penalty="l2", activity="l2")
    options = {"validation_data": (X, Y), "verbose": 0}
    history = made.fit(X, Y, callbacks=[CleanTrainingLoss()], **options).history
    clean = np.mean((made.predict(X, verbose=0) - Y) ** 2)
    assert history["clean_loss"] == pytest.approx([clean])
    assert history["clean_val_loss"] == pytest.approx([clean])
    whole = made.evaluate(X, Y, verbose=0)
    assert history["penalty"] == pytest.approx([whole - clean], rel=1e-4)


@pytest.mark.parametrize(("loss", "activity"), [("mse", "l2"), ("sum", None)])
def test_loss_without_noise_and_penalties_is_the_clean_one_where_weights_rest(loss, activity):
    loss = keras.losses.MeanSquaredError(reduction="sum") if loss == "sum" else loss
    made = model(penalty="l2", activity=activity, loss=loss)
    made.optimizer.learning_rate = 0.0
    options = {"batch_size": 6, "validation_data": [X, Y], "validation_batch_size": 6}
    log = made.fit(X, Y, verbose=0, callbacks=[CleanTrainingLoss()], **options).history
    assert log["loss"][0] - log["penalty"][0] == pytest.approx(log["clean_loss"][0])
    assert log["val_loss"][0] - log["penalty"][0] == pytest.approx(log["clean_val_loss"][0])


def test_loss_of_a_model_that_only_adds_losses_is_what_it_adds():
    inner = keras.layers.Dense(1, activity_regularizer="l2")
    made = keras.Sequential([keras.Input((3,)), inner])
    made.compile("sgd")
    assert Measure(made)(readable((X,)))["loss"] == pytest.approx(made.evaluate(X, verbose=0))


ON_TORCH = keras.config.backend() == "torch"
STATEFUL = pytest.param(
    {"stateful": True}, marks=pytest.mark.skipif(ON_TORCH, reason="Keras cannot train it there")
)


def recurrent(noise, **options):
    keras.utils.set_random_seed(1)
    made = keras.Sequential(
        [keras.Input(batch_shape=(8, 3, 1)), keras.layers.LSTM(2, dropout=noise, **options),
         keras.layers.Dropout(noise), keras.layers.Dense(1)]
    )  # fmt: skip
    made.compile("adam", "mse")
    return made


@pytest.mark.parametrize("options", [{}, STATEFUL], ids=["noise", "and states"])
def test_measuring_changes_nothing_of_the_training_and_begins_at_no_state(options, recwarn):
    plain, measured = (recurrent(0.5, **options) for _ in range(2))
    how = {"batch_size": 8, "epochs": 2, "verbose": 0, "shuffle": False}
    keras.utils.set_random_seed(1)  # on torch all noise draws from it
    one = plain.fit(X[..., None], Y, **how).history
    keras.utils.set_random_seed(1)
    other = measured.fit(X[..., None], Y, **how, callbacks=[CleanTrainingLoss()]).history
    assert one["loss"] == other["loss"]
    for a, b in zip(plain.variables, measured.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    if options:
        measured.layers[0].reset_state()
    clean = measured.evaluate(X[..., None], Y, batch_size=8, verbose=0)
    assert other["clean_loss"][-1] == pytest.approx(clean)
    assert not [each for each in recwarn if "noise stays on" in str(each.message)]


def test_shuffling_data_set_is_measured_without_the_end_of_an_epoch():
    alone, measured = Batches(X, Y), Batches(X, Y)
    model().fit(alone, epochs=2, verbose=0)
    model().fit(measured, epochs=2, verbose=0, callbacks=[CleanTrainingLoss()])
    assert measured.ends == alone.ends


def test_callback_can_be_copied_and_pickled_before_and_after():
    callback = CleanTrainingLoss(batch_size=6)
    for again in (copy.deepcopy(callback), pickle.loads(pickle.dumps(callback))):
        assert "clean_loss" in model().fit(X, Y, verbose=0, callbacks=[again]).history
        assert copy.deepcopy(again).batch_size == 6


def test_loss_of_a_step_of_ones_own_is_found_by_its_name():
    class Own(keras.Sequential):
        def test_step(self, *args):
            found = super().test_step(*args)
            logs, *state = found if isinstance(found, tuple) else (found,)  # as JAX has it
            logs = {"total_loss": logs["loss"]}
            return (logs, *state) if state else logs

    made = Own([keras.Input((3,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse")
    expected = np.mean((made.predict(X, verbose=0) - Y) ** 2)
    data = readable((X, Y))
    assert Measure(made)(data)["loss"] == pytest.approx(expected)
    assert Measure(made, loss="total_loss")(data)["loss"] == pytest.approx(expected)


def test_metric_that_hides_the_loss_is_refused():
    made = model()
    made.compile("sgd", "mse", metrics=[keras.metrics.MeanAbsoluteError(name="loss")])
    with pytest.raises(ValueError, match=r"must have other names than the loss.* 'loss'"):
        Measure(made)(readable((X, Y)))


class Always(keras.layers.Dropout):
    """Monte Carlo dropout."""

    def call(self, inputs, training=False):
        return super().call(inputs, training=True)


@pytest.mark.skipif(ON_TORCH, reason="noise draws from one global generator there")
def test_noise_that_stays_on_where_the_model_predicts_is_told_once():
    made = keras.Sequential([keras.Input((3,)), Always(0.5, name="mine"), keras.layers.Dense(1)])
    made.compile("sgd", "mse", run_eagerly=True)
    with pytest.warns(UserWarning, match="noise stays on where the model predicts, in mine:") as on:
        made.fit(X, Y, epochs=2, verbose=0, callbacks=[CleanTrainingLoss()])
    assert len([each for each in on if "noise stays on" in str(each.message)]) == 1


def test_model_of_keras_2_is_refused_in_words():
    class Sequential:
        """As tf_keras has it."""

    Sequential.__module__ = "tf_keras.src.engine.sequential"
    with pytest.raises(TypeError, match=r"Keras 3, got tf_keras.*import keras instead of tf_keras"):
        CleanTrainingLoss().set_model(Sequential())
