"""What a worker does: train one run, and say how. Plain values in, plain values out."""

import contextlib
import datetime
import json
import multiprocessing
import os
import platform
import sys
import threading
from importlib import metadata
from importlib.util import find_spec

from .fingerprint import fingerprint
from .runs import Run

VERSIONS = ("lstmreg_utils", "keras", "tensorflow", "numpy")
_TRAINING = threading.Lock()  # a compiled program serves one run at a time


def train_record(run):
    """Train one run and say how: what a worker does. Plain values in, plain values out.

    Parameters
    ----------
    run : dict
        Fields of a `Run`.

    Returns
    -------
    dict
        ``run``, ``epochs``, ``probes`` and ``made`` (versions, hardware, seconds, fingerprint).

    Raises
    ------
    RuntimeError
        Another thread of this process is training, or Keras does not run TensorFlow here.
    """
    run = Run(**run)
    code = fingerprint(run.task, run.arm)  # before it is imported: it may be changed meanwhile
    if not _TRAINING.acquire(blocking=False):
        raise RuntimeError(
            "this process is training another run: workers must have one thread each "
            "(dask worker --nthreads 1), or be processes"
        )
    try:
        epochs, probes, seconds = _trainer()(run)
    finally:
        _TRAINING.release()
    return {
        "run": plain(run),
        "epochs": {name: _rounded(values) for name, values in epochs.items()},
        "probes": {name: _rounded(values) for name, values in probes.items()},
        "made": {
            "fingerprint": code,
            "seconds": round(seconds, 3),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            **{name: installed_version(name) for name in VERSIONS},
            **_hardware(),
        },
    }


def _trainer():
    """The function that trains. It imports TensorFlow, which the reader of a record does not need.

    Raises
    ------
    RuntimeError
        TensorFlow is not installed, or Keras runs another backend.
    """
    if find_spec("tensorflow") is None:
        raise RuntimeError("runs are trained with TensorFlow, which is not installed")
    use_one_thread()
    import keras

    if (backend := keras.config.backend()) != "tensorflow":
        raise RuntimeError(f"runs are trained with TensorFlow, Keras runs {backend} here")
    from .training import train

    return train


def _rounded(values):
    """Eight digits: more than a float32 holds, fewer than its decimal expansion shows."""
    return [float(f"{value:.8g}") for value in values]


def installed_version(name):
    """Version of a distribution, also where TensorFlow is installed as its CPU build."""
    for distribution in (name, f"{name}-cpu"):
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return "unknown"


def _hardware():
    import tensorflow as tf

    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return {"device": gpus[0] if gpus else "CPU", "processor": processor(), "system": sys.platform}


def processor():
    """Name of the processor, from the system's own description where it has one."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def plain(run):
    """The fields of a run as numbers, texts and lists: nothing that a worker must know of.

    Examples
    --------
    >>> plain(Run("hidden_ar1", arm=[("input", "step", 0.5)]))["arm"]
    [['input', 'step', 0.5]]
    """
    return json.loads(json.dumps(run.to_dict()))


def use_one_thread():
    """Give TensorFlow one thread in a process that was started to work for another.

    So it is with the processes of a pool, and with Dask's workers under their nanny. In any other
    process TensorFlow keeps the threads that it has.
    """
    if multiprocessing.parent_process() is None:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before the import, to be heeded
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # processes share a GPU's memory
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # it has begun to compute, with the threads it has
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
