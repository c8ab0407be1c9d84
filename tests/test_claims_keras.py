"""Claims of the two articles that a unit test decides: what Keras, or a listing, does."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from tolerances import ATOL
from zoneout_listing import ListingZoneoutLSTM

from lstmreg_utils.layers import RecurrentDropoutLSTM, ZoneoutLSTM

UNITS, STEPS, FEATURES = 16, 6, 12


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(4, STEPS, FEATURES)).astype("float32")


def without(layer, shape, weight):
    """The layer with one of its two kernels set to zero."""
    layer.build(shape)
    kernels = dict(zip(("inputs", "h"), layer.trainable_weights, strict=False))
    kernels[weight].assign(ops.zeros_like(kernels[weight]))
    return layer


def strays(layer, x):
    """Whether training gives another output than inference."""
    return not np.allclose(layer(x, training=True), layer(x, training=False), atol=ATOL)


# ---------------------------------------------------------------- A12, A15, A7: where noise acts


def lstm(**noise):
    return keras.layers.LSTM(UNITS, seed=0, use_cudnn=False, **noise)


def test_dropout_acts_on_the_inputs_and_on_nothing_else(x):
    layer = lstm(dropout=0.5)
    assert strays(layer, x)
    assert strays(without(lstm(dropout=0.5), x.shape, "h"), x)
    assert not strays(without(layer, x.shape, "inputs"), x)


def test_recurrent_dropout_acts_on_what_the_gates_read_of_h(x):
    layer = lstm(recurrent_dropout=0.5)
    assert strays(layer, x)
    assert not strays(without(layer, x.shape, "h"), x)


def memory_returned(layer, x):
    """What is left of a stored 1 when the gates are frozen at f = 1 and i = 0."""
    layer.build(x.shape)
    i, f, g, o = np.repeat([[-100.0], [100.0], [0.0], [0.0]], layer.units, axis=1)
    layer.cell.bias.assign(np.concatenate([i, f, g, o]))
    start = [ops.zeros((len(x), layer.units)), ops.ones((len(x), layer.units))]
    return np.asarray(layer(x, initial_state=start, training=True)[2])


@pytest.mark.parametrize("noise", ["dropout", "recurrent_dropout"])
def test_keras_arguments_never_mask_the_cell_state(x, noise):
    np.testing.assert_array_equal(memory_returned(lstm(return_state=True, **{noise: 0.9}), x), 1.0)


def test_a_mask_on_the_cell_state_would_be_seen(x):
    masked = RecurrentDropoutLSTM(UNITS, dropout_c=0.5, return_state=True, seed=0)
    assert (memory_returned(masked, x) != 1).all()


# ---------------------------------------------------------------- B5, B6: masks and gradients


def seen(layer, x):
    """Which inputs reach the output, by sequence and feature."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    return (tape.gradient(y, x).numpy() != 0).any(axis=1)


def test_every_forward_pass_draws_masks_of_its_own(x):
    layer = lstm(dropout=0.5)
    first, second = seen(layer, x), seen(layer, x)
    assert (first != second).any()
    assert (first[0] != first[1]).any()


def rows_without_gradient(sequences):
    """Rows of the input kernel that get no gradient, and rows that no sequence was shown."""
    layer = lstm(dropout=0.5)
    layer.build(sequences.shape)
    x = tf.convert_to_tensor(sequences)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = layer(x, training=True)
    kernel = layer.trainable_weights[0]
    still = (tape.gradient(y, kernel.value).numpy() == 0).all(axis=1)
    hidden = (tape.gradient(y, x).numpy() == 0).all(axis=(0, 1))
    return still, hidden


def test_dropped_inputs_give_weights_no_gradient_from_one_sequence_but_some_from_a_batch():
    batch = np.random.default_rng(1).normal(size=(32, STEPS, FEATURES)).astype("float32")
    still, hidden = rows_without_gradient(batch[:1])
    np.testing.assert_array_equal(still, hidden)
    assert 0 < still.sum() < FEATURES
    still, _ = rows_without_gradient(batch)
    assert not still.any()


# ---------------------------------------------------------------- A22 to A24: zoneout


