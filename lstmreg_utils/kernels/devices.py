"""The GPUs that Keras' backend sees, and the machine around them."""

import importlib
import os
import platform
import sys
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

        return [d.device_kind for d in jax.devices()] if jax.default_backend() == "gpu" else []
    if backend == "torch":
        import torch

        return [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
    return []


def machine_notes():
    """What is known, and what is not, of a machine unlike the recorded ones: a list of texts."""
    backend, notes = keras.config.backend(), []
    names = " ".join(cards()).lower()
    if any(word in names for word in ("amd", "radeon", "instinct")):
        notes.append(
            "a card of AMD: Keras takes the same path, on AMD's MIOpen in the place of cuDNN; "
            "neither its times nor its outputs were measured"
        )
    if platform.machine() == "arm64" and platform.system() == "Darwin":
        notes.append(
            "a Mac: with tensorflow-metal Keras sees a GPU and takes the fused path; whether the "
            "kernel is there was not tried. On JAX and torch Keras runs the loop on a Mac"
        )
    if _has_tpu(backend):
        notes.append("a TPU: Keras takes the loop, compiled by XLA; its times were not measured")
    if len(cards()) > 1:
        notes.append(
            f"{len(cards())} cards: which path a layer takes does not change; under tf.distribute "
            "jit_compile='auto' compiles nothing, so that a loop runs uncompiled; not measured"
        )
    return notes


def _has_tpu(backend):
    if backend == "tensorflow":
        return bool(sys.modules["tensorflow"].config.list_physical_devices("TPU"))
    return backend == "jax" and sys.modules["jax"].default_backend() == "tpu"


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
