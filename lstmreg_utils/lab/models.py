"""An arm in its place: from plain values to a Keras model, and its weights from a seed."""

from functools import partial

import keras
import numpy as np

from .. import layers as own_layers
from .arms import check_places
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
            lstm = getattr(own_layers, row.layer)

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


class Seeder:
    """Puts a model into the state that a seed stands for, as often as one likes.

    Kernels are drawn by the model's own initializers, in the order of the layers that have
    weights. Noise layers have none, so an arm and its twin start from equal weights. What the model
    holds when it comes here (biases, zero states) is what is not drawn.
    """

    def __init__(self, model):
        self._fixed = [(weight, weight.numpy()) for weight in model.weights]
        self._drawn = list(drawn_weights(model))
        known = {id(weight) for weight in model.weights}
        # What a Keras model holds besides weights: the states of its random generators.
        self._generators = [v for v in model.variables if id(v) not in known]

    def __call__(self, seed):
        """Set weights and random generators; the weights do not depend on the arm."""
        for weight, value in self._fixed:
            weight.assign(value)
        seeds = stream(seed, "weights", len(self._drawn))
        for (_, weight, initializer), drawn in zip(self._drawn, seeds, strict=True):
            config = {**initializer.get_config(), "seed": int(drawn)}
            weight.assign(type(initializer).from_config(config)(weight.shape))
        seeds = stream(seed, "noise", len(self._generators))
        for generator, drawn in zip(self._generators, seeds, strict=True):
            generator.assign(np.array([drawn, 0], dtype="uint32"))


# A layer's drawn weights and the initializers that draw them. Biases start from constants.
INITIALIZERS = {
    "embeddings": "embeddings_initializer",
    "kernel": "kernel_initializer",
    "recurrent_kernel": "recurrent_initializer",
}


def drawn_weights(model):
    """(name, weight, initializer) of all that is drawn at random, from the input to the output."""
    for layer in model.layers:
        cell = getattr(layer, "cell", layer)  # an LSTM keeps its weights in its cell
        for weight, initializer in INITIALIZERS.items():
            if hasattr(cell, weight):
                yield weight, getattr(cell, weight), getattr(cell, initializer)


STREAMS = ("weights", "noise", "batches", "probes", "members")


def stream(seed, name, size):
    """Independent 31-bit seeds for one purpose of a run, one of `STREAMS`."""
    sequence = np.random.SeedSequence([seed, STREAMS.index(name)])
    return sequence.generate_state(size) >> 1
