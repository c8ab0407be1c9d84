"""An arm in its place: from plain values to a Keras model, and its weights from a seed."""

from functools import partial

import keras
import numpy as np

from .. import layers as own_layers
from . import listing
from .arms import check_places
from .draws import glorot_uniform, orthogonal, small_uniform, stream
from .places import find_place


def build_model(task, arm=(), units=32, layers=1, head=()):
    """An LSTM classifier or regressor with noise where the arm puts it; arguments as for `Run`.

    An embedding of width `units` (if the task has a vocabulary), masking (if it is padded),
    ``layers`` LSTMs, the hidden layers of the head, and a linear layer of ``task.outputs``.
    Without LSTMs the head reads the whole sequence, flattened: a multilayer perceptron. All arms
    take the generic loop (``use_cudnn=False``): XLA cannot hold a cuDNN kernel, and
    `recurrent_dropout` never has one, so that an arm and its twin would otherwise run other
    arithmetic.

    Returns
    -------
    keras.Sequential
        From (batch, steps, features), or tokens (batch, steps), to (batch, outputs): logits, or
        values.

    Raises
    ------
    ValueError
        Noise at a place that the network lacks. The message names it.

    Examples
    --------
    >>> from lstmreg_utils import arm, load_task
    >>> model = build_model(load_task("hidden_ar1"), arm("input", 0.5), units=4)
    >>> [type(layer).__name__ for layer in model.layers]
    ['Dropout', 'LSTM', 'Dense']
    """
    noise = {place: (mask, rate) for place, mask, rate in arm}
    check_places(noise, layers, head)
    if "embedding" in noise and task.vocabulary is None:
        raise ValueError(f"noise on an embedding needs a task with tokens, got {task.name!r}")
    lstm, arguments = keras.layers.LSTM, {}
    for place, mask, rate in arm:
        row = find_place(place, mask)
        if row.argument:
            arguments |= {row.argument: rate, **row.given}
        if row.layer:
            lstm = getattr(own_layers, row.layer, None) or getattr(listing, row.layer)

    stack = [keras.layers.Input(task.train.x.shape[1:], dtype=task.train.x.dtype.name)]
    if task.vocabulary is not None:
        embedding = keras.layers.Embedding
        if "embedding" in noise:
            _, rate = noise["embedding"]
            embedding = partial(own_layers.EmbeddingDropout, embedding_dropout=rate)
        stack.append(embedding(task.vocabulary, units, mask_zero=task.masked and layers > 0))
    elif task.masked and layers:
        stack.append(keras.layers.Masking(0.0))
    if not layers:
        stack += [*_dropout(noise, "input"), keras.layers.Flatten()]
    for depth in range(layers):
        stack += _dropout(noise, "between" if depth else "input")
        more = depth < layers - 1
        stack.append(lstm(units, return_sequences=more, use_cudnn=False, **arguments))
    stack += _dropout(noise, "output")
    for width in head:
        stack += [keras.layers.Dense(width, activation="relu"), *_dropout(noise, "head")]
    return keras.Sequential([*stack, keras.layers.Dense(task.outputs)])


def _dropout(noise, place):
    """The layer of a place, if any: `SpatialDropout1D` holds its mask over the steps it reads."""
    if place not in noise:
        return []
    mask, rate = noise[place]
    held = mask == "sequence" and place in ("input", "between")  # elsewhere there are no steps
    return [keras.layers.SpatialDropout1D(rate) if held else keras.layers.Dropout(rate)]


def build_optimizer(run, model):
    """Adam, with the decoupled weight decay of kernels that an arm asks for."""
    decay = {place: rate for place, _, rate in run.arm}.get("weight_decay")
    optimizer = keras.optimizers.Adam(run.learning_rate, weight_decay=decay)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(model.trainable_variables)
    return optimizer


class Start:
    """From a seed to the values of a model's variables, in the order of ``model.variables``.

    Kernels are drawn in the order of the layers that have weights. Noise layers have none, so an
    arm and its twin start from equal weights. What is not drawn (biases) is what the model holds
    when it comes here. The last variables are the states of random generators.
    """

    def __init__(self, model):
        self._fixed = [(variable, np.asarray(variable)) for variable in model.variables]
        self._drawn = {id(weight): draw for _, weight, draw in drawn_weights(model)}
        weights = {id(weight) for weight in model.weights}
        self._generators = [id(v) for v in model.variables if id(v) not in weights]

    def __call__(self, seed):
        """The values, whose weights do not depend on the arm."""
        seeds = map(int, stream(seed, "weights", len(self._drawn)))
        drawn = {name: (draw, next(seeds)) for name, draw in self._drawn.items()}
        noise = dict(
            zip(self._generators, stream(seed, "noise", len(self._generators)), strict=True)
        )
        values = []
        for variable, value in self._fixed:
            if id(variable) in drawn:
                draw, own = drawn[id(variable)]
                value = draw(variable.shape, own)
            elif id(variable) in noise:
                value = np.array([noise[id(variable)], 0], dtype="uint32")
            values.append(value)
        return values


# A layer's drawn weights, and what draws them: Keras' own choice. Biases start from constants.
DRAWS = {
    "embeddings": small_uniform,
    "kernel": glorot_uniform,
    "recurrent_kernel": orthogonal,
}


def drawn_weights(model):
    """(name, weight, draw) of all that is drawn at random, from the input to the output."""
    for layer in model.layers:
        cell = getattr(layer, "cell", layer)  # an LSTM keeps its weights in its cell
        for name, draw in DRAWS.items():
            if hasattr(cell, name):
                yield name, getattr(cell, name), draw


def reader_of_units(model):
    """The kernel that reads the first LSTM's outputs (or of a first hidden layer): (units, ...)."""
    kernels = [weight for name, weight, _ in drawn_weights(model) if name == "kernel"]
    if len(kernels) < 2:
        raise ValueError("probes of units need an LSTM or a hidden layer, got neither")
    return kernels[1]
