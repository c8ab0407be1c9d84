import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_loop import fit, fit_like_study
from tolerances import ATOL

from lstmreg_utils import Run, arm, load_task
from lstmreg_utils.lab import COLUMNS, train
from lstmreg_utils.lab.draws import batch_orders
from lstmreg_utils.lab.records import PROBED_AT
from lstmreg_utils.lab.tensorflow_engine import Program, _philox

pytestmark = pytest.mark.usefixtures("kept_programs")

EPOCHS = 3
TOLERANCE = 1e-5  # of a loss near 2: some ten steps of a 32-bit float
PROBES = (("noise", 0.5), ("missing", 0.5))
# A place and how many layers. Those with noise stand apart, for time: of each a golden run says
# at every change whether its numbers are still those that were compared with `fit`.
ARMS = [
    pytest.param(("none", 1), id="none"),
    pytest.param(("dropout+recurrent_dropout", 1), id="both arguments", marks=pytest.mark.apart),
    pytest.param(("input", 2), id="input, two layers", marks=pytest.mark.apart),
    pytest.param(("zoneout_c", 1), id="zoneout", marks=pytest.mark.apart),
]


def vowels(name="none", layers=1, seed=3, **changed):
    """A masked task of unequal lengths, small: 45 sequences to train, three batches an epoch."""
    fields = {"options": {"per_speaker": 5}, "units": 8, "epochs": EPOCHS, "batch_size": 15}
    return Run(
        "japanese_vowels", arm=arm(name, 0.5), layers=layers, seed=seed, **{**fields, **changed}
    )


def largest_difference(one, other):
    return max(
        np.abs(np.subtract(one[name], other[name])).max() for name in COLUMNS if name in other
    )


@pytest.fixture(scope="module", params=ARMS)
def pair(request):
    """Of one arm: the run, what `train` records of it, and what plain Keras gives."""
    run = vowels(*request.param)
    return run, train(run)[0], fit_like_study(run)


def test_compiled_epoch_equals_model_fit(pair):
    _, ours, keras_own = pair
    assert set(keras_own) == set(COLUMNS[:5])
    assert largest_difference(ours, keras_own) < TOLERANCE


def test_comparison_with_model_fit_can_fail(pair, monkeypatch):
    run, _, keras_own = pair
    monkeypatch.setattr(
        "lstmreg_utils.lab.tensorflow_engine.batch_orders",
        lambda seed, *sizes: batch_orders(seed + 1, *sizes),
    )
    other_order = train(run)[0]
    assert largest_difference(other_order, keras_own) > 100 * TOLERANCE
    other_seed = train(vowels(seed=4))[0]
    assert largest_difference(other_seed, keras_own) > 100 * TOLERANCE


def test_loop_of_a_reader_gives_the_losses_of_the_twin():
    run = vowels()
    orders = batch_orders(run.seed, 45, run.batch_size, run.epochs)
    assert largest_difference(train(run)[0], fit(run, orders)) < TOLERANCE


def test_regression_equals_model_fit():
    run = Run(
        "hidden_ar1", options={"n_train": 64, "n_validation": 64, "n_test": 64, "steps": 8},
        arm=arm("dropout", 0.5), units=4, epochs=EPOCHS, batch_size=16,
    )  # fmt: skip
    assert largest_difference(train(run)[0], fit_like_study(run)) < TOLERANCE


def test_same_seed_gives_the_same_record_whatever_ran_before(pair):
    run, first, _ = pair
    train(vowels(run_name(run), run.layers, seed=9))
    assert train(run)[0] == first


def run_name(run):
    return "+".join(noise.place for noise in run.arm) or "none"


def test_longer_run_starts_like_a_shorter_one():
    short, long = train(vowels())[0], train(vowels(epochs=EPOCHS + 2))[0]
    assert all(long[name][:EPOCHS] == short[name] for name in COLUMNS)


def test_twin_has_no_noise_to_measure():
    twin = train(vowels())[0]
    np.testing.assert_allclose(twin["noisy"], twin["train"], atol=ATOL)
    noisy = train(vowels("dropout+recurrent_dropout"))[0]
    assert np.abs(np.subtract(noisy["noisy"], noisy["train"])).max() > 1e-3


def test_losses_with_dropout_off_do_not_depend_on_the_noise():
    import tensorflow as tf

    run = vowels("dropout+recurrent_dropout")
    program = Program(run)
    program.start(0)
    task = load_task(run.task, run.seed, **dict(run.options))
    splits = [(tf.constant(split.x), tf.constant(split.y)) for split in task.splits().values()]
    once, again = (np.array(program._evaluate(splits)) for _ in range(2))
    assert once[0] != again[0]
    np.testing.assert_array_equal(once[1:], again[1:])


def test_every_epoch_has_every_value():
    run = vowels("dropout+recurrent_dropout")
    epochs, probes, seconds = train(run)
    assert tuple(epochs) == COLUMNS
    assert all(np.isfinite(values).all() and len(values) == EPOCHS for values in epochs.values())
    assert all(0 <= value <= 1 for name in COLUMNS[-3:] for value in epochs[name])
    assert probes == {}
    assert seconds > 0


def test_accuracy_is_a_share_of_the_split():
    epochs, *_ = train(vowels())
    hits = np.array(epochs["test_metric"]) * 187
    np.testing.assert_allclose(hits, hits.round(), atol=1e-4)


