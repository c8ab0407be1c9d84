"""What a worker does: train a block of runs, and say how. Plain values in, bytes out."""

import datetime
import functools
import json
import platform
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np

from ..machine import graphics_driver, installed_version, processor
from .engines import CPU, load_engine
from .records import Record, encode
from .runs import Run

_TRAINING = threading.Lock()  # a compiled program serves one run at a time


def train_block(run, seeds, engine="tensorflow"):
    """Train a run, given as its fields, at some seeds, and give the record as bytes of a file.

    A RuntimeError if another thread of this process is training, if the engine cannot run here, or
    if training failed, which names the run.
    """
    run = Run(**run).setting
    if not _TRAINING.acquire(blocking=False):
        raise RuntimeError(
            "this process is training another block: workers must have one thread each "
            "(dask worker --nthreads 1), or be processes"
        )
    try:
        module = load_engine(engine)
        commit()  # of the code that has just been imported
        try:
            epochs, probes, seconds = module.train_block(run, seeds)
        except Exception as error:
            raise RuntimeError(
                f"{run} at seeds {list(seeds)} failed with {type(error).__name__}: {error}"
            ) from error
    finally:
        _TRAINING.release()
    numbers = np.asarray(epochs, np.float32), np.asarray(probes, np.float32)
    return encode([Record(run, tuple(seeds), *numbers, tuple(seconds), made_by(module))])


def plain(run):
    """The fields of a run as numbers, texts and lists: nothing that a worker must know of."""
    return json.loads(json.dumps(run.to_dict()))


def made_by(engine):
    """What made a record: the code, the versions, the machine."""
    device = engine.device()
    return {
        "numerics": engine.NUMERICS,
        "engine": engine.ENGINE,
        "python": platform.python_version(),
        **{name: installed_version(name) for name in ("lstmreg_utils", "keras", engine.ENGINE)},
        "numpy": np.__version__,
        "device": device,
        **({} if device == CPU else {"driver": graphics_driver()}),
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
