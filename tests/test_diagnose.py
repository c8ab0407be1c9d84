"""The diagnosis in one call: pairs that are pairs, words of the rule, runs that are kept."""

import json
import sys
import types
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from lstmreg_utils import diagnose
from lstmreg_utils.__main__ import main
from lstmreg_utils.diagnosis.experiment import _trained
from lstmreg_utils.diagnosis.feeding import Shuffled, look
from lstmreg_utils.diagnosis.keeping import Kept
from lstmreg_utils.diagnosis.measuring import readable
from lstmreg_utils.diagnosis.twins import is_noisy, noise_of, quieten

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4, 3)).astype("float32")
DATA = X, X[:, -1, :1]
EAGER = {"run_eagerly": True}  # so small a model takes longer to compile than to train
QUICK = {"seeds": 2, "epochs": 1, "batch_size": 8, "progress": False}
ARMS = {"light": 0.01, "heavy": 0.9}


def dense(rate=0.5, last=1, **compiled):
    """The dropout of a layer that predicts."""
    model = keras.Sequential([layers.Flatten(), layers.Dropout(rate), layers.Dense(last)])
    model.compile(**{"optimizer": keras.optimizers.SGD(0.1), "loss": "mse", **EAGER, **compiled})
    return model


def transformer():
    inputs = keras.Input((4, 3))
    x = layers.MultiHeadAttention(1, 2, dropout=0.3)(inputs, inputs)
    x = layers.LayerNormalization()(inputs + layers.Dropout(0.3)(x))
    model = keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling1D()(x)))
    model.compile("adam", "mse", metrics=["mae"], **EAGER)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("diagnosis") / "runs"


@pytest.fixture(scope="module")
def found(folder):
    return diagnose(dense, DATA, ARMS, margin=0.02, folder=folder, **QUICK)


def test_report_says_effect_parts_margin_twin_and_what_to_try(found):
    told = str(found)
    for part in ("light:", "heavy:", "Δtrain", "Δgap", "Δtest", "Margin: 0.02, as given",
                 "rate = 0.01", "24 rows to train, 8 to validate, 8 to test"):  # fmt: skip
        assert part in told
    assert "<svg" in found._repr_html_()
    assert "<table" in found._repr_html_()
    assert json.loads(found.to_json())["effects"][0]["arm"] == "light"


def test_any_model_with_noise_a_transformer_too_with_its_metric():
    found = diagnose(transformer, DATA, smallest=0.1, metric="mae", **QUICK)
    assert "what 0.1 of the metric comes to" in str(found)
    assert "Δmetric" in str(found)
    assert "dropout = 0.3" in str(found)


def test_arms_and_twin_begin_alike_and_take_the_same_batches(monkeypatch):
    served = []

    def noted(*how):
        served.append(_trained(*how))
        return json.loads(json.dumps(served[-1]))

    monkeypatch.setattr("lstmreg_utils.diagnosis.experiment._trained", noted)
    # A Dropout of rate 0 draws no seed, so that the weights made after it would differ.
    build = lambda rate: dense(rate, optimizer=keras.optimizers.SGD(0.0))  # noqa: E731
    how = QUICK | {"seeds": np.int64(2)}
    found = diagnose(build, DATA, {"none": 0, "mine": 0.5}, margin=1.0, **how)
    assert found.effects["d_train"].item() == found.effects["d_test"].item() == 0
    twin, mine, *_ = [run["served"] for run in served]
    assert twin == mine
    assert len({*twin}) == len(twin)


def test_runs_of_a_seed_owe_nothing_to_the_seeds_before(found):
    other = diagnose(dense, DATA, {"heavy": 0.9}, **QUICK | {"seeds": [1, 5]})
    both = [each.table.query("seed == 1 and arm == 'heavy'") for each in (found, other)]
    assert both[0].to_numpy().tolist() == both[1].to_numpy().tolist()


def test_batches_are_as_fit_makes_them_of_arrays_also_of_several_or_of_x_alone():
    x, y = Shuffled(([X, X], [DATA[1], DATA[1]]), 8, 0)[0]
    assert isinstance(x, tuple)
    assert isinstance(y, tuple)
    assert Shuffled((X,), 8, 0)[0].shape == (8, 4, 3)


class Predicting(keras.Model):
    """Learns its own input, by a loss that it adds, and calls the loss by another name."""

    def __init__(self):
        super().__init__()
        self.noise, self.last = layers.Dropout(0.5), layers.Dense(3)

    def call(self, x, training=False):
        predicted = self.last(self.noise(x, training=training))
        self.add_loss(keras.ops.mean((predicted - x) ** 2))
        return predicted

    def train_step(self, *args):
        return renamed(super().train_step(*args))

    def test_step(self, *args):
        return renamed(super().test_step(*args))


