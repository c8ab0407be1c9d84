"""Which kernel TensorFlow puts into the graph of a layer: built here, as a GPU would have it.

The CPU build of TensorFlow knows cuDNN's operation, but cannot run it. So a graph can be built and
looked at anywhere, once TensorFlow is made to believe that it has a GPU.
"""

import collections
import contextlib
import re
from dataclasses import dataclass

import keras

FUSED, LOOPS = ("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3"), ("While", "StatelessWhile")
# How lines begin that say where an error arose.
PLACES = ("Exception encountered", "Graph execution error", "Detected at node", "in user code")


@dataclass(frozen=True)
class Trace:
    """What stands in the graph of a layer or model."""

    kernel: str  #: 'fused', 'loop', 'unrolled', 'error', or 'mixed' where a model has several kinds
    fused: int = 0  #: operations of the fused kernel
    loops: int = 0  #: operations that are loops
    asserts_mask: bool = False  #: the graph checks its mask, and stops if the kernel cannot take it
    supports_jit: bool = True  #: Keras lets XLA compile the layer
    error: str = ""  #: the first line of what was raised, empty otherwise


def kernel_trace(target, device="gpu", mask=False, training=True, shape=(2, 6, 5)):
    """Build the graph of a call and count the kernels in it: a `Trace`.

    Parameters
    ----------
    target : keras.layers.Layer or callable
        A layer or model, or a function that makes one without arguments: Keras decides about XLA
        when a layer is made, so only what is made here has a `supports_jit` of this device.
    device : {'gpu', 'cpu'}, default='gpu'
        What TensorFlow is made to believe.
    mask, training : bool
        Whether the call gets a mask, and whether it is one of training.
    shape : tuple of int, default=(2, 6, 5)
        Of the input, (batch, steps, features); a model that is built has its own.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        `target` is and makes no layer; `device` is neither of the two; Keras runs no TensorFlow.

    Examples
    --------
    >>> kernel_trace(lambda: keras.layers.LSTM(4)).kernel
    'fused'
    >>> kernel_trace(lambda: keras.layers.LSTM(4, recurrent_dropout=0.2)).kernel
    'loop'
    """
    if device not in ("gpu", "cpu"):
        raise ValueError(f"device must be 'gpu' or 'cpu', got {device!r}")
    if keras.config.backend() != "tensorflow":
        raise RuntimeError(f"kernel_trace needs TensorFlow, Keras runs {keras.config.backend()}")
    with pretend_gpu(device == "gpu"):
        layer = target if isinstance(target, keras.layers.Layer) else _make(target)
        operations, error = collections.Counter(), ""
        try:
            operations = count_operations(_build_graph(layer, mask, training, shape))
        except Exception as caught:  # whatever Keras or TensorFlow raise is the finding
            error = tell_error(caught)
        # Of the layer and all that it holds, as `compile` asks.
        jit = all(inner.supports_jit for inner in layer._flatten_layers())
    fused, loops = (sum(operations[name] for name in names) for names in (FUSED, LOOPS))
    kernel = "mixed" if fused and loops else "fused" if fused else "loop" if loops else "unrolled"
    kernel = "error" if error else kernel
    return Trace(kernel, fused, loops, operations["Assert"] > 0, jit, error)


@contextlib.contextmanager
def pretend_gpu(seen):
    """A context in which TensorFlow says that it has a GPU, or that it has none."""
    import tensorflow as tf

    real = tf.config.list_logical_devices

    def devices(device_type=None):
        if device_type != "GPU":
            return real(device_type)
        return (real("GPU") or ["GPU:0"]) if seen else []

    tf.config.list_logical_devices = devices
    try:
        yield
    finally:
        tf.config.list_logical_devices = real


def count_operations(graph):
    """How often each operation stands in a graph and in its functions, such as bodies of loops."""
    whole = graph.as_graph_def()
    bodies = [whole.node, *(function.node_def for function in whole.library.function)]
    return collections.Counter(node.op for nodes in bodies for node in nodes)


def tell_error(error):
    """An error in one line, without the account of where in the code it arose."""
    told = re.sub(r'^ *File "[^\n]*\n[^\n]*\n?', "", str(error), flags=re.MULTILINE)
    lines = [line.strip() for line in told.splitlines()]
    told = next((line for line in lines if line and not line.startswith(PLACES)), "")
    return f"{type(error).__name__}: {told}"[:200]


def _make(target):
    layer = target() if callable(target) else None
    if isinstance(layer, keras.layers.Layer):
        return layer
    made = f"{target!r}" if layer is None else f"{target!r}, which makes {layer!r}"
    raise TypeError(f"target must be a Keras layer or a function that makes one, got {made}")


def _build_graph(layer, mask, training, shape):
    import tensorflow as tf

    is_model = isinstance(layer, keras.Model)
    if not layer.built and not is_model:
        layer.build(shape)
    specs = [tf.TensorSpec(shape, layer.compute_dtype)]
    if is_model and layer.built and getattr(layer, "inputs", None):
        specs = [
            tf.TensorSpec([size or shape[axis] for axis, size in enumerate(x.shape)], x.dtype)
            for x in layer.inputs
        ]
    masks = {"mask": tf.TensorSpec(shape[:2], tf.bool)} if mask else {}

    def call(inputs, **masks):
        return layer(inputs if len(specs) > 1 else inputs[0], training=training, **masks)

    return tf.function(call, autograph=False).get_concrete_function(specs, **masks).graph
