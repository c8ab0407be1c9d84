"""The noisy LSTM layers, on the backend that Keras has: `nox -s jax` has the other."""

import inspect
import json
import os
import re
import subprocess
import sys

import keras
import layer_cases as cases
import numpy as np
import pytest
from keras import ops
from layer_cases import (
    BATCH,
    CASES,
    CELLS,
    FEATURES,
    LAYERS,
    MASK,
    SCHEMES,
    STEPS,
    UNITS,
    WEIGHTS,
    C,
    H,
    X,
)

from lstmreg_utils.layers import RecurrentDropoutLSTM, WeightDropLSTM, ZoneoutLSTM
from lstmreg_utils.rates import check_rate

TENSORFLOW = keras.config.backend() == "tensorflow"
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_layer = pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)
every_scheme = pytest.mark.parametrize("case", SCHEMES.values(), ids=SCHEMES)
every_class = pytest.mark.parametrize("layer_class", CELLS, ids=lambda c: c.__name__)


# Rates of 0: `keras.layers.LSTM`.

BOTH = {"dropout": 0.3, "recurrent_dropout": 0.4}
RULES = {
    "kernel_regularizer": "l2",
    "recurrent_regularizer": "l1",
    "bias_regularizer": "l1",
    "activity_regularizer": "l2",
    "kernel_constraint": "unit_norm",
    "recurrent_constraint": "max_norm",
    "bias_constraint": "non_neg",
}


@every_layer
@pytest.mark.parametrize("noise", [{}, {"dropout": 0.3}, BOTH], ids=["none", "dropout", "both"])
def test_rate_zero_is_keras_lstm_with_the_masks_of_keras(case, noise):
    cases.check_rate_zero(case, **noise)


@every_layer
@pytest.mark.parametrize(
    "option",
    [
        {"go_backwards": True},
        {"unroll": True},
        {"activation": "relu"},
        {"recurrent_activation": "hard_sigmoid"},
        {"go_backwards": True, "unroll": True, "dropout": 0.3},
    ],
    ids="+".join,
)
def test_option_means_what_it_means_in_keras_lstm(case, option):
    ours, theirs = case.make(**cases.at_zero(case), **option), cases.keras_lstm(**option)
    for call in ({}, {"initial_state": [H, C]}, {"mask": MASK}):
        if "dropout" in option:
            call["training"] = True
        cases.assert_equal(cases.numpy(ours(X, **call)), cases.numpy(theirs(X, **call)))


@every_layer
def test_layer_without_bias_is_keras_lstm_without_bias(case):
    option = {"weights": WEIGHTS[:2], "use_bias": False, **BOTH}
    ours, theirs = case.make(**cases.at_zero(case), **option), cases.keras_lstm(**option)
    outputs = cases.numpy(ours(X, training=True)), cases.numpy(theirs(X, training=True))
    cases.assert_equal(*outputs)


@every_layer
@pytest.mark.parametrize("options", [{}, {**RULES, **BOTH}], ids=["plain", "with all else"])
def test_rate_zero_learns_what_keras_lstm_learns(case, options):
    cases.check_training_at_rate_zero(case, **options)


@every_layer
def test_weights_are_drawn_as_those_of_keras_lstm(case):
    drawn = []
    for layer_class, rates in ((case.layer, case.rates), (keras.layers.LSTM, {})):
        keras.utils.set_random_seed(8)
        layer = layer_class(UNITS, bias_initializer="normal", unit_forget_bias=True, **rates)
        layer.build((BATCH, STEPS, FEATURES))
        drawn.append(layer)
    ours, theirs = drawn
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    names = [[variable.name for variable in layer.trainable_weights] for layer in drawn]
    assert names[0] == names[1]
    assert (ours.get_weights()[2][UNITS : 2 * UNITS] == 1).all()


# The equations.


@every_case
def test_layer_computes_the_equations_of_the_paper(case):
    cases.check_reference(case)


@every_scheme
@pytest.mark.parametrize(
    "options",
    [{"go_backwards": True}, {"unroll": True}, {"go_backwards": True, "unroll": True}],
    ids=["backward", "unrolled", "backward unrolled"],
)
def test_other_loops_compute_the_equations_too(case, options):
    cases.check_reference(case, **options)


@every_case
def test_padded_step_changes_nothing(case):
    cases.check_padding(case)