def renamed(found):
    """What a step gives, on JAX with a state beside it."""
    logs, *state = found if isinstance(found, tuple) else (found,)
    logs = {"own_loss": logs["loss"], "part_loss": logs["loss"]}
    return (logs, *state) if state else logs


def predicting():
    model = Predicting()
    model.compile(keras.optimizers.SGD(0.0), **EAGER)
    return model


def test_model_of_x_alone_whose_loss_has_another_name():
    found = diagnose(predicting, {name: X for name in ("train", "validation", "test")},
                     loss="own_loss", margin=1.0, **QUICK)  # fmt: skip
    rows = found.table.set_index(["arm", "seed"])
    assert rows.loc[("model", 0), "train"] == rows.loc[("none", 0), "test"]
    assert found.effects["d_test"].item() == 0
    assert found.effects["noise_cost"].item() > 0


def test_arms_that_stop_at_epochs_of_their_own_still_take_the_same_batches():
    stop = keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
    build = lambda rate: dense(0, optimizer=keras.optimizers.SGD(rate))  # noqa: E731
    how = QUICK | {"epochs": 3, "callbacks": stop}
    found = diagnose(build, DATA, {"none": 0.0, "mine": 0.01}, margin=1.0, **how)
    assert found.table.groupby("arm")["epoch"].max().to_dict() == {"none": 2, "mine": 3}
    assert found.table["noisy"].isna().all()  # it is that of the last weights, not of the best


@pytest.mark.parametrize(
    "layer",
    [layers.Dropout(0.5), layers.SpatialDropout1D(0.5), layers.GaussianNoise(0.5),
     type("Mine", (layers.Dropout,), {})(0.5),
     layers.GaussianDropout(0.5), layers.AlphaDropout(0.5), layers.LSTM(2, dropout=0.5),
     layers.GRU(2, recurrent_dropout=0.5), layers.Bidirectional(layers.LSTM(2, dropout=0.5)),
     layers.TimeDistributed(layers.Dropout(0.5)), layers.RNN(layers.GRUCell(2, dropout=0.5))],
    ids=lambda layer: layer.name,
)  # fmt: skip
def test_noise_of_a_layer_is_found_and_turned_off(layer):
    model = keras.Sequential([layer])
    model(X[:2])
    assert noise_of(model)
    assert is_noisy(model, X)
    quieten(model)
    assert not noise_of(model)
    assert not is_noisy(model, X)


class Hidden(layers.Layer):
    """Noise under no name."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, x, training=False):
        return keras.random.dropout(x, 0.5, seed=self.seeds) if training else x


class Failing(keras.callbacks.Callback):
    """As a callback of one's own can."""

    def on_epoch_end(self, epoch, logs=None):
        raise OSError("no space left")


ONE = dense()


def steps():
    model = keras.Sequential([layers.LSTM(1, dropout=0.5)])
    model.compile("sgd", "mse")
    return model


def stateful():
    model = keras.Sequential([keras.Input(batch_shape=(7, 4, 3)),
                              layers.LSTM(1, stateful=True, dropout=0.5)])  # fmt: skip
    model.compile("sgd", "mse", **EAGER)
    return model


def for_ever():
    while True:
        yield DATA


