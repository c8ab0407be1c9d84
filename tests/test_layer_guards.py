"""The checks of `layer_cases.py` can fail: each of these ways to break a layer is noticed."""

import inspect

import keras
import layer_cases as cases
import pytest
from keras import ops

from lstmreg_utils.layers.noise import bernoulli, drop
from lstmreg_utils.layers.noisy_lstm import NoisyLSTM
from lstmreg_utils.layers.weight_drop import WeightDropLSTM
from lstmreg_utils.layers.zoneout import ZoneoutLSTMCell, _keep

# Steps of a cell.


def without_noise(cell, gates, x, states, noise):
    i, f, g, o = gates(x, states[0])
    c = f * states[1] + i * g
    return o * cell.activation(c), c


def with_unzoned_output(cell, gates, x, states, noise):
    h, c = without_noise(cell, gates, x, states, noise)
    return h, _keep(noise[0], states[1], c)


def with_h_from_the_zoned_c(cell, gates, x, states, noise):
    h, c = states
    i, f, g, o = gates(x, h)
    c = _keep(noise[0], c, f * c + i * g)
    return _keep(noise[1], h, o * cell.activation(c)), c


def with_memory_loss(cell, gates, x, states, noise):
    i, f, g, o = gates(x, states[0])
    c = drop(f * states[1] + i * g, noise[1], cell.dropout_g)
    return o * cell.activation(c), c


def without_input_gate(cell, gates, x, states, noise):
    _, f, g, o = gates(x, states[0])
    c = f * states[1] + g
    return o * cell.activation(c), c


def with_a_cut_gradient(cell, gates, x, states, noise):
    return without_noise(cell, gates, x, [ops.stop_gradient(s) for s in states], noise)


def nothing_expected(cell):
    return [None, None]


def unscaled(value, dropped, rate):
    return value if dropped is None else ops.where(dropped, ops.zeros_like(value), value)


def turned_around(d, old, new):
    return new if d is None else _keep(d, new, old)


# Draws of masks.


def one_for_all(axis):
    def drawn(rates, shape, seeds):
        masks = bernoulli(rates, shape, seeds)
        first = [m if m is None else ops.take(m, [0], axis=axis) for m in masks]
        return [m if m is None else ops.broadcast_to(m, shape) for m in first]

    drawn.__name__ = f"one_for_all_along_axis_{axis}"
    return drawn


def one_for_all_calls(rates, shape, seeds):
    seeds.state.assign([3, 0])
    return bernoulli(rates, shape, seeds)


def one_for_all_rates(rates, shape, seeds):
    state = keras.ops.copy(seeds.state)
    masks = []
    for rate in rates:
        seeds.state.assign(state)
        masks += bernoulli([rate], shape, seeds)
    return masks


def too_often(rates, shape, seeds):
    return bernoulli([1.15 * rate for rate in rates], shape, seeds)


def without_the_seed(rates, shape, seeds):
    return bernoulli(rates, shape, keras.random.SeedGenerator())


def even_at_zero(rates, shape, seeds):
    bernoulli([0.5], shape, seeds)
    return bernoulli(rates, shape, seeds)


draw = ZoneoutLSTMCell.draw


def nothing(cell, batch, steps):
    return [None, None]


def out_of_order(cell, batch, steps):
    return [mask if mask is None else ops.flip(mask, axis=1) for mask in draw(cell, batch, steps)]


# Loops.

loop, inner_loop = NoisyLSTM.inner_loop, WeightDropLSTM.inner_loop


def noisy_at_inference(layer, sequences, initial_state, mask, training):
    return loop(layer, sequences, initial_state, mask, True)


def deaf_to_the_mask(layer, sequences, initial_state, mask, training=False):
    run = inner_loop if isinstance(layer, WeightDropLSTM) else loop
    return run(layer, sequences, initial_state, None, training)


def from_nothing(layer, sequences, initial_state, mask, training=False):
    run = inner_loop if isinstance(layer, WeightDropLSTM) else loop
    return run(layer, sequences, [0 * s for s in initial_state], mask, training)


# What is broken, how, of which rows of the table, and the checks that notice.
BROKEN = [
    ("cell.step", without_noise, ["zoneout c h", "dropout g per step"], "reference limit"),
    ("cell.step", with_unzoned_output, ["zoneout h", "zoneout c h"], "reference limit inference"),
    ("cell.step", with_h_from_the_zoned_c, ["zoneout c"], "reference gradients"),
    ("cell.step", with_memory_loss, ["dropout g per step"], "reference gradients limit"),
    ("cell.step", without_input_gate, ["zoneout c"], "rate_zero training_at_rate_zero"),
    ("cell.step", with_a_cut_gradient, ["weight drop"], "rate_zero gradients"),
    ("cell.expected", nothing_expected, ["zoneout c", "zoneout h"], "inference mean reference"),
    ("module._keep", turned_around, ["zoneout c", "zoneout h"], "limit reference inference"),
    ("module.drop", unscaled, ["dropout g per step", "weight drop"], "mean reference gradients"),
    ("module.bernoulli", one_for_all(0), ["zoneout c", "dropout c per sequence"], "masks"),
    ("module.bernoulli", one_for_all(1), ["zoneout h", "dropout h per step"], "masks"),
    ("module.bernoulli", one_for_all(-1), ["dropout g per sequence", "weight drop"], "masks"),
    ("module.bernoulli", one_for_all_calls, ["zoneout c", "weight drop"], "masks"),
    ("module.bernoulli", one_for_all_rates, ["zoneout c h", "dropout h g c per step"], "masks"),
    ("module.bernoulli", too_often, ["zoneout c", "dropout h per step", "weight drop"], "masks"),
    ("module.bernoulli", without_the_seed, ["zoneout c", "weight drop"], "seed"),
    ("cell.draw", nothing, ["zoneout c h"], "limit reference"),
    ("cell.draw", out_of_order, ["zoneout c", "zoneout h"], "reference gradients"),
    ("layer.inner_loop", noisy_at_inference, ["zoneout c", "dropout c per step"], "inference"),
    ("layer.inner_loop", deaf_to_the_mask, ["zoneout c", "weight drop"], "padding"),
    ("layer.inner_loop", from_nothing, ["dropout g per step", "weight drop"], "stateful reference"),
]  # fmt: skip
GUARDS = [
    pytest.param(part, wrong, cases.BY_NAME[row], check, id=f"{row}: {wrong.__name__}: {check}")
    for part, wrong, rows, checks in BROKEN
    for row in rows
    for check in checks.split()
]


def break_it(monkeypatch, case, part, wrong):
    owner, attribute = part.split(".")
    owners = {
        "module": inspect.getmodule(case.layer), "layer": case.layer, "cell": type(case.make().cell)
    }  # fmt: skip
    monkeypatch.setattr(owners[owner], attribute, wrong)


@pytest.mark.parametrize(("part", "wrong", "case", "check"), GUARDS)
def test_broken_layer_is_caught(monkeypatch, part, wrong, case, check):
    break_it(monkeypatch, case, part, wrong)
    with pytest.raises(AssertionError):
        getattr(cases, f"check_{check}")(case)


def test_draw_that_puts_the_masks_of_keras_out_of_step_is_caught(monkeypatch):
    case = cases.BY_NAME["zoneout c"]
    break_it(monkeypatch, case, "module.bernoulli", even_at_zero)
    with pytest.raises(AssertionError):
        cases.check_rate_zero(case, dropout=0.3)
