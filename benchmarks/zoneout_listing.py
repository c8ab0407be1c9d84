"""The zoneout layer of the first article's third listing, repaired: what `ZoneoutLSTM` replaces.

Written anew, with the four changes without which Keras 3 does not run it: the arguments of
`get_initial_state`, a number of steps known to Python, the nested states of a Keras 3 cell, and
one tensor returned, the last output. All else computes what the listing computes, its flaws
included: the graph is one long chain of steps, h is never zoned and reads the cell before zoneout,
and inference takes the new cell state instead of the expected one. For TensorFlow alone.
"""

import keras
import tensorflow as tf


class ListingZoneoutLSTM(keras.layers.Layer):
    """The first article's listing, repaired.

    Parameters
    ----------
    units : int
    zoneout_rate : float, default=0.1
        Probability that a unit of the cell keeps its old value.
    """

    def __init__(self, units, zoneout_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.cell = keras.layers.LSTMCell(units)
        self.zoneout_rate = zoneout_rate

    def build(self, input_shape):
        """The weights of the cell."""
        self.cell.build(input_shape)

    def call(self, inputs, training=False):
        """From (batch, steps, features) to (batch, units)."""
        h, c = self.cell.get_initial_state(batch_size=tf.shape(inputs)[0])
        outputs = []
        for t in range(inputs.shape[1]):
            _, (h, new_c) = self.cell(inputs[:, t], [h, c], training=training)
            if training:
                renewed = tf.random.uniform(tf.shape(new_c)) > self.zoneout_rate
                new_c = tf.where(renewed, new_c, c)
            c = new_c
            outputs.append(h)
        return tf.stack(outputs, axis=1)[:, -1]
