"""A GPU that is not there, or one that is left aside.

What Keras asks its backend before it takes the fused kernel is answered otherwise for a while.
"""

import contextlib
import importlib

import keras


@contextlib.contextmanager
def pretend_gpu(seen):
    """A context in which Keras' backend says that it has a GPU, or that it has none."""
    answers = {"tensorflow": _of_tensorflow, "jax": _of_jax, "torch": _of_torch}
    with contextlib.ExitStack() as stack:
        for owner, name, value in answers[keras.config.backend()](seen):
            stack.enter_context(replaced(owner, name, value))
        yield


@contextlib.contextmanager
def replaced(owner, name, value):
    """A context in which an attribute has another value, or one at all."""
    had, before = hasattr(owner, name), getattr(owner, name, None)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before) if had else delattr(owner, name)


def _of_tensorflow(seen):
    import tensorflow as tf

    real = tf.config.list_logical_devices

    def devices(device_type=None):
        if device_type != "GPU":
            return real(device_type)
        return (real("GPU") or ["GPU:0"]) if seen else []

    yield tf.config, "list_logical_devices", devices


def _of_jax(seen):
    import jax
    from jax.experimental import rnn

    yield jax, "default_backend", lambda: "gpu" if seen else "cpu"
    size = "compute_rnn_workspace_reserve_space_sizes"
    if seen and not hasattr(rnn.gpu_rnn, size):
        yield rnn.gpu_rnn, size, lambda *_: (1, 1)


def _of_torch(seen):
    import torch

    has_card = torch.cuda.is_available()
    for module in (torch.cuda, torch.backends.cudnn):
        yield module, "is_available", lambda: seen
    if seen and not has_card:  # the kernel is torch's own, which runs on a CPU as well
        rnn = importlib.import_module("keras.src.backend.torch.rnn")
        for name in ("prepare_lstm_params", "prepare_gru_params"):
            if (prepare := getattr(rnn, name, None)) is None:  # before Keras 3.14
                continue
            yield rnn, name, lambda *args, prepare=prepare, **_: prepare(*args[:3], device="cpu")


def as_on_card(x):
    """A tensor of torch that says it lies on a card, as do those computed from it."""
    import torch

    class OnCard(torch.Tensor):
        device = property(lambda self: torch.device("cuda"))

    return x if x.is_cuda else x.as_subclass(OnCard)
