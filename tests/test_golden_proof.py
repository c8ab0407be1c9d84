"""The golden runs see what they are there to see: a minute and a half, so it is run apart.

Each test copies the package, edits the copy, trains a few golden runs with it and compares them
with the numbers on record, as test_golden.py does. Here nothing is compiled, which would take most
of the time: the harmless edits show that this moves no number.
"""

import contextlib
import importlib
import json
import shutil
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import golden
import keras
import pytest

import lstmreg_utils
from lstmreg_utils.layers import ZoneoutLSTM

pytestmark = pytest.mark.apart

PACKAGE = Path(lstmreg_utils.__file__).parent
CLEARLY = 5  # tolerances by which a planted change must show
ADDED = """from .base import register
from .synthetic import hidden_ar1

@register(margin=1.0)
def ramp(seed=0):
    return hidden_ar1(seed)
"""


class Edit(NamedTuple):
    """A replacement of a text that stands once in a file; of None, the file is new."""

    file: str
    old: str | None
    new: str


class Planted(NamedTuple):
    """A change of numbers, and the runs that must each notice it."""

    file: str
    old: str
    new: str
    runs: tuple


PLANTED = {
    "h dropped where c is": Planted(
        "lab/places.py",
        'argument = f"dropout_{place}"',
        'argument = f"dropout_{place}".replace("_h", "_c")',
        ("h, g, c", "h, g, c:sequence"),
    ),
    "train and test swapped": Planted(
        "tasks/base.py",
        '"train": self.train, "validation": self.validation, "test": self.test',
        '"train": self.test, "validation": self.validation, "test": self.train',
        ("twin", "dropout of nyse_volume"),
    ),
    "learning rate of the optimizer": Planted(
        "lab/models.py",
        "Adam(run.learning_rate,",
        "Adam(1.01 * run.learning_rate,",
        ("twin",),
    ),
    "learning rate by default": Planted(
        "lab/runs.py", "learning_rate: float = 0.003", "learning_rate: float = 0.00301", ("twin",)
    ),
    "zoneout without its expectation": Planted(
        "layers/zoneout.py",
        "return [self.zoneout_c or None, self.zoneout_h or None]",
        "return [None, None]",
        ("zoneout", "zoneout of verses"),
    ),
    "first step's mask at every step": Planted(
        "layers/recurrent_dropout.py",
        "return bernoulli(rates, shape, self.seed_generator)",
        "return [m if m is None or not self.per_step else keras.ops.repeat(m[:, :1], steps, 1) "
        "for m in bernoulli(rates, shape, self.seed_generator)]",
        ("h, g, c",),
    ),
    "same masks at every call": Planted(
        "layers/noise.py",
        "seed_generator.next()",
        "(seed_generator.state.value * 1)",
        ("h, g, c:sequence", "zoneout", "weight_drop of nyc_weather"),
    ),
    "one draw of noise for two masks": Planted(
        "layers/noise.py",
        "u = ops.where(masks[k], u / rate, above)",
        "u = ops.where(masks[k], u, above)",
        ("h, g, c",),
    ),
    "kept values not scaled": Planted(
        "layers/noise.py",
        "ops.where(dropped, ops.zeros_like(value), value * scale)",
        "ops.where(dropped, ops.zeros_like(value), value)",
        ("h, g, c", "weight_drop of nyc_weather"),
    ),
    "batches of another stream": Planted(
        "lab/draws.py",
        'stream(seed, "batches", 1)',
        'stream(seed, "probes", 1)',
        ("twin",),
    ),
    "batches not shuffled": Planted(
        "lab/draws.py", "rng.permutation(n)[", "np.arange(n)[", ("twin",)
    ),
    "epsilon of Adam": Planted(
        "lab/models.py",
        "weight_decay=decay)",
        "weight_decay=decay, epsilon=1e-8)",
        ("tiny values",),
    ),
    "initializer of the LSTM": Planted(
        "lab/models.py",
        '"recurrent_kernel": orthogonal',
        '"recurrent_kernel": glorot_uniform',
        ("twin",),
    ),
    "bias of the forget gate": Planted(
        "lab/models.py",
        "use_cudnn=False, **arguments",
        "use_cudnn=False, unit_forget_bias=False, **arguments",
        ("zoneout",),
    ),
    "initializer of the last layer": Planted(
        "lab/draws.py",
        "6 / sum(shape)",
        "6 / (sum(shape) if shape[1] > 1 else shape[0])",
        ("twin",),
    ),
    "initializer of kernels": Planted(
        "lab/models.py", '"kernel": glorot_uniform', '"kernel": small_uniform', ("twin",)
    ),
    "initializer of the embedding": Planted(
        "lab/models.py",
        '"embeddings": small_uniform',
        '"embeddings": glorot_uniform',
        ("embedding of verses",),
    ),
    "initial weights of another stream": Planted(
        "lab/models.py",
        'stream(seed, "weights", len(self._drawn))',
        'stream(seed, "members", len(self._drawn))',
        ("twin",),
    ),
    "gradient doubled": Planted(
        "lab/tensorflow_engine.py",
        "self.optimizer.apply(tape.gradient(loss, weights), weights)",
        "self.optimizer.apply([2 * g for g in tape.gradient(loss, weights)], weights)",
        ("tiny values",),
    ),
    "weight decay of biases": Planted(
        "lab/models.py", 'var_names=["bias"]', "var_names=[]", ("weight decay",)
    ),
    "padding of values read": Planted(
        "lab/models.py",
        "elif task.masked and layers:",
        "elif not task.name:",
        ("recurrent_dropout of japanese_vowels",),
    ),
    "padding of words read": Planted(
        "lab/models.py",
        "mask_zero=task.masked and layers > 0",
        "mask_zero=False",
        ("embedding of verses", "zoneout of verses"),
    ),
    "best epoch by the test loss": Planted(
        "lab/tensorflow_engine.py",
        'values[COLUMNS.index("validation")]',
        'values[COLUMNS.index("test")]',
        ("probes of values",),
    ),
    "noisy loss without noise": Planted(
        "lab/tensorflow_engine.py",
        "self._loss(train_y, self.model(train_x, training=True))",
        "self._loss(train_y, self.model(train_x, training=False))",
        ("output of noise_targets", "h, g, c"),
    ),
    "samples without noise": Planted(
        "lab/probes.py",
        "block.outputs(x, noisy=True)",
        "block.outputs(x, noisy=False)",
        ("probes of values", "probes of classes"),
    ),
    "fewer cuts": Planted("lab/probes.py", "CUTS = 10", "CUTS = 9", ("probes of values",)),
    "units cut from another kernel": Planted(
        "lab/models.py", "return kernels[1]", "return kernels[-1]", ("probes of values",)
    ),
    "volume standardized with all days": Planted(
        "tasks/chronological.py",
        'fitted = series[origin - first : origin + sizes["n_train"]]',
        "fitted = series",
        ("dropout of nyse_volume",),
    ),
    "vowels standardized with test data": Planted(
        "tasks/speakers.py",
        'frames = np.concatenate([official["train"][i] for i in kept])',
        'frames = np.concatenate([*official["train"], *official["test"]])',
        ("perceptron of japanese_vowels",),
    ),
}
# A docstring, a comment, a local variable renamed, a task added: all of them together.
HARMLESS = (
    Edit("lab/tensorflow_engine.py", '"""Train the networks of a run', '"""Train those'),
    Edit("layers/zoneout.py", "d_c, d_h = noise", "d_c, d_h = noise  # or the rates"),
    Edit(
        "lab/tensorflow_engine.py", "best, best_weights = np.inf", "lowest, best_weights = np.inf"
    ),
    Edit("lab/tensorflow_engine.py", "validation < best:", "validation < lowest:"),
    Edit(
        "lab/tensorflow_engine.py",
        "best, best_weights = validation",
        "lowest, best_weights = validation",
    ),
    Edit("tasks/ramp.py", None, ADDED),
    Edit(
        "tasks/__init__.py",
        "from .weather import",
        "from .ramp import ramp\nfrom .weather import",
    ),
)
# Of values and of classes, with padding and without, with noise of Keras' and of our own, probed.
SEVERAL = ("twin", "h, g, c", "zoneout of verses", "dropout of nyse_volume", "probes of classes")