def test_no_public_layer_of_keras_is_called_zoneout():
    names = [*dir(keras.layers), *keras.layers.LSTM(1).get_config()]
    assert "LSTM" in names
    assert "recurrent_dropout" in names
    assert not [name for name in names if "zone" in name.lower()]


class CountedSteps(keras.layers.Layer):
    """Steps through its inputs as the listing does."""

    def call(self, inputs):
        return [inputs[:, t] for t in range(tf.shape(inputs)[1])][-1]


class TupleOfStates(keras.layers.Layer):
    """Gives its outputs and the states, as the listing does."""

    def call(self, inputs):
        return inputs, [inputs[:, 0], inputs[:, 0]]


def initial_state(cell, x):
    cell.get_initial_state(inputs=x, batch_size=len(x))


def count_steps(cell, x):
    keras.Sequential([keras.Input((STEPS, FEATURES)), CountedSteps()])


def read_states(cell, x):
    state = cell.get_initial_state(batch_size=len(x))
    for t in range(STEPS):
        state = cell(x[:, t], state)  # h, [h, c]


def give_states(cell, x):
    keras.Sequential([keras.Input((STEPS, FEATURES)), TupleOfStates(), keras.layers.Dense(1)])


@pytest.mark.parametrize(
    ("step", "error", "message"),
    [
        (initial_state, TypeError, "unexpected keyword argument 'inputs'"),
        (count_steps, TypeError, "cannot be interpreted as an integer"),
        (read_states, tf.errors.InvalidArgumentError, "Incompatible shapes"),
        (give_states, ValueError, "expects 1 input"),
    ],
)
def test_each_step_of_the_zoneout_listing_stops_where_chapter_6_says(x, step, error, message):
    cell = keras.layers.LSTMCell(UNITS)
    cell.build((None, FEATURES))
    with pytest.raises(error, match=message):
        step(cell, x)


def zoned(x, layer, uniform, rate):
    """The paper's zoneout of c in NumPy, with the numbers that the listing drew."""
    kernel, recurrent, bias = (np.asarray(w) for w in layer.cell.trainable_weights)

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    h = c = np.zeros((len(x), UNITS))
    for t, draw in enumerate(uniform):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        candidate = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(candidate)
        c = np.where(draw > rate, candidate, c)
    return h


def test_the_repaired_listing_is_zoneout_in_training_and_a_plain_lstm_at_inference(x, monkeypatch):
    rate = 0.5
    draws = np.random.default_rng(2).random((STEPS, len(x), UNITS)).astype("float32")
    uniform = iter(draws)
    monkeypatch.setattr(tf.random, "uniform", lambda shape: tf.constant(next(uniform)))
    listing = ListingZoneoutLSTM(UNITS, rate)
    plain, paper = lstm(), ZoneoutLSTM(UNITS, zoneout_c=rate)
    for layer in (listing, plain, paper):
        layer.build(x.shape)
    for layer in (plain, paper):
        layer.set_weights(listing.get_weights())

    trained = np.asarray(listing(x, training=True))
    np.testing.assert_allclose(trained, zoned(x, listing, draws, rate), atol=1e-5)
    assert not np.allclose(trained, plain(x), atol=1e-3)
    np.testing.assert_allclose(listing(x), plain(x), atol=ATOL)
    assert not np.allclose(listing(x), paper(x), atol=1e-3)


# ---------------------------------------------------------------- B15, B19: the second listings


def test_there_is_no_cudnnlstm_and_lstm_takes_its_place():
    for layers in (tf.keras.layers, keras.layers):
        with pytest.raises(AttributeError):
            _ = layers.CuDNNLSTM
    assert keras.layers.LSTM(1).use_cudnn == "auto"


def third_model(**arguments):
    layers = [keras.layers.Dropout(0.1, **arguments), keras.layers.LSTM(4), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input((STEPS, FEATURES)), *layers])


def test_dropout_on_the_input_needs_no_input_shape():
    assert third_model().count_params() == 4 * 4 * (FEATURES + 4 + 1) + 4 + 1
    with pytest.warns(UserWarning, match="Do not pass an `input_shape`"):
        third_model(input_shape=(STEPS, FEATURES))
