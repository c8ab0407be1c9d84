"""Which kernel Keras' backend runs a layer with, found out by looking, as a GPU would have it.

TensorFlow's CPU build knows cuDNN's operation, and JAX its primitive, but neither can run it; so a
graph or program can be built and looked at anywhere, once the backend believes that it has a GPU.
Torch builds no graph: there the call is made, and its own kernels run it on a CPU as well.
"""

import collections
import contextlib
import re
import sys
from dataclasses import dataclass

import keras
import numpy as np

from .pretend import as_on_card, pretend_gpu, replaced

FUSED = ("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3", "rnn_fwd")
LOOPS = ("While", "StatelessWhile", "scan", "while")
DEVICES = ("gpu", "cpu", "auto")
# How lines begin that say where an error arose.
PLACES = ("Exception encountered", "Graph execution error", "Detected at node", "in user code")


@dataclass(frozen=True)
class Trace:
    """What stands in the graph of a layer or model."""

    kernel: str  #: 'fused', 'loop', 'unrolled', 'error', or 'mixed' where a model has several kinds
    fused: int = 0  #: operations of the fused kernel; on torch, calls of it
    loops: int = 0  #: operations that are loops; 0 on torch, whose loops are Python's
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
    device : {'gpu', 'cpu', 'auto'}, default='gpu'
        What the backend is made to believe; nothing with ``'auto'``.
    mask, training : bool
        Whether the call gets a mask, and whether it is one of training.
    shape : tuple of int, default=(2, 6, 5)
        Of the input, (batch, steps, features); a model that is built has its own.

    Raises
    ------
    TypeError, ValueError
        `target` is and makes no layer; `device` is none of the three.

    Examples
    --------
    >>> kernel_trace(lambda: keras.layers.LSTM(4)).kernel
    'fused'
    >>> kernel_trace(lambda: keras.layers.LSTM(4, recurrent_dropout=0.2)).kernel
    'loop'
    """
    if device not in DEVICES:
        raise ValueError(f"device must be one of {DEVICES}, got {device!r}")
    backend = keras.config.backend()
    look = {"tensorflow": _look_at_graph, "jax": _look_at_program, "torch": _count_calls}[backend]
    with contextlib.nullcontext() if device == "auto" else pretend_gpu(device == "gpu"):
        layer = target if isinstance(target, keras.layers.Layer) else _make(target)
        operations, error = collections.Counter(), ""
        try:
            operations = look(layer, device == "gpu", *_inputs(layer, mask, shape), training)
        except Exception as caught:  # whatever Keras or its backend raise is the finding
            error = tell_error(caught)
        # Of the layer and all that it holds, as `compile` asks.
        jit = all(inner.supports_jit for inner in layer._flatten_layers())
    fused, loops = (sum(operations[name] for name in names) for names in (FUSED, LOOPS))
    plain = "loop" if loops or backend == "torch" else "unrolled"
    kernel = "mixed" if fused and loops else "fused" if fused else plain
    kernel = "error" if error else kernel
    return Trace(kernel, fused, loops, operations["Assert"] > 0, jit, error)


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


def _inputs(layer, mask, shape):
    """The shapes and types of what a call takes, and the shape of its mask or None."""
    is_model = isinstance(layer, keras.Model)
    if not layer.built and not is_model:
        layer.build(shape)
    specs = [(shape, layer.compute_dtype)]
    if is_model and layer.built and getattr(layer, "inputs", None):
        specs = [
            ([size or shape[axis] for axis, size in enumerate(x.shape)], x.dtype)
            for x in layer.inputs
        ]
    return specs, shape[:2] if mask else None


def _look_at_graph(layer, pretended, specs, mask, training):
    """The operations in TensorFlow's graph."""
    import tensorflow as tf

    masks = {} if mask is None else {"mask": tf.TensorSpec(mask, tf.bool)}

    def call(inputs, **masks):
        return layer(inputs if len(specs) > 1 else inputs[0], training=training, **masks)

    specs = [tf.TensorSpec(*spec) for spec in specs]
    return count_operations(
        tf.function(call, autograph=False).get_concrete_function(specs, **masks).graph
    )


def _look_at_program(layer, pretended, specs, mask, training):
    """The primitives in JAX's program, once it has been made ready for a card of NVIDIA."""
    import jax

    masks = {} if mask is None else {"mask": np.ones(mask, bool)}
    inputs = [np.ones(*spec) for spec in specs]

    def call(values, inputs):
        with keras.StatelessScope(zip(layer.variables, values, strict=True)):
            return layer(inputs if len(specs) > 1 else inputs[0], training=training, **masks)

    traced = jax.jit(call).trace([each.value for each in layer.variables], inputs)
    try:
        traced.lower(lowering_platforms=("cuda",) if pretended else None)
    except Exception as error:
        if type(error).__name__ != "GpuLibNotLinkedError":  # all is well but for JAX's build
            raise
    return _count_primitives(traced.jaxpr.jaxpr)


def _count_primitives(program):
    import jax

    found = collections.Counter(equation.primitive.name for equation in program.eqns)
    for equation in program.eqns:
        for inner in jax.tree.leaves(
            [*equation.params.values()], is_leaf=lambda x: hasattr(x, "eqns") or hasattr(x, "jaxpr")
        ):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                found += _count_primitives(inner)
    return found


def _count_calls(layer, pretended, specs, mask, training):
    """The calls of torch's fused kernels, by the name that JAX has for its own."""
    import torch

    calls = collections.Counter()

    def counted(kernel):
        def run(*arguments):
            out = kernel(*arguments)
            calls["rnn_fwd"] += 1
            return out

        return run

    def unless_it_fails(kernel):
        """Keras' own function, whose errors after the call it hides."""

        def run(*arguments, **more):
            before = calls["rnn_fwd"]
            try:
                return kernel(*arguments, **more)
            except Exception:
                calls["rnn_fwd"] = before
                raise

        return run

    inputs = [keras.ops.ones(*spec) for spec in specs]
    inputs = [as_on_card(x) for x in inputs] if pretended else inputs
    masks = {} if mask is None else {"mask": keras.ops.ones(mask, "bool")}
    with contextlib.ExitStack() as stack:
        for name in ("lstm", "gru"):
            run = counted(getattr(torch._VF, name))
            stack.enter_context(replaced(torch._VF, name, run))
        rnn = sys.modules["keras.src.backend.torch.rnn"]
        if hasattr(rnn, "_cudnn_lstm"):
            run = unless_it_fails(rnn._cudnn_lstm)
            stack.enter_context(replaced(rnn, "_cudnn_lstm", run))
        layer(inputs if len(specs) > 1 else inputs[0], training=training, **masks)
    return calls
