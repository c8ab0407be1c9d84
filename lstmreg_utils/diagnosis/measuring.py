"""A model's loss with noise off, on what `fit` trains on: what the tables and the callback measure.

The loss is that of the data. The penalties of regularizers are left out: they are no error of a
prediction, and would make an arm with one worse than a twin that predicts the same.
"""

import contextlib
import math
import warnings

import keras
import numpy as np
from keras import ops

from ..kernels.seen import of_class
from .names import check_loss

ROWS = 256  # evaluated at a time, unless a model says otherwise


def readable(data, steps=None, class_weight=None, what="data", bound="steps="):
    """Data as `fit` takes them, as arguments of `evaluate` that can be read again and again.

    Parameters
    ----------
    data : tuple or object
        ``(x, y)``, ``(x, y, sample_weight)``, or what holds batches: a `tf.data.Dataset`, a
        `keras.utils.PyDataset`, a `DataLoader`, a generator.
    steps : int, optional
        How many batches to read. What has no end cannot be read without; of a generator, which
        is read once, so many are held in memory.
    class_weight : dict, optional
        As for `fit`.
    what, bound : str
        What errors call the data, and the argument that says how many batches to read.

    Examples
    --------
    >>> sorted(readable((np.zeros((2, 3)), np.zeros(2), np.ones(2))))
    ['sample_weight', 'x', 'y']
    """
    if isinstance(data, tuple):
        if len(data) not in (1, 2, 3):
            raise ValueError(f"{what} must be (x,), (x, y) or (x, y, sample_weight), got {data!r}")
        x, y, weight = (*data, None, None)[:3]
    else:
        x, y, weight = data, None, None
    if x is None:
        raise ValueError(f"{what} must be given, got None")
    if steps is not None and steps < 1:
        raise ValueError(f"{what} must be read for at least 1 step, got steps={steps!r}")
    if holds_batches(x):
        if y is not None or weight is not None:
            raise ValueError(f"{what} must not have y or weights beside batches, which hold them")
        return {"x": _bounded(x, steps, class_weight, what, bound)}
    if not isinstance(data, tuple) and isinstance(data, list):
        raise ValueError(f"{what} must be a tuple (x, y), got a list, which could be several x")
    if class_weight:
        weight = _weights(y, class_weight)
    return {"x": x, "y": y, "sample_weight": weight}


def holds_batches(x):
    """Whether these are no arrays, but what puts out batches."""
    batches = isinstance(x, keras.utils.PyDataset) or hasattr(x, "element_spec")
    loader = hasattr(x, "dataset") and hasattr(x, "__iter__")
    return batches or loader or hasattr(x, "__next__")


def _bounded(x, steps, class_weight, what, bound):
    """Batches that end, and that can be read again."""
    if isinstance(x, keras.utils.PyDataset):
        length = steps or x.num_batches
    elif hasattr(x, "cardinality"):
        length = steps or (int(x.cardinality()) if int(x.cardinality()) != -1 else None)
    elif hasattr(x, "__next__"):
        length = steps
    else:
        length = steps or (len(x) if hasattr(x, "__len__") else math.inf)
    if length is None:
        raise ValueError(
            f"{what} must end, got a {type(x).__name__} that could be read for ever: "
            f"say how many batches with {bound}"
        )
    if hasattr(x, "cardinality") and not class_weight:
        return x.take(steps) if steps else x
    if isinstance(x, keras.utils.PyDataset):
        return _Batches(x, length, class_weight)
    if hasattr(x, "__next__") or steps or class_weight:
        batches = [batch for _, batch in zip(range(steps or 10**9), x, strict=False)]
        if len(batches) < (steps or 1):
            raise ValueError(f"{what} must hold {steps or 1} batches, got {len(batches)}")
        return _Batches(batches, len(batches), class_weight)
    return x


class _Batches(keras.utils.PyDataset):
    """Batches by number, without the end of an epoch, at which a PyDataset may shuffle."""

    def __init__(self, batches, length, class_weight=None):
        super().__init__()
        self.batches, self.length, self.class_weight = batches, length, class_weight

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        batch = self.batches[index]
        if self.class_weight:
            x, y, *_ = batch
            return x, y, _weights(y, self.class_weight)
        return batch