@pytest.fixture(scope="module")
def recorded():
    return json.loads(golden.RECORDED.read_text("utf-8"))


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Nothing is compiled, and Keras' dropout makes floats of random bits as XLA would."""
    import tensorflow as tf

    def stateless_dropout(x, rate, seed, rng_alg="philox", noise_shape=None):
        shape = tf.shape(x) if noise_shape is None else noise_shape
        bits = tf.random.stateless_uniform(shape, seed, None, None, tf.uint32, alg=rng_alg)
        uniform = tf.cast(tf.bitwise.right_shift(bits, 9), tf.float32) * 2.0**-23
        return tf.where(uniform >= rate, x * (1 / (1 - rate)), 0.0)

    def function(traced, jit_compile):
        return compiled_or_not(traced, jit_compile=False)

    compiled_or_not = tf.function
    with (
        mock.patch.object(tf, "function", function),
        mock.patch.object(tf.nn.experimental, "stateless_dropout", stateless_dropout),
    ):
        yield


def edited_copy(folder, edits):
    """A copy of the package, without what no training reads, with some edits."""
    copy = folder / "lstmreg_utils"
    left_out = shutil.ignore_patterns("records", "__pycache__")
    shutil.copytree(PACKAGE, copy, ignore=left_out)
    for file, old, new in edits:
        path = copy / file
        if old is None:
            assert not path.exists()
            path.write_text(new, "utf-8")
            continue
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{file} must hold this once: {old}"
        path.write_text(text.replace(old, new), "utf-8")


