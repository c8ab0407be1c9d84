"""`explain_cudnn` as a practitioner meets it: findings, masks, models, bad input, versions."""

import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.layers import GRU, LSTM, Bidirectional, Dense, Embedding, Masking, TimeDistributed
from stand_in_kernel import stand_in
from tolerances import ATOL

from lstmreg_utils import explain_cudnn, explain_kernel
from lstmreg_utils.kernels import behaviours, kernel_trace, mask_kind
from lstmreg_utils.kernels.devices import machine_notes
from lstmreg_utils.kernels.rules import BACKENDS
from lstmreg_utils.layers import WeightDropLSTM, ZoneoutLSTM

RIGHT, LEFT = [[True, True, False]], [[False, True, True]]
HOLES, EMPTY = [[True, False, True]], [[True, True, True], [False, False, False]]


def judged(layer, **arguments):
    """The report of a single layer, on a GPU."""
    (report,) = explain_cudnn(layer, device="gpu", **arguments).layers
    return report


def named(report, costs):
    """What costs something, by the arguments that the report names."""
    return [finding.what for finding in report.findings if finding.costs == costs]


def test_every_argument_that_costs_the_kernel_is_named():
    layer = LSTM(4, activation="relu", recurrent_activation="hard_sigmoid", use_bias=False,
                 recurrent_dropout=0.25)  # fmt: skip
    assert named(judged(layer), "kernel") == [
        "activation=relu",
        "recurrent_activation=hard_sigmoid",
        "use_bias=False",
        "recurrent_dropout=0.25",
    ]
    assert named(judged(GRU(4, reset_after=False)), "kernel") == ["reset_after=False"]


def test_recurrent_dropout_loses_xla_as_well_and_use_cudnn_false_gives_it_back():
    lost, back = (LSTM(4, recurrent_dropout=0.2, use_cudnn=c) for c in ("auto", False))
    assert (judged(lost).kernel, judged(lost).xla) == ("loop", False)
    assert [f.remedy for f in judged(lost).findings if f.costs == "XLA"] == [
        "use_cudnn=False gives XLA back"
    ]
    assert (judged(back).kernel, judged(back).xla) == ("loop", True)


def test_following_the_remedies_gets_the_kernel():
    layer = LSTM(4, activation="relu", use_bias=False)
    remedies = [f.remedy for f in judged(layer).findings if f.costs == "kernel"]
    assert remedies == ["activation='tanh'", "use_bias=True"]
    assert explain_cudnn(LSTM(4, activation="tanh", use_bias=True), device="gpu")


@pytest.mark.parametrize(
    ("mask", "kind", "kernel"),
    [
        ([[True, True]], "none masked", "fused"),
        (RIGHT, "right-padded", "fused"),
        (LEFT, "left-padded", "error"),
        (HOLES, "holes", "error"),
        (EMPTY, "empty row", "error"),
        ([*RIGHT, *LEFT], "left-padded", "error"),
        ([*HOLES, *LEFT], "holes", "error"),
    ],
)
def test_masks_are_told_apart(mask, kind, kernel):
    assert mask_kind(mask) == kind
    assert judged(LSTM(4), mask=np.array(mask)).kernel == kernel


def test_a_mask_that_the_kernel_refuses_says_what_fit_and_what_an_eager_call_do():
    (finding,) = [f for f in judged(LSTM(4), mask=LEFT).findings if f.costs == "mask"]
    assert "InvalidArgumentError" in finding.effect
    assert "in silence" in finding.effect
    assert "padding='post'" in finding.remedy
    strict = judged(LSTM(4, use_cudnn=True), mask=LEFT)
    assert "ValueError" in next(f for f in strict.findings if f.costs == "mask").effect


