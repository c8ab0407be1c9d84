"""`explain_kernel` against what Keras' backend does, over a grid of configurations.

Every case builds the graph of a training call as a machine with a GPU would; on JAX (`nox -s jax`)
its program, lowered for a card, and on torch (`nox -s torch`) the call is made. The whole grid
takes minutes (`nox -s kernels`); otherwise every pair of arguments that occurs in it is tested.
"""

import itertools

import keras
import numpy as np
import pytest
from keras.layers import GRU, LSTM, RNN, Bidirectional, GRUCell, LSTMCell, SimpleRNN

from lstmreg_utils.kernels import explain_kernel, kernel_trace, rules
from lstmreg_utils.kernels.releases import release
from lstmreg_utils.layers import RecurrentDropoutLSTM, WeightDropLSTM, ZoneoutLSTM

BACKEND = keras.config.backend()
# The layers that this release has a fused kernel for.
FUSED = {kind for kind, since in rules.SINCE[BACKEND].items() if since <= release()}
OF_KERNEL = {
    "activation": ["tanh", "relu"],
    "recurrent_activation": ["sigmoid", "hard_sigmoid"],
    "use_bias": [True, False],
    "unroll": [False, True],
    "dropout": [0.0, 0.3],
    "recurrent_dropout": [0.0, 0.3],
}
# These change the graph, and must not change the kernel; each is also crossed with three layers.
OF_NO_KERNEL = [
    {"return_sequences": True},
    {"return_state": True},
    {"go_backwards": True},
    {"stateful": True},
    {"dtype": "mixed_float16"},
    {"dtype": "mixed_bfloat16"},
    {"dtype": "float64"},
    {"seed": 1},
    {"recurrent_regularizer": "l2"},
    {"zero_output_for_mask": True, "return_sequences": True},
    {"implementation": 1},
    {"implementation": 1, "dropout": 0.3},
    {"implementation": 1, "dropout": 0.3, "use_cudnn": False},
    {"implementation": 1, "dropout": 0.3, "recurrent_dropout": 0.3},
    {"activation": keras.ops.tanh},
    {"activation": lambda x: keras.ops.tanh(x)},
]


def product(options):
    """Every combination, as keyword arguments."""
    for values in itertools.product(*options.values()):
        yield dict(zip(options, values, strict=True))


def crossed(layer):
    """All arguments that the kernel depends on, with and without `use_cudnn`."""
    for use_cudnn in ("auto", False):
        yield from (
            (layer, {**arguments, "use_cudnn": use_cudnn}) for arguments in product(OF_KERNEL)
        )
    few = {name: OF_KERNEL[name] for name in ("activation", "recurrent_dropout", "unroll")}
    yield from ((layer, {**arguments, "use_cudnn": True}) for arguments in product(few))


CASES = [
    *crossed(LSTM),
    *((GRU, {**a, "reset_after": r}) for r in (True, False) for a in product(
        {k: OF_KERNEL[k] for k in ("activation", "use_bias", "unroll", "recurrent_dropout")}
    )),
    *((layer, a) for layer in (LSTM, GRU) for a in OF_NO_KERNEL),
    *((WeightDropLSTM, {**a, "weight_drop": r, "use_cudnn": c})
      for r in (0.0, 0.3) for c in ("auto", False)
      for a in product({k: OF_KERNEL[k] for k in ("activation", "unroll", "recurrent_dropout")})),
    *((WeightDropLSTM, {"weight_drop": 0.3, **a})
      for a in OF_NO_KERNEL if "implementation" not in a),
    *((ZoneoutLSTM, {"zoneout_c": r, "unroll": u}) for r in (0.0, 0.3) for u in (True, False)),
    *((RecurrentDropoutLSTM, {"dropout_g": 0.3, "mask_per": m}) for m in ("step", "sequence")),
    *((SimpleRNN, {"unroll": u}) for u in (True, False)),
]  # fmt: skip


def label(case):
    layer, arguments = case
    told = [f"{name}={getattr(value, '__name__', value)}" for name, value in arguments.items()]
    return f"{layer.__name__}({', '.join(told)})"


def held(case, together=2):
    """The single arguments and the pairs of them in a case, with the layer that has them."""
    layer, arguments = case
    each = sorted(arguments.items(), key=lambda item: item[0])
    sizes = range(1, together + 1)
    return {(layer, few) for size in sizes for few in itertools.combinations(each, size)}