@contextlib.contextmanager
def modules_of(folder):
    """For a while the package, its golden runs and their tool are those of another folder."""

    def of_the_package():
        names = ("lstmreg_utils", "golden_runs", "golden")
        return [name for name in sys.modules if name.partition(".")[0] in names]

    kept = {name: sys.modules.pop(name) for name in of_the_package()}
    registered = keras.saving.get_custom_objects()  # the copy's layers take the names of ours
    ours = {**registered}
    path = [*sys.path]
    # The tool puts the repository first, unless it is known already.
    sys.path[:] = [str(folder), *path]
    importlib.invalidate_caches()
    try:
        copy = importlib.import_module("golden")
        assert Path(sys.modules["lstmreg_utils"].__file__).is_relative_to(folder)
        yield copy
    finally:
        sys.path[:] = path
        for name in of_the_package():
            del sys.modules[name]
        sys.modules.update(kept)
        registered.clear()
        registered.update(ours)


def largest_excess(folder, edits, names, recorded):
    """By how many tolerances each run is off at most, when an edited copy trains it."""
    edited_copy(folder, edits)
    with modules_of(folder) as copy:
        runs = {name: copy.RUNS[name] for name in names}
        found = {name: copy.trained(run) for name, run in runs.items()}
    return {
        name: max(golden.excess_of_run(run, found[name], recorded["runs"][name]).values())
        for name, run in runs.items()
    }


@pytest.mark.parametrize("name", PLANTED)
def test_planted_change_is_noticed(name, recorded, tmp_path):
    *edit, runs = PLANTED[name]
    excess = largest_excess(tmp_path, [Edit(*edit)], runs, recorded)
    for run, factor in excess.items():
        print(f"{name}: {run} is off by {factor:.3g} tolerances")
    assert all(factor > CLEARLY for factor in excess.values()), excess


def test_harmless_changes_move_no_number(recorded, tmp_path):
    excess = largest_excess(tmp_path, HARMLESS, SEVERAL, recorded)
    assert all(factor < 1 for factor in excess.values()), excess
    # The copy leaves nothing behind: Keras makes layers from files as before.
    assert keras.saving.get_registered_object("lstmreg_utils>ZoneoutLSTM") is ZoneoutLSTM