@every_scheme
@pytest.mark.parametrize("option", ["go_backwards", "unroll"])
def test_padded_step_changes_nothing_in_other_loops(case, option):
    cases.check_padding(case, **{option: True})


@every_case
def test_gradient_is_the_slope_of_the_equations(case):
    cases.check_gradients(case)


@every_case
def test_rate_one_does_what_the_equation_says(case):
    cases.check_limit(case)


@every_case
def test_inference_is_the_expectation_and_draws_nothing(case):
    cases.check_inference(case)


@every_case
def test_mean_over_masks_is_what_inference_gives(case):
    cases.check_mean(case)


@pytest.mark.skipif(not TENSORFLOW, reason="JAX computes in 32 bits unless it is told otherwise")
@every_scheme
def test_layer_of_64_bits_computes_the_equations_to_the_last_digits(case):
    layer = case.make(dtype="float64")
    outputs, masks = cases.training_call(case, layer, X.astype(float))
    assert {output.dtype for output in outputs} == {np.dtype(float)}
    cases.assert_equal(outputs, case.expected(masks), atol=1e-13)


def test_weight_that_is_dropped_has_no_gradient():
    case = LAYERS["WeightDropLSTM"]
    with cases.recording(case) as drawn:
        gradient = cases.gradients(case.make())[2]
    ((mask,),) = drawn
    np.testing.assert_array_equal(gradient == 0, mask)


# The masks.


@every_case
def test_masks_are_independent_where_they_should_be_and_held_where_they_should_be(case):
    cases.check_masks(case)


@every_scheme
def test_same_seed_gives_the_same_training_run(case):
    cases.check_seed(case)


@every_layer
def test_without_a_seed_two_layers_differ_unless_keras_is_seeded(case):
    def outputs():
        return cases.numpy(case.make(seed=None)(X, training=True))[0]

    assert np.abs(outputs() - outputs()).max() > 1e-3
    keras.utils.set_random_seed(5)
    one = outputs()
    keras.utils.set_random_seed(5)
    np.testing.assert_array_equal(one, outputs())


@pytest.fixture(scope="module")
def two_calls_of_all_layers():
    """Of each way to run: what a layer of each scheme returns in two training calls."""

    def call(layers):
        return [layer(X, training=True)[0] for layer in layers]

    def run(way):
        layers = [case.make() for case in SCHEMES.values()]
        if way == "eager":
            return [cases.numpy(call(layers)) for _ in range(2)]
        if TENSORFLOW:
            import tensorflow as tf

            # On a card XLA cannot hold the layers that are fused there.
            jit = way == "compiled" and all(layer.supports_jit for layer in layers)
            compiled = tf.function(lambda: call(layers), jit_compile=jit)
            return [cases.numpy(compiled()) for _ in range(2)]
        import jax

        weights = [[v.value for v in layer.trainable_variables] for layer in layers]
        states = [[v.value for v in layer.non_trainable_variables] for layer in layers]
        outputs = []

        @jax.jit
        def compiled(weights, states):
            called = [
                layer.stateless_call(w, s, X, training=True)
                for layer, w, s in zip(layers, weights, states, strict=True)
            ]
            return [outputs[0] for outputs, _ in called], [state for _, state in called]

        for _ in range(2):
            output, states = compiled(weights, states)
            outputs.append(cases.numpy(output))
        return outputs

    ways = ("eager", "graph", "compiled") if TENSORFLOW else ("eager", "compiled")
    names = [case.name for case in SCHEMES.values()]
    return {way: dict(zip(names, zip(*run(way), strict=True), strict=True)) for way in ways}


@every_scheme
def test_eager_graph_and_compiled_calls_draw_the_same_masks(case, two_calls_of_all_layers):
    outputs = {way: outputs[case.name] for way, outputs in two_calls_of_all_layers.items()}
    first, second = outputs.pop("eager")
    assert np.abs(first - second).max() > 1e-3
    for ours in outputs.values():
        cases.assert_equal(ours, (first, second))


