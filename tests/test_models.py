import keras
import numpy as np
import pytest
from tolerances import ATOL

from lstmreg_utils import Run, Split, Task, arm, load_task
from lstmreg_utils.lab import PLACES
from lstmreg_utils.lab.draws import STREAMS, glorot_uniform, orthogonal, small_uniform, stream
from lstmreg_utils.lab.listing import ListingLSTM
from lstmreg_utils.lab.models import Start, build_model
from lstmreg_utils.layers import ZoneoutLSTM

ARMS = [
    "none", "input", "input:sequence", "between", "between:sequence", "output", "dropout",
    "recurrent_dropout", "dropout+recurrent_dropout", "h", "g:sequence", "c",
    "zoneout_c+zoneout_h", "weight_drop",
]  # fmt: skip


def ones(n=1, steps=1):
    """A task of constant sequences of one feature."""
    split = Split(np.ones((n, steps, 1), np.float32), np.ones((n, 1), np.float32))
    return Task("ones", split, split, split, loss="mse", outputs=1, margin=0.1)


TASK = ones()


def names(model):
    return [type(layer).__name__ for layer in model.layers]


def lstms(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.RNN)]


def put(model, values):
    """Give a model the values of its variables that it has at a seed."""
    for variable, value in zip(model.variables, values, strict=True):
        variable.assign(value)


# Where the noise is.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", ["LSTM", "LSTM", "Dense"]),
        ("input", ["Dropout", "LSTM", "LSTM", "Dense"]),
        ("input:sequence", ["SpatialDropout1D", "LSTM", "LSTM", "Dense"]),
        ("between", ["LSTM", "Dropout", "LSTM", "Dense"]),
        ("between:sequence", ["LSTM", "SpatialDropout1D", "LSTM", "Dense"]),
        ("output", ["LSTM", "LSTM", "Dropout", "Dense"]),
        ("dropout", ["LSTM", "LSTM", "Dense"]),
        ("recurrent_dropout", ["LSTM", "LSTM", "Dense"]),
    ],
)
def test_noise_is_where_the_arm_puts_it(name, expected):
    model = build_model(TASK, arm(name, 0.3), units=2, layers=2)
    assert names(model) == expected
    for layer in lstms(model):
        assert layer.dropout == (0.3 if name == "dropout" else 0)
        assert layer.recurrent_dropout == (0.3 if name == "recurrent_dropout" else 0)
    assert all(layer.rate == 0.3 for layer in model.layers if "Dropout" in type(layer).__name__)


@pytest.mark.parametrize(
    ("name", "layer", "arguments"),
    [
        ("h", "RecurrentDropoutLSTM", {"dropout_h": 0.3, "mask_per": "step"}),
        ("g:sequence", "RecurrentDropoutLSTM", {"dropout_g": 0.3, "mask_per": "sequence"}),
        ("g+c", "RecurrentDropoutLSTM", {"dropout_g": 0.3, "dropout_c": 0.3, "dropout_h": 0}),
        ("zoneout_c", "ZoneoutLSTM", {"zoneout_c": 0.3, "zoneout_h": 0}),
        ("zoneout_c+zoneout_h", "ZoneoutLSTM", {"zoneout_c": 0.3, "zoneout_h": 0.3}),
        ("weight_drop", "WeightDropLSTM", {"weight_drop": 0.3}),
        ("dropout+zoneout_h", "ZoneoutLSTM", {"dropout": 0.3, "zoneout_h": 0.3}),
    ],
)
def test_noise_inside_the_recurrence_is_in_every_lstm(name, layer, arguments):
    model = build_model(TASK, arm(name, 0.3), units=2, layers=2)
    assert names(model) == [layer, layer, "Dense"]
    for config in (layer.get_config() for layer in lstms(model)):
        assert {argument: config[argument] for argument in arguments} == arguments


def test_noise_between_layers_is_between_each_two():
    model = build_model(TASK, arm("between", 0.3), units=2, layers=3)
    assert names(model) == ["LSTM", "Dropout", "LSTM", "Dropout", "LSTM", "Dense"]


@pytest.mark.parametrize("name", PLACES)
def test_every_place_puts_its_rate_into_the_network(name, verses):
    """But for weight decay, which is the optimizer's."""
    task = verses if name == "embedding" else TASK
    model = build_model(task, arm(name, 0.375), units=2, layers=2, head=(2,))
    rates = [rate for layer in model.layers for rate in layer.get_config().values()]
    assert (0.375 in rates) == (name != "weight_decay")


