"""The losses that networks are trained on, and the metrics that are reported beside them."""

from functools import partial

import keras
import tensorflow as tf


def _accuracy(y, predicted):
    hits = tf.argmax(predicted, axis=-1, output_type=tf.int32) == y
    return tf.reduce_mean(tf.cast(hits, tf.float32))


def _r2(y, predicted):
    residual = tf.reduce_mean(tf.square(y - predicted))
    return 1.0 - residual / tf.reduce_mean(tf.square(y - tf.reduce_mean(y, axis=0)))


LOSS = {
    "crossentropy": partial(keras.losses.sparse_categorical_crossentropy, from_logits=True),
    "mse": keras.losses.mean_squared_error,
}
METRIC = {"accuracy": _accuracy, "r2": _r2}
