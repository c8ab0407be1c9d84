"""The two engines train the same network: equal losses without noise, equal noise in distribution.

TensorFlow's runs in this process, JAX's in one of its own (see `jax_calls`).
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import golden
import jax_calls
import numpy as np
import pytest
import tensorflow as tf
from golden_runs import RUNS, SIZES
from tolerances import ATOL

from lstmreg_utils import Run, arm, compare, grid, load_task, study
from lstmreg_utils.lab import NUMERICS, PLACES, audit, engines, pack
from lstmreg_utils.lab.draws import stream
from lstmreg_utils.lab.records import COLUMNS

pytestmark = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")

# Of the largest value of a column: by how much the engines may differ where no noise is drawn, in
# the two or three epochs of a golden run. Rounding grows with every step; later epochs say nothing.
TOLERANCE = 20 * ATOL
NOISY = [name for name, run in RUNS.items() if golden.draws_noise(run)]
QUIET = [name for name in RUNS if name not in NOISY]
OF_TOKENS = [name for name in QUIET if load_task(RUNS[name].task).vocabulary is not None]
RATE = 0.4
TINY = {"units": 3, "layers": 2, "head": (3,), "epochs": 1, "batch_size": 8}


@pytest.fixture(scope="module")
def on_jax(jax_process):
    """Call a function of `jax_calls` in the process that runs JAX."""

    def call(function, *arguments):
        return jax_process.submit(function, *arguments).result(300)

    return call


def test_there_are_quiet_golden_runs_of_several_kinds():
    assert {"twin", "tiny values", "weight decay"} <= {*QUIET}


@pytest.mark.golden
@pytest.mark.parametrize("name", [name for name in QUIET if name not in OF_TOKENS])
def test_quiet_run_gives_the_losses_of_tensorflow(name, on_jax, monkeypatch):
    recorded = json.loads(golden.RECORDED.read_text("utf-8"))["runs"][name]
    monkeypatch.setattr(golden, "TOLERANCE", TOLERANCE)
    excess = golden.excess_of_run(RUNS[name], on_jax(golden.trained, RUNS[name], "jax"), recorded)
    assert {where: factor for where, factor in excess.items() if factor > 1} == {}


@pytest.mark.golden
@pytest.mark.parametrize("name", OF_TOKENS)
def test_quiet_run_of_tokens_differs_by_how_keras_squares_the_gradients_of_repeated_ones(
    name, on_jax, monkeypatch
):
    """On TensorFlow Keras' Adam squares them one by one where a batch holds a token twice.

    Where they are added before, as Adam says and as on JAX, the losses are the same.
    """
    from lstmreg_utils.lab.tensorflow_engine import Program

    run = RUNS[name]
    found = on_jax(golden.trained, run, "jax")
    monkeypatch.setattr(golden, "TOLERANCE", TOLERANCE)
    recorded = json.loads(golden.RECORDED.read_text("utf-8"))["runs"][name]
    assert max(golden.excess_of_run(run, found, recorded).values()) > 1
    whole = tf.GradientTape.gradient
    monkeypatch.setattr(
        tf.GradientTape,
        "gradient",
        lambda tape, loss, weights: [*map(tf.convert_to_tensor, whole(tape, loss, weights))],
    )
    task = load_task(run.task, run.seed, **dict(run.options))
    epochs, _, _ = Program(run).run(task, run.seed, run.epochs)
    added = {"epochs": dict(zip(COLUMNS, epochs.tolist(), strict=True)), "probes": {}}
    assert max(golden.excess_of_run(run, found, added).values()) < 1


@pytest.mark.golden
@pytest.mark.parametrize("name", NOISY)
def test_noisy_run_gives_its_recorded_numbers(name, on_jax):
    recorded = json.loads(golden.RECORDED_ON_JAX.read_text("utf-8"))["runs"]
    excess = golden.excess_of_run(
        RUNS[name], on_jax(golden.trained, RUNS[name], "jax"), recorded[name]
    )
    assert {where: factor for where, factor in excess.items() if factor > 1} == {}


@pytest.mark.golden
def test_recorded_numbers_are_of_this_code_and_of_all_noisy_runs():
    recorded = json.loads(golden.RECORDED_ON_JAX.read_text("utf-8"))
    assert recorded["numerics"] == NUMERICS
    assert recorded["runs"].keys() == {*NOISY}, "python tools/golden.py adds what is missing"


def noisy_on_tensorflow(run, sequences):
    """What `jax_calls.noisy_outputs` gives, with TensorFlow."""
    from lstmreg_utils.lab.tensorflow_engine import Program

    program = Program(run)
    task = load_task(run.task, run.seed, **dict(run.options))
    x = task.train.x[None, :sequences]
    program.start(run.seed)
    passes = [program.outputs(x, noisy=True)[0] for _ in range(jax_calls.PASSES)]
    return np.stack(passes)


def noisy_run(place, rate=RATE):
    """A network with noise in one place, two layers and a head."""
    if place == "embedding":
        options = {**SIZES, "steps": 16, "vocabulary": 60}
        return Run("verses", arm=arm(place, rate), options=options, **TINY)
    return Run("hidden_ar1", arm=arm(place, rate), options={**SIZES, "steps": 5}, **TINY)


def apart(one, other):
    """How far two samples of passes (passes, n, outputs) lie apart: in mean, and in variance.

    The mean in standard errors, the largest of all outputs; the variance, summed over the outputs,
    as the logarithm of its ratio.
    """
    error = np.sqrt((one.var(axis=0) + other.var(axis=0)) / len(one))
    means = np.abs(one.mean(axis=0) - other.mean(axis=0)) / np.maximum(error, 1e-9)
    return means.max(), abs(np.log(one.var(axis=0).sum() / other.var(axis=0).sum()))


@pytest.mark.apart
@pytest.mark.parametrize("place", [name for name, row in PLACES.items() if row.mask != "none"])
def test_noise_has_the_same_mean_and_variance(place, on_jax):
    run = noisy_run(place)
    means, variances = apart(on_jax(jax_calls.noisy_outputs, run, 8), noisy_on_tensorflow(run, 8))
    assert means < 5
    assert variances < 0.25


def test_other_rates_masks_and_scales_of_noise_are_seen(on_jax):
    usual, held, stronger = (
        on_jax(jax_calls.noisy_outputs, noisy_run(place, rate), 8)
        for place, rate in (("input", RATE), ("input:sequence", RATE), ("input", 0.6))
    )
    assert apart(usual, usual[::-1]) == pytest.approx((0, 0), abs=1e-3)
    assert apart(usual, held)[1] > 0.25
    assert apart(usual, stronger)[1] > 0.25
    assert apart(usual, 1.2 * usual)[0] > 5


@pytest.mark.apart
def test_a_study_gets_the_same_words(tmp_path):
    runs = grid(
        "hidden_ar1", ["input", "dropout"], rates=[0.7], seeds=10, units=8, epochs=25,
        options={"n_train": 64, "n_validation": 200, "n_test": 200, "steps": 8}, batch_size=16,
        learning_rate=0.02,
    )  # fmt: skip
    ours, theirs = (
        compare(study(runs, recorded=False, folder=tmp_path / name, engine=name, progress=False))
        for name in ("jax", "tensorflow")
    )
    for word in ("effect", "cause"):
        assert ours[word].tolist() == theirs[word].tolist()
    assert "hurts" in set(theirs["effect"])
    # The differences over the seeds, in which the noise alone is another: within half an interval.
    for part in ("d_train", "d_test"):
        half = (theirs[f"{part}_high"] - theirs[f"{part}_low"]) / 2
        assert ((ours[part] - theirs[part]).abs() < half).all()


BLOCK = Run(
    "japanese_vowels", arm=arm("dropout", 0.3), options={"per_speaker": 3}, units=5, epochs=3,
    batch_size=9, probes=[("noise", 0.5), ("unit", 1.0), ("samples", 2), ("ensemble", 2)],
)  # fmt: skip


@pytest.fixture(scope="module")
def block(on_jax):
    return on_jax(jax_calls.numbers, BLOCK, [0, 1, 2, 3])


def test_numbers_of_a_network_do_not_depend_on_its_block(block, on_jax):
    epochs, probes = block
    for seeds, places in (([3, 1, 0, 2], [3, 1, 0, 2]), ([0, 7, 1, 9], [0, None, 1, None])):
        others = on_jax(jax_calls.numbers, BLOCK, seeds)
        for k, place in enumerate(places):
            if place is not None:
                np.testing.assert_array_equal(others[0][:, k], epochs[:, place])
                np.testing.assert_array_equal(others[1][:, k], probes[:, place])
    alone = on_jax(jax_calls.numbers, BLOCK, [2])
    np.testing.assert_allclose(alone[0][:, 0], epochs[:, 2], rtol=TOLERANCE)
    assert (epochs[:, 0] != epochs[:, 1]).any()


def test_the_same_block_gives_the_same_numbers_again(block, on_jax):
    again = on_jax(jax_calls.numbers, BLOCK, [0, 1, 2, 3])
    np.testing.assert_array_equal(again[0], block[0])
    np.testing.assert_array_equal(again[1], block[1])


def test_best_weights_are_those_of_the_lowest_validation_loss(on_jax):
    """The probe without damage is the test loss of the weights that it is taken on."""
    run = Run(
        "hidden_ar1", options=SIZES, units=4, epochs=8, batch_size=8, learning_rate=0.1,
        probes=[("noise", 0.0)],
    )  # fmt: skip
    epochs, probes = on_jax(jax_calls.numbers, run, range(6))
    test, best = epochs[COLUMNS.index("test")], epochs[COLUMNS.index("validation")].argmin(axis=1)
    assert {*best} != {run.epochs - 1}
    np.testing.assert_allclose(probes[0, :, 0], test[:, -1], rtol=1e-5)
    np.testing.assert_allclose(probes[1, :, 0], test[np.arange(6), best], rtol=1e-5)


def test_block_is_cut_to_the_memory_that_is_free(block, on_jax):
    needed = on_jax(jax_calls.bytes_of, BLOCK, 4)
    call = on_jax(jax_calls.sizes_of_programs, BLOCK, [0, 1, 2, 3], 0.75 * needed)
    epochs, sizes = call
    assert len(sizes) > 1
    assert {*sizes} == {sizes[0]}
    assert 1 <= sizes[0] < 4
    np.testing.assert_allclose(epochs, block[0], rtol=TOLERANCE)


def test_block_that_ran_out_of_memory_is_cut_in_half(block, on_jax):
    epochs, sizes = on_jax(jax_calls.sizes_of_programs, BLOCK, [0, 1, 2, 3], None, 1)
    assert sizes == [2, 2]
    np.testing.assert_allclose(epochs, block[0], rtol=TOLERANCE)


def test_network_that_does_not_fit_is_refused_with_what_it_needs(on_jax):
    with pytest.raises(ValueError, match=r"one network needs .* GiB, of which .* fewer units"):
        on_jax(jax_calls.sizes_of_programs, BLOCK, [0, 1], 1000)


def test_batch_larger_than_the_training_split_is_refused(on_jax):
    run = Run("hidden_ar1", options=SIZES, batch_size=25)
    with pytest.raises(ValueError, match=r"batch_size must be at most the 24 .*, got 25"):
        on_jax(jax_calls.numbers, run, [0])


@pytest.mark.apart
def test_records_say_the_engine_and_either_may_be_audited_with_the_other(tmp_path):
    """TensorFlow's numbers of a study are held against JAX's, where rounding and noise differ."""
    settings = {"options": {**SIZES, "steps": 5}, "units": 4, "epochs": 3, "batch_size": 8}
    runs = grid("hidden_ar1", ["dropout"], rates=[0.3], seeds=6, **settings)
    how = {"recorded": False, "folder": tmp_path / "runs", "progress": False, "workers": 1}
    made = study(runs, engine="jax", table="provenance", **how)
    assert {*made["engine"]} == {"jax"}
    assert made["jax"].str.match(r"\d+\.\d+").all()
    assert {*made["device"]} == {"CPU"}
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    pack(runs, shipped / "tiny.study", tmp_path / "runs")
    table = audit(12, 0, shipped, engine="tensorflow", workers=1, progress=False)
    assert {*table["other"]} == {"engine"}
    assert {*table["verdict"]} == {"agrees"}
    quiet = table[table["arm"] == "none"]
    assert (quiet["early"] < TOLERANCE).all()
    assert {*table.loc[table["arm"] != "none", "limit"]} == {1.0}


# Which engine.


def test_unknown_engine_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"engine must be one of \('auto', .*, got 'torch'"):
        study(grid("hidden_ar1", [], seeds=1), engine="torch", folder=tmp_path)


@pytest.mark.parametrize(
    ("card", "installed", "expected"),
    [
        (True, ("tensorflow", "jax"), "jax"),
        (False, ("tensorflow", "jax"), "tensorflow"),
        (False, ("jax",), "jax"),
        (True, ("tensorflow",), "tensorflow"),
    ],
)
def test_engine_of_its_own_choice(card, installed, expected, monkeypatch):
    class Module:
        @staticmethod
        def device():
            return "a card" if card else "CPU"

    monkeypatch.setattr(engines, "find_spec", lambda name: name in installed or None)
    monkeypatch.setattr(engines, "jax_sees_a_card", lambda: card)
    monkeypatch.setattr(engines, "load_engine", lambda name: Module)
    found = engines.find_engine()
    assert found.name == expected
    assert found.block == (200 if card and expected == "jax" else 20)


@pytest.mark.parametrize("name", ["tensorflow", "jax"])
def test_engine_that_is_not_installed_is_refused_with_what_to_type(name, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=f"engine='{name}' needs .*: pip install {name}"):
        engines.load_engine(name)


def test_jax_in_a_process_where_keras_runs_tensorflow_is_refused():
    with pytest.raises(RuntimeError, match=r"needs a process of its own, .* runs tensorflow"):
        engines.load_engine("jax")


def run_python(code, **environment):
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_device_that_was_asked_for_and_is_not_there_is_named():
    code = "from lstmreg_utils.lab.engines import load_engine; load_engine('jax')"
    done = run_python(code, JAX_PLATFORMS="cuda")
    assert "JAX finds no device for JAX_PLATFORMS='cuda': pip install" in done.stderr


def test_jax_leaves_memory_of_a_card_to_others_and_sums_in_one_order():
    code = (
        "import os; from lstmreg_utils.lab.engines import load_engine; load_engine('jax');"
        "print(os.environ['XLA_PYTHON_CLIENT_PREALLOCATE'], os.environ['XLA_FLAGS'])"
    )
    preallocate, *flags = run_python(code).stdout.split()
    assert preallocate == "false"
    assert "--xla_gpu_deterministic_ops=true" in flags


def test_streams_of_noise_are_not_those_of_weights():
    assert not {*stream(0, "noise", 50)} & {*stream(0, "weights", 50)}
