"""Read the dropout masks of a recurrent layer from its outputs, whatever draws or applies them.

The layer gets weights that turn it into an instrument. A unit watches one value, of the input or of
the state, through one gate: that gate has a weight for that value alone, the other gates are held
open or shut by their biases. The unit's output is tanh(1) = 0.76 where the value came through, and
at most tanh(1/2) = 0.46 where it was dropped. So the masks are seen as the arithmetic sees them:
in a compiled graph, in a loop or in a fused kernel, and in any release of Keras.
"""

import numpy as np
import tensorflow as tf

WIDTH = 8  # values watched
WEIGHT = 30.0  # opens or shuts a gate: sigmoid(-30) is 1e-13
LSTM_GATES = ("input", "forget", "candidate", "output")  # in the order of Keras


def watching(keras, kind, source, **options):
    """A layer with the weights of an instrument.

    Parameters
    ----------
    keras : module
    kind : {"LSTM", "GRU"}
        A GRU watches its input through its candidate alone.
    source : {"input", "recurrent"}
        What the units watch.
    **options
        Arguments of the layer.

    Returns
    -------
    keras.Layer
    """
    weights = lstm_weights(source) if kind == "LSTM" else gru_weights()
    units = weights[1].shape[0]
    layer = getattr(keras.layers, kind)(units, return_sequences=True, **options)
    layer.build((None, None, WIDTH))
    layer.set_weights(weights)
    return layer


def lstm_weights(source):
    """Kernel, recurrent kernel and bias.

    The first units are the state that is watched, constant at tanh(1). Then, for each gate, as
    many units that watch it, or the input, through that gate.
    """
    gates = len(LSTM_GATES)
    units = WIDTH * (1 + gates)
    kernel = np.zeros((WIDTH, gates, units), "float32")
    recurrent_kernel = np.zeros((units, gates, units), "float32")
    bias = np.zeros((gates, units), "float32")
    bias[:] = np.array([[1], [-1], [1], [1]]) * WEIGHT  # forget all, take in 1, put out all
    watched = kernel if source == "input" else recurrent_kernel
    for gate in range(gates):
        own = slice(WIDTH * (1 + gate), WIDTH * (2 + gate))
        watched[:WIDTH, gate, own] = np.eye(WIDTH) * WEIGHT
        bias[gate, own] = 0
    # Through the forget gate, c is seen instead of what is taken in: shut the input gate.
    forget = LSTM_GATES.index("forget")
    bias[LSTM_GATES.index("input"), WIDTH * (1 + forget) : WIDTH * (2 + forget)] = -WEIGHT
    return [
        kernel.reshape(WIDTH, -1),
        recurrent_kernel.reshape(units, -1),
        bias.reshape(-1),
    ]


def gru_weights():
    """Kernel, recurrent kernel and biases: update gate shut, candidate = tanh(30 x)."""
    kernel = np.zeros((WIDTH, 3, WIDTH), "float32")
    kernel[:, 2] = np.eye(WIDTH) * WEIGHT
    bias = np.zeros((2, 3, WIDTH), "float32")
    bias[0, 0] = -WEIGHT
    recurrent_kernel = np.zeros((WIDTH, 3 * WIDTH), "float32")
    return [kernel.reshape(WIDTH, -1), recurrent_kernel, bias.reshape(2, -1)]


def read(layer, inputs, training, compiled=True, calls=1):
    """Which of the watched values came through.

    Parameters
    ----------
    layer : keras.Layer
        Of `watching`.
    inputs : array of shape (batch, steps, WIDTH)
        Ones; or some zeros, which read as dropped.
    training : bool
    compiled : bool, default=True
        Whether the call is in a graph, as it is in `fit` and `predict`.
    calls : int, default=1
        Of the same graph, one after the other.

    Returns
    -------
    bool array of shape (calls * batch, steps, gates, WIDTH)
        True where a value came through. The forget gate's is right at the first step only: its c
        holds what was dropped before.
    """
    one_state = isinstance(layer.cell.state_size, int)  # a GRU
    states = [tf.ones((len(inputs), layer.units))] * (1 if one_state else 2)

    def call(x):
        return layer(x, initial_state=states, training=training)

    call = tf.function(call, autograph=False) if compiled else call
    outputs = np.concatenate([np.asarray(call(tf.constant(inputs))) for _ in range(calls)])
    seen = outputs.reshape(*outputs.shape[:2], -1, WIDTH) > 0.6
    return seen if one_state else seen[:, :, 1:]


def distinct(masks):
    """How many of the masks, stacked along the first axis, differ."""
    return len(np.unique(masks.reshape(len(masks), -1), axis=0))
