"""Zoneout (Krueger et al. 2017): now and then a unit keeps its old value instead of the new one."""

import keras
from keras import ops

from .noise import bernoulli
from .noisy_lstm import NoisyLSTM, NoisyLSTMCell, of_cell, takes_lstm_arguments


@keras.saving.register_keras_serializable(package="lstmreg_utils")
class ZoneoutLSTMCell(NoisyLSTMCell):
    """The cell of `ZoneoutLSTM`, for inference as in a decoder; further arguments are Keras'.

    >>> import numpy as np
    >>> cell = ZoneoutLSTMCell(4, zoneout_c=0.5, zoneout_h=0.1)
    >>> h, (h_carried, c) = cell(np.ones((2, 3)), [np.zeros((2, 4)), np.zeros((2, 4))])
    >>> bool((np.asarray(h) == np.asarray(h_carried)).all())
    True
    """

    def __init__(self, units, zoneout_c=0.0, zoneout_h=0.0, **kwargs):
        super().__init__(units, {"zoneout_c": zoneout_c, "zoneout_h": zoneout_h}, **kwargs)

    def draw(self, batch, steps):
        """Which units keep their old value, for c and for h."""
        rates = (self.zoneout_c, self.zoneout_h)
        return bernoulli(rates, (batch, steps, self.units), self.seed_generator)

    def expected(self):
        """The rates themselves."""
        return [self.zoneout_c or None, self.zoneout_h or None]

    def step(self, gates, x, states, noise):
        """Section 3 of Krueger et al. (2017): the new h reads the new c before its zoneout."""
        h, c = states
        d_c, d_h = noise
        i, f, g, o = gates(x, h)
        new_c = f * c + i * g
        new_h = o * self.activation(new_c)
        return _keep(d_h, h, new_h), _keep(d_c, c, new_c)


def _keep(d, old, new):
    """Mix d * old + (1 - d) * new, for a mask d, for its expectation, or for none."""
    if d is None:
        return new
    return d * old + (1 - d) * new if isinstance(d, float) else ops.where(d, old, new)


@keras.saving.register_keras_serializable(package="lstmreg_utils")
class ZoneoutLSTM(NoisyLSTM):
    r"""An LSTM with zoneout on its two states.

    With the candidate states of an LSTM without noise, :math:`\tilde c_t = f_t \odot c_{t-1} +
    i_t \odot g_t` and :math:`\tilde h_t = o_t \odot \tanh \tilde c_t`,

    .. math::

        c_t = d^c_t \odot c_{t-1} + (1 - d^c_t) \odot \tilde c_t, \qquad
        h_t = d^h_t \odot h_{t-1} + (1 - d^h_t) \odot \tilde h_t,

    where :math:`d^c_t` and :math:`d^h_t` are drawn anew for every step, unit and sequence, and are
    1 with probability `zoneout_c` and `zoneout_h`. At inference the rates take the place of the
    draws (Krueger et al. 2017, arXiv 1606.01305). The layer returns the :math:`h_t` it carries on.

    Parameters
    ----------
    units : int
        Width of both states, at least 1.
    zoneout_c, zoneout_h : float, default=0.0
        Probability that a unit keeps its old value, in [0, 1]; 0 is `keras.layers.LSTM`, 1 never
        leaves the initial state. The paper's rates for characters are 0.5 and 0.05.
    **kwargs
        As for `keras.layers.LSTM`. ``use_cudnn=True`` is refused: no fused kernel holds the noise.

    Notes
    -----
    In: (batch, steps, features), of the layer's compute dtype; out: (batch, units), or (batch,
    steps, units) with ``return_sequences=True``. A masked step changes no state. The noise of a
    whole call is drawn at once: one byte for each step, unit and state.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(20, 5, 3))  # 20 sequences of 5 steps
    >>> layer = ZoneoutLSTM(4, zoneout_c=0.5, zoneout_h=0.05)  # not keras.layers.LSTM(4)
    >>> model = keras.Sequential([layer, keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> history = model.fit(x, x[:, 0, 0], epochs=1, verbose=0)  # with noise
    >>> bool((model.predict(x, verbose=0) == model.predict(x, verbose=0)).all())  # without
    True
    """

    @takes_lstm_arguments
    def __init__(self, units, zoneout_c=0.0, zoneout_h=0.0, **kwargs):
        rates = {"zoneout_c": zoneout_c, "zoneout_h": zoneout_h}
        super().__init__(ZoneoutLSTMCell, kwargs, units=units, **rates)

    zoneout_c, zoneout_h = of_cell("zoneout_c"), of_cell("zoneout_h")