@pytest.mark.parametrize(("mask", "kernel"), [(RIGHT, "fused"), (LEFT, "error"), (EMPTY, "error")])
def test_a_compiled_call_with_a_stand_in_kernel_does_what_the_report_says(mask, kernel):
    mask = np.array(mask)
    x = np.ones((*mask.shape, 2), "float32")
    with stand_in() as calls:
        layer = LSTM(4, return_sequences=True)
        compiled = tf.function(lambda: layer(x, mask=tf.constant(mask)), autograph=False)
        if kernel == "fused":
            assert not np.asarray(compiled())[~mask].any()  # zeros at masked steps
            assert calls
        else:
            with pytest.raises(tf.errors.InvalidArgumentError, match="right-padded"):
                compiled()
        calls.clear()
        eager = np.asarray(layer(x, mask=mask))  # in silence, whatever the mask
        assert bool(calls) == (kernel == "fused")
    loop = LSTM(4, return_sequences=True, use_cudnn=False)
    loop.build(x.shape)
    loop.set_weights(layer.get_weights())
    np.testing.assert_allclose(eager[mask], np.asarray(loop(x, mask=mask))[mask], atol=ATOL)
    assert judged(layer, mask=mask).kernel == kernel


def test_a_loop_takes_any_mask():
    report = judged(LSTM(4, use_cudnn=False), mask=LEFT)
    assert report.kernel == "loop"
    assert not named(report, "mask")


def test_zeros_at_masked_steps_are_announced_where_steps_are_put_out():
    assert named(judged(LSTM(4, return_sequences=True), mask=RIGHT), "note") == [
        "right-padded mask"
    ]
    assert not named(judged(LSTM(4), mask=RIGHT), "note")


@pytest.mark.parametrize(
    "maker", [Masking(name="maker"), Embedding(5, 2, mask_zero=True, name="maker")]
)
def test_a_mask_that_will_come_is_announced(maker):
    model = keras.Sequential([maker, LSTM(4)])
    (layer,) = explain_cudnn(model, device="gpu").layers
    assert layer.kernel == "fused"
    assert named(layer, "note") == ["mask from maker"]


def test_layers_inside_models_and_wrappers_are_found_by_their_path():
    inner = keras.Sequential([LSTM(3, return_sequences=True, name="a")], name="inner")
    directions = keras.layers.Bidirectional(GRU(3, name="c"), name="both")
    model = keras.Sequential([inner, TimeDistributed(Dense(2)), ZoneoutLSTM(3, 0.1, name="b",
                              return_sequences=True), directions], name="outer")  # fmt: skip
    report = explain_cudnn(model, device="gpu")
    assert {layer.path: layer.kernel for layer in report.layers} == {
        "inner/a": "fused",
        "b": "loop",
        "both/forward_c": "fused",
        "both/backward_c": "fused",
    }
    assert not report
    assert report.summary() == "3 of 4 recurrent layers on the fused kernel"


def test_an_unbuilt_model_and_one_with_several_inputs_are_judged():
    assert explain_cudnn(keras.Sequential([LSTM(4), Dense(1)]), device="gpu")
    one, other = keras.Input((5, 2)), keras.Input((7, 3))
    joined = keras.layers.Concatenate()([LSTM(4)(one), LSTM(4, unroll=True)(other)])
    report = explain_cudnn(keras.Model([one, other], joined), device="gpu")
    assert [layer.kernel for layer in report.layers] == ["fused", "unrolled"]


def test_the_graph_of_a_model_with_two_inputs_can_be_looked_at():
    one, other = keras.Input((5, 2)), keras.Input((7, 3))
    joined = keras.layers.Concatenate()([LSTM(4)(one), LSTM(4, use_cudnn=False)(other)])
    traced = kernel_trace(keras.Model([one, other], joined))
    assert (traced.kernel, traced.fused, traced.loops) == ("mixed", 1, 1)


class Own(LSTM):
    """Somebody's LSTM."""

    def inner_loop(self, sequences, initial_state, mask, training=False):
        return super().inner_loop(sequences * 2, initial_state, mask, training)


class Block(keras.layers.Layer):
    """Somebody's layer around an LSTM."""

    def __init__(self):
        super().__init__(name="block")
        self.lstm = LSTM(3, name="lstm")

    def call(self, x):
        return self.lstm(x)


