"""TensorFlow made to believe that it has a GPU, and a stand-in for the fused kernel of cuDNN.

On a machine without a GPU, Keras takes its fused path if only it is told of a GPU, and TensorFlow
knows the operation of that path, but has no kernel to run it. The stand-in computes what the
kernel is documented to compute, in plain TensorFlow, from the packed weights that it is given.
What Keras does before it calls the kernel, such as dropping inputs, can then be seen in the output.
Nothing here says anything about the speed or the rounding of the real kernel.
"""

import contextlib
from unittest import mock

import tensorflow as tf

FUSED = ("CudnnRNN", "CudnnRNNV3")  # the first without sequence lengths, until Keras 3.1


@contextlib.contextmanager
def pretended_gpu():
    """Within, TensorFlow lists one GPU. Make, build and trace a layer there; do not run it."""
    listed = tf.config.list_logical_devices

    def devices(kind=None):
        return ["GPU:0"] if kind == "GPU" else listed(kind)

    with mock.patch.object(tf.config, "list_logical_devices", devices):
        yield


@contextlib.contextmanager
def stand_in():
    """Within, TensorFlow lists one GPU, and the fused kernel can run.

    Yields
    ------
    list of str
        The operation of each call of the kernel. Empty if no layer took it.
    """
    calls = []

    def kernel(name):
        def called(**arguments):
            calls.append(name)
            output, *states = fused(**arguments)
            # After the states, what only the gradient of the real kernel needs.
            return (output, *states, *[None] * (2 if name == "CudnnRNNV3" else 1))

        return called

    with contextlib.ExitStack() as stack:
        stack.enter_context(pretended_gpu())
        for name in FUSED:
            stack.enter_context(mock.patch.object(tf.raw_ops, name, kernel(name)))
        yield calls


def fused(
    input, input_h, input_c, params, is_training, rnn_mode, sequence_lengths=None, time_major=True
):
    """What the kernel computes. Past the length of a sequence it puts out zeros.

    Parameters
    ----------
    input : tensor
        (steps, batch, features), or (batch, steps, features) if not `time_major`.
    input_h, input_c : tensor
        The states, with an axis of length one in the place of the steps. A GRU has no second one.
    params : tensor
        All weights in a row: kernels, recurrent kernels (transposed, gate by gate), then biases.
    is_training : bool
        Always true in Keras. The kernel's own dropout, which this concerns, is not used.
    rnn_mode : {"lstm", "gru"}
    sequence_lengths : tensor, optional
        How many steps of each sequence count; all, unless given.
    time_major : bool

    Returns
    -------
    output, h, c : tensor
        As shaped as `input`, `input_h` and `input_c`.
    """
    time_axis = 0 if time_major else 1
    steps = tf.unstack(input, axis=time_axis)
    h = tf.squeeze(input_h, time_axis)
    c = tf.squeeze(input_c, time_axis) if rnn_mode == "lstm" else None
    weights = unpacked(params, 4 if rnn_mode == "lstm" else 3, input.shape[-1], h.shape[-1])
    outputs = []
    for t, x in enumerate(steps):
        new_h, new_c = (
            lstm_step(x, h, c, *weights) if rnn_mode == "lstm" else (gru_step(x, h, *weights), None)
        )
        if sequence_lengths is None:
            h, c = new_h, new_c
            outputs.append(h)
            continue
        counts = tf.expand_dims(t < sequence_lengths, 1)
        outputs.append(tf.where(counts, new_h, 0.0))
        h = tf.where(counts, new_h, h)
        c = None if new_c is None else tf.where(counts, new_c, c)
    last = [None if state is None else tf.expand_dims(state, time_axis) for state in (h, c)]
    return (tf.stack(outputs, axis=time_axis), *last)


def unpacked(params, gates, features, units):
    """Kernels, recurrent kernels, biases of the input and of h, each a list by gate."""
    sizes = [units * features] * gates + [units * units] * gates + [units] * 2 * gates
    parts = tf.split(params, sizes)
    matrices = [tf.transpose(tf.reshape(part, (units, -1))) for part in parts[: 2 * gates]]
    return matrices[:gates], matrices[gates:], parts[2 * gates : 3 * gates], parts[3 * gates :]


def lstm_step(x, h, c, kernels, recurrent_kernels, biases, recurrent_biases):
    """The next h and c. Gates: input, forget, candidate, output."""
    i, f, g, o = (
        x @ kernel + bias + h @ recurrent_kernel + recurrent_bias
        for kernel, recurrent_kernel, bias, recurrent_bias in zip(
            kernels, recurrent_kernels, biases, recurrent_biases, strict=True
        )
    )
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


def gru_step(x, h, kernels, recurrent_kernels, biases, recurrent_biases):
    """The next h. Gates: reset, update, candidate; Keras puts update first without CUDA."""
    given = [x @ kernel + bias for kernel, bias in zip(kernels, biases, strict=True)]
    kept = [h @ kernel + b for kernel, b in zip(recurrent_kernels, recurrent_biases, strict=True)]
    r, z = (0, 1) if tf.sysconfig.get_build_info()["is_cuda_build"] else (1, 0)
    reset, update = tf.sigmoid(given[r] + kept[r]), tf.sigmoid(given[z] + kept[z])
    return update * h + (1 - update) * tf.tanh(given[2] + reset * kept[2])
