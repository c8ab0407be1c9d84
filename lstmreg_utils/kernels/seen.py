"""What of a model can be seen: whose class a thing is, what hides its parts, where masks flow."""

import dis
import inspect

import keras

from .rules import KNOWN_CODE, announce_mask

LOOPS = {"scan", "associative_scan", "while_loop", "fori_loop", "map_fn"}
CELLS = (keras.layers.LSTMCell, keras.layers.GRUCell, keras.layers.SimpleRNNCell)
# Keras' layers around code that is not Keras'.
OPAQUE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")


def of_class(thing):
    """The class of what is no layer or model of Keras 3, and what to do about it.

    Examples
    --------
    >>> of_class(0)
    'builtins.int'
    """
    found = f"{type(thing).__module__}.{type(thing).__qualname__}"
    if any(kind.__module__.startswith("tf_keras") for kind in type(thing).__mro__):
        return f"{found}, of Keras 2: import keras instead of tf_keras"
    return found


def unseen(model):
    """What hides its parts, each in a sentence: code of others, or sub-layers not yet made.

    Examples
    --------
    >>> unseen(keras.Sequential([keras.layers.Lambda(abs, name="size")]))
    ['size (Lambda) runs code of its own: a recurrent layer inside is not seen']
    """
    found, parts = [], [*model._flatten_layers()]
    stepped = {id(cell) for layer in parts if isinstance(layer, keras.layers.RNN)
               for cell in layer.cell._flatten_layers()}  # fmt: skip
    for layer in parts:
        kind, who = type(layer), f"{layer.name} ({type(layer).__name__})"
        if why := getattr(layer, "why", None):  # what `stand_in` could not make
            found.append(f"{layer.name}: {why}")
        elif {*OPAQUE} & {base.__name__ for base in kind.__mro__}:
            found.append(f"{who} runs code of its own: a recurrent layer inside is not seen")
        elif isinstance(layer, CELLS) and id(layer) not in stepped:
            found.append(f"{who} is called step by step by other code: no kernel runs a cell alone")
        elif not kind.__module__.startswith(KNOWN_CODE):
            if not (layer.built or kind.build.__module__.startswith(KNOWN_CODE)):
                found.append(f"{who} is not built: what it makes in build() is not seen")
            if loops := LOOPS & {name for _, name in _names(layer)}:
                found.append(f"{who} runs a loop of its own, {', '.join(sorted(loops))}, which is "
                             "not judged")  # fmt: skip
            aside = [each for each in _reached(layer) if isinstance(each, keras.layers.Layer)
                     and not any(each is part for part in parts)]  # fmt: skip
            if aside:
                names = ", ".join(f"{each.name} ({type(each).__name__})" for each in aside)
                found.append(f"{who} calls what Keras does not count among its layers: {names}")
    return found


def _code(layer):
    """The function that a layer runs when it is called; of another callable, one of nothing."""
    call = inspect.unwrap(type(layer).call)
    return call if inspect.isfunction(call) else lambda x: x


def _names(layer):
    """What the code of a layer asks for by name, each with how it does."""
    steps = dis.get_instructions(_code(layer))
    return [(step.opname, step.argval) for step in steps if isinstance(step.argval, str)]


def _reached(layer):
    """What the code of a layer can call: what its objects hold, and what lies around its class."""
    call = _code(layer)
    yield from (cell.cell_contents for cell in call.__closure__ or ())
    yield from (call.__globals__.get(name) for how, name in _names(layer) if how == "LOAD_GLOBAL")
    for held in vars(layer).values():
        if not (isinstance(held, type) or type(held).__module__.startswith("keras.")):
            yield from getattr(held, "__dict__", {}).values()


def mask_source(model, layer):
    """Where the mask comes from that reaches a layer of a model, in words; '' if none does.

    In a model whose calls are not known, all that makes masks may.

    Examples
    --------
    >>> lstm = keras.layers.LSTM(2)
    >>> words = keras.layers.Embedding(9, 2, mask_zero=True, name="words")
    >>> mask_source(keras.Sequential([keras.Input((3,)), words, lstm]), lstm)
    'words'
    >>> ended = keras.layers.Conv1D(2, 1)
    >>> mask_source(keras.Sequential([keras.Input((3,)), words, ended, lstm]), lstm)
    ''
    """
    makers = announce_mask(model._flatten_layers())
    graph = getattr(model, "_functional", None) or model
    if not (depths := getattr(graph, "_nodes_by_depth", None)):
        return makers
    nodes = [node for same in depths.values() for node in same]
    for holder in graph.operations:
        if not isinstance(holder, keras.layers.Layer) or layer not in [*holder._flatten_layers()]:
            continue
        if any(_masked(node) for node in nodes if node.operation is holder):
            return makers or "an argument of the call"
        if isinstance(holder, keras.Model):
            return mask_source(holder, layer)
        if not isinstance(holder, (keras.layers.RNN, keras.layers.Wrapper)):
            return makers
    return ""


def _masked(node):
    given = [node.arguments.kwargs.get("mask"), *node.input_tensors]
    given[1:] = [getattr(tensor, "_keras_mask", None) for tensor in given[1:]]
    return any(mask is not None for mask in keras.tree.flatten(given))
