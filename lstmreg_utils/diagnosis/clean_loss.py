"""For a model of one's own: the training loss that Keras does not show."""

import math
import sys

import keras

from ..kernels.seen import of_class
from .measuring import Measure, readable, sums


class CleanTrainingLoss(keras.callbacks.Callback):
    """After every epoch, measure the training loss with dropout off.

    The ``loss`` of a Keras history is the mean over the epoch's batches, with dropout on and with
    weights that were still moving. This callback adds ``clean_loss`` to the history: the rows
    that `fit` trains on (not those that ``validation_split`` keeps apart) with their sample and
    class weights, the weights of the network at the end of the epoch, dropout off, penalties left
    out. Of a model with regularizers it adds their ``penalty`` too, and ``clean_val_loss``,
    without it. Measuring changes nothing of the training; but a `tf.data.Dataset` that shuffles
    anew is read once more an epoch, so give the callback to every model of a comparison, or to
    none.

    Parameters
    ----------
    x, y : array-like, optional
        The training data, as given to `fit`; by default they are taken from there. A generator
        can be read only once: give another one here.
    batch_size : int, optional
        Sequences to evaluate at a time: the model's own, if it has a fixed one, else 256; that of
        `fit`, if the loss is the sum of a batch.
    steps : int, optional
        How many batches to read; by default those that `fit` comes to.
    loss : str
        The name of the loss, for a model whose own `test_step` calls it something else.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.zeros((8, 3, 1)), np.zeros((8, 1))
    >>> model = keras.Sequential([keras.layers.LSTM(2, dropout=0.5), keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[CleanTrainingLoss()])
    >>> sorted(history.history)
    ['clean_loss', 'loss']
    """

    def __init__(self, x=None, y=None, batch_size=None, steps=None, loss="loss"):
        super().__init__()
        self.x, self.y, self.batch_size, self.steps, self.loss = x, y, batch_size, steps, loss
        self._measure = None

    def set_model(self, model):
        """As Keras does, of its own models; those of Keras 2 are refused by name."""
        if not isinstance(model, keras.Model):
            raise TypeError(f"CleanTrainingLoss must be given to Keras 3, got {of_class(model)}")
        super().set_model(model)

    def on_train_begin(self, logs=None):
        """Find what `fit` trains on."""
        call = _fit_call(self.model)
        size = (call.get("batch_size") or 32) if sums(self.model) else None
        self._measure = Measure(self.model, self.batch_size or size, self.loss)
        self._train, self._validation = self._rows(call), None
        validation = call.get("validation_data")
        if hasattr(validation, "__next__"):
            if self.model.losses:
                raise ValueError(
                    "validation_data must be what can be read again, as val_loss holds the "
                    "penalties of this model, got a generator"
                )
        elif validation is not None:
            validation = tuple(validation) if isinstance(validation, list) else validation
            self._validation = readable(validation, call.get("validation_steps"),
                                        what="validation_data")  # fmt: skip

    def on_epoch_end(self, epoch, logs=None):
        """Add ``clean_loss`` to the logs, and so to the history."""
        clean = logs["clean_loss"] = self._measure(self._train)["loss"]
        if found := self._measure.penalty(self._train, clean):
            logs["penalty"] = found
            if self._validation and "val_loss" in logs:
                logs["clean_val_loss"] = self._measure(self._validation)["loss"]

    def on_train_end(self, logs=None):
        """Let go of the data."""
        self._measure = self._train = self._validation = None

    def __getstate__(self):
        """What a copy needs: the arguments."""
        passing = {"_measure", "_train", "_validation", "_model"}
        return {**{k: v for k, v in vars(self).items() if k not in passing}, "_measure": None,
                "_model": None}  # fmt: skip

    def _rows(self, call):
        x, y, weight = (call.get(name) for name in ("x", "y", "sample_weight"))
        steps, class_weight = self.steps, call.get("class_weight")
        if self.x is not None:
            given = (self.x, self.y) if self.y is not None else (self.x,)
            if weight is not None or call.get("validation_split"):
                given = _as_many(given, x, call.get("validation_split"))
            data = (*given, *([None] * (2 - len(given))), weight)
        elif x is None:
            raise ValueError("x must be given where fit is not the one that trains, got None")
        elif hasattr(x, "__next__"):
            raise ValueError(
                "x must be given, as fit trains on a generator, which can be read only once: "
                "CleanTrainingLoss(another, steps=...)"
            )
        else:
            data = (x, y, weight)
        whole = hasattr(data[0], "shape") or isinstance(data[0], (list, tuple, dict))
        steps = steps or (None if whole else _steps(data[0], call))
        return readable(data, steps, class_weight, "x")


def _steps(batches, call):
    """How many batches `fit` trains on: of what ends it takes up where the last epoch stopped."""
    steps, length = call.get("steps_per_epoch"), None
    if hasattr(batches, "cardinality"):
        length = int(batches.cardinality())
    elif isinstance(batches, keras.utils.PyDataset):
        length = batches.num_batches
    if steps and length and length > 0:
        return min(steps * (call["epochs"] - call["initial_epoch"]), length)
    return steps


def _as_many(given, trained, split):
    """The rows that `fit` trains on, of what was given to it: the first, but for a share."""
    kept, rows = (len(keras.tree.flatten(data)[0]) for data in (trained, given))
    if rows != kept and split and math.floor(rows * (1 - split)) != kept:
        raise ValueError(f"x must be what fit was given, of which it trains on {kept} rows, got "
                         f"{rows} rows")  # fmt: skip
    if rows != kept and not split:
        raise ValueError(f"x must have the {kept} rows that fit has weights for, got {rows}")
    return keras.tree.map_structure(lambda array: array[:kept], given)


def _fit_call(model):
    """What `fit` of a model has been given, the share for validation taken off.

    Keras tells a callback neither rows nor weights; the call that runs it knows them.
    """
    frame = sys._getframe(1)
    while frame is not None:
        names = frame.f_locals
        if frame.f_code.co_name == "fit" and names.get("self") is model and "x" in names:
            return dict(names)
        frame = frame.f_back
    return {}