def test_weight_decay_is_that_of_the_optimizer_and_the_network_is_the_twin():
    from lstmreg_utils.lab.tensorflow_engine import Program

    run = {"task": "hidden_ar1", "units": 2}
    decayed, twin = (Program(Run(**run, arm=arm(name, 0.3))) for name in ("weight_decay", "none"))
    assert names(decayed.model) == names(twin.model) == ["LSTM", "Dense"]
    assert decayed.optimizer.weight_decay == 0.3
    assert not twin.optimizer.weight_decay


def test_rates_of_one_arm_may_differ():
    model = build_model(TASK, arm("input", 0.2) + arm("output", 0.6), units=2)
    assert [model.layers[0].rate, model.layers[2].rate] == [0.2, 0.6]


def test_head_stands_after_the_noise_on_the_output():
    model = build_model(TASK, arm("output", 0.5), units=2, head=(3, 2))
    assert names(model) == ["LSTM", "Dropout", "Dense", "Dense", "Dense"]
    assert [layer.units for layer in model.layers[2:]] == [3, 2, 1]


def test_only_a_padded_task_is_masked():
    vowels = build_model(load_task("japanese_vowels", per_speaker=1), arm("input", 0.5), units=2)
    assert names(vowels) == ["Masking", "Dropout", "LSTM", "Dense"]


def test_noise_between_layers_of_one_is_refused():
    with pytest.raises(ValueError, match=r"layers >= 2, got layers=1"):
        build_model(TASK, arm("between", 0.5))


@pytest.fixture(scope="module")
def verses():
    return load_task("verses", n_train=32, n_validation=4, n_test=4, vocabulary=30)


@pytest.mark.parametrize(
    ("name", "layer"), [("none", "Embedding"), ("embedding", "EmbeddingDropout")]
)
def test_tokens_are_embedded_at_the_width_of_the_lstm(name, layer, verses):
    model = build_model(verses, arm(name, 0.3), units=3)
    assert names(model) == [layer, "LSTM", "Dense"]
    assert model.layers[0].embeddings.shape == (30, 3)
    assert model.layers[0].mask_zero
    assert getattr(model.layers[0], "embedding_dropout", 0) == (0.3 if name == "embedding" else 0)


def test_noise_on_the_embedding_needs_tokens():
    with pytest.raises(ValueError, match="needs a task with tokens, got 'ones'"):
        build_model(TASK, arm("embedding", 0.5))


def test_embedding_is_drawn_from_the_seed(verses):
    model = build_model(verses, units=3)
    put(model, Start(model)(1))
    first = model.layers[0].embeddings.numpy()
    put(model, Start(model)(2))
    assert (model.layers[0].embeddings.numpy() != first).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", ["Flatten", "Dense", "Dense", "Dense"]),
        ("input", ["Dropout", "Flatten", "Dense", "Dense", "Dense"]),
        ("head", ["Flatten", "Dense", "Dropout", "Dense", "Dropout", "Dense"]),
    ],
)
def test_without_an_lstm_the_head_reads_the_whole_sequence(name, expected):
    model = build_model(load_task("japanese_vowels"), arm(name, 0.3), layers=0, head=(4, 3))
    assert names(model) == expected
    assert model.layers[expected.index("Dense")].kernel.shape == (29 * 12, 4)


@pytest.mark.parametrize("place", ["dropout", "recurrent_dropout", "output", "c", "weight_drop"])
def test_noise_on_an_lstm_needs_one(place):
    with pytest.raises(ValueError, match=rf"noise at \['{place}'\] needs an LSTM, got layers=0"):
        build_model(TASK, arm(place, 0.5), layers=0, head=(3,))


def test_noise_in_the_head_needs_hidden_layers():
    with pytest.raises(ValueError, match=r"needs hidden layers there, got head=\(\)"):
        build_model(TASK, arm("head", 0.5))


@pytest.mark.parametrize(
    ("study", "lstm"), [("speakers_perceptron", "speakers"), ("volume_perceptron", "volume")]
)
def test_perceptrons_have_as_many_weights_as_the_lstms_beside_them(study, lstm):
    from lstmreg_utils.lab.catalogue import named_study

    counts = []
    for run in (named_study(study, seeds=1)[0], named_study(lstm, seeds=1)[0]):
        model = build_model(load_task(run.task), (), run.units, run.layers, run.head)
        counts.append(model.count_params())
    assert counts[0] == pytest.approx(counts[1], rel=0.01)


@pytest.mark.parametrize("name", ARMS)
def test_no_arm_takes_the_kernel_that_its_twin_might_not_have(name):
    model = build_model(TASK, arm(name, 0.5), units=2, layers=2)
    # The package's own layers without this argument never take it.
    assert [getattr(layer, "use_cudnn", False) for layer in lstms(model)] == [False, False]


# What the noise does.


