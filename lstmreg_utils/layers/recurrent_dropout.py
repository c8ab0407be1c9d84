"""Dropout at three points inside the recurrence: on h, on the update g, or on the cell state c."""

import keras

from .noise import bernoulli, drop, kept
from .noisy_lstm import NoisyLSTM, NoisyLSTMCell, of_cell, takes_lstm_arguments

MASK_PER = ("step", "sequence")


@keras.saving.register_keras_serializable(package="lstmreg_utils")
class RecurrentDropoutLSTMCell(NoisyLSTMCell):
    """The cell of `RecurrentDropoutLSTM`, for inference step by step; further arguments are Keras'.

    >>> RecurrentDropoutLSTMCell(4, dropout_g=0.25).get_config()["dropout_g"]
    0.25
    """

    def __init__(
        self, units, dropout_h=0.0, dropout_g=0.0, dropout_c=0.0, mask_per="step", **kwargs
    ):
        if mask_per not in MASK_PER:
            raise ValueError(f"mask_per must be one of {MASK_PER}, got {mask_per!r}")
        rates = {"dropout_h": dropout_h, "dropout_g": dropout_g, "dropout_c": dropout_c}
        super().__init__(units, rates, **kwargs)
        self.mask_per = mask_per

    @property
    def per_step(self):
        """Whether every step has masks of its own."""
        return self.mask_per == "step"

    def draw(self, batch, steps):
        """What is dropped of h, g and c."""
        shape = (batch, steps, self.units) if self.per_step else (batch, self.units)
        rates = (self.dropout_h, self.dropout_g, self.dropout_c)
        return bernoulli(rates, shape, self.seed_generator)

    def expected(self):
        """Nothing: what is kept in training is scaled there."""
        return [None, None, None]

    def step(self, gates, x, states, noise):
        """The LSTM's equations with dropout on h, on g and on the new c."""
        h, c = states
        d_h, d_g, d_c = noise
        i, f, g, o = gates(x, kept(h, d_h, self.dropout_h))
        c = drop(f * c + i * drop(g, d_g, self.dropout_g), d_c, self.dropout_c)
        return o * self.activation(c), c

    def get_config(self):
        """All arguments."""
        return {**super().get_config(), "mask_per": self.mask_per}


@keras.saving.register_keras_serializable(package="lstmreg_utils")
class RecurrentDropoutLSTM(NoisyLSTM):
    r"""An LSTM with dropout on h, on the cell update g, or on the cell state c.

    .. math::

        i, f, o &= \sigma(W x_t + U (m^h \odot h_{t-1}) + b), \qquad
        g = \tanh(W_g x_t + U_g (m^h \odot h_{t-1}) + b_g) \\
        c_t &= m^c \odot (f \odot c_{t-1} + i \odot m^g \odot g), \qquad
        h_t = o \odot \tanh c_t

    Each factor is 0 with the given probability :math:`p` and else :math:`1 / (1 - p)`; at
    inference it is 1.

    - `dropout_h` with a mask per sequence is the tied variational LSTM of Gal and Ghahramani
      (2016); `keras.layers.LSTM(recurrent_dropout=...)` draws four such masks, one a gate.
    - `dropout_g` is recurrent dropout without memory loss (Semeniuta et al. 2016): what the cell
      holds is never touched.
    - `dropout_c` masks the memory itself (Moon et al. 2015, there with a mask per sequence and
      scaled at test). A value survives n steps of masks with probability :math:`(1 - p)^n`, and
      what survives grows. It is here as the cautionary case.

    In and out as for `keras.layers.LSTM`. The noise of a call is drawn at once: per step it takes
    as much memory as one more output sequence for each rate that is not 0.

    Parameters
    ----------
    units : int
        Width of both states, at least 1.
    dropout_h, dropout_g, dropout_c : float, default=0.0
        Probability to drop, in [0, 1]; all 0 is `keras.layers.LSTM`.
    mask_per : {'step', 'sequence'}, default='step'
        What has a mask of its own. Sequences of a batch share none, and every call draws anew.
    **kwargs
        As for `keras.layers.LSTM`. ``use_cudnn=True`` is refused: no fused kernel holds the noise.

    Examples
    --------
    >>> layer = RecurrentDropoutLSTM(64, dropout_g=0.25)  # in a model: see `ZoneoutLSTM`
    >>> layer.dropout_g, layer.mask_per
    (0.25, 'step')
    """

    @takes_lstm_arguments
    def __init__(
        self, units, dropout_h=0.0, dropout_g=0.0, dropout_c=0.0, mask_per="step", **kwargs
    ):
        rates = {"dropout_h": dropout_h, "dropout_g": dropout_g, "dropout_c": dropout_c}
        own = {"units": units, **rates, "mask_per": mask_per}
        super().__init__(RecurrentDropoutLSTMCell, kwargs, **own)

    dropout_h, dropout_g, dropout_c = map(of_cell, ("dropout_h", "dropout_g", "dropout_c"))
    mask_per = of_cell("mask_per")
