"""One training step of a layer on each backend of Keras: forward, gradient, Adam.

`MODES` names the ways in which the backend at hand runs a step. Each is a function from a layer, a
batch x and its targets y to a step: a call trains once, waits for the device and gives the loss,
the squared error of what the layer puts out.
"""

import functools

import keras
from keras import ops

from ..cudnn.trace import count_operations


def tensorflow_function(layer, x, y, jit_compile):
    """The step as `model.fit` would have it: a `tf.function`, traced when first called."""
    import tensorflow as tf

    optimizer = _built(layer, x)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def function(x, y):
        with tf.GradientTape() as tape:
            loss = _loss(layer(x, training=True), y)
        gradients = tape.gradient(loss, layer.trainable_variables)
        optimizer.apply(gradients, layer.trainable_variables)
        return loss

    return function


def tensorflow_step(layer, x, y, jit_compile):
    """With or without XLA."""
    function, *batch = tensorflow_function(layer, x, y, jit_compile), _tensor(x), _tensor(y)
    return lambda: float(function(*batch))


def traced_nodes(layer, x, y):
    """The number of nodes of TensorFlow's graph of a step, the bodies of its loops included."""
    return sum(traced_operations(layer, x, y).values())


def traced_operations(layer, x, y):
    """How often each operation stands in TensorFlow's graph of a step, by its name.

    Counted are the graph itself and the functions of its library, such as the bodies of loops.
    The step is traced for this alone, and not run.
    """
    function = tensorflow_function(layer, x, y, jit_compile=False)
    return count_operations(function.get_concrete_function(_tensor(x), _tensor(y)).graph)


def jax_step(layer, x, y):
    """Compiled by `jax.jit`; the layer's own variables stay as they are."""
    import jax

    optimizer = _built(layer, x)

    @functools.partial(jax.value_and_grad, has_aux=True)
    def loss_and_gradients(weights, others, x, y):
        out, others = layer.stateless_call(weights, others, x, training=True)
        return _loss(out, y), others

    @jax.jit
    def function(state, x, y):
        weights, others, of_optimizer = state
        (loss, others), gradients = loss_and_gradients(weights, others, x, y)
        weights, of_optimizer = optimizer.stateless_apply(of_optimizer, gradients, weights)
        return loss, (weights, others, of_optimizer)

    variables = layer.trainable_variables, layer.non_trainable_variables, optimizer.variables
    state = tuple([variable.value for variable in each] for each in variables)
    batch = _tensor(x), _tensor(y)

    def step():
        nonlocal state
        loss, state = jax.block_until_ready(function(state, *batch))
        return float(loss)

    return step


def torch_step(layer, x, y):
    """Not compiled."""
    import torch

    optimizer = _built(layer, x)
    weights, x, y = layer.trainable_variables, _tensor(x), _tensor(y)

    def step():
        loss = _loss(layer(x, training=True), y)
        gradients = torch.autograd.grad(loss, [weight.value for weight in weights])
        with torch.no_grad():
            optimizer.apply(gradients, weights)
        return loss.item()

    return step


MODES = {
    "tensorflow": {
        "graph": functools.partial(tensorflow_step, jit_compile=False),
        "XLA": functools.partial(tensorflow_step, jit_compile=True),
    },
    "jax": {"jit": jax_step},
    "torch": {"eager": torch_step},
}[keras.config.backend()]


def _built(layer, x):
    optimizer = keras.optimizers.Adam()
    layer.build(x.shape)
    optimizer.build(layer.trainable_variables)
    return optimizer


def _tensor(array):
    return ops.convert_to_tensor(array, "float32")


def _loss(out, y):
    return ops.mean(ops.square(out - y))
