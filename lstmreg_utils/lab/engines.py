"""What trains, and on what device: chosen once for a study, loaded by each of its workers."""

import contextlib
import multiprocessing
import os
import shutil
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from .records import COLUMNS, PROBED_AT

AUTO = "auto"
ENGINES = {"tensorflow": "TensorFlow", "jax": "JAX"}  # by name, what must be installed
INSTALL = {
    "tensorflow": "pip install tensorflow",
    "jax": 'pip install jax, or with a card pip install "jax[cuda12]"',
}
CPU = "CPU"
NO_PLATFORM = RuntimeError, AssertionError  # what JAX raises where a platform is not there
# Seeds that are trained at a time, which are lost if a study is stopped. On a card some hundred
# networks take hardly longer than one.
BLOCK, BLOCK_ON_A_CARD = 20, 200


class Engine(NamedTuple):
    """An engine, by its name, and the device that it sees: the name of a card, or 'CPU'."""

    name: str
    device: str

    @property
    def on_a_card(self):
        """Whether a block of many networks takes little longer than one."""
        return self.name == "jax" and self.device != CPU

    @property
    def block(self):
        """Seeds of an arm that are trained at a time."""
        return BLOCK_ON_A_CARD if self.on_a_card else BLOCK


def check_engine(engine):
    """Raise a ValueError for what is no engine."""
    if engine not in (AUTO, *ENGINES):
        raise ValueError(f"engine must be one of {(AUTO, *ENGINES)}, got {engine!r}")


def find_engine(asked=AUTO):
    """The `Engine` of this process: JAX where it sees a card, TensorFlow elsewhere, unless asked.

    A RuntimeError says what to install if it is not there, or sees no device of the kind that
    ``$JAX_PLATFORMS`` names.
    """
    check_engine(asked)
    if asked == AUTO:
        asked = "tensorflow"
        if find_spec("jax") and (jax_sees_a_card() or not find_spec("tensorflow")):
            asked = "jax"
    return Engine(asked, load_engine(asked).device())


def has_card():
    """Whether this machine may have a card; found out without importing anything."""
    return shutil.which("nvidia-smi") is not None or os.environ.get("JAX_PLATFORMS", "cpu") != "cpu"


def jax_sees_a_card():
    """Whether JAX would compute on a card, here and now."""
    if not has_card():
        return False
    _prepare_jax()
    import jax

    with contextlib.suppress(*NO_PLATFORM):
        return jax.default_backend() != "cpu"
    return False


def load_engine(name):
    """The module of an engine, with Keras on its backend; a RuntimeError says what is missing."""
    if find_spec(name) is None:
        raise RuntimeError(f"engine={name!r} needs {ENGINES[name]}: {INSTALL[name]}")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = name
    {"tensorflow": _prepare_tensorflow, "jax": _prepare_jax}[name]()
    import keras

    if (backend := keras.config.backend()) != name:
        raise RuntimeError(
            f"engine={name!r} needs a process of its own, since Keras runs {backend} in this one: "
            "leave out `executor`, or give one whose workers are fresh processes"
        )
    if name == "jax":
        _check_platform()
    return import_module(f".{name}_engine", __package__)


def train(run, engine="tensorflow"):
    """Train one network in this process.

    Returns
    -------
    epochs : dict of str to list of float
        For each of `COLUMNS` the value after each epoch.
    probes : dict of str to list of float
        ``'last'`` and ``'best'``: what each of ``run.probes`` finds with the weights of the last
        epoch, and of the one with the lowest validation loss.
    seconds : float
        Wall time.

    Examples
    --------
    >>> from lstmreg_utils import Run
    >>> run = Run("hidden_ar1", options={"n_train": 60}, units=2, epochs=2)
    >>> epochs, probes, seconds = train(run)
    >>> len(epochs["test"])
    2
    """
    epochs, probes, seconds = load_engine(engine).train_block(run, [run.seed])
    by_column = dict(zip(COLUMNS, epochs[:, 0].tolist(), strict=True))
    by_checkpoint = dict(zip(PROBED_AT, probes[:, 0].tolist(), strict=True)) if run.probes else {}
    return by_column, by_checkpoint, seconds[0]


def _check_platform():
    import jax

    try:
        jax.devices()
    except NO_PLATFORM as error:
        asked = os.environ.get("JAX_PLATFORMS")
        raise RuntimeError(
            f'JAX finds no device for JAX_PLATFORMS={asked!r}: pip install "jax[cuda12]" where '
            "the card is, or unset JAX_PLATFORMS"
        ) from error


def _prepare_jax():
    """What JAX heeds if it is set before the import."""
    if "jax" in sys.modules:
        return
    # It would take three quarters of a card's memory at once, from TensorFlow in a notebook too.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    flags = ["--xla_gpu_deterministic_ops=true"]  # sums in the same order every time
    if _works_for_another():
        os.environ.setdefault("NPROC", "1")
        flags.append("--xla_cpu_multi_thread_eigen=false")
    os.environ["XLA_FLAGS"] = " ".join([*flags, os.environ.get("XLA_FLAGS", "")]).strip()


def _prepare_tensorflow():
    """One thread in a process of a pool, or of Dask; a card's memory is shared, its sums exact."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(False)
    if _works_for_another():
        with contextlib.suppress(RuntimeError):  # it has begun to compute, with what it has
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)


def _works_for_another():
    return multiprocessing.parent_process() is not None
