"""What the Keras on the path does with recurrent layers and their dropout, as one JSON object.

Needs Keras 3 (tried: 3.0.5 to 3.15.1) or tf_keras, with TensorFlow and NumPy. No GPU is used:
TensorFlow is made to believe that it has one, graphs are traced, and where a fused kernel has to
run, a stand-in does. All facts are measured on layers and graphs, none is looked up. What cannot
be measured on a release is null, and the reason stands under "unmeasured".

    python tools/release_probe.py            # or: python tools/release_probe.py tf_keras
"""

import argparse
import contextlib
import importlib
import inspect
import itertools
import json
import os
import platform

import numpy as np
import tensorflow as tf
from mask_reader import LSTM_GATES, WIDTH, distinct, read, watching
from stand_in_kernel import FUSED, pretended_gpu, stand_in

STEPS = 6
KERNELS = {"fused": set(FUSED), "loop": {"While", "StatelessWhile"}}  # by their operations
BIDIRECTIONAL, PADDED = "in Bidirectional", "right-padded mask"
TRACED = (
    ("LSTM", {}),
    ("LSTM", {"use_cudnn": False}),
    ("LSTM", {"dropout": 0.3}),
    ("LSTM", {"recurrent_dropout": 0.3}),
    ("LSTM", {"recurrent_dropout": 0.3, "use_cudnn": False}),
    ("LSTM", {"activation": "relu"}),
    ("LSTM", {"unroll": True}),
    ("LSTM", {}, PADDED),
    ("LSTM", {}, BIDIRECTIONAL),
    ("LSTM", {"use_cudnn": False}, BIDIRECTIONAL),
    ("GRU", {}),
    ("GRU", {"dropout": 0.3}),
    ("GRU", {"recurrent_dropout": 0.3}),
    ("GRU", {"reset_after": False}),
)


class UnmeasuredError(Exception):
    """The release has no such fact; the message says why."""


def main():
    """Print the facts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", nargs="?", default="keras", help="or tf_keras")
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    tf.config.set_visible_devices([], "GPU")  # a real one would run what is only traced here
    print(json.dumps(facts(importlib.import_module(arguments.module)), indent=1))


def facts(keras):
    """All facts.

    Parameters
    ----------
    keras : module
        `keras` or `tf_keras`.

    Returns
    -------
    dict
        For each function of `plan`, by its name: what it returned, by layer and circumstances.
        Besides, ``versions`` and ``unmeasured``.
    """
    found = {
        "versions": {
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        }
    }
    unmeasured = {}
    for measure, kind, options, *circumstances in plan():
        fact = measure.__name__
        arguments = ", ".join(f"{name}={value!r}" for name, value in options.items())
        name = ", ".join([f"{kind}({arguments})", *circumstances])
        keras.utils.set_random_seed(0)
        try:
            value = measure(keras, kind, options, *circumstances)
        except Exception as error:  # of whatever kind: old releases meet a newer TensorFlow
            value, unmeasured[f"{fact}: {name}"] = None, one_line(error)
        found.setdefault(fact, {})[name] = value
    return {**found, "unmeasured": unmeasured}


def plan():
    """Each measurement: its function, and what that takes: layer, arguments, circumstances."""
    for layer in TRACED:
        yield kernel, *layer
    for kind in ("LSTM", "GRU"):
        yield stand_in_error, kind, {}
        for path, mode in itertools.product(("fused", "loop"), ("training", "inference")):
            yield inputs_kept, kind, {"dropout": 0.5}, path, mode
    for options in ({"recurrent_dropout": 0.5}, {"dropout": 0.3, "recurrent_dropout": 0.6}):
        yield recurrent_rate_used, "LSTM", options
    for mode in ("compiled", "eager"):
        yield masks, "LSTM", {"dropout": 0.5}, "input", mode
        yield masks, "LSTM", {"recurrent_dropout": 0.5}, "recurrent", mode
        for source in ("input", "recurrent"):
            yield masks, "LSTM", {"dropout": 0.5, "recurrent_dropout": 0.5}, source, mode


def kernel(keras, kind, options, around=None):
    """What a layer computes with in training on a machine with a GPU, and whether XLA may.

    Returns
    -------
    dict
        ``kernel``: "fused", "loop", "unrolled", "fused or loop" (the graph holds both), or
        "error: " and its message. ``supports_jit``: of the layer and those inside it.
    """
    check_argument(keras, kind, options)
    with pretended_gpu():
        layer = getattr(keras.layers, kind)(4, **options)
        parts = [layer]
        if around == BIDIRECTIONAL:
            layer = keras.layers.Bidirectional(layer)
            parts = [layer, layer.forward_layer, layer.backward_layer]
        layer.build((2, STEPS, WIDTH))
        signature = [tf.TensorSpec((2, STEPS, WIDTH))]
        if around == PADDED:
            signature.append(tf.TensorSpec((2, STEPS), tf.bool))

        def call(x, mask=None):
            return layer(x, mask=mask, training=True)

        try:
            graph = tf.function(call, autograph=False).get_concrete_function(*signature).graph
        except Exception as error:  # a fact about the release, of whatever kind
            return {"kernel": f"error: {one_line(error)}", "supports_jit": None}
    found = operations(graph.as_graph_def())
    taken = [name for name, its_operations in KERNELS.items() if found & its_operations]
    supports = [part.supports_jit for part in parts if hasattr(part, "supports_jit")]
    return {
        "kernel": " or ".join(taken) or "unrolled",
        "supports_jit": all(supports) if supports else None,
    }


def operations(graph):
    """Names of the operations of a graph and of all its functions."""
    parts = {field.name: value for field, value in graph.ListFields()}
    names = {node.op for node in parts["node"]}
    functions = parts["library"].function if "library" in parts else ()
    return names.union(*({node.op for node in body.node_def} for body in functions))


def stand_in_error(keras, kind, options):
    """Largest difference between a layer run with the stand-in and the same one run as a loop."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, STEPS, WIDTH)).astype("float32")
    loop = getattr(keras.layers, kind)(5, return_sequences=True, **options)
    loop.build(x.shape)
    loop.set_weights([rng.normal(size=w.shape) for w in loop.get_weights()])
    expected = loop(x)
    with stand_in() as calls:
        layer = getattr(keras.layers, kind)(5, return_sequences=True, **options)
        layer.build(x.shape)
        layer.set_weights(loop.get_weights())
        output = tf.function(layer, autograph=False)(tf.constant(x))
    check_taken(calls)
    return float(f"{np.max(np.abs(output - expected)):.1g}")


