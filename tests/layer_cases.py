"""The noisy LSTM layers as one table, and the checks that every row of it must pass.

A check takes a row and raises AssertionError. `test_layers.py` applies them to the layers;
`test_layer_guards.py` breaks the layers and shows that the same checks notice. A new layer comes
with its equations, and with rows that between them give each of its arguments another value than
the default.
"""

import contextlib
import inspect
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest import mock

import keras
import numpy as np
from tolerances import ATOL

from lstmreg_utils.layers import RecurrentDropoutLSTM, WeightDropLSTM, ZoneoutLSTM

BATCH, STEPS, FEATURES, UNITS = 5, 4, 2, 4

_rng = np.random.default_rng(0)
X = _rng.normal(size=(BATCH, STEPS, FEATURES)).astype(np.float32)
H, C = (_rng.uniform(-0.9, 0.9, (BATCH, UNITS)).astype(np.float32) for _ in "hc")
WEIGHTS = [
    _rng.normal(size=shape, scale=0.5).astype(np.float32)
    for shape in [(FEATURES, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,)]
]
# The rows of a batch: no padding, padding on the right, on the left, a hole, only padding.
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 1, 1], [0, 0, 0, 0]], bool)


# What the layers must compute: the papers' recurrences in float64 NumPy with every mask given.
# Written from the equations and not from the layers. A step takes x_t, h_{t-1}, c_{t-1}, the
# weights W, U and b of the gates i, f, g and o side by side, and the noise; it returns h_t and c_t.


def σ(z):
    return 1 / (1 + np.exp(-z))


def gates(x, h, W, U, b):
    z_i, z_f, z_g, z_o = np.split(x @ W + h @ U + b, 4, axis=-1)
    return σ(z_i), σ(z_f), np.tanh(z_g), σ(z_o)


def lstm(x, h, c, weights):
    i, f, g, o = gates(x, h, *weights)
    c = f * c + i * g
    return o * np.tanh(c), c