def hidden():
    model = keras.Sequential([layers.Flatten(), Hidden(), layers.Dropout(0.1), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    ("build", "options", "message"),
    [
        (lambda: dense(0), {}, "build must make a model with noise, got one whose layers name"),
        (lambda: keras.Sequential([layers.Dropout(0.5)]), {}, "must be compiled with a loss"),
        (hidden, {}, "the twin must have no noise, but two calls"),
        (lambda wide: dense(0.5, wide), {"arms": {"none": 1, "a": 2}}, "arm 'a' must have weights"),
        (lambda loss: dense(loss=loss), {"arms": {"none": "mse", "a": "mae"}}, "'a' must be comp"),
        (dense, {"arms": {"none": 0.0}}, "arms must hold at least one besides the twin"),
        (dense, {"seeds": 1}, "seeds must be at least 2"),
        (dense, {"margin": float("inf")}, "margin must be a positive number, got inf"),
        (dense, {"smallest": 0.1}, "smallest must be a positive difference of a metric"),
        (lambda: dense(0.5, 2), {"arms": {"none": {}, "a": {}}}, "arm 'none' must have no noise"),
        (lambda: ONE, {}, "build must make a model of new layers at every call"),
        (stateful, {}, "train must hold a multiple of the 7 rows that the states"),
        (dense, {"epochs": 0}, "epochs must be at least 1, got 0"),
        (dense, {"data": {"train": DATA, "test": DATA}}, r"got a dict of \['train', 'test'\]"),
        (dense, {"data": (X.tolist(), DATA[1])}, "data must hold arrays of numbers, got float"),
        (dense, {"data": (X, DATA[1].astype(str))}, "data must hold arrays of numbers, got ndarr"),
        (dense, {"data": {"train": for_ever(), "validation": DATA, "test": DATA}},
         "train must end, .* with steps_per_epoch="),
        (dense, {"data": {"train": DATA, "validation": for_ever(), "test": DATA}},
         r"validation must end, .* with take\(\) of the Dataset"),
        (steps, {"data": (X[:, 0], X[:, 0, 0])}, "arm 'none' cannot be called on the first"),
        (dense, {"data": X}, "data must be a dict"),
        (dense, {"callbacks": Failing()}, "arm 'none', seed 0 cannot be trained: no"),
    ],
)  # fmt: skip
def test_what_cannot_be_diagnosed_is_refused_by_name(build, options, message):
    with pytest.raises(ValueError, match=message):
        diagnose(**{"build": build, "data": DATA, "margin": 1.0, **QUICK, "epochs": 1, **options})


def test_option_that_would_break_the_pairs_is_refused_by_name():
    with pytest.raises(TypeError, match=r"must be of .*got \['shuffle'\]"):
        diagnose(dense, DATA, shuffle=True, **QUICK)


def test_run_that_diverged_is_a_finding_that_is_named():
    build = lambda rate: dense(0, optimizer=keras.optimizers.SGD(1e30 if rate else 0.01))  # noqa: E731
    found = diagnose(build, DATA, {"none": 0, "wild": 1}, margin=1.0, **QUICK)
    assert "wild: a run diverged: wild seed 0, wild seed 1" in str(found)
    assert found.exit_status == 1
    assert "<svg" in found._repr_html_()


def test_finished_runs_are_taken_from_their_folder(found, folder, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", None)
    again = diagnose(dense, DATA, ARMS, margin=0.02, folder=folder, **QUICK)
    assert again.effects.equals(found.effects)


def slower(rate):
    return dense(rate, optimizer=keras.optimizers.SGD(0.05))


@pytest.mark.parametrize(
    "change",
    [{"epochs": 2}, {"data": (X, 2 * DATA[1])}, {"class_weight": {0: 2.0}}, {"build": slower},
     {"callbacks": [keras.callbacks.EarlyStopping(patience=3)]}, {"arms": ARMS | {"light": 0.02}}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_runs_of_another_model_data_or_option_are_refused(change, found, folder, monkeypatch):
    monkeypatch.setattr(Kept, "write", None)
    monkeypatch.setattr("lstmreg_utils.diagnosis.experiment._trained", None)
    how = {"build": dense, "data": DATA, "arms": ARMS, "margin": 0.02, "folder": folder, **QUICK}
    with pytest.raises(ValueError, match="folder must hold runs of this model, data and options"):
        diagnose(**how | change)


def batches(shuffled=False, count=6):
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(DATA).batch(40 // count)
    return data.shuffle(40) if shuffled else data


@pytest.mark.parametrize("count", [2, 6])
def test_data_that_are_shuffled_anew_are_told_from_those_that_are_not(count):
    assert look(readable(batches(count=count)))[1]
    assert not look(readable(batches(shuffled=True, count=count)))[1]


def test_equal_batches_are_claimed_only_where_they_were_seen(found):
    assert "equal initial weights and batches" in str(found)
    shuffled = replace(found, facts=found.facts | {"equal_batches": False})
    assert "not with equal batches" in str(shuffled)


def test_command_prints_the_report_or_json_and_says_by_its_exit_what_was_found(
    found, monkeypatch, capsys
):
    module = types.ModuleType("mine")
    module.experiment = lambda: {"build": dense, "data": DATA}
    module.broken = lambda: {"build": None, "data": DATA}
    monkeypatch.setitem(sys.modules, "mine", module)
    assert main(["diagnose", "mine:broken"]) == 2
    assert "mine:broken: TypeError: build must be a function" in capsys.readouterr().err
    monkeypatch.setattr("lstmreg_utils.diagnosis.experiment.diagnose", lambda **how: found)
    assert main(["diagnose", "mine:experiment", "--json"]) == found.exit_status
    assert json.loads(capsys.readouterr().out)["effects"][0]["arm"] == "light"


@pytest.mark.parametrize(
    ("effect", "repeats", "status", "words"),
    [("hurts", 0.99, 1, "the noise hurts, because the network fits less"),
     ("hurts", 0.7, 0, "these seeds do not decide what the noise does. About 18 more seeds"),
     ("helps", 1.0, 0, "the noise helps")],
)  # fmt: skip
def test_word_that_would_not_come_again_is_no_finding(effect, repeats, status, words, found):
    row = {"effect": effect, "effect_repeats": repeats, "cause": "over-regularization"}
    effects = found.effects.iloc[:1].assign(**row, cause_repeats=1.0, seeds_needed=20)
    told = replace(found, effects=effects)
    assert told.exit_status == status
    assert words in str(told)
