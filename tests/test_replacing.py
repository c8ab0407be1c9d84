"""The layers stand in for Keras' own: in `RNN`, with rates set later, with weight files."""

import keras
import numpy as np
import pytest

from lstmreg_utils.layers import (
    EmbeddingDropout,
    RecurrentDropoutLSTM,
    RecurrentDropoutLSTMCell,
    WeightDropLSTM,
    WeightDropLSTMCell,
    ZoneoutLSTM,
    ZoneoutLSTMCell,
    load_weights,
)

ON_JAX = keras.config.backend() == "jax"
X = np.random.default_rng(0).normal(size=(64, 6, 3)).astype("float32")
LAYERS = [ZoneoutLSTM, RecurrentDropoutLSTM, WeightDropLSTM]


@pytest.mark.skipif(ON_JAX, reason="no noise can be drawn inside a loop")
def test_cells_draw_anew_at_every_step_in_keras_rnn_and_in_stacks():
    cells = [ZoneoutLSTMCell(4, zoneout_h=0.3), RecurrentDropoutLSTMCell(4, dropout_g=0.3)]
    model = keras.Sequential([keras.layers.RNN(cells), keras.layers.Dense(1)])
    model.compile("adam", "mse", jit_compile=False)
    assert np.isfinite(model.fit(X, X[:, 0, :1], verbose=0, batch_size=64).history["loss"][0])
    kept = ZoneoutLSTMCell(50, zoneout_h=0.5)
    h = np.asarray(keras.layers.RNN(kept, return_sequences=True)(X, training=True))
    same = h[:, 1:] == h[:, :-1]  # where zoneout kept the old value
    assert 0.45 < same.mean() < 0.55
    assert not (same[:, 0] == same[:, 1]).all()


@pytest.mark.parametrize(
    "cell",
    [WeightDropLSTMCell(4, weight_drop=0.5),
     RecurrentDropoutLSTMCell(4, dropout_h=0.5, mask_per="sequence")],
)  # fmt: skip
def test_cell_that_holds_a_mask_over_the_sequence_names_the_layer_that_can(cell):
    name = type(cell).__name__
    with pytest.raises(ValueError, match=f"{name} .*: to train, use the layer {name[:-4]}"):
        keras.layers.RNN(cell)(X, training=True)


@pytest.mark.parametrize("kind", LAYERS)
def test_rates_that_are_set_later_are_read_and_checked(kind):
    layer = kind(4)
    name = layer.cell._rates[0]
    quiet = np.asarray(layer(X, training=True))
    np.testing.assert_array_equal(quiet, layer(X, training=True))
    setattr(layer, name, 0.5)
    assert not np.array_equal(quiet, layer(X, training=True))
    with pytest.raises(ValueError, match=f"{name} must be"):
        setattr(layer, name, 1.5)


def test_mask_per_that_is_set_later_is_read():
    layer = RecurrentDropoutLSTM(4, dropout_h=0.5)
    layer.mask_per = "sequence"
    assert not layer.cell.per_step


def made(embedding, lstm):
    return keras.Sequential([keras.Input((6,)), embedding, lstm, keras.layers.LSTM(2)])


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
@pytest.mark.parametrize("kind", LAYERS)
def test_weights_of_the_layers_that_are_replaced_load(kind, ending, tmp_path):
    old = made(keras.layers.Embedding(9, 3), keras.layers.LSTM(4, return_sequences=True))
    new = made(EmbeddingDropout(9, 3), kind(4, return_sequences=True))
    path = tmp_path / f"model{ending}"
    old.save_weights(path) if ending != ".keras" else old.save(path)
    with pytest.raises(ValueError, match=r"lstmreg_utils.layers.load_weights\(model, path\)"):
        new.load_weights(path)
    load_weights(new, path)
    for one, other in zip(old.get_weights(), new.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert kind.__name__ != "LSTM"