def test_fit_learns_the_same_eager_and_compiled():
    def learned(**how):
        keras.utils.set_random_seed(4)
        layers = [
            case.layer(UNITS, return_sequences=True, seed=k, **case.rates, **case.options)
            for k, case in enumerate(LAYERS.values())
        ]
        # Only the data says how many steps there are.
        model = keras.Sequential([keras.layers.Input((None, FEATURES)), *layers])
        model.compile(keras.optimizers.SGD(0.5), "mse", **how)
        model.fit(X, X[..., :1], batch_size=BATCH, epochs=3, verbose=0)
        return model.get_weights()

    ways = [{"run_eagerly": True}, {"jit_compile": True}, {"jit_compile": False}]
    eager, *others = (learned(**how) for how in ways[: 3 if TENSORFLOW else 2])
    for other in others:
        cases.assert_equal(other, eager, atol=1e-5)


@pytest.mark.skipif(not TENSORFLOW, reason="JAX always knows how many steps there are")
@every_scheme
def test_layer_runs_in_a_graph_that_does_not_know_how_many_steps_there_are(case):
    import tensorflow as tf

    layer = case.make()
    sequence, mask = tf.TensorSpec((None, None, FEATURES)), tf.TensorSpec((None, None), "bool")

    @tf.function(input_signature=[sequence, mask])
    def outputs(x, mask):
        unmasked, masked = layer(x), layer(x, mask=mask)
        return unmasked, masked, layer(x, training=True), layer(x, mask=mask, training=True)

    for steps in (STEPS, 3):
        x, mask = X[:, :steps], MASK[:, :steps]
        expected = [*case.expected(x=x), *case.expected(x=x, mask=mask)]
        given = cases.numpy(outputs(x, mask))
        cases.assert_equal(given[:6], expected)
        assert [o.shape for o in given[6:]] == [o.shape for o in expected]


def graph_size(layer, steps):
    """Of a training call: operations, those of the loop's body counted once."""
    x = np.zeros((BATCH, steps, FEATURES), np.float32)
    if TENSORFLOW:
        import tensorflow as tf

        function = tf.function(lambda x: layer(x, training=True)).get_concrete_function(x)
        graph = function.graph.as_graph_def()
        return len(re.findall(r"^ *node(?:_def)? {", str(graph), re.MULTILINE))
    import jax

    weights = [v.value for v in layer.trainable_variables]
    state = [v.value for v in layer.non_trainable_variables]
    jaxpr = jax.make_jaxpr(lambda x: layer.stateless_call(weights, state, x, training=True))(x)
    return len(str(jaxpr).splitlines())


@every_layer
def test_graph_does_not_grow_with_the_sequence(case):
    loop, unrolled = case.make(), case.make(unroll=True)
    assert graph_size(loop, 4) == graph_size(loop, 9)
    assert graph_size(unrolled, 4) < graph_size(unrolled, 9)  # the count sees growth