def inputs_kept(keras, kind, options, path, mode):
    """Share of the inputs that come through, of over 10,000 in 20 calls.

    Right are about 0.5 in training and 1 at inference. "loop" is what ``use_cudnn=False`` gives on
    a machine with a GPU; a release without that argument gets no GPU instead.
    """
    machine = stand_in()
    if path == "loop":
        if has_argument(keras, kind, "use_cudnn"):
            options = {**options, "use_cudnn": False}
        else:
            machine = contextlib.nullcontext([])
    with machine as calls:
        layer = watching(keras, kind, "input", **options)
        inputs = np.ones((64, STEPS, WIDTH), "float32")
        seen = read(layer, inputs, training=mode == "training", calls=20)
    check_taken(calls, path)
    return share(seen)


def recurrent_rate_used(keras, kind, options):
    """Share of h that is dropped, of over 10,000 values in 20 calls."""
    inputs = np.ones((64, 1, WIDTH), "float32")
    seen = read(watching(keras, kind, "recurrent", **options), inputs, training=True, calls=20)
    return round(1 - share(seen), 3)


def masks(keras, kind, options, source, mode):
    """How many different masks one call uses over its steps and over its four gates."""
    inputs = np.ones((64, STEPS, WIDTH), "float32")
    layer = watching(keras, kind, source, **options)
    seen = read(layer, inputs, training=True, compiled=mode == "compiled")
    if seen[:, 0].all():
        raise UnmeasuredError("nothing was dropped")
    candidate = seen[:, :, LSTM_GATES.index("candidate")]
    return {
        "steps": distinct(candidate.swapaxes(0, 1)),
        "gates": distinct(seen[:, 0].swapaxes(0, 1)),
    }


def share(seen):
    """Share that came through at the first step, where all gates can be read."""
    return round(float(np.mean(seen[:, 0])), 3)


def check_taken(calls, path="fused"):
    """Raise unless the layer took the path."""
    if bool(calls) != (path == "fused"):
        took = "took" if calls else "did not take"
        raise UnmeasuredError(f"the layer {took} the fused kernel")


def check_argument(keras, kind, options):
    """Raise if an argument is given that the release has not."""
    if "use_cudnn" in options and not has_argument(keras, kind, "use_cudnn"):
        raise UnmeasuredError(f"{kind} has no argument use_cudnn")


def has_argument(keras, kind, name):
    """Whether the layer names the argument."""
    return name in inspect.signature(getattr(keras.layers, kind)).parameters


def one_line(error):
    """An exception in a line."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return text if isinstance(error, UnmeasuredError) else f"{type(error).__name__}: {text}"


if __name__ == "__main__":
    main()
