"""What a worker does: train a block of runs, and say how. Plain values in, bytes out."""

import contextlib
import datetime
import functools
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..machine import installed_version, processor
from .records import COLUMNS, PROBED_AT, Record, encode
from .runs import Run

VERSIONS = ("lstmreg_utils", "keras", "tensorflow", "numpy")
_TRAINING = threading.Lock()  # a compiled program serves one run at a time


def train_block(run, seeds):
    """Train a run, given as its fields, at some seeds, and give the record as bytes of a file.

    A RuntimeError if another thread of this process is training, if Keras does not run TensorFlow
    here, or if a run failed, which is named.
    """
    run = Run(**run).setting
    if not _TRAINING.acquire(blocking=False):
        raise RuntimeError(
            "this process is training another block: workers must have one thread each "
            "(dask worker --nthreads 1), or be processes"
        )
    try:
        engine = _engine()
        trained = [_train(engine, run.with_seed(seed)) for seed in seeds]
    finally:
        _TRAINING.release()
    epochs, probes, seconds = zip(*trained, strict=True)
    epochs, probes = np.stack(epochs, axis=1), np.stack(probes, axis=1)
    return encode([Record(run, tuple(seeds), epochs, probes, seconds, made_by(engine))])


def plain(run):
    """The fields of a run as numbers, texts and lists: nothing that a worker must know of."""
    return json.loads(json.dumps(run.to_dict()))


def made_by(engine):
    """What made a record: the code, the versions, the machine."""
    return {
        "numerics": engine.NUMERICS,
        "engine": engine.ENGINE,
        "python": platform.python_version(),
        **{name: installed_version(name) for name in VERSIONS},
        "device": _device(),
        "processor": processor(),
        "system": sys.platform,
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


@functools.cache
def commit():
    """The commit of the package where it runs from a clone, with '-dirty' if files were changed."""
    folder = Path(__file__).parents[1]
    ask = functools.partial(subprocess.run, cwd=folder, capture_output=True, text=True, check=True)
    try:
        ask(["git", "ls-files", "--error-unmatch", "__init__.py"])  # not another project's clone
        return ask(["git", "describe", "--always", "--dirty", "--exclude=*"]).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _train(engine, run):
    """Epochs (columns, epochs), probes (checkpoints, probes) and seconds of one run."""
    try:
        epochs, probes, seconds = engine.train(run)
    except Exception as error:
        raise RuntimeError(f"{run} failed with {type(error).__name__}: {error}") from error
    epochs = np.array([epochs[name] for name in COLUMNS], np.float32)
    probes = np.array([probes.get(at, ()) for at in PROBED_AT], np.float32)
    return epochs, probes, round(seconds, 3)


def _engine():
    """The module that trains. It imports TensorFlow, which the reader of a record does not need."""
    if find_spec("tensorflow") is None:
        raise RuntimeError("runs are trained with TensorFlow, which is not installed")
    use_one_thread()
    import keras

    if (backend := keras.config.backend()) != "tensorflow":
        raise RuntimeError(f"runs are trained with TensorFlow, Keras runs {backend} here")
    from . import tensorflow_engine

    commit()  # of the code that has just been imported
    return tensorflow_engine


@functools.cache
def _device():
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    details = map(tf.config.experimental.get_device_details, gpus)
    return next((each.get("device_name", "GPU") for each in details), "CPU")


def use_one_thread():
    """Give TensorFlow one thread in a process that works for another: of a pool, or Dask's."""
    if multiprocessing.parent_process() is None:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before the import, to be heeded
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # processes share a GPU's memory
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # it has begun to compute, with the threads it has
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