def _weights(y, class_weight):
    """The weight of each row, by its class, as `fit` gives it."""
    y = ops.convert_to_numpy(y)
    if y.ndim > 1:
        y = y.argmax(-1) if y.shape[-1] != 1 else y[..., 0]
    by_class = np.vectorize(lambda label: class_weight.get(int(label), 1.0), otypes=[float])
    return by_class(np.round(y))[:].astype(keras.config.floatx())


class Measure:
    """A compiled model's loss and metrics on data, noise off, penalties left out.

    Measuring leaves no trace: random and recurrent states, and what Keras has compiled, are
    afterwards what they were. Recurrent states begin at 0.

    Parameters
    ----------
    model : keras.Model
    batch_size : int, optional
        For arrays. By default the model's own, where it has a fixed one, else 256.
    loss : str
        Under which name `evaluate` gives the loss, for a model with a `test_step` of its own.

    Examples
    --------
    >>> model = keras.Sequential([keras.layers.Dense(1, kernel_regularizer="l2")])
    >>> model.compile("adam", "mse")
    >>> measure = Measure(model)
    >>> measure(readable((np.zeros((8, 3)), np.ones((8, 1)))))["loss"]
    1.0
    """

    def __init__(self, model, batch_size=None, loss="loss"):
        if not isinstance(model, keras.Model):
            raise TypeError(f"model must be a model of Keras 3, got {of_class(model)}")
        if not model.compiled:
            raise ValueError("model must be compiled with a loss, got one that is not compiled")
        check_loss("loss", loss)
        self.model, self.batch_size, self.loss = model, batch_size, loss
        self._test_function = None  # Keras' own would be that with penalties
        self._told = False
        self.kept, self._whole = model.loss is None, None  # what it adds may be all it has

    def __call__(self, data):
        """What `evaluate` gives, by name, the loss as ``'loss'``; data from `readable`."""
        if "y" in data:
            fixed = fixed_batch(self.model)
            check_whole_batches(data["x"], fixed)
            data = {**data, "batch_size": self.batch_size or fixed or ROWS}
        with self._without_a_trace(), _draws_kept():
            found = self.model.evaluate(**data, verbose=0, return_dict=True)
        found = {name: float(np.mean(value)) for name, value in _flat(found)}
        if not found:
            raise ValueError("data must hold at least one batch, got none")
        return {**found, "loss": found[self.named(found)]}

    def penalty(self, data, clean):
        """What regularizers and `add_loss` put on top of the clean loss of data."""
        if not _penalizes_activity(self.model):
            weights = _regularized(self.model)
            return float(sum(ops.convert_to_numpy(v.regularizer(v.value)) for v in weights))
        if self._whole is None:
            self._whole = Measure(self.model, self.batch_size, self.loss)
            self._whole.kept = True
        return self._whole(data)["loss"] - clean

    def named(self, found):
        """The name of the loss, where a step of one's own does not say ``'loss'``."""
        measured = [group for group in self.model.metrics if hasattr(group, "metrics")]
        if any(group.built and self.loss in group.result() for group in measured):
            raise ValueError(f"metrics must have other names than the loss, which they hide, "
                             f"got one called {self.loss!r}")  # fmt: skip
        if self.loss in found:
            return self.loss
        others = [name for name in found if name.endswith("loss")]
        if self.loss == "loss" and len(others) == 1:
            return others[0]
        raise ValueError(f"loss must be one of {[*found]}, as evaluate gives, got {self.loss!r}")

    @contextlib.contextmanager
    def _without_a_trace(self):
        model, kind = self.model, type(self.model)
        recurrent = recurrent_states(model)
        moving = [*model.non_trainable_variables, *recurrent]
        state = [(variable, ops.convert_to_numpy(variable).copy()) for variable in moving]
        theirs = getattr(model, "test_function", None)
        for variable in recurrent:
            variable.assign(ops.zeros(variable.shape, variable.dtype))
        # What Keras has compiled for validation serves as well where there are no penalties. (On
        # JAX a model forgets what its layers have added.)
        shared = theirs is not None and keras.backend.backend() == "tensorflow"
        shared = shared and not (_regularized(model) or _penalizes_activity(model))
        try:
            if not (self.kept or shared):
                object.__setattr__(model, "__class__", _without_penalties(kind))
            model.test_function = theirs if shared else self._test_function
            yield
            if not shared:
                self._test_function = model.test_function
        finally:
            object.__setattr__(model, "__class__", kind)
            model.test_function = theirs
            self._look_for_noise(state)
            for variable, value in state:
                variable.assign(value)

    def _look_for_noise(self, state):
        """Say once if seeds have moved on: then noise was on that should have been off."""
        drawn = {id(variable) for variable, value in state if is_seed(variable)
                 and not np.array_equal(value, ops.convert_to_numpy(variable))}  # fmt: skip
        if not drawn or self._told:
            return
        # Keras' recurrent cells draw their masks whether or not they are put on.
        leaves = [each for each in self.model._flatten_layers()
                  if len([*each._flatten_layers()]) == 1
                  and not hasattr(each, "get_dropout_mask")]  # fmt: skip
        if where := [each.name for each in leaves if drawn & {*map(id, each.variables)}]:
            self._told = True
            warnings.warn(
                f"noise stays on where the model predicts, in {', '.join(where)}: its losses are "
                "those of one noisy pass",
                stacklevel=5,
            )


