"""An arm in its place: from plain values to a Keras model, and its weights from a seed."""

import keras
import numpy as np

from .arms import check_places
from .layers import ARGUMENTS, EmbeddingDropout, RecurrentDropoutLSTM


def build_model(task, arm=(), units=32, layers=1, head=()):
    """An LSTM classifier or regressor with noise where the arm puts it.

    An embedding of width `units` (if the task has a vocabulary), masking (if it is padded),
    ``layers`` LSTMs, the hidden layers of the head, and a linear layer of ``task.outputs``.
    Without LSTMs the head reads the whole sequence, flattened: a multilayer perceptron. All arms
    take the generic loop (``use_cudnn=False``): XLA cannot hold a cuDNN kernel, and
    `recurrent_dropout` never has one, so that an arm and its twin would otherwise run other
    arithmetic.

    Parameters
    ----------
    task : Task
        Gives the shape of a sequence, the padding and the number of outputs.
    arm : tuple of Noise
        From `lstmreg_utils.arm`; the empty tuple is the twin without noise.
    units : int, default=32
        Width of every LSTM.
    layers : int, default=1
        Number of LSTMs; 0 for none.
    head : tuple of int, default=()
        Widths of ReLU layers between the last LSTM and the linear layer.

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
    recurrent_layer, arguments = _recurrent_layer(noise)

    stack = [keras.layers.Input(task.train.x.shape[1:], dtype=task.train.x.dtype.name)]
    if task.vocabulary is not None:
        stack.append(_embedding(task, units, noise, mask_zero=task.masked and layers > 0))
    elif task.masked and layers:
        stack.append(keras.layers.Masking(0.0))
    if not layers:
        if "input" in noise:
            stack.append(_dropout_layer(*noise["input"]))
        stack.append(keras.layers.Flatten())
    for depth in range(layers):
        place = "between" if depth else "input"
        if place in noise:
            stack.append(_dropout_layer(*noise[place]))
        last = depth == layers - 1
        stack.append(
            recurrent_layer(units, return_sequences=not last, use_cudnn=False, **arguments)
        )
    if "output" in noise:
        stack.append(keras.layers.Dropout(noise["output"][1]))
    for width in head:
        stack.append(keras.layers.Dense(width, activation="relu"))
        if "head" in noise:
            stack.append(keras.layers.Dropout(noise["head"][1]))
    stack.append(keras.layers.Dense(task.outputs))
    return keras.Sequential(stack)


def _recurrent_layer(noise):
    """The class of the LSTMs that an arm asks for, and the arguments that put its noise there."""
    arguments = {name: noise[name][1] for name in ("dropout", "recurrent_dropout") if name in noise}
    layer = keras.layers.LSTM
    for place in noise.keys() & ARGUMENTS.keys():
        layer, argument = ARGUMENTS[place]
        mask, arguments[argument] = noise[place]
        if layer is RecurrentDropoutLSTM:
            arguments["mask_per"] = mask
    return layer, arguments


def _embedding(task, units, noise, mask_zero):
    if "embedding" not in noise:
        return keras.layers.Embedding(task.vocabulary, units, mask_zero=mask_zero)
    rate = noise["embedding"][1]
    return EmbeddingDropout(task.vocabulary, units, embedding_dropout=rate, mask_zero=mask_zero)


def _dropout_layer(mask, rate):
    """`Dropout` draws at every step; `SpatialDropout1D` holds its mask over the sequence."""
    layer = keras.layers.Dropout if mask == "step" else keras.layers.SpatialDropout1D
    return layer(rate)


class Seeder:
    """Puts a model into the state that a seed stands for, as often as one likes.

    Kernels are drawn by the model's own initializers, in the order of the layers that have
    weights. Noise layers have none, so an arm and its twin start from equal weights.

    Parameters
    ----------
    model : keras.Model
        Built. What it holds now (biases, zero states) is what is not drawn.

    Examples
    --------
    >>> from lstmreg_utils import arm, load_task
    >>> task = load_task("hidden_ar1")
    >>> twin, noisy = build_model(task), build_model(task, arm("output", 0.5))
    >>> for model in (twin, noisy):
    ...     Seeder(model)(7)
    >>> all((a == b).all() for a, b in zip(twin.get_weights(), noisy.get_weights()))
    True
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
        for (_, weight, initializer), drawn in zip(
            self._drawn, stream(seed, "weights", len(self._drawn)), strict=True
        ):
            config = {**initializer.get_config(), "seed": int(drawn)}
            weight.assign(type(initializer).from_config(config)(weight.shape))
        for generator, drawn in zip(
            self._generators, stream(seed, "noise", len(self._generators)), strict=True
        ):
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
