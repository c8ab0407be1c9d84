"""A model and its twin: the same network, the same weights at the start, and no noise."""

import re

import keras
import numpy as np
from keras import ops

from .measuring import is_seed, recurrent_states
from .own_models import compiled_losses
from .tables import TWIN

NOISY = ("rate", "stddev", "dropout", "_dropout", "recurrent_dropout", "embedding_dropout",
         "weight_drop", "dropout_h", "dropout_g", "dropout_c", "zoneout_c", "zoneout_h",
         "dropout_rate", "drop_rate", "drop_path")  # fmt: skip


def noise_of(model):
    """What noise the layers of a model say they have: by layer and attribute, its rate.

    Examples
    --------
    >>> noise_of(keras.Sequential([keras.layers.Dropout(0.5, name="drop"), keras.layers.Dense(1)]))
    {'drop.rate': 0.5}
    """
    return {f"{layer.name}.{name}": rate for layer, name, rate in _noise(model)}


def quieten(model):
    """Turn all noise of a model off, before it is first called."""
    for layer, name, _ in _noise(model):
        setattr(layer, name, 0.0)


def _noise(model):
    for layer in model._flatten_layers():
        for name in NOISY:
            rate = vars(layer).get(name)
            number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
            named = name != "rate" or re.search("drop|depth|noise", _kinds(layer))
            if number and rate > 0 and named:
                yield layer, name, rate


def _kinds(layer):
    return " ".join(kind.__name__ for kind in type(layer).__mro__).lower()


def is_noisy(model, x):
    """Whether two calls in training differ; afterwards all states are what they were."""
    moving = [*model.non_trainable_variables, *recurrent_states(model)]
    state = [(v, ops.convert_to_numpy(v).copy()) for v in moving]
    outs = []
    for _ in range(2):
        out = keras.tree.flatten(model(x, training=True))
        outs.append([ops.convert_to_numpy(tensor) for tensor in out])
        for variable, value in state:
            # All but seeds, which have to move on: else noise would be the same twice.
            if not is_seed(variable):
                variable.assign(value)
    for variable, value in state:
        variable.assign(value)
    return not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*outs, strict=True))


def pair(arm, model, twin, x):
    """Make a model begin with the weights of its twin, or refuse what is none."""
    for each in (model, twin):
        if not each.built:
            try:
                each(x)
            except Exception as error:  # whatever Keras raises
                raise ValueError(f"arm {arm!r} cannot be called on the first inputs of train: "
                                 f"{error}") from error  # fmt: skip
    shapes = [[tuple(v.shape) for v in each.weights] for each in (model, twin)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"arm {arm!r} must have weights of the shapes of its twin, {shapes[1]}, got {shapes[0]}"
        )
    if compiled_losses(model) != compiled_losses(twin):
        raise ValueError(
            f"arm {arm!r} must be compiled as its twin, with {compiled_losses(twin)}, "
            f"got {compiled_losses(model)}"
        )
    model.set_weights(twin.get_weights())


def check_quiet(twin, x):
    """Refuse a twin that draws noise all the same."""
    if is_noisy(twin, x):
        if found := noise_of(twin):
            raise ValueError(f"the arm {TWIN!r} must have no noise, as it is the twin, got {found}")
        raise ValueError(
            "the twin must have no noise, but two calls of it in training differ: a layer draws "
            f"noise under a name that is not known; give the twin yourself, as the arm {TWIN!r}"
        )


def renewed(old, fresh):
    """The model of an earlier seed as a fresh one is, which spares Keras compiling it again.

    The fresh one itself, where there is no earlier one or the two are not alike; and on torch,
    where nothing is compiled, and where noise depends on what Keras does to a model at first.
    """
    fresh.optimizer.build(fresh.trainable_variables)  # or `fit` traces the first step twice
    if old is None or keras.backend.backend() == "torch":
        return fresh
    theirs, own = ([*m.variables, *m.optimizer.variables] for m in (old, fresh))
    if [(v.shape, v.dtype) for v in theirs] != [(v.shape, v.dtype) for v in own]:
        return fresh
    for variable, other in zip(theirs, own, strict=True):
        variable.assign(other)
    for state in recurrent_states(old):
        state.assign(ops.zeros(state.shape, state.dtype))
    return old