def dropped(name, rate, n=2000, steps=4):
    """Which values an arm drops, of one feature in n sequences: booleans (n, steps).

    The LSTM's own noise is seen from outside: its weights are set so that the state at a step
    tells whether the value was dropped. Input and output gates are open and the forget gate is
    closed, so h = tanh(tanh(candidate)).
    """
    model = build_model(ones(n, steps), arm(name, rate), units=1, layers=2)
    put(model, Start(model)(11))
    x = np.ones((n, steps, 1), np.float32)
    for layer in model.layers:
        if "Dropout" in type(layer).__name__:
            x = x[:, 0] if name == "output" else x
            return (layer(x, training=True).numpy() == 0).reshape(n, -1)
    layer = lstms(model)[0]
    kernel, recurrent, bias = np.zeros((1, 4)), np.zeros((1, 4)), np.array([100.0, -100, 0, 100])
    if name == "dropout":
        kernel[0, 2] = 1.0  # the candidate is the input: nothing is left of a dropped one
        layer.set_weights([kernel, recurrent, bias])
        return layer(x, training=True).numpy()[:, :, 0] == 0
    recurrent[0, 2], bias[2] = 1.0, 1.0  # the candidate is 1 + state: 1 if the state is dropped
    layer.set_weights([kernel, recurrent, bias])
    states = layer(x, training=True).numpy()[:, :, 0]
    return np.isclose(states[:, 1:], states[:, :1])  # the first step follows no state


STEP = ["input", "between"]
SEQUENCE = ["input:sequence", "between:sequence", "output", "dropout", "recurrent_dropout"]


@pytest.mark.parametrize("name", STEP)
def test_mask_of_a_step_says_nothing_of_the_next_one(name):
    masks = dropped(name, 0.5)
    assert abs(np.corrcoef(masks[:, 0], masks[:, 1])[0, 1]) < 4 / np.sqrt(len(masks))


@pytest.mark.parametrize("name", SEQUENCE)
def test_mask_of_a_sequence_is_held_to_its_end(name):
    masks = dropped(name, 0.5)
    assert (masks == masks[:, :1]).all()
    assert 0 < masks[:, 0].sum() < len(masks)


@pytest.mark.parametrize("name", STEP + SEQUENCE)
@pytest.mark.parametrize("rate", [0.2, 0.7])
def test_share_that_is_dropped_is_the_rate(name, rate):
    masks = dropped(name, rate)[:, 0]
    bound = 4 * np.sqrt(rate * (1 - rate) / len(masks))
    assert masks.mean() == pytest.approx(rate, abs=bound)


@pytest.mark.parametrize(
    "name", ["input", "dropout+recurrent_dropout", "output", "c", "weight_drop"]
)
def test_nothing_is_dropped_at_inference(name):
    x = np.ones((3, 4, 1), np.float32)
    noisy = build_model(ones(3, 4), arm(name, 0.5), units=2)
    twin = build_model(ones(3, 4), units=2)
    twin.set_weights(noisy.get_weights())
    np.testing.assert_array_equal(noisy(x, training=False), noisy(x, training=False))
    np.testing.assert_allclose(noisy(x, training=False), twin(x, training=False), atol=ATOL)
    assert (noisy(x, training=True).numpy() != twin(x, training=True).numpy()).any()


def test_padding_does_not_change_what_is_predicted():
    task = load_task("japanese_vowels", per_speaker=1)
    model = build_model(task, units=3)
    sequence = task.train.x[:1]
    length = int((sequence != 0).any(axis=-1).sum())
    assert length < task.train.x.shape[1]
    whole, cut = model(sequence, training=False), model(sequence[:, :length], training=False)
    np.testing.assert_allclose(whole, cut, atol=ATOL)


# Seeds.


@pytest.mark.parametrize("name", ARMS)
def test_arm_and_twin_start_from_equal_weights(name):
    twin, noisy = (build_model(TASK, arm(n, 0.5), 3, layers=2, head=(2,)) for n in ("none", name))
    put(twin, Start(twin)(5))
    put(noisy, Start(noisy)(5))
    assert len(twin.weights) == len(noisy.weights)
    for ours, theirs in zip(twin.get_weights(), noisy.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_other_seeds_give_other_weights_and_all_kernels_differ():
    model = build_model(TASK, units=3, layers=2, head=(2,))
    start = Start(model)
    drawn = {}
    for seed in (5, 6):
        put(model, start(seed))
        drawn[seed] = [w.numpy() for w in model.weights if "kernel" in w.path]
    assert len(drawn[5]) == 6  # two of each LSTM, one of each Dense
    assert all((a != b).any() for a, b in zip(drawn[5], drawn[6], strict=True))
    flat = [kernel.ravel()[:2].tobytes() for kernel in drawn[5]]
    assert len(set(flat)) == len(flat)


def test_weights_are_drawn_as_keras_draws_them():
    model = build_model(TASK, units=16)
    put(model, Start(model)(0))
    cell = lstms(model)[0].cell
    recurrent = cell.recurrent_kernel.numpy()
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(16), atol=1e-5)  # orthogonal
    limit = np.sqrt(6 / (1 + 64))  # Glorot, uniform
    kernel = cell.kernel.numpy()
    assert 0.7 * limit < np.abs(kernel).max() <= limit
    assert (cell.bias.numpy() == np.repeat([0, 1, 0, 0], 16)).all()  # the forget gate starts open


