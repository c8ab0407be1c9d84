"""What several test files share: quiet TensorFlow, compiled programs kept, one tiny study."""

import functools
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

# Both are heeded only before TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Tests compile more than they compute. Without its optimizer XLA compiles in half the time, and the
# numbers are the same up to rounding.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)

# On a card, products of float32 are those of float32 and not of 19 bits: tolerances stay the same.
os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")

from made_up_runs import made_up

from lstmreg_utils import compare, grid, study
from lstmreg_utils.lab import engines

# Each compiles, or starts a kernel, for itself, and together they take minutes.
ALONE = ("test_notebook_needs_no_record[", "test_run_gives_its_recorded_numbers[")
# What takes a minute begins first: what begins last should not run alone at the end.
FIRST = (
    "tests/browser/", "tests/test_golden_proof.py", "tests/test_training.py",
    "tests/test_cluster.py", "tests/test_study.py", "chapters/",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, where it is installed
def pytest_xdist_make_scheduler(config, log):
    """Tests that share what is slow to make go to one worker: those of a file, or in a browser."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # by the number of tests, chapters would begin last

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            if nodeid.startswith("tests/browser/"):
                return "tests/browser"
            _, _, test = nodeid.partition("::")
            return nodeid if test.startswith(ALONE) else super()._split_scope(nodeid)

    return Scheduling(config, log)


# Three arms, three seeds: small enough to be trained wherever a test needs a real record.
TINY = {
    "task": "hidden_ar1",
    "options": {"n_train": 64, "n_validation": 64, "n_test": 64, "steps": 8},
    "arms": ["dropout", "recurrent_dropout"],
    "rates": [0.5],
    "seeds": 3,
    "units": 4,
    "epochs": 3,
    "batch_size": 16,
    "probes": [("noise", 0.5), ("missing", 0.5)],
}


@pytest.fixture(scope="session", autouse=True)
def float32_products():
    """XLA, too, asks TensorFlow and not the variable above."""
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.config.experimental.enable_tensor_float_32_execution(False)


@pytest.fixture(scope="session")
def tiny_grid():
    return TINY


@pytest.fixture(scope="session")
def tiny_runs():
    return grid(**TINY)


@pytest.fixture
def untrained(monkeypatch):
    """Records come from `made_up`, in this process; returns the runs that were asked for."""
    asked = []

    def train_block(run, seeds, engine):
        asked.extend({**run, "seed": seed} for seed in seeds)
        return made_up(run, seeds)

    found = engines.Engine("tensorflow", "CPU")
    monkeypatch.setattr("lstmreg_utils.lab.studies.find_engine", lambda _: found)
    monkeypatch.setattr("lstmreg_utils.lab.studies.train_block", train_block)
    return asked


@pytest.fixture(scope="session")
def jax_process():
    """An executor of one process, in which Keras runs JAX."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        pool.submit(engines.find_engine, "jax").result(100)
        yield pool


@pytest.fixture(scope="session")
def kept_programs():
    """Keep every compiled program: tests come back to an arm, which a study does not."""
    from lstmreg_utils.lab import tensorflow_engine

    with pytest.MonkeyPatch.context() as patch:
        programs = functools.cache(tensorflow_engine.Program)
        patch.setattr(tensorflow_engine, "_program", programs)
        yield


@pytest.fixture(scope="session")
def train_in_process(kept_programs):
    """`study` without a process pool."""

    def trained(runs, folder, **options):
        with ThreadPoolExecutor(1) as executor:
            options = {"engine": "tensorflow", "recorded": False, "progress": False, **options}
            return study(runs, folder=folder, executor=executor, workers=1, **options)

    return trained


@pytest.fixture(scope="session")
def tiny_folder(train_in_process, tiny_runs, tmp_path_factory):
    """The records of the tiny study. Tests that change files copy it first."""
    folder = tmp_path_factory.mktemp("tiny")
    train_in_process(tiny_runs, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_table(tiny_folder, tiny_runs):
    return study(tiny_runs, folder=tiny_folder, recorded=False)


@pytest.fixture(scope="session")
def tiny_effects(tiny_table):
    return compare(tiny_table)
