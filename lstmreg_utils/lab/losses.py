"""The losses that networks are trained on, and the metrics beside them, on any backend."""

from functools import partial

import keras
from keras import ops


def _accuracy(y, predicted):
    hits = ops.argmax(predicted, axis=-1) == y
    return ops.mean(ops.cast(hits, "float32"))


def _r2(y, predicted):
    residual = ops.mean(ops.square(y - predicted))
    return 1.0 - residual / ops.mean(ops.square(y - ops.mean(y, axis=0)))


LOSS = {
    "crossentropy": partial(keras.losses.sparse_categorical_crossentropy, from_logits=True),
    "mse": keras.losses.mean_squared_error,
}
METRIC = {"accuracy": _accuracy, "r2": _r2}
