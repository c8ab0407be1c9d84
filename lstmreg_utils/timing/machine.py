"""What a measured time depends on: the card, the processor and the versions."""

import importlib
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime

import keras

from ..worker import processor


def description():
    """What to print above a table of times, by name."""
    backend = keras.config.backend()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "card": ", ".join(cards()) or "none",
        "driver": _driver(),
        "processor": f"{processor()}, {os.cpu_count()} threads",
        "Python": platform.python_version(),
        "Keras": keras.__version__,
        "backend": f"{backend} {importlib.import_module(backend).__version__}",
    }


def cards():
    """The names of the GPUs that the backend sees."""
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        details = tf.config.experimental.get_device_details
        found = tf.config.list_physical_devices("GPU")
        return [details(card).get("device_name", card.name) for card in found]
    if keras.config.backend() == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform == "gpu"]
    import torch

    return [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]


def _driver():
    if not shutil.which("nvidia-smi"):
        return "none"
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True)
    return answer.stdout.split("\n")[0] if answer.returncode == 0 else "none"
