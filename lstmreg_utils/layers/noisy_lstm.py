"""The loop that all noisy LSTMs share: noise is drawn for a whole sequence, then read step by step.

A cell that draws inside the loop would call its random generator once a step, and cannot do so at
all on JAX. Here the masks of all steps are drawn in one call and travel beside the inputs.
"""

import inspect
import numbers

import keras
from keras import ops

# The loop under `keras.layers.RNN` and the fused kernel under `keras.layers.LSTM`. Neither has a
# public name; tests/test_layers.py holds the layers to what `keras.layers.LSTM` computes.
from keras.src import backend

from ..rates import check_rate

OF_ANOTHER = (
    "the file holds no weights under the name of this layer: if they are those of Keras' own layer "
    "in its place, load them with lstmreg_utils.layers.load_weights(model, path)"
)
# All but self, units and kwargs.
_, _, *LSTM_ARGUMENTS, _ = inspect.signature(keras.layers.LSTMCell.__init__).parameters


class NoisyLSTMCell(keras.layers.LSTMCell):
    """An LSTM cell with noise inside; subclasses say what is drawn and what a step does.

    They name their rates, each an argument in [0, 1]; ``**kwargs`` are those of Keras' cell.
    """

    per_step = True  # or is a mask held over the sequence?

    def __init__(self, units, rates, **kwargs):
        if isinstance(units, bool) or not isinstance(units, numbers.Integral) or units < 1:
            raise ValueError(f"units must be an integer of at least 1, got {units!r}")
        # Keras clips these two in silence, and ignores a rate of 1.
        for name in ("dropout", "recurrent_dropout"):
            if name in kwargs:
                kwargs[name] = check_rate(name, kwargs[name], limit=False)
        super().__init__(int(units), **kwargs)
        self._rates = tuple(rates)
        for name, rate in rates.items():
            setattr(self, name, rate)

    def __setattr__(self, name, value):
        """Check a rate that is set later as well."""
        if name in vars(self).get("_rates", ()):
            value = check_rate(name, value)
        super().__setattr__(name, value)

    def load_own_variables(self, store):
        """As Keras does; of a file of the layer that this one replaces it says what to do."""
        if not store.keys():
            raise ValueError(OF_ANOTHER)
        super().load_own_variables(store)

    def draw(self, batch, steps):
        """The noise of a training call: bool tensors (batch, steps, units), or None, in a list.

        Masks that are held over the sequence have no axis of steps.
        """
        raise NotImplementedError

    def expected(self):
        """What stands for the noise at inference, in the order of `draw`."""
        raise NotImplementedError

    def step(self, gates, x, states, noise):
        """The new h and c, from x, those before, and the noise: what `draw` or `expected` gave.

        ``gates(x, h)`` makes i, f, g and o; they and the states are of shape (batch, units).
        """
        raise NotImplementedError

    def prepare(self, sequences, training, U=None):
        """The inputs as the loop reads them, and the function from x and h to the gates.

        `dropout` and `recurrent_dropout` mean here what they mean in `keras.layers.LSTM`.
        """
        # Copies: TensorFlow would read a variable at every step, and save what it read for the
        # backward pass (with XLA a third of the time of a step).
        W = ops.copy(self.kernel)
        U = ops.copy(self.recurrent_kernel) if U is None else U
        x_masks, h_masks = self._keras_masks(training)
        if len(x_masks) == 1:  # one for all gates: applied before the loop
            sequences, x_masks = sequences * ops.expand_dims(x_masks[0], 1), []
        if self.use_bias:
            # One more row of W, met by a column of ones: with the bias gone from the loop, its
            # gradient needs no sum over the batch at every step.
            W = ops.concatenate([W, ops.expand_dims(ops.convert_to_tensor(self.bias), 0)], axis=0)
            sequences = ops.pad(sequences, ((0, 0), (0, 0), (0, 1)), constant_values=1)
            x_masks = [ops.pad(mask, ((0, 0), (0, 1)), constant_values=1) for mask in x_masks]

        def gates(x, h):
            if h_masks:
                z = _product_a_gate(x, x_masks, W), _product_a_gate(h, h_masks, U)
                z_i, z_f, z_g, z_o = (from_x + from_h for from_x, from_h in zip(*z, strict=True))
            else:
                z_i, z_f, z_g, z_o = ops.split(ops.matmul(x, W) + ops.matmul(h, U), 4, axis=1)
            σ = self.recurrent_activation
            return σ(z_i), σ(z_f), self.activation(z_g), σ(z_o)

        return sequences, gates

    def _keras_masks(self, training):
        """Keras' own masks, which `RNN.call` has drawn: for x one or four, for h none or four."""
        x_masks = self.get_dropout_mask(None) if training and self.dropout else []
        if not training or not self.recurrent_dropout:
            return x_masks if isinstance(x_masks, list) else [x_masks], []
        return x_masks, self.get_recurrent_dropout_mask(None)

    def call(self, inputs, states, training=False):
        """One step outside the layer, as in `keras.layers.RNN`, with the noise of that step."""
        noise = self.expected()
        if training and any(getattr(self, name) for name in self._rates):
            noise = self._noise_of_a_step(ops.shape(inputs)[0])
        if training:  # what `RNN.call` has done by now, for a cell inside it
            self.get_dropout_mask(inputs)
            self.get_recurrent_dropout_mask(states[0])
        sequence, gates = self.prepare(ops.expand_dims(inputs, 1), training)
        h, c = self.step(gates, sequence[:, 0], states, noise)
        return h, [h, c]

    def _noise_of_a_step(self, batch):
        why = "" if self.per_step else "holds a mask over the sequence, of which it sees one step"
        if keras.config.backend() == "jax":
            why = "cannot draw inside a loop on JAX"
        if why:
            layer = type(self).__name__.removesuffix("Cell")
            raise ValueError(f"{type(self).__name__} {why}: to train, use the layer {layer}, which "
                             "draws for the whole sequence")  # fmt: skip
        return [drawn if drawn is None else drawn[:, 0] for drawn in self.draw(batch, 1)]

    def get_config(self):
        """All arguments, those of `keras.layers.LSTMCell` included."""
        return {**super().get_config(), **{name: getattr(self, name) for name in self._rates}}