def environment():
    """Of a process that finds what this one finds."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_saved_model_predicts_the_same_in_a_new_process(tmp_path):
    x = keras.layers.Input((None, FEATURES))
    masked = keras.layers.Masking(0.0)(x)
    layers = [case.make(return_state=False, dropout=0.1) for case in SCHEMES.values()]
    layers += [
        keras.layers.Bidirectional(case.make(return_state=False)) for case in LAYERS.values()
    ]
    model = keras.Model(x, keras.layers.Concatenate()([layer(masked) for layer in layers]))
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", X * MASK[..., None])
    code = (
        "import keras, lstmreg_utils.layers, numpy as np\n"
        "model = keras.saving.load_model('model.keras')\n"
        "np.save('y.npy', keras.ops.convert_to_numpy(model(np.load('x.npy'))))\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), check=True)
    expected = cases.numpy(model(X * MASK[..., None]))[0]
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, rtol=0, atol=1e-7)


# Arguments.


def arguments(layer_class):
    """Names of all arguments: its own, and those of what it stands for or is built on."""
    names = []
    for owner in (layer_class, keras.layers.LSTM, keras.layers.RNN):
        parameters = inspect.signature(owner.__init__).parameters.values()
        names += [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    return sorted({*names, "name", "trainable", "dtype"} - {"self", "cell"})


ARGUMENTS = [(layer_class, name) for layer_class in CELLS for name in arguments(layer_class)]


@pytest.mark.parametrize(
    ("layer_class", "name"), ARGUMENTS, ids=[f"{c.__name__}-{name}" for c, name in ARGUMENTS]
)
def test_config_holds_every_argument(layer_class, name):
    given = {"units": UNITS, "name": "layer", **{name: cases.values(layer_class)[name]}}
    config = json.loads(json.dumps(layer_class(**given).get_config()))
    assert config[name] != layer_class(UNITS).get_config()[name]
    again = layer_class.from_config(config)
    assert again.get_config() == config
    assert again.use_cudnn == given.get("use_cudnn", "auto")


@every_class
def test_config_of_the_cell_holds_its_own_arguments(layer_class):
    cell_class, values = CELLS[layer_class], cases.values(layer_class)
    own = set(inspect.signature(cell_class.__init__).parameters) - {"self", "kwargs"}
    cell = cell_class(**{name: values[name] for name in own}, dropout=0.1, seed=7)
    config = json.loads(json.dumps(cell.get_config()))
    assert {name: config[name] for name in own} == {name: values[name] for name in own}
    assert cell_class.from_config(config).get_config() == config


@every_class
def test_layer_shows_its_arguments_as_keras_lstm_does(layer_class):
    shown = [n for n, value in vars(keras.layers.LSTM).items() if isinstance(value, property)]
    parameters = inspect.signature(layer_class).parameters.values()
    own = {p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}
    assert {"units", "kernel_regularizer", "recurrent_dropout"} <= set(shown)
    values = cases.values(layer_class)
    ours = layer_class(**{name: values[name] for name in {*shown, *own}})
    theirs = keras.layers.LSTM(**{name: values[name] for name in shown})
    for name in shown:
        assert type(getattr(ours, name)) is type(getattr(theirs, name)), name
    for name in own:
        assert getattr(ours, name) == values[name]


@every_class
def test_signature_names_the_arguments_of_keras_lstm_with_their_defaults(layer_class):
    ours, theirs = (inspect.signature(c).parameters for c in (layer_class, keras.layers.LSTM))
    assert len(theirs) > 20
    assert {name: ours[name].default for name in theirs} == {
        name: parameter.default for name, parameter in theirs.items()
    }


BAD_RATES = [-0.1, 1.1, np.nan, np.inf, "0.5", None, True, 0.5j, [0.3], np.array([0.3, 0.4])]
RATES = [(case.layer, name) for case in LAYERS.values() for name in case.rates]


def refused(argument, value):
    return pytest.raises(ValueError, match=rf"^{argument} must be .*got {re.escape(repr(value))}$")


@pytest.mark.parametrize("value", BAD_RATES, ids=repr)
@pytest.mark.parametrize(("layer_class", "name"), RATES, ids=[name for _, name in RATES])
def test_rate_outside_its_range_or_no_number_is_refused(layer_class, name, value):
    for one in (layer_class, CELLS[layer_class]):
        with refused(name, value):
            one(UNITS, **{name: value})


@pytest.mark.parametrize("value", [*BAD_RATES, 1.0], ids=repr)
@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
@every_class
def test_rate_that_keras_would_clip_or_ignore_is_refused(layer_class, name, value):
    with refused(name, value):
        layer_class(UNITS, **{name: value})


@pytest.mark.parametrize("value", [0, -1, 2.5, "8", None, True], ids=repr)
@every_class
def test_units_that_are_no_positive_integer_are_refused(layer_class, value):
    with refused("units", value):
        layer_class(value)


@pytest.mark.parametrize(
    ("layer_class", "argument", "value"),
    [
        (RecurrentDropoutLSTM, "mask_per", "batch"),
        (RecurrentDropoutLSTM, "mask_per", None),
        (RecurrentDropoutLSTM, "use_cudnn", True),
        (ZoneoutLSTM, "use_cudnn", True),
        (ZoneoutLSTM, "use_cudnn", "never"),
        (WeightDropLSTM, "use_cudnn", "never"),
    ],
)
def test_unknown_choice_is_refused(layer_class, argument, value):
    with refused(argument, value):
        layer_class(UNITS, **{argument: value})


@pytest.mark.parametrize("layer_class", [ZoneoutLSTM, RecurrentDropoutLSTM, WeightDropLSTM])
def test_implementation_of_keras_2_is_taken_and_changes_nothing(layer_class):
    layer = layer_class(4, implementation=1)
    assert layer.implementation == 1


@every_class
def test_unknown_argument_is_refused_by_name(layer_class):
    with pytest.raises(ValueError, match="zone_out"):
        layer_class(UNITS, zone_out=0.5)


@pytest.mark.parametrize("rate", [0, 1, np.float32(0.25), np.float64(0.25), np.int64(1)], ids=repr)
@pytest.mark.parametrize(("layer_class", "name"), RATES, ids=[name for _, name in RATES])
def test_rate_may_be_any_real_number_in_its_range(layer_class, name, rate):
    layer = layer_class(np.int64(UNITS), **{name: rate})
    assert json.loads(json.dumps(layer.get_config()))[name] == rate


def test_rate_of_numpy_means_the_number_that_it_prints():
    assert check_rate("rate", np.float32(0.3)) == check_rate("rate", np.float64(0.3)) == 0.3
    assert check_rate("rate", np.float16(0.1)) == 0.1


def test_fused_kernel_that_is_not_there_is_not_replaced_in_silence():
    if TENSORFLOW:
        import tensorflow as tf

        there = bool(tf.config.list_logical_devices("GPU"))
    else:
        import jax

        there = jax.default_backend() == "gpu"
    if there:
        pytest.skip("a fused kernel can run here")
    with pytest.raises(ValueError, match="use_cudnn=True, but no fused kernel can run"):
        WeightDropLSTM(UNITS, weight_drop=0.5, use_cudnn=True)(X)


# What a layer returns, and where it stands.


@every_layer
def test_layer_returns_what_is_asked_for(case):
    outputs, h, c = case.expected()
    for sequences, states, expected in [
        (True, True, [outputs, h, c]),
        (False, True, [h, h, c]),
        (True, False, [outputs]),
        (False, False, [h]),
    ]:
        layer = case.make(return_sequences=sequences, return_state=states)
        cases.assert_equal(cases.numpy(layer(X)), expected)
        shapes = layer.compute_output_shape(X.shape)
        assert keras.tree.flatten(shapes) == keras.tree.flatten([e.shape for e in expected])


@every_scheme
def test_stateful_layer_goes_on_where_it_stopped(case):
    cases.check_stateful(case)


@pytest.mark.skipif(
    not TENSORFLOW,
    reason="on JAX, Keras does not carry states from call to call inside fit and predict, "
    "those of keras.layers.LSTM neither",
)
@every_layer
def test_stateful_layer_goes_on_in_predict(case):
    layer = case.make(stateful=True, return_state=False)
    inputs = keras.layers.Input(batch_shape=(BATCH, STEPS // 2, FEATURES))
    model = keras.Model(inputs, layer(inputs))
    layer.reset_state()
    halves = [model.predict(x, batch_size=BATCH, verbose=0) for x in np.split(X, 2, axis=1)]
    cases.assert_equal([np.concatenate(halves, axis=1)], case.expected()[:1])


@every_layer
@pytest.mark.parametrize("unroll", [False, True], ids=["loop", "unrolled"])
def test_output_of_a_padded_step_is_zero_on_demand(case, unroll):
    if unroll and not TENSORFLOW:
        pytest.skip("Keras' unrolled loop ignores zero_output_for_mask on JAX")
    layer = case.make(zero_output_for_mask=True, unroll=unroll)
    outputs, masks = cases.training_call(case, layer, mask=MASK)
    expected, h, c = case.expected(masks, mask=MASK)
    cases.assert_equal(outputs, [expected * MASK[..., None], h, c])


@every_layer
def test_mask_of_a_layer_before_is_heeded(case):
    model = keras.Sequential([keras.layers.Masking(0.0), case.make()])
    cases.assert_equal(cases.numpy(model(X * MASK[..., None])), case.expected(mask=MASK))


@every_layer
def test_mask_and_initial_state_can_be_inputs_of_a_model(case):
    shapes = [(None, FEATURES), (UNITS,), (UNITS,)]
    x, h, c = (keras.layers.Input(shape) for shape in shapes)
    mask = keras.layers.Input((None,), dtype="bool")
    model = keras.Model([x, h, c, mask], case.make()(x, initial_state=[h, c], mask=mask))
    # Until the first real step the backends differ in what they return, so all rows begin with one.
    right = np.arange(STEPS) < np.array([[4], [3], [1], [2], [1]])
    cases.assert_equal(cases.numpy(model([X, H, C, right])), case.expected(mask=right, h=H, c=C))


@every_scheme
def test_bidirectional_layer_has_noise_in_both_directions(case):
    layer = keras.layers.Bidirectional(case.make(return_state=False, seed=None))
    layer.build(X.shape)
    others = [-weight for weight in WEIGHTS]
    layer.set_weights([*WEIGHTS, *others])
    with cases.recording(case) as drawn:
        outputs = cases.numpy(layer(X, mask=MASK, training=True))
    one, other = drawn
    for a, b in zip(one, other, strict=True):
        assert a is b is None or (a != b).any()
    forward = case.expected(one, mask=MASK)[0]
    backward = case.expected(other, weights=others, mask=MASK, go_backwards=True)[0][:, ::-1]
    expected = np.concatenate([forward, backward], axis=-1) * MASK[..., None]
    cases.assert_equal(outputs, [expected])


@every_scheme
def test_half_precision_computes_the_same_to_three_digits(case):
    half, whole = case.make(dtype="mixed_float16"), case.make()
    assert {weight.dtype for weight in half.trainable_weights} == {"float32"}
    outputs = cases.numpy(half(X, training=True, initial_state=[H, C]))
    assert {output.dtype for output in outputs} == {np.dtype("float16")}
    expected = cases.numpy(whole(X, training=True, initial_state=[H, C]))
    cases.assert_equal(outputs, expected, atol=5e-3)


@every_layer
def test_half_precision_learns(case):
    learned = cases.train(case.make(dtype="mixed_float16", return_state=False), 1)
    whole = cases.train(case.make(return_state=False), 1)
    cases.assert_equal(learned, whole, atol=1e-4)
    assert all(np.abs(new - old).max() > 1e-3 for new, old in zip(learned, WEIGHTS, strict=True))


@every_layer
def test_regularizers_count_as_in_keras_lstm(case):
    names = ["kernel", "recurrent", "bias", "activity"]
    rules = {f"{name}_regularizer": keras.regularizers.L2(k + 1) for k, name in enumerate(names)}
    ours, theirs = case.make(**cases.at_zero(case), **rules), cases.keras_lstm(**rules)
    ours(X), theirs(X)
    assert len(ours.losses) == len(theirs.losses) > 3
    np.testing.assert_allclose(cases.numpy(ours.losses), cases.numpy(theirs.losses), rtol=1e-5)


# The cell on its own.


def steps_of(cell, **options):
    """Outputs of a cell that is called step by step."""
    states, outputs = [H, C], []
    for t in range(STEPS):
        h, states = cell(X[:, t], states, **options)
        outputs.append(h)
    return cases.numpy([ops.stack(outputs, axis=1), *states])


@every_case
def test_cell_alone_is_the_layer_at_inference_and_refuses_a_mask_of_the_sequence(case):
    cell = case.make().cell
    cases.assert_equal(steps_of(cell), case.expected(h=H, c=C))
    if cell.per_step and keras.config.backend() == "tensorflow":
        drawn = [cases.numpy(cell(X[:, 0], [H, C], training=True)[1]) for _ in range(2)]
        assert not np.array_equal(*drawn)  # of h and c: zoneout of c leaves this step's h
        return
    with pytest.raises(ValueError, match=f"use the layer {case.layer.__name__}"):
        cell(X[:, 0], [H, C], training=True)
    with pytest.raises(ValueError, match=f"use the layer {case.layer.__name__}"):
        keras.layers.RNN(cell)(X, training=True)


@every_layer
def test_cell_alone_trains_at_rates_of_zero_with_the_noise_of_keras(case):
    ours = steps_of(case.make(**cases.at_zero(case), **BOTH).cell, training=True)
    cases.assert_equal(ours, steps_of(cases.keras_lstm(**BOTH).cell, training=True))


def test_cells_can_be_stacked_for_inference():
    rows = list(LAYERS.values())
    cells = [CELLS[case.layer](UNITS, **case.rates, **case.options) for case in rows]
    stacked = keras.layers.RNN(cells, return_sequences=True)
    outputs, one_by_one = stacked(X), X
    for case, cell in zip(rows, cells, strict=True):
        one_by_one = case.make(cell.get_weights(), return_state=False)(one_by_one)
    cases.assert_equal(cases.numpy(outputs), cases.numpy(one_by_one))
