import keras
import numpy as np
import pytest

from lstmreg_utils.diagnosis.clean_loss import CleanTrainingLoss


def test_clean_loss_is_the_training_loss_with_dropout_off():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3, 2)), rng.normal(size=(20, 1))
    model = keras.Sequential(
        [keras.layers.Input((3, 2)), keras.layers.LSTM(4, dropout=0.5), keras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    history = model.fit(
        x, y, epochs=2, verbose=0, callbacks=[CleanTrainingLoss(x, y, batch_size=7)]
    ).history
    assert len(history["clean_loss"]) == len(history["loss"]) == 2
    clean = np.mean((keras.ops.convert_to_numpy(model(x, training=False)) - y) ** 2)
    assert history["clean_loss"][-1] == pytest.approx(clean, rel=1e-5)