def _product_a_gate(v, masks, kernel):
    """The product with each gate's quarter of the kernel, v under that gate's own mask."""
    quarters = ops.split(kernel, 4, axis=1)
    masked = [v * mask for mask in masks] or [v] * 4
    return [ops.matmul(m, quarter) for m, quarter in zip(masked, quarters, strict=True)]


class NoisyLSTM(keras.layers.RNN):
    """An LSTM layer around a `NoisyLSTMCell`, with every argument of `keras.layers.LSTM`.

    `own` are those of the cell that `keras.layers.LSTMCell` lacks, and ``units``.
    """

    def __init__(self, cell_class, arguments, **own):
        cudnn = arguments.pop("use_cudnn", "auto")
        if cudnn not in ("auto", False):
            raise ValueError(
                "use_cudnn must be 'auto' or False, since cuDNN has no place for noise inside the "
                f"loop, got {cudnn!r}"
            )
        # Which of two equal computations Keras takes for its own layers: here there is one.
        implementation = arguments.pop("implementation", 2)
        of_cell = {name: arguments.pop(name) for name in LSTM_ARGUMENTS if name in arguments}
        of_both = {name: arguments[name] for name in ("dtype", "trainable") if name in arguments}
        super().__init__(cell_class(**own, **of_cell, **of_both, name="cell"), **arguments)
        self.use_cudnn = cudnn
        self.implementation = implementation
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def inner_loop(self, sequences, initial_state, mask, training=False, U=None):
        """What `RNN.call` runs: draw, then step through; `U` may replace the recurrent kernel."""
        cell = self.cell
        xs, gates = cell.prepare(sequences, training, U)
        batch, steps = ops.shape(sequences)[:2]
        noise = cell.draw(batch, steps) if training else cell.expected()
        read = [training and cell.per_step and drawn is not None for drawn in noise]

        def step(inputs, states):
            x, *of_step = inputs
            now = iter(of_step)
            noise_now = [next(now) if r else held for r, held in zip(read, noise, strict=True)]
            h, c = cell.step(gates, x, states, noise_now)
            return h, [h, c]

        return backend.rnn(
            step,
            (xs, *(drawn for r, drawn in zip(read, noise, strict=True) if r)),
            initial_state,
            go_backwards=self.go_backwards,
            mask=mask[0] if isinstance(mask, (list, tuple)) else mask,
            unroll=self.unroll,
            # In a list where it is symbolic: Keras' own fallback reads the shape of one tensor.
            input_length=sequences.shape[1] or [steps],
            zero_output_for_mask=self.zero_output_for_mask,
            return_all_outputs=self.return_sequences,
        )

    def get_config(self):
        """Every argument of the constructor."""
        config = {**self.cell.get_config(), **super().get_config()}  # name and dtype of the layer
        del config["cell"]
        regularizer = keras.regularizers.serialize(self.activity_regularizer)
        return {**config, "activity_regularizer": regularizer, "use_cudnn": self.use_cudnn}

    @classmethod
    def from_config(cls, config):
        """Make the layer from what `get_config` gave."""
        return cls(**config)


def takes_lstm_arguments(init):
    """Let `help` and editors see the arguments of `keras.layers.LSTM` that ``**kwargs`` takes."""
    signature = inspect.signature(init)
    *own, kwargs = signature.parameters.values()
    lstm = inspect.signature(keras.layers.LSTM.__init__).parameters.values()
    lstm = [p.replace(kind=p.KEYWORD_ONLY) for p in lstm if p.name not in signature.parameters]
    init.__signature__ = signature.replace(parameters=[*own, *lstm, kwargs])
    return init


def of_cell(name):
    """An argument of the cell as a property of the layer, which may be set later."""

    def get(layer):
        return getattr(layer.cell, name)

    def put(layer, value):
        setattr(layer.cell, name, value)

    return property(get, put, doc=f"`{name}` of the cell.")


# `layer.units`, `layer.dropout` and so on, as on `keras.layers.LSTM`.
for _name in ("units", *LSTM_ARGUMENTS):
    setattr(NoisyLSTM, _name, of_cell(_name))
