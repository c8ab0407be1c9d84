"""Weight drop (Merity et al. 2018): DropConnect on the recurrent kernel, before the loop begins."""

import keras
from keras import ops
from keras.src import backend  # see noisy_lstm

from .noise import bernoulli, drop
from .noisy_lstm import NoisyLSTM, NoisyLSTMCell, of_cell, takes_lstm_arguments

USE_CUDNN = ("auto", True, False)


@keras.saving.register_keras_serializable(package="lstmreg_utils")
class WeightDropLSTMCell(NoisyLSTMCell):
    """The cell of `WeightDropLSTM`, for inference step by step; further arguments are Keras'.

    >>> WeightDropLSTMCell(4, weight_drop=0.5).get_config()["weight_drop"]
    0.5
    """

    per_step = False

    def __init__(self, units, weight_drop=0.0, **kwargs):
        super().__init__(units, {"weight_drop": weight_drop}, **kwargs)

    def dropped_kernel(self, training):
        """The recurrent kernel (units, 4 * units), in training with a new mask."""
        U = ops.convert_to_tensor(self.recurrent_kernel)
        if not training or self.weight_drop == 0:
            return U
        (dropped,) = bernoulli([self.weight_drop], U.shape, self.seed_generator)
        return drop(U, dropped, self.weight_drop)

    def draw(self, batch, steps):
        """Nothing: the weights are noisy, the states are not."""
        return []

    def expected(self):
        """Nothing."""
        return []

    def step(self, gates, x, states, noise):
        """The LSTM's own equations."""
        h, c = states
        i, f, g, o = gates(x, h)
        c = f * c + i * g
        return o * self.activation(c), c


@keras.saving.register_keras_serializable(package="lstmreg_utils")
class WeightDropLSTM(NoisyLSTM):
    r"""An LSTM whose recurrent kernel loses weights at random, and which keeps the fused kernel.

    .. math::

        i, f, o = \sigma(W x_t + (M \odot U) h_{t-1} + b), \qquad
        g = \tanh(W_g x_t + (M_g \odot U_g) h_{t-1} + b_g)

    The entries of :math:`M` are 0 with probability `weight_drop` and else
    :math:`1 / (1 - \text{weight\_drop})`. One mask is drawn a call, shared by all steps and
    sequences of the batch; at inference :math:`M = 1` (Merity et al. 2018, arXiv 1708.02182, after
    the DropConnect of Wan et al. 2013).

    In and out as for `keras.layers.LSTM`. The gradient of a dropped weight is 0 in that call.
    Inside `keras.layers.Bidirectional` the two directions draw masks of their own, unless an
    integer ``seed`` is given, which Keras copies to both.

    Parameters
    ----------
    units : int
        Width of both states, at least 1.
    weight_drop : float, default=0.0
        Probability to drop a weight, in [0, 1]; 0 is `keras.layers.LSTM`.
    use_cudnn : {'auto', True, False}, default='auto'
        The weights are masked before the loop, so cuDNN can run it. With True, the first call is
        a ValueError where no fused kernel can run.
    **kwargs
        As for `keras.layers.LSTM`.

    Examples
    --------
    >>> WeightDropLSTM(64, weight_drop=0.5).weight_drop  # in a model: see `ZoneoutLSTM`
    0.5
    """

    @takes_lstm_arguments
    def __init__(self, units, weight_drop=0.0, use_cudnn="auto", **kwargs):
        if use_cudnn not in USE_CUDNN:
            raise ValueError(f"use_cudnn must be one of {USE_CUDNN}, got {use_cudnn!r}")
        super().__init__(WeightDropLSTMCell, kwargs, units=units, weight_drop=weight_drop)
        self.use_cudnn = use_cudnn
        # XLA cannot hold a cuDNN kernel: TensorFlow's Keras has to be told before it compiles.
        if use_cudnn and not self.recurrent_dropout and keras.config.backend() == "tensorflow":
            self.supports_jit = not backend.cudnn_ok(
                self.activation, self.recurrent_activation, self.unroll, self.use_bias
            )

    weight_drop = of_cell("weight_drop")

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """The fused kernel where the backend has one for this layer, else the loop."""
        U = self.cell.dropped_kernel(training)
        if self.use_cudnn and not self.recurrent_dropout:
            try:
                return self._fused(sequences, initial_state, mask, training, U)
            except NotImplementedError:
                pass
        if self.use_cudnn is True:
            raise ValueError(
                "use_cudnn=True, but no fused kernel can run this layer on this device and "
                "backend; use_cudnn='auto' takes the loop instead"
            )
        return super().inner_loop(sequences, initial_state, mask, training, U)

    def _fused(self, sequences, initial_state, mask, training, U):
        cell = self.cell
        if training and self.dropout:
            sequences = sequences * ops.expand_dims(cell.get_dropout_mask(None), 1)
        return backend.lstm(
            sequences, *initial_state, mask[0] if isinstance(mask, (list, tuple)) else mask,
            kernel=ops.convert_to_tensor(cell.kernel), recurrent_kernel=U,
            bias=ops.convert_to_tensor(cell.bias) if cell.use_bias else None,
            activation=cell.activation, recurrent_activation=cell.recurrent_activation,
            return_sequences=self.return_sequences, go_backwards=self.go_backwards,
            unroll=self.unroll,
        )  # fmt: skip
