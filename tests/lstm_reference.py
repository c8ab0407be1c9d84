"""The papers' recurrences in float64 NumPy with every mask given: what the layers must compute.

Written from the equations and not from the layers. A step takes x_t, h_{t-1}, c_{t-1}, the weights
W, U and b of the gates i, f, g and o side by side, and the noise; it returns h_t and c_t.
"""

import numpy as np


def σ(z):
    return 1 / (1 + np.exp(-z))


def gates(x, h, W, U, b):
    z_i, z_f, z_g, z_o = np.split(x @ W + h @ U + b, 4, axis=-1)
    return σ(z_i), σ(z_f), np.tanh(z_g), σ(z_o)


def lstm(x, h, c, weights):
    i, f, g, o = gates(x, h, *weights)
    c = f * c + i * g
    return o * np.tanh(c), c


def zoneout(x, h, c, weights, d_c, d_h):
    """Krueger et al. (2017), section 3: d is 1 where the old value stays, or the rate."""
    i, f, g, o = gates(x, h, *weights)
    h_t = d_h * h + (1 - d_h) * (o * np.tanh(f * c + i * g))
    c_t = d_c * c + (1 - d_c) * (f * c + i * g)
    return h_t, c_t


def dropout(x, h, c, weights, m_h, m_g, m_c):
    """On h (Gal and Ghahramani 2016), on g (Semeniuta et al. 2016), on c (Moon et al. 2015)."""
    i, f, g, o = gates(x, m_h * h, *weights)
    c = m_c * (f * c + i * (m_g * g))
    return o * np.tanh(c), c


def weight_drop(x, h, c, weights, M):
    """Merity et al. (2018)."""
    W, U, b = weights
    return lstm(x, h, c, (W, M * U, b))


def run(step, x, weights, noise=(), h=0.0, c=0.0, mask=None, go_backwards=False):
    """Take all steps.

    Parameters
    ----------
    step : callable
        One of the above.
    x : array of shape (batch, steps, features)
    weights : W, U, b
    noise : sequence
        Each an array (batch, steps, units), or what serves all steps.
    h, c : array of shape (batch, units), or float
        The initial states.
    mask : bool array of shape (batch, steps)
        False at a padded step: the states stay, and the output before it is given again.
    go_backwards : bool

    Returns
    -------
    outputs : array of shape (batch, steps, units)
        In the order in which the steps are taken.
    h, c : arrays of shape (batch, units)
        The last states.
    """
    x, *weights = (np.asarray(array, np.float64) for array in (x, *weights))
    batch, steps, _ = x.shape
    h, c = (np.broadcast_to(state, (batch, len(weights[1]))) for state in (h, c))
    output, outputs = np.zeros_like(h, dtype=np.float64), []
    for t in range(steps)[:: -1 if go_backwards else 1]:
        h_t, c_t = step(x[:, t], h, c, weights, *(n[:, t] if np.ndim(n) == 3 else n for n in noise))
        real = np.full((batch, 1), True) if mask is None else mask[:, t, None]
        h, c, output = np.where(real, h_t, h), np.where(real, c_t, c), np.where(real, h_t, output)
        outputs.append(output)
    return np.stack(outputs, axis=1), h, c