def cover(cases, together=2):
    """Some of the cases, greedily chosen, that hold every pair that any of the cases holds.

    By hand, since `allpairspy` makes its cases from lists of values; here they are given, and not
    every combination is among them.
    """
    left, chosen = set().union(*(held(case, together) for case in cases)), []
    while left:
        chosen.append(max(cases, key=lambda case: len(held(case, together) & left)))
        left -= held(chosen[-1], together)
    return chosen


def choose(cases, together=2):
    """Cases for pytest, those beyond the cover marked as of the whole grid.

    Where a test adds something to every case, such as a mask, single arguments make the pairs.
    """
    chosen = cover(cases, together)
    return [
        pytest.param(case, id=label(case), marks=() if case in chosen else pytest.mark.whole_grid)
        for case in cases
    ]


def agree(make, device="gpu", mask=False):
    """What the report says and what the graph holds: the kernel, XLA, and the check of masks."""
    traced = kernel_trace(make, device, mask=mask)
    report = explain_kernel(make(), np.ones((2, 6), bool) if mask else None, device)
    kernels = {layer.kernel for layer in report.layers}
    said = kernels.pop() if len(kernels) == 1 else "mixed"
    xla = traced.supports_jit and BACKEND != "torch"
    assert (said, all(layer.xla for layer in report.layers)) == (traced.kernel, xla)
    assert traced.asserts_mask == (mask and traced.kernel == "fused" and BACKEND == "tensorflow")


@pytest.mark.parametrize("case", choose(CASES))
def test_report_says_what_the_graph_holds_on_a_gpu(case):
    layer, arguments = case
    agree(lambda: layer(4, **arguments))


@pytest.mark.parametrize("case", choose(CASES[::7], together=1))
def test_report_says_what_the_graph_holds_without_a_gpu(case):
    layer, arguments = case
    agree(lambda: layer(4, **arguments), device="cpu")


@pytest.mark.parametrize("case", choose(CASES[::5], together=1))
def test_a_mask_leaves_the_kernel_and_adds_a_check_to_the_fused_one(case):
    layer, arguments = case
    agree(lambda: layer(4, **arguments), mask=True)


@pytest.mark.parametrize("case", choose(CASES[::5], together=1))
def test_report_says_what_the_graph_holds_of_both_directions(case):
    layer, arguments = case
    if "return_state" in arguments or "go_backwards" in arguments:
        arguments = {}
    agree(lambda: Bidirectional(layer(4, **arguments)))


@pytest.mark.parametrize("cell", [LSTMCell, GRUCell])
@pytest.mark.parametrize("unroll", [False, True])
def test_a_cell_in_a_general_layer_is_a_loop(cell, unroll):
    agree(lambda: RNN(cell(4), unroll=unroll))


@pytest.mark.parametrize(
    ("rate", "kernel"), [(0.0, "fused" if "LSTM" in FUSED else "loop"), (0.3, "loop")]
)
def test_inference_takes_the_kernel_of_training(rate, kernel):
    make = lambda: LSTM(4, recurrent_dropout=rate)  # noqa: E731
    assert kernel_trace(make, training=False).kernel == kernel


def test_the_grid_has_all_kernels_and_several_hundred_cases():
    assert len(CASES) >= 250
    said = {explain_kernel(layer(4, **a), device="gpu").layers[0].kernel for layer, a in CASES}
    unrolled = {"unrolled"} if BACKEND != "torch" else set()
    assert said == {"loop", "error"} | unrolled | ({"fused"} if FUSED else set())


def test_a_choice_of_the_grid_has_every_pair_and_is_a_small_part_of_it():
    chosen = cover(CASES)
    assert set().union(*map(held, chosen)) == set().union(*map(held, CASES))
    assert 2 * len(chosen) < len(CASES)
    assert any(
        layer is LSTM and len(arguments) == len(OF_KERNEL) + 1 for layer, arguments in chosen
    )


@pytest.mark.parametrize(
    "arguments", [{"activation": "relu"}, {"unroll": True}, {"use_bias": False}], ids=str
)
def test_the_grid_notices_a_rule_that_is_missing(arguments, monkeypatch):
    monkeypatch.setattr(rules, "_unmet_arguments", lambda *_: [])
    with pytest.raises(AssertionError):
        agree(lambda: LSTM(4, **arguments))
