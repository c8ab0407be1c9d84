"""The GPUs that Keras' backend sees, and the machine around them."""

import importlib
import os
import platform
from datetime import UTC, datetime

import keras

from ..machine import graphics_driver, processor


def cards():
    """The names of the GPUs that the backend sees, a list of str: empty where it sees none."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        details = tf.config.experimental.get_device_details
        found = tf.config.get_visible_devices("GPU")
        return [details(card).get("device_name", card.name) for card in found]
    if backend == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform == "gpu"]
    if backend == "torch":
        import torch

        return [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
    return []


def describe_machine():
    """What a measured time depends on besides the code: what to print above a table of times.

    Returns
    -------
    dict of str to str
        ``date``, ``card``, ``driver``, ``processor``, ``Python``, ``Keras`` and ``backend``.
    """
    backend = keras.config.backend()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "card": ", ".join(cards()) or "none",
        "driver": graphics_driver(),
        "processor": f"{processor()}, {os.cpu_count()} threads",
        "Python": platform.python_version(),
        "Keras": keras.__version__,
        "backend": f"{backend} {importlib.import_module(backend).__version__}",
    }
