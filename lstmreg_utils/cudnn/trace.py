"""Which kernel TensorFlow puts into the graph of a layer: built here, as a GPU would have it.

The CPU build of TensorFlow knows cuDNN's operation, but cannot run it. So a graph can be built and
looked at anywhere, once TensorFlow is made to believe that it has a GPU.
"""

import collections
import contextlib
from dataclasses import dataclass
from unittest import mock

import keras

FUSED = ("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3")
LOOPS = ("While", "StatelessWhile")


@dataclass(frozen=True)
class Trace:
    """What stands in the graph of a layer or model.

    Parameters
    ----------
    kernel : {'fused', 'loop', 'unrolled', 'mixed', 'error'}
        Of the recurrent layers; ``'mixed'`` where a model has several kinds.
    fused, loops : int
        How many operations of each kind.
    asserts_mask : bool
        Whether the graph checks its mask when it runs, and stops if the kernel cannot take it.
    supports_jit : bool
        Whether Keras lets XLA compile the layer.
    error : str
        The first line of what was raised, empty otherwise.
    """

    kernel: str
    fused: int = 0
    loops: int = 0
    asserts_mask: bool = False
    supports_jit: bool = True
    error: str = ""


def kernel_trace(target, device="gpu", mask=False, training=True, shape=(2, 6, 5)):
    """Build the graph of a call and count the kernels in it.

    Parameters
    ----------
    target : keras.layers.Layer or callable
        A layer or model; or a function without arguments that makes one. Keras decides about XLA
        when a layer is made, so only what is made here has a `supports_jit` of this device.
    device : {'gpu', 'cpu'}, default='gpu'
        What TensorFlow is made to believe.
    mask : bool, default=False
        Whether the call gets a mask.
    training : bool, default=True
    shape : tuple of int, default=(2, 6, 5)
        Of the input, (batch, steps, features); a model that is built has its own.

    Returns
    -------
    Trace

    Raises
    ------
    TypeError
        `target` is no layer, and makes none.
    ValueError
        An unknown `device`.
    RuntimeError
        The backend of Keras is not TensorFlow.

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
    with pretended(device == "gpu"):
        layer = target if isinstance(target, keras.layers.Layer) else _made(target)
        try:
            operations = _operations(layer, mask, training, shape)
        except Exception as error:  # whatever Keras or TensorFlow raise is the finding
            return Trace("error", supports_jit=_supports_jit(layer), error=_first_line(error))
    fused, loops = (sum(operations[name] for name in names) for names in (FUSED, LOOPS))
    kernel = "mixed" if fused and loops else "fused" if fused else "loop" if loops else "unrolled"
    return Trace(kernel, fused, loops, operations["Assert"] > 0, _supports_jit(layer))


@contextlib.contextmanager
def pretended(gpu):
    """While this is open, TensorFlow says that it has a GPU, or that it has none."""
    import tensorflow as tf

    real = tf.config.list_logical_devices

    def devices(device_type=None):
        if device_type != "GPU":
            return real(device_type)
        return (real("GPU") or ["GPU:0"]) if gpu else []

    with mock.patch.object(tf.config, "list_logical_devices", devices):
        yield


def _made(target):
    layer = target() if callable(target) else None
    if not isinstance(layer, keras.layers.Layer):
        raise TypeError(
            "target must be a Keras layer or a function that makes one, "
            f"got {target!r}" + ("" if layer is None else f", which makes {layer!r}")
        )
    return layer


def _operations(layer, mask, training, shape):
    """How often each operation occurs in the graph of a call, the bodies of loops included."""
    import tensorflow as tf

    if isinstance(layer, keras.Model) and layer.built and getattr(layer, "inputs", None):
        specs = [
            tf.TensorSpec([size or shape[axis] for axis, size in enumerate(x.shape)], x.dtype)
            for x in layer.inputs
        ]
    else:
        if not layer.built and not isinstance(layer, keras.Model):
            layer.build(shape)
        specs = [tf.TensorSpec(shape, layer.compute_dtype)]
    arguments = {"training": training}
    if mask:
        arguments["mask"] = tf.TensorSpec(shape[:2], tf.bool)

    def call(inputs, **arguments):
        return layer(inputs if len(specs) > 1 else inputs[0], **arguments)

    function = tf.function(call, autograph=False)
    return count_operations(function.get_concrete_function(specs, **arguments).graph)


def count_operations(graph):
    """How often each operation stands in a graph of TensorFlow and in its functions.

    The body of a loop is a function.

    Parameters
    ----------
    graph : tf.Graph

    Returns
    -------
    collections.Counter
        By the name of the operation.
    """
    parts = {field.name: value for field, value in graph.as_graph_def().ListFields()}
    counted = collections.Counter(node.op for node in parts["node"])
    for body in parts["library"].function if "library" in parts else ():
        counted.update(node.op for node in body.node_def)
    return counted


def _supports_jit(layer):
    """Of a layer and all that it holds, as `compile` asks."""
    return all(inner.supports_jit for inner in layer._flatten_layers())


def _first_line(error):
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and "Exception encountered" not in line]
    return f"{type(error).__name__}: {told[0] if told else ''}"