def test_code_of_ones_own_is_named_and_not_judged():
    report = explain_cudnn(Own(3), device="gpu")
    assert report.layers[0].kernel is None
    assert not report
    assert named(report.layers[0], "unjudged") == ["Own"]


def test_a_layer_around_an_lstm_is_named_and_its_lstm_judged():
    report = explain_cudnn(Block(), device="gpu")
    assert [layer.path for layer in report.layers] == ["lstm"]
    assert report
    assert "block (Block)" in report.notes[0]


class Late(keras.layers.Layer):
    """Somebody's layer that makes its own when it is first called."""

    def build(self, shape):
        self.lstm = LSTM(3)

    def call(self, x):
        return self.lstm(x)


class Steady(LSTM):
    """An LSTM whose dropout is always on."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        return super().call(sequences, initial_state=initial_state, mask=mask, training=True)


class Named(LSTM):
    """An LSTM with arguments of its own, and no code that runs."""

    def __init__(self, units):
        super().__init__(units)


def test_layer_that_makes_nothing_of_its_own_in_build_is_judged_unbuilt():
    assert judged(Named(4)).kernel == "fused"
    assert explain_cudnn(Named(4), device="gpu")


ASIDE = LSTM(3, recurrent_dropout=0.2, name="aside")


class Around(keras.layers.Layer):
    """Calls a layer that stands around its class."""

    def call(self, x):
        return ASIDE(x)


class Holding(keras.layers.Layer):
    """Holds a layer in an object that Keras does not look into."""

    def __init__(self):
        super().__init__()
        self.held = SimpleNamespace(lstm=ASIDE)

    def call(self, x):
        return self.held.lstm(x)


class Stepping(keras.layers.Layer):
    """Calls a cell by hand, as an attention decoder does."""

    def __init__(self):
        super().__init__()
        self.cell = keras.layers.LSTMCell(3)

    def call(self, x):
        return x


class Looping(keras.layers.Layer):
    """Runs a recurrence that Keras knows nothing of."""

    def call(self, x):
        return keras.ops.scan(lambda h, step: (h + step, h), x[:, 0], x)[1]


def enclosed():
    inner = ASIDE

    class Enclosed(keras.layers.Layer):
        def call(self, x):
            return inner(x)

    return Enclosed()


@pytest.mark.parametrize(
    ("hides", "told"),
    [(Late, "is not built"), (lambda: keras.layers.Lambda(lambda x: x), "code of its own"),
     (Around, "among its layers: aside"), (Holding, "among its layers: aside"),
     (enclosed, "among its layers: aside"), (Stepping, "no kernel runs a cell alone"),
     (Looping, "runs a loop of its own, scan, which is not judged")],
)  # fmt: skip
def test_nothing_is_called_fine_while_a_part_is_not_seen(hides, told):
    report = explain_cudnn(keras.Sequential([hides(), LSTM(3)]), device="gpu")
    assert (bool(report), report.whole) == (False, False)
    assert told in report.notes[0]
    assert "a part of the model is not seen" in report.summary()
    assert explain_cudnn(keras.Sequential([Block(), LSTM(3)]), device="gpu").whole


def test_xla_of_code_of_ones_own_is_not_judged():
    assert judged(Steady(4, dropout=0.3)).xla is None


def test_model_of_keras_2_is_refused_by_name():
    kind = type("Sequential", (), {"__module__": "tf_keras.src.engine.sequential"})
    with pytest.raises(TypeError, match="Keras 2: import keras instead of tf_keras"):
        explain_cudnn(kind())


def test_layer_without_gates_is_told_of_none():
    assert "each gate" not in str(judged(keras.layers.SimpleRNN(4, recurrent_dropout=0.2)))


FRAMES, KEPT = keras.Input((6, 5)), keras.Input((6,), dtype="bool")
WORDS = keras.Input((6,), dtype="int32")
EMBED = Embedding(9, 5, mask_zero=True, name="words")


@pytest.mark.parametrize(
    ("inputs", "layer", "told"),
    [
        ([FRAMES, KEPT], lambda lstm: lstm(FRAMES, mask=KEPT), "mask from an argument of the call"),
        (WORDS, lambda lstm: lstm(EMBED(WORDS)), "mask from words"),
        (WORDS, lambda lstm: Bidirectional(lstm)(EMBED(WORDS)), "mask from words"),
        (WORDS, lambda lstm: keras.Sequential([lstm])(EMBED(WORDS)), "mask from words"),
        (WORDS, lambda lstm: lstm(keras.layers.Conv1D(5, 1)(EMBED(WORDS))), None),
        ([FRAMES, WORDS], lambda lstm: (lstm(FRAMES), EMBED(WORDS)), None),
    ],
    ids=["argument", "maker", "Bidirectional", "inner model", "ended", "beside"],
)
def test_a_mask_is_told_where_it_flows(inputs, layer, told):
    model = keras.Model(inputs, layer(LSTM(4)))
    notes = {what for each in explain_cudnn(model, device="gpu").layers
             for what in named(each, "note")}  # fmt: skip
    assert notes == ({told} if told else set())


def test_nothing_recurrent_is_no_success():
    report = explain_cudnn(keras.Sequential([Dense(1)]), device="gpu")
    assert not report
    assert report.summary() == "no recurrent layer: nothing to judge"


def test_without_a_gpu_the_report_says_what_a_gpu_would_do():
    report = explain_cudnn(LSTM(4), device="cpu")
    assert not report
    assert "loop (on a GPU: fused kernel)" in str(report)


@pytest.mark.parametrize(
    "mask", [[1.0, 0.0], [[1, 0]], [[[True]]], "mask", [[True], [True, False]]]
)
def test_a_mask_that_cannot_be_read_is_named_and_the_rest_judged(mask):
    model = keras.Sequential([LSTM(4, return_sequences=True), LSTM(4, unroll=True)])
    report = explain_cudnn(model, mask=mask, device="gpu")
    assert [layer.kernel for layer in report.layers] == [None, "unrolled"]
    assert report.notes[0].startswith("the mask is left aside")


@pytest.mark.parametrize("wrong", [None, "model.keras", 3, LSTM])
def test_what_is_no_layer_is_refused_by_name(wrong):
    with pytest.raises(TypeError, match="layer_or_model must be a Keras layer"):
        explain_cudnn(wrong)


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match=r"device must be one of .*'tpu'"):
        explain_cudnn(LSTM(4), device="tpu")
    with pytest.raises(ValueError, match="device must be"):
        kernel_trace(LSTM(4), device="tpu")
    with pytest.raises(TypeError, match="target must be"):
        kernel_trace(lambda: 3)


@pytest.mark.parametrize("version", ["3.4.0", "3.6.0", "3.8.0"])
def test_no_verdict_for_a_gpu_on_a_release_that_drops_inputs_at_inference(version, monkeypatch):
    monkeypatch.setattr(keras, "__version__", version)
    report = explain_cudnn(LSTM(4), device="gpu")
    assert not report
    assert report.layers[0].kernel is None
    assert f"Keras {version}" in report.notes[0]
    assert "Keras 3.9 or later" in report.notes[0]
    assert explain_cudnn(LSTM(4), device="cpu").layers[0].kernel == "loop"


def test_what_the_installed_release_does_with_an_argument_is_noted(monkeypatch):
    notes = [f.effect for f in judged(LSTM(4, recurrent_dropout=0.2)).findings if f.costs == "note"]
    assert "each gate" in notes[0]
    assert not named(judged(LSTM(4, dropout=0.2)), "note")
    monkeypatch.setattr(keras, "__version__", "3.10.0")
    directions = keras.layers.Bidirectional(LSTM(4))
    layers = explain_cudnn(directions, device="gpu").layers
    assert all("forgets" in layer.findings[-1].effect for layer in layers)


def test_a_gru_that_returns_its_state_raises_on_releases_that_list_it(monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.11.3")
    assert judged(GRU(4, return_state=True)).kernel == "fused"
    monkeypatch.setattr(keras, "__version__", "3.11.2")
    report = judged(GRU(4, return_state=True))
    assert report.kernel == "error"
    assert "3.11.3" in report.findings[0].remedy
    assert judged(GRU(4)).kernel == judged(LSTM(4, return_state=True)).kernel == "fused"


def test_text_and_table_hold_every_finding():
    report = explain_cudnn(LSTM(4, activation="relu", unroll=True), device="gpu")
    for text in (str(report), report._repr_html_()):
        for finding in report.layers[0].findings:
            assert finding.what in text
    assert len(report.rows()) == 2


def test_nothing_of_the_model_is_changed():
    layer = LSTM(4, recurrent_dropout=0.2)
    explain_cudnn(layer, device="gpu")
    assert not layer.built
    assert layer.supports_jit


def test_weight_drop_keeps_the_kernel_and_zoneout_does_not():
    assert explain_cudnn(WeightDropLSTM(4, weight_drop=0.5), device="gpu")
    assert not explain_cudnn(ZoneoutLSTM(4, zoneout_c=0.5), device="gpu")


# The other backends, by the rules alone: `nox -s jax` and `nox -s torch` hold them to the code.


def on(backend, layer, **arguments):
    return explain_kernel(layer, device="gpu", backend=backend, **arguments).layers[0]


@pytest.mark.parametrize(
    ("layer", "tensorflow", "jax", "torch"),
    [
        (lambda: LSTM(4), "fused", "fused", "fused"),
        (lambda: GRU(4), "fused", "loop", "fused"),
        (lambda: LSTM(4, recurrent_dropout=0.2), "loop", "loop", "loop"),
        (lambda: LSTM(4, unroll=True), "unrolled", "unrolled", "loop"),
        (lambda: LSTM(4, dtype="mixed_float16"), "fused", "error", "fused"),
        (lambda: GRU(4, use_cudnn=True, unroll=True), "error", "error", "loop"),
        (lambda: LSTM(4, activation="relu", use_cudnn=True), "error", "error", "loop"),
        (lambda: ZoneoutLSTM(4, zoneout_c=0.5), "loop", "loop", "loop"),
    ],
)
def test_backends_differ(layer, tensorflow, jax, torch, monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.15.1")
    found = {backend: on(backend, layer()).kernel for backend in BACKENDS}
    assert found == {"tensorflow": tensorflow, "jax": jax, "torch": torch}


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_any_mask_takes_the_loop_on_jax_and_torch(backend, monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.15.1")
    for mask in (RIGHT, LEFT, [[True, True]], "no mask"):
        assert on(backend, LSTM(4), mask=mask).kernel == "loop"
        assert on(backend, LSTM(4, use_cudnn=True), mask=mask).kernel == "error"
    model = keras.Sequential([Embedding(5, 2, mask_zero=True, name="words"), LSTM(4)])
    report = on(backend, model)
    assert (report.kernel, named(report, "kernel")) == ("loop", ["mask from words"])


@pytest.mark.parametrize(
    ("version", "layer", "wrong"),
    [
        ("3.15.1", lambda: LSTM(4, go_backwards=True, return_sequences=True), True),
        ("3.15.1", lambda: LSTM(4, go_backwards=True), False),
        ("3.15.1", lambda: LSTM(4, return_sequences=True), False),
        ("3.13.2", lambda: LSTM(4, go_backwards=True, return_sequences=True), False),
        ("3.15.1", lambda: Bidirectional(LSTM(4, return_sequences=True)), False),
        ("3.14.1", lambda: Bidirectional(LSTM(4, return_sequences=True)), True),
        ("3.15.1", lambda: Bidirectional(LSTM(4, return_sequences=True, dropout=0.2)), True),
        ("3.15.1", lambda: Bidirectional(LSTM(4, return_sequences=True, stateful=True)), True),
        ("3.15.1", lambda: Bidirectional(LSTM(4, return_sequences=True, use_cudnn=False)), False),
    ],
)
def test_a_reader_whose_outputs_jax_turns_round_is_warned(version, layer, wrong, monkeypatch):
    monkeypatch.setattr(keras, "__version__", version)
    report = explain_kernel(layer(), device="gpu", backend="jax")
    told = [each for one in report.layers for each in one.findings if each.costs == "result"]
    assert bool(told) == wrong
    assert not (wrong and report)
    here = explain_kernel(layer(), device="gpu", backend="torch")
    assert not any(each.costs == "result" for one in here.layers for each in one.findings)


def test_releases_without_a_fused_path_take_the_loop(monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.9.2")
    assert on("jax", LSTM(4)).kernel == on("torch", LSTM(4)).kernel == "loop"
    assert on("jax", LSTM(4, dtype="mixed_float16")).kernel == "loop"
    for version in ("3.12.0", "3.14.1"):  # there is one, and it always fails
        monkeypatch.setattr(keras, "__version__", version)
        assert on("torch", LSTM(4)).kernel == "loop"
        assert any("torch" in each.what for each in behaviours())


def cost(layer, backend="tensorflow", of=0):
    found = explain_kernel(layer, device="gpu", backend=backend).layers[of].findings
    return [(each.what, each.remedy) for each in found if each.costs == "time"]


def test_a_loop_has_its_price_and_the_argument_that_changes_it():
    slow, plain = LSTM(4, recurrent_dropout=0.2), LSTM(4, use_cudnn=False)
    assert cost(slow) == [("27 times the fused kernel", "use_cudnn=False: 3.1 times")]
    assert cost(slow, "jax") == [("1.8 times the fused kernel", "")]
    assert cost(slow, "torch") == [("104 times the fused kernel", "on JAX: 1.8 times")]
    assert cost(LSTM(4, recurrent_dropout=0.2, use_cudnn=False)) == [
        ("3.1 times the fused kernel", "")
    ]
    assert cost(plain) == [("1.7 times the fused kernel", "use_cudnn='auto': the fused kernel")]
    assert cost(ZoneoutLSTM(4, zoneout_c=0.5)) == [("1.4 times the fused kernel", "")]
    assert cost(LSTM(4)) == cost(GRU(4, reset_after=False)) == cost(LSTM(4, unroll=True)) == []


def test_a_fused_layer_keeps_a_loop_beside_it_from_being_compiled():
    model = keras.Sequential([LSTM(4, return_sequences=True), ZoneoutLSTM(4, zoneout_c=0.5)])
    remedy = "use_cudnn=False on every layer of the model: 1.4 times"
    assert cost(model, of=1) == [("14 times the fused kernel", remedy)]


@pytest.mark.parametrize(
    ("names", "word"),
    [(["AMD Instinct MI300X"], "AMD"), (["NVIDIA T4"] * 2, "2 cards"), (["NVIDIA T4"], None)],
)
def test_a_machine_unlike_the_recorded_ones_is_named(names, word, monkeypatch):
    monkeypatch.setattr("lstmreg_utils.kernels.devices.cards", lambda: names)
    notes = explain_kernel(LSTM(4)).notes
    assert [note for note in notes if word and word in note] == [*notes]
    assert bool(notes) == (word is not None)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_mac_is_named_on_every_backend(backend, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: backend)
    monkeypatch.setattr("lstmreg_utils.kernels.devices.cards", list)
    monkeypatch.setattr("lstmreg_utils.kernels.devices._has_tpu", lambda _: False)
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    (note,) = machine_notes()
    assert "a Mac" in note
    assert "not tried" in note


def test_a_tpu_is_named_on_tensorflow_and_jax(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    (note,) = explain_kernel(LSTM(4)).notes
    assert "a TPU" in note
    assert "not measured" in note
    jax = SimpleNamespace(default_backend=lambda: "tpu", devices=list)
    monkeypatch.setitem(sys.modules, "jax", jax)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    assert [note] == machine_notes()


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match=r"backend must be one of .*'theano'"):
        explain_kernel(LSTM(4), backend="theano")


def test_the_old_name_gives_the_same_report():
    layer = LSTM(4, recurrent_dropout=0.2)
    for arguments in ({}, {"mask": LEFT, "device": "gpu"}):
        assert explain_cudnn(layer, **arguments) == explain_kernel(layer, **arguments)