@pytest.mark.parametrize("name", ["none", "embedding", "h", "zoneout_c", "weight_drop"])
def test_weights_are_drawn_as_the_initializers_of_the_model_would(name, verses):
    model = build_model(verses, arm(name, 0.5), units=3, layers=2, head=(2,))
    put(model, Start(model)(5))
    drawn = [
        (getattr(part, weight), getattr(part, f"{weight.replace('_kernel', '')}_initializer"))
        for part in (getattr(layer, "cell", layer) for layer in model.layers)
        for weight in ("embeddings", "kernel", "recurrent_kernel")
        if hasattr(part, weight)
    ]
    assert len(drawn) == 7  # of the embedding, two LSTMs, the head and the last layer
    for (weight, own), seed in zip(drawn, stream(5, "weights", 7), strict=True):
        again = type(own).from_config({**own.get_config(), "seed": int(seed)})
        np.testing.assert_allclose(weight, again(weight.shape), atol=ATOL)


@pytest.mark.parametrize("name", ["input", "dropout+recurrent_dropout", "output", "zoneout_c"])
def test_seeding_puts_the_noise_back_to_its_start(name):
    x = np.ones((5, 4, 1), np.float32)
    model = build_model(ones(5, 4), arm(name, 0.5), units=4)
    start = Start(model)

    def noisy(seed):
        put(model, start(seed))
        return model(x, training=True).numpy()

    first = noisy(1)
    later = model(x, training=True).numpy()
    assert (first != later).any()
    np.testing.assert_array_equal(noisy(1), first)


@pytest.mark.parametrize("name", ["input", "dropout+recurrent_dropout", "output"])
def test_other_seeds_give_other_noise_to_equal_weights(name):
    x = np.ones((5, 4, 1), np.float32)
    model = build_model(ones(5, 4), arm(name, 0.5), units=4)
    start = Start(model)
    put(model, start(1))
    weights, first = model.get_weights(), model(x, training=True).numpy()
    put(model, start(2))
    model.set_weights(weights)
    assert (model(x, training=True).numpy() != first).any()


# Keras takes seeds modulo 2^31 - 2.
SEEDS = [0, 1, 12345, 2**24 + 1, 2**31 - 3]
SHAPES = [(1, 4), (3, 5), (7, 1), (16, 64), (33, 132)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("draw", "keras_own"),
    [
        (glorot_uniform, keras.initializers.GlorotUniform),
        (small_uniform, keras.initializers.RandomUniform),
    ],
)
def test_uniform_weights_are_those_of_keras_on_tensorflow_to_the_last_digit(
    draw, keras_own, shape, seed
):
    drawn = draw(shape, seed)
    assert drawn.dtype == np.float32
    np.testing.assert_array_equal(drawn, keras_own(seed=seed)(shape))
    assert (drawn != draw(shape, seed + 1)).any()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", [(1, 4), (3, 12), (32, 128)])
def test_orthogonal_weights_are_those_of_keras_on_tensorflow(shape, seed):
    drawn = orthogonal(shape, seed)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn, keras.initializers.Orthogonal(seed=seed)(shape), atol=ATOL)
    assert np.abs(drawn - orthogonal(shape, seed + 1)).max() > 1e-3


def test_streams_of_a_seed_are_apart():
    drawn = np.concatenate([stream(seed, name, 4) for name in STREAMS for seed in range(20)])
    assert len(set(drawn.tolist())) == len(drawn)
    assert drawn.max() < 2**31


def test_zoneout_of_the_listing_is_the_papers_in_training_and_none_at_inference():
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    paper, listing = (kind(5, zoneout_c=0.5, seed=1) for kind in (ZoneoutLSTM, ListingLSTM))
    plain = keras.layers.LSTM(5)
    for layer in (plain, paper, listing):
        layer.build(x.shape)
        layer.set_weights(plain.get_weights())
    assert np.array_equal(paper(x, training=True), listing(x, training=True))
    assert np.allclose(listing(x), plain(x), atol=ATOL)
    assert not np.allclose(paper(x), plain(x), atol=1e-3)
