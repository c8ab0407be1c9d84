"""An arm in its place: from plain values to a Keras model, and its weights from a seed."""

import keras
import numpy as np

from .layers import ARGUMENTS, RecurrentDropoutLSTM


def build_model(task, arm=(), units=32, layers=1, head=()):
    """An LSTM classifier or regressor with noise where the arm puts it.

    Masking (if the task is padded), ``layers`` LSTMs, the hidden layers of the head, and a linear
    layer of ``task.outputs``. All arms take the generic loop (``use_cudnn=False``): XLA cannot
    hold a cuDNN kernel, and `recurrent_dropout` never has one, so that an arm and its twin would
    otherwise run other arithmetic.

    Parameters
    ----------
    task : Task
        Gives the shape of a sequence, the padding and the number of outputs.
    arm : tuple of Noise
        From `lstmreg_utils.arm`; the empty tuple is the twin without noise.
    units : int, default=32
        Width of every LSTM.
    layers : int, default=1
        Number of LSTMs.
    head : tuple of int, default=()
        Widths of ReLU layers between the last LSTM and the linear layer.

    Returns
    -------
    keras.Sequential
        From (batch, steps, features) to (batch, outputs): logits, or values.

    Raises
    ------
    ValueError
        Noise between layers of a network that has one.

    Examples
    --------
    >>> from lstmreg_utils import arm, load_task
    >>> model = build_model(load_task("hidden_ar1"), arm("input", 0.5), units=4)
    >>> [type(layer).__name__ for layer in model.layers]
    ['Dropout', 'LSTM', 'Dense']
    """
    noise = {place: (mask, rate) for place, mask, rate in arm}
    if "between" in noise and layers < 2:
        raise ValueError(f"noise between layers needs layers >= 2, got layers={layers}")
    recurrent_layer, arguments = _recurrent_layer(noise)

    stack = [keras.layers.Input(task.train.x.shape[1:])]
    if task.masked:
        stack.append(keras.layers.Masking(0.0))
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
    stack += [keras.layers.Dense(width, activation="relu") for width in head]
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
        self._drawn = list(_kernels(model))
        known = {id(weight) for weight in model.weights}
        # What a Keras model holds besides weights: the states of its random generators.
        self._generators = [v for v in model.variables if id(v) not in known]

    def __call__(self, seed):
        """Set weights and random generators; the weights do not depend on the arm."""
        for weight, value in self._fixed:
            weight.assign(value)
        for (weight, initializer), drawn in zip(
            self._drawn, stream(seed, "weights", len(self._drawn)), strict=True
        ):
            config = {**initializer.get_config(), "seed": int(drawn)}
            weight.assign(type(initializer).from_config(config)(weight.shape))
        for generator, drawn in zip(
            self._generators, stream(seed, "noise", len(self._generators)), strict=True
        ):
            generator.assign(np.array([drawn, 0], dtype="uint32"))


# A layer's drawn weights and the initializers that draw them. Biases start from constants.
INITIALIZERS = {"kernel": "kernel_initializer", "recurrent_kernel": "recurrent_initializer"}


def _kernels(model):
    """Every randomly initialized weight with its initializer, from the input to the output."""
    for layer in model.layers:
        cell = getattr(layer, "cell", layer)  # an LSTM keeps its weights in its cell
        for weight, initializer in INITIALIZERS.items():
            if hasattr(cell, weight):
                yield getattr(cell, weight), getattr(cell, initializer)


STREAMS = ("weights", "noise", "batches", "probes")


def stream(seed, name, size):
    """Independent 31-bit seeds for one purpose of a run: weights, noise, batches or probes."""
    sequence = np.random.SeedSequence([seed, STREAMS.index(name)])
    return sequence.generate_state(size) >> 1
