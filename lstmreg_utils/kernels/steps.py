"""One training step of a layer on each backend of Keras, and its time beside that of others.

`MODES` names the ways in which the backend at hand runs a step. Each is a function from a layer, a
batch x and its targets y to a step: a call trains once (forward, gradient, Adam), waits for the
device and gives the loss, the squared error of what the layer puts out.
"""

import functools
import time

import keras
import numpy as np
from keras import ops

from .graphs import count_operations

WARM_UP = 3


def make_tensorflow_step(layer, x, y, jit_compile):
    """With or without XLA."""
    function, *batch = _tensorflow_function(layer, x, y, jit_compile)
    return lambda: float(function(*batch))


def count_step_operations(layer, x, y):
    """How often each operation stands in TensorFlow's graph of a step, which is not run."""
    function, *batch = _tensorflow_function(layer, x, y, jit_compile=False)
    return count_operations(function.get_concrete_function(*batch).graph)


def _tensorflow_function(layer, x, y, jit_compile):
    """The step as `model.fit` would have it, a `tf.function`, with its batch as tensors."""
    import tensorflow as tf

    optimizer, *batch = _prepare(layer, x, y)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def function(x, y):
        with tf.GradientTape() as tape:
            loss = _loss(layer(x, training=True), y)
        gradients = tape.gradient(loss, layer.trainable_variables)
        optimizer.apply(gradients, layer.trainable_variables)
        return loss

    return function, *batch


def make_jax_step(layer, x, y):
    """Compiled by `jax.jit`; the layer's own variables stay as they are."""
    import jax

    optimizer, *batch = _prepare(layer, x, y)

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

    def step():
        nonlocal state
        loss, state = jax.block_until_ready(function(state, *batch))
        return float(loss)

    return step


def make_torch_step(layer, x, y):
    """Not compiled."""
    import torch

    optimizer, x, y = _prepare(layer, x, y)
    weights = layer.trainable_variables

    def step():
        loss = _loss(layer(x, training=True), y)
        gradients = torch.autograd.grad(loss, [weight.value for weight in weights])
        with torch.no_grad():
            optimizer.apply(gradients, weights)
        return loss.item()

    return step


MODES = {
    "tensorflow": {
        "graph": functools.partial(make_tensorflow_step, jit_compile=False),
        "XLA": functools.partial(make_tensorflow_step, jit_compile=True),
    },
    "jax": {"jit": make_jax_step},
    "torch": {"eager": make_torch_step},
}.get(keras.config.backend(), {})


def _prepare(layer, x, y):
    """An optimizer of the layer, both built, and the batch as tensors."""
    optimizer = keras.optimizers.Adam()
    layer.build(x.shape)
    optimizer.build(layer.trainable_variables)
    return optimizer, ops.convert_to_tensor(x, "float32"), ops.convert_to_tensor(y, "float32")


def _loss(out, y):
    return ops.mean(ops.square(out - y))


def time_step(step):
    """Wall time of one call, in seconds."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def time_rounds(steps, rounds, failures=None, tick=lambda: None, end=float("inf")):
    """The seconds of every step, by name: once a round, in random order, after a warm-up.

    With `failures`, a step that raises puts its error there and is left out, and the others go on.
    After the moment `end` of `time.monotonic` no step but the first is compiled, and no round
    begins but the first; what is never compiled is not in the answer.
    """
    rng, taken = np.random.default_rng(0), {name: [] for name in steps}
    for turn in range(-WARM_UP, rounds):
        compiles = turn == -WARM_UP
        if time.monotonic() > end and not compiles and turn != 0:
            continue
        for name in [*taken] if turn < 0 else rng.permutation([*taken]).tolist():
            if compiles and time.monotonic() > end and name != next(iter(steps)):
                del taken[name]
                continue
            try:
                taken[name].append((turn, time_step(steps[name])))
            except Exception as error:
                if failures is None:
                    raise
                failures[name] = error
                del taken[name]
            tick()
    return {
        name: [seconds for turn, seconds in times if turn >= 0] for name, times in taken.items()
    }


def find_quartiles(times, others):
    """First quartile, median and third of the ratios within a round: what slows one slows both."""
    return np.quantile(np.divide(times, others), [0.25, 0.5, 0.75]).tolist()
