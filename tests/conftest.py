"""What several test files share: quiet TensorFlow, compiled programs kept, one tiny study."""

import functools
import importlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

# Both are heeded only before TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Tests compile more than they compute. Without its optimizer XLA compiles in half the time, and the
# numbers are the same up to rounding.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)

from made_up_runs import made_up

from lstmreg_utils import compare, grid, study

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

    def train_record(run):
        asked.append(run)
        return made_up(run)

    # `lstmreg_utils.study` is the function; this is its module.
    module = importlib.import_module("lstmreg_utils.study")
    monkeypatch.setattr(module, "train_record", train_record)
    return asked


@pytest.fixture(scope="session")
def kept_programs():
    """Keep every compiled program: tests come back to an arm, which a study does not."""
    from lstmreg_utils import training

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_program", functools.cache(training.Program))
        yield


@pytest.fixture(scope="session")
def train_in_process(kept_programs):
    """`study` without a process pool."""

    def trained(runs, folder, **options):
        with ThreadPoolExecutor(1) as executor:
            options = {"recorded": False, "progress": False, **options}
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