def is_seed(variable):
    """Whether a variable is the state of a layer's random numbers."""
    return variable.path.split("/")[-1].startswith("seed_generator")


def _draws_kept():
    """On torch every pass over data, and noise without a seed, draws from one global generator."""
    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    return torch.random.fork_rng(devices=range(torch.cuda.device_count()))


def _without_penalties(kind):
    """The class of a model, whose regularizers and `add_loss` count nothing."""

    def test_step(model, *args, **options):
        return kind.test_step(model, *args, **options)

    # A step of its own, as JAX keeps what it has compiled by the function: that with penalties.
    names = {"losses": property(lambda model: []), "__module__": kind.__module__,
             "test_step": test_step}  # fmt: skip
    return type(kind)(kind.__name__, (kind,), names)


def _penalizes_activity(model):
    """Whether there are penalties besides those of weights."""
    rules = [getattr(layer, "activity_regularizer", None) for layer in model._flatten_layers()]
    return any(rules) or len(model.losses) > len(_regularized(model))


def sums(model):
    """Whether a loss is the sum of a batch, and so depends on how many rows that has."""
    losses = keras.tree.flatten(model.loss)
    return any(getattr(loss, "reduction", None) == "sum" for loss in losses)


def _flat(found, within=""):
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{within}{name}_")
        else:
            yield within + name, value


def recurrent_states(model):
    """The states of the stateful layers of a model, which Keras counts among no variables."""
    stateful = [layer for layer in model._flatten_layers() if getattr(layer, "stateful", False)]
    found = keras.tree.flatten([getattr(layer, "states", None) for layer in stateful])
    return [*{id(state): state for state in found if state is not None}.values()]


def fixed_batch(model):
    """The batch size that the states of a stateful model are made for; None if any will do."""
    sizes = [state.shape[0] for state in recurrent_states(model)]
    inputs = keras.tree.flatten(getattr(model, "inputs", None) or [])
    if not any(getattr(layer, "stateful", False) for layer in model._flatten_layers()):
        return None  # a Sequential has the size of its first batch, which binds nobody
    return next(iter([*sizes, *(tensor.shape[0] for tensor in inputs)]), None)


def check_whole_batches(x, fixed, what="data"):
    """Refuse rows that the states of a stateful model cannot take in."""
    if fixed and (rows := len(keras.tree.flatten(x)[0])) % fixed:
        raise ValueError(f"{what} must hold a multiple of the {fixed} rows that the states of the "
                         f"model are made for, got {rows}")  # fmt: skip


def _regularized(model):
    return [v for v in model.trainable_variables if v.regularizer is not None]