def test_r2_is_one_minus_the_share_of_the_variance():
    run = Run(
        "hidden_ar1", options={"n_train": 64, "n_validation": 64, "n_test": 64, "steps": 8},
        arm=arm("dropout", 0.5), units=4, epochs=EPOCHS, batch_size=16,
    )  # fmt: skip
    epochs, *_ = train(run)
    variance = load_task(run.task, run.seed, **dict(run.options)).test.y.var()
    np.testing.assert_allclose(epochs["test_metric"], 1 - np.array(epochs["test"]) / variance, 1e-4)


def test_probes_are_taken_at_the_last_and_at_the_best_epoch():
    epochs, probes, _ = train(vowels(probes=PROBES))
    assert {at: len(losses) for at, losses in probes.items()} == {"last": 2, "best": 2}
    assert epochs == train(vowels())[0]  # looking changes nothing
    best = int(np.argmin(epochs["validation"])) + 1
    stopped = train(vowels(probes=PROBES, epochs=best))[1]
    assert probes["best"] == stopped["last"]


def test_probe_without_damage_is_the_test_loss():
    epochs, probes, _ = train(vowels(probes=[("noise", 0.0), ("missing", 0.0), ("noise", 2.0)]))
    np.testing.assert_allclose(probes["last"][:2], epochs["test"][-1], rtol=1e-5)
    assert probes["last"][2] != pytest.approx(epochs["test"][-1], rel=1e-4)


def test_gradient_probe_is_the_share_of_the_first_steps():
    settings = {
        "options": {"lag": 3, "n_train": 20, "n_validation": 5, "n_test": 5}, "units": 3,
        "epochs": 1, "batch_size": 10, "probes": [("gradient", part) for part in (0.25, 0.5, 1.0)],
    }  # fmt: skip
    run = Run("lag_recall", **settings)
    program = Program(run)
    task = load_task(run.task, run.seed, **dict(run.options))
    _, probed, _ = program.run(task, run.seed, 1, run.probes)
    # The network without noise has one gradient: taken here by finite differences.
    model, (x, y) = program.model, (task.train.x[:4], task.train.y[:4])

    def losses(x):
        return keras.losses.sparse_categorical_crossentropy(y, model(x), from_logits=True).numpy()

    bumped = [
        (losses(x + bump) - losses(x - bump)) / 2e-2
        for bump in 1e-2 * np.eye(8, dtype="float32").reshape(8, 4, 2)
    ]
    norms = np.linalg.norm(np.reshape(bumped, (4, 2, 4)), axis=1).mean(axis=1)
    np.testing.assert_allclose(program.gradient_norms(x[None], y[None]), [norms], rtol=2e-2)
    shares = probed[PROBED_AT.index("last")]
    assert 0 < shares[0] < shares[1] < shares[2] == pytest.approx(1.0)


def test_weight_decay_shrinks_kernels_by_its_factor_and_leaves_biases():
    run = vowels("weight_decay")
    decayed = Program(run)
    before = {weight.path: weight.numpy() for weight in decayed.model.weights}
    still = [tf.zeros_like(weight) for weight in decayed.model.trainable_variables]
    decayed.optimizer.apply(still, decayed.model.trainable_variables)
    for weight in decayed.model.trainable_variables:
        factor = 1 if weight.name == "bias" else 1 - 0.5 * run.learning_rate
        np.testing.assert_allclose(weight.numpy(), factor * before[weight.path], rtol=1e-5)
    assert {weight.name for weight in decayed.model.trainable_variables} >= {"bias", "kernel"}


def test_batch_larger_than_the_training_split_is_refused():
    with pytest.raises(ValueError, match=r"batch_size must be at most the 45 .*, got 46"):
        train(vowels(batch_size=46))


def test_batches_hold_each_sequence_at_most_once_an_epoch():
    orders = batch_orders(0, n=50, batch_size=15, epochs=4)
    assert orders.shape == (4, 3, 15)
    assert all(len(set(order.ravel().tolist())) == 45 for order in orders)
    assert set(orders.ravel().tolist()) == set(range(50))  # those left out are others each time
    assert (orders[0] != orders[1]).any()


def test_batches_depend_on_the_seed_alone():
    np.testing.assert_array_equal(batch_orders(1, 50, 15, 4), batch_orders(1, 50, 15, 4))
    assert (batch_orders(1, 50, 15, 4) != batch_orders(2, 50, 15, 4)).any()
    np.testing.assert_array_equal(batch_orders(1, 50, 15, 4)[:2], batch_orders(1, 50, 15, 2))


def test_named_generator_drops_at_the_rate_and_anew_each_time():
    import keras
    import tensorflow as tf

    rate, shape, times = 0.3, (64, 100), 40
    layer = keras.layers.Dropout(rate, seed=1)

    @tf.function(jit_compile=True)
    def noisy():
        with _philox():
            return layer(tf.ones(shape), training=True)

    kept = np.stack([noisy().numpy().ravel() > 0 for _ in range(times)])
    assert kept.mean() == pytest.approx(1 - rate, abs=4 * np.sqrt(rate * (1 - rate) / kept.size))
    correlations = np.corrcoef(kept)[np.triu_indices(times, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(kept.shape[1])
    neighbours = np.corrcoef(kept[:, :-1].ravel(), kept[:, 1:].ravel())[0, 1]
    assert abs(neighbours) < 5 / np.sqrt(kept.size)