def run(step, x, weights, noise=(), h=0.0, c=0.0, mask=None, go_backwards=False):
    """Take all steps.

    Parameters
    ----------
    step : callable
        One of a layer, or `lstm`.
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


# What a mask means in the equations. Without a mask, as at inference, its mean stands for it.


def keeps(mask, rate):
    """d of zoneout: 1 where the old value stays."""
    return rate if mask is None else mask.astype(float)


def drops(mask, rate):
    """m of inverted dropout: 0 where the value is dropped."""
    return 1.0 if mask is None else np.where(mask, 0.0, 1 / (1 - rate) if rate < 1 else 0.0)


@dataclass(frozen=True)
class Case:
    """A row: a layer with rates, and what the equations say of it."""

    name: str
    layer: type
    rates: dict  # by argument, in the order of the masks
    step: Callable  # the equations of the paper
    factor: Callable  # keeps or drops
    limit: Callable
    options: dict = field(default_factory=dict)
    mask_per: str = "step"

    def make(self, weights=WEIGHTS, **changed):
        """The layer with given weights, returning all outputs and both states."""
        returned = {"return_sequences": True, "return_state": True}
        arguments = {"units": UNITS, "seed": 3, "recurrent_initializer": "zeros", **returned}
        layer = self.layer(**{**arguments, **self.rates, **self.options, **changed})
        layer.build((BATCH, None, len(weights[0])))
        layer.set_weights(weights)
        return layer

    def noise(self, masks):
        """The factors of the equations."""
        return [self.factor(*pair) for pair in zip(masks, self.rates.values(), strict=True)]

    def expected(self, masks=None, x=X, weights=WEIGHTS, **options):
        """Outputs, h and c as the equations say; without masks, at inference."""
        noise = self.noise(masks or [None for _ in self.rates])
        return run(self.step, x, weights, noise, **options)


# What the limit of a row says: the last h and c at rate 1, from the input, the weights and the
# initial states; None where the equation is no simpler than at other rates.


def nothing_moves(x, weights, h, c):
    return h, c


def all_is_forgotten(x, weights, h, c):
    return 0 * h, 0 * c


def gates_see_no_h(x, weights, h, c):
    W, U, b = weights
    return run(lstm, x, (W, 0 * U, b), h=h, c=c)[1:]


# The layers, each with its step and its rows.


def zoneout(x, h, c, weights, d_c, d_h):
    """Krueger et al. (2017), section 3: d is 1 where the old value stays, or the rate."""
    i, f, g, o = gates(x, h, *weights)
    h_t = d_h * h + (1 - d_h) * (o * np.tanh(f * c + i * g))
    c_t = d_c * c + (1 - d_c) * (f * c + i * g)
    return h_t, c_t


def c_never_moves(x, weights, h, c):
    return None, c


def h_never_moves(x, weights, h, c):
    return h, None


ZONEOUT = {"layer": ZoneoutLSTM, "step": zoneout, "factor": keeps}
CASES = [
    Case("zoneout c", rates={"zoneout_c": 0.4, "zoneout_h": 0.0}, limit=c_never_moves, **ZONEOUT),
    Case("zoneout h", rates={"zoneout_c": 0.0, "zoneout_h": 0.3}, limit=h_never_moves, **ZONEOUT),
    Case("zoneout c h", rates={"zoneout_c": 0.5, "zoneout_h": 0.2}, limit=nothing_moves, **ZONEOUT),
]


def dropout(x, h, c, weights, m_h, m_g, m_c):
    """On h (Gal and Ghahramani 2016), on g (Semeniuta et al. 2016), on c (Moon et al. 2015)."""
    i, f, g, o = gates(x, m_h * h, *weights)
    c = m_c * (f * c + i * (m_g * g))
    return o * np.tanh(c), c


def c_takes_nothing_in(x, weights, h, c):
    no_g = np.repeat([1.0, 1.0, 0.0, 1.0], UNITS)  # tanh(0) = 0
    return run(lstm, x, [w * no_g for w in weights], h=h, c=c)[1:]


DROPOUT = {"layer": RecurrentDropoutLSTM, "step": dropout, "factor": drops}


def _dropout(name, mask_per, limit, h=0.0, g=0.0, c=0.0):
    rates = {"dropout_h": h, "dropout_g": g, "dropout_c": c}
    options = {"mask_per": mask_per}
    name = f"{name} per {mask_per}"
    return Case(name, rates=rates, limit=limit, options=options, mask_per=mask_per, **DROPOUT)


CASES += [
    _dropout("dropout h", "step", gates_see_no_h, h=0.3),
    _dropout("dropout h", "sequence", gates_see_no_h, h=0.3),
    _dropout("dropout g", "step", c_takes_nothing_in, g=0.4),
    _dropout("dropout g", "sequence", c_takes_nothing_in, g=0.4),
    _dropout("dropout c", "step", all_is_forgotten, c=0.25),
    _dropout("dropout c", "sequence", all_is_forgotten, c=0.25),
    _dropout("dropout h g c", "step", all_is_forgotten, h=0.2, g=0.5, c=0.3),
    _dropout("dropout h g c", "sequence", all_is_forgotten, h=0.2, g=0.5, c=0.3),
]


def weight_drop(x, h, c, weights, M):
    """Merity et al. (2018)."""
    W, U, b = weights
    return lstm(x, h, c, (W, M * U, b))


WEIGHT_DROP = {"layer": WeightDropLSTM, "step": weight_drop, "factor": drops, "mask_per": "call"}
CASES += [Case("weight drop", rates={"weight_drop": 0.5}, limit=gates_see_no_h, **WEIGHT_DROP)]

BY_NAME = {case.name: case for case in CASES}
# One row of each layer, and one of each layer and lifetime of its masks: where more would tell
# nothing new.
LAYERS = {case.layer.__name__: case for case in CASES}
SCHEMES = {f"{case.layer.__name__} per {case.mask_per}": case for case in CASES}
CELLS = {case.layer: type(case.layer(UNITS).cell) for case in LAYERS.values()}

# Of every argument of `keras.layers.LSTM` a value that is not the default.
KERAS_VALUES = {
    "units": 3,
    "activation": "relu",
    "recurrent_activation": "hard_sigmoid",
    "use_bias": False,
    "kernel_initializer": "he_normal",
    "recurrent_initializer": "glorot_normal",
    "bias_initializer": "ones",
    "unit_forget_bias": False,
    "kernel_regularizer": "l1",
    "recurrent_regularizer": "l2",
    "bias_regularizer": "L1L2",
    "activity_regularizer": "l2",
    "kernel_constraint": "non_neg",
    "recurrent_constraint": "unit_norm",
    "bias_constraint": "max_norm",
    "dropout": 0.1,
    "recurrent_dropout": 0.2,
    "seed": 7,
    "return_sequences": True,
    "return_state": True,
    "go_backwards": True,
    "stateful": True,
    "unroll": True,
    "use_cudnn": False,
    "zero_output_for_mask": True,
    "name": "mine",
    "trainable": False,
    "dtype": "mixed_float16",
}


def values(layer):
    """Of every argument of a layer a value that is not the default; its own as the rows have it."""
    parameters = inspect.signature(layer).parameters
    rows = [{**case.rates, **case.options} for case in CASES if case.layer is layer]
    own = {
        name: value
        for row in rows
        for name, value in row.items()
        if value != parameters[name].default
    }
    return {**KERAS_VALUES, **own}


def at_zero(case):
    """The rates of a row, all 0."""
    return dict.fromkeys(case.rates, 0.0)


def keras_lstm(weights=WEIGHTS, **options):
    """`keras.layers.LSTM`, made as a row makes its layer. Without noise nothing is in its way."""
    returned = {"return_sequences": True, "return_state": True}
    layer = keras.layers.LSTM(**{"units": UNITS, "seed": 3, **returned, **options})
    layer.build((BATCH, None, len(weights[0])))
    layer.set_weights(weights)
    return layer


# What a layer did.


def numpy(values):
    return [keras.ops.convert_to_numpy(value) for value in keras.tree.flatten(values)]


@contextlib.contextmanager
def recording(case):
    """A list that fills with the masks of each call, as bool arrays. Not in compiled code."""
    module, drawn = inspect.getmodule(case.layer), []
    draw = module.bernoulli

    def recorded(*arguments):
        masks = draw(*arguments)
        drawn.append([None if mask is None else numpy(mask)[0] for mask in masks])
        return masks

    with mock.patch.object(module, "bernoulli", recorded):
        yield drawn


def training_call(case, layer, x=X, **options):
    """What the layer returns in training, and the masks that it drew for it."""
    with recording(case) as drawn:
        outputs = numpy(layer(x, training=True, **options))
    assert len(drawn) == 1, f"masks were drawn {len(drawn)} times"
    return outputs, drawn[0]


def projection(outputs, total=np.sum):
    """A number that every output enters with a weight of its own."""
    own = [np.cos(np.arange(np.prod(output.shape))).reshape(output.shape) for output in outputs]
    return sum(total(output * weights) for output, weights in zip(outputs, own, strict=True))


def gradients(layer, x=X):
    """Of the projection of what a training call returns: with respect to x and to the weights."""
    if keras.config.backend() == "jax":
        import jax

        def loss(x, weights):
            state = [variable.value for variable in layer.non_trainable_variables]
            outputs, _ = layer.stateless_call(weights, state, x, training=True)
            return projection(outputs, jax.numpy.sum)

        weights = [variable.value for variable in layer.trainable_variables]
        return numpy(jax.grad(loss, argnums=(0, 1))(jax.numpy.asarray(x), weights))
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = projection(layer(x, training=True), tf.reduce_sum)
    return numpy(tape.gradient(loss, [x, *layer.trainable_weights]))


def train(layer, steps=3):
    """The weights after some steps of gradient descent on random data."""
    rng = np.random.default_rng(1)
    model = keras.Sequential([keras.layers.Input((STEPS, FEATURES)), layer])
    model.compile(keras.optimizers.SGD(0.5), "mse", run_eagerly=True)
    for _ in range(steps):
        x, y = rng.normal(size=X.shape), rng.normal(size=(BATCH, STEPS, UNITS))
        model.train_on_batch(x, y)
    return layer.get_weights()


def assert_equal(ours, theirs, atol=ATOL):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=atol)


# The checks.


def check_rate_zero(case, **options):
    """At rates of 0 the layer gives what `keras.layers.LSTM` gives, and the same gradients."""
    ours, theirs = case.make(**at_zero(case), **options), keras_lstm(**options)
    for training in (False, True):
        assert_equal(numpy(ours(X, training=training)), numpy(theirs(X, training=training)))
    assert_equal(gradients(ours), gradients(theirs))


def check_training_at_rate_zero(case, **options):
    """At rates of 0 the layer learns what `keras.layers.LSTM` learns."""
    options = {"return_state": False, **options}
    learned = train(case.make(**at_zero(case), **options))
    assert_equal(learned, train(keras_lstm(**options)))
    assert all((new != old).any() for new, old in zip(learned, WEIGHTS, strict=False))


def check_reference(case, mask=None, **options):
    """In training and at inference the layer gives what the equations give with the same masks."""
    layer = case.make(**options)
    backwards = {"go_backwards": layer.go_backwards}
    if mask is None:
        states, call = {"h": H, "c": C}, {"initial_state": [H, C]}
    else:
        states, call = {"mask": mask}, {"mask": mask}
    outputs, masks = training_call(case, layer, **call)
    assert_equal(outputs, case.expected(masks, **states, **backwards))
    assert_equal(numpy(layer(X, training=False, **call)), case.expected(**states, **backwards))


def check_gradients(case):
    """The gradient in a random direction is the slope of the equations, with the same masks."""
    layer = case.make()
    with recording(case) as drawn:
        gradient = gradients(layer)
    rng, ε = np.random.default_rng(2), 1e-4
    direction = [rng.normal(size=array.shape) for array in (X, *WEIGHTS)]

    def loss(ε):
        x, *weights = (a + ε * d for a, d in zip((X, *WEIGHTS), direction, strict=True))
        return projection(case.expected(drawn[0], x=x, weights=weights))

    terms = np.concatenate([(g * d).ravel() for g, d in zip(gradient, direction, strict=True)])
    rounding = 1e-6 * np.abs(terms).sum()  # of float32; the sum itself may be near 0
    np.testing.assert_allclose(terms.sum(), (loss(ε) - loss(-ε)) / (2 * ε), rtol=0, atol=rounding)


def check_limit(case):
    """At rate 1 the layer does what the equation says, exactly where nothing may move."""
    ones = {name: float(rate > 0) for name, rate in case.rates.items()}
    layer = case.make(**ones)
    outputs, h, c = numpy(layer(X, training=True, initial_state=[H, C]))
    np.testing.assert_array_equal(outputs[:, -1], h)
    for state, expected in zip((h, c), case.limit(X, WEIGHTS, H, C), strict=True):
        if expected is not None:
            np.testing.assert_allclose(state, expected, rtol=0, atol=ATOL)


def check_inference(case):
    """Inference is what the equations say with the mean noise, again and again, and draws none."""
    layer = case.make()
    with recording(case) as drawn:
        first, again = numpy(layer(X, training=False)), numpy(layer(X))
    assert drawn == []
    np.testing.assert_array_equal(layer.cell.seed_generator.state, [3, 0])
    assert_equal(first, case.expected())
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def share(mask, p):
    """The share of True is p, within a bound that one in 150,000 binomial draws misses."""
    assert abs(mask.mean() - p) <= 4.5 * np.sqrt(p * (1 - p) / mask.size), (mask.mean(), p)


def check_masks(case):
    """Masks have the right shape and frequency, and are new wherever they should be new."""
    batch, units = 50, 40
    weights = [np.zeros((n, 4 * units)) for n in (FEATURES, units)] + [np.zeros(4 * units)]
    layer = case.make(weights, units=units)
    x = np.zeros((batch, STEPS, FEATURES), np.float32)
    with recording(case) as drawn:
        layer(x, training=True)
        layer(x, training=True)
    first, second = drawn
    shape = {
        "step": (batch, STEPS, units), "sequence": (batch, units), "call": (units, 4 * units)
    }[case.mask_per]  # fmt: skip
    rates = list(case.rates.values())
    noisy = [k for k, rate in enumerate(rates) if rate > 0]
    assert [k for k, mask in enumerate(first) if mask is not None] == noisy
    for k in noisy:
        mask, rate = first[k], rates[k]
        assert mask.shape == shape
        share(mask, rate)
        share(mask & second[k], rate**2)  # of the next call
        share(mask[..., ::2] & mask[..., 1::2], rate**2)  # of the next unit
        share(mask[::2] & mask[1::2], rate**2)  # of the next example; of weights, the next row
        if case.mask_per == "step":
            share(mask[:, ::2] & mask[:, 1::2], rate**2)
    for one, other in itertools.combinations(noisy, 2):
        share(first[one] & first[other], rates[one] * rates[other])


def check_mean(case):
    """After one step the mean over many masks is what inference gives.

    Here h and c are linear in every mask, so that this is exact but for the sampling: no squashing,
    and h enters g alone. All examples and units are alike, so that there is something to count.
    """
    examples = case.mask_per != "call"
    batch, units = (2000, 3) if examples else (2, 500)
    W, U, b = np.full((FEATURES, 4 * units), 0.3), np.zeros((units, 4 * units)), np.zeros(4 * units)
    U[:, 2 * units : 3 * units] = 1 / np.sqrt(units)
    layer = case.make([W, U, b], units=units, activation="linear")
    x, state = np.ones((batch, 1, FEATURES), np.float32), np.ones((batch, units), np.float32)
    call = {"initial_state": [0.7 * state, -0.4 * state]}
    noisy, still = numpy(layer(x, training=True, **call)), numpy(layer(x, **call))
    varied = 0
    for name, drawn, mean in zip(("h", "c"), noisy[1:], still[1:], strict=True):
        sample = (drawn[:, 0] if examples else drawn[0]).astype(float)
        error = 4.5 * sample.std() / np.sqrt(len(sample)) + ATOL
        assert abs(sample.mean() - mean[0, 0]) <= error, (name, sample.mean(), mean[0, 0], error)
        varied += sample.std() > 0.01
    assert varied, "the noise changed nothing"


def check_padding(case, **options):
    """A padded step changes neither state, whatever its values, and the output before it stays."""
    check_reference(case, MASK, **options)
    layer = case.make(**options)
    other = np.where(MASK[..., None], X, 100.0)
    for training in (False, True):
        outcomes = []
        for x in (X, other):
            layer.cell.seed_generator.state.assign([3, 0])
            outcomes.append(numpy(layer(x, mask=MASK, training=training)))
        for one, two in zip(*outcomes, strict=True):
            np.testing.assert_array_equal(one, two)
    _, h, c = numpy(layer(X, mask=MASK))
    assert not h[-1].any()  # the row of nothing but padding
    assert not c[-1].any()


def check_stateful(case):
    """A stateful layer goes on where the batch before has ended, until it is reset."""
    layer = case.make(stateful=True)
    whole = numpy(layer(X))
    layer.reset_state()
    halves = [numpy(layer(part)) for part in np.split(X, 2, axis=1)]
    assert_equal([np.concatenate([half[0] for half in halves], axis=1)], whole[:1])
    assert_equal(halves[1][1:], whole[1:])
    layer.reset_state()
    h = c = 0.0
    for part in np.split(X, 2, axis=1):
        outputs, masks = training_call(case, layer, part)
        expected = _, h, c = case.expected(masks, x=part, h=h, c=c)
        assert_equal(outputs, expected)


def check_seed(case):
    """The same seed gives the same training run, another seed another one."""
    one, same, other = (train(case.make(seed=s, return_state=False), 2) for s in (3, 3, 4))
    for first, again in zip(one, same, strict=True):
        np.testing.assert_array_equal(first, again)
    assert np.abs(one[0] - other[0]).max() > 1e-4
