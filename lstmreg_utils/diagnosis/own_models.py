"""Models of one's own: Keras histories, or fitted models, as a table for `compare`.

The twin is named ``'none'``. The runs of an arm are listed in the order of their seeds, the same
for every arm: pairs are what makes a small difference visible. A pair starts from equal weights.
The same code with the rate set to 0 is not enough: `keras.layers.Dropout` and `SpatialDropout1D`
draw a seed where the rate is above 0, and every weight after them is another one. Give such a layer
a ``seed``, or copy the weights, ``model.set_weights(twin.get_weights())``; and see `check_pair`.
"""

import math
import re
import warnings

import numpy as np
import pandas as pd

from .names import check_loss, more_is_better
from .tables import TWIN


def table_of_histories(histories, train="clean_loss", validation="val_loss", test=None):
    """What `fit` returned for several models, as a table for `compare`.

    Parameters
    ----------
    histories : dict of str to list
        For each arm (the twin is ``'none'``) a list with one entry a seed: what `fit` returned, or
        a dict of lists of one number an epoch, such as its ``history`` or a log read from a file.
        Fewer validation losses are read as those of every second, third ... epoch: a history does
        not say whether ``validation_freq`` was a list of other epochs.
    train, validation, test : str
        Under which names the losses stand: for training with dropout off, as from
        `lstmreg_utils.diagnosis.CleanTrainingLoss` (Keras' own ``'loss'`` will not do, it is
        measured with dropout on); the one that chooses the best epoch, which may be a metric
        whose name says that more is better; and one that chose nothing. Without `test` a
        UserWarning says that the validation loss is reported as well, which at the best epoch
        flatters every arm. Where there is a ``clean_val_loss``, without the penalties of
        regularizers, it takes the place of ``val_loss``.

    Returns
    -------
    pandas.DataFrame
        Columns ``arm``, ``seed``, ``epoch``, ``train``, ``validation``, ``test``, and ``noisy``
        where the history has ``loss``: less what the twin's lies above its own clean loss, since
        of a network without noise only weights that still move raise it.

    Raises
    ------
    ValueError
        No twin, arms of different numbers of runs, a history that lacks a loss, or a metric where
        a loss is meant; by name.

    Examples
    --------
    >>> plain = {"clean_loss": [0.5, 0.1], "val_loss": [0.9, 1.2], "test_loss": [1.0, 1.3]}
    >>> mine = {"clean_loss": [0.6, 0.3], "val_loss": [0.9, 0.7], "test_loss": [1.0, 0.8]}
    >>> table = table_of_histories({"none": [plain] * 3, "mine": [mine] * 3}, test="test_loss")
    >>> from lstmreg_utils import compare
    >>> compare(table, margin=0.05)["cause"].item()
    'regularization works'
    """
    _check_arms("histories", histories)
    if test is None:
        warnings.warn(
            "test is not given, so the validation loss is reported, which also chooses the best "
            "epoch: at 'best' it is lower than a fresh test loss would be",
            stacklevel=2,
        )
    check_loss("train", train)
    check_loss("test", test or "val_loss")
    more = more_is_better(validation, "validation")
    columns = {"train": train, "validation": validation, "test": test or validation}
    if more and test is None:
        raise ValueError(f"test must name a loss where {validation!r} chooses the epoch, got None")
    parts = []
    for arm, runs in histories.items():
        for seed, run in enumerate(runs):
            logs, which = getattr(run, "history", run), f"histories[{arm!r}][{seed}]"
            first = (getattr(run, "epoch", None) or [0])[0]
            part = _epochs(logs, columns, which, first)
            if more:  # it chooses the epoch, and is no loss whose pace could be judged
                part = part.assign(choice=-part["validation"], validation=math.nan)
            parts.append(part.assign(arm=arm, seed=seed))
    table = pd.concat(parts, ignore_index=True)
    return at_rest(table) if "noisy" in table else table


def at_rest(table):
    """The noise cost without what weights still moved in an epoch, which that of the twin is."""
    twin = table[table["arm"] == TWIN].set_index(["seed", "epoch"])
    moved = (twin["noisy"] - twin["train"]).rename("moved")
    moved = table.join(moved, ["seed", "epoch"])["moved"].fillna(0)
    return table.assign(noisy=table["noisy"] - moved)


def _epochs(logs, columns, which, first=0):
    """The epochs of a run that have all its losses: with `validation_freq`, not every one.

    Keras counts those from 0, though it may begin with a later epoch.
    """
    needed = sorted({*columns.values()})
    if lost := [key for key in needed if key not in logs]:
        raise ValueError(f"{which} must hold {needed}, missing: {lost}")
    columns = {name: "clean_val_loss" if key == "val_loss" and "clean_val_loss" in logs else key
               for name, key in columns.items()}  # fmt: skip
    if "loss" in logs:
        columns["noisy"] = "loss"
    lengths = {key: len(logs[key]) for key in columns.values()}
    longest, shortest = max(lengths.values()), min(lengths.values())
    every = longest // max(shortest, 1)
    start = (every - 1 - first) % every
    these = range(start, longest, every)
    if {*lengths.values()} - {longest, shortest} or len(these) != shortest or not shortest:
        raise ValueError(f"{which} must hold a loss an epoch, got lists of lengths {lengths}")
    part = pd.DataFrame({
        name: logs[key] if lengths[key] == shortest else logs[key][start::every]
        for name, key in columns.items()
    })  # fmt: skip
    if "penalty" in logs and "noisy" in part:  # what Keras adds to its own loss
        part["noisy"] -= logs["penalty"][start::every]
    return part.assign(epoch=[at + 1 for at in these])


def table_of_models(
    models, train, validation, test, batch_size=None, steps=None, loss="loss", metric=None
):
    """The losses of fitted models, dropout off, as a table for `compare` at the last epoch.

    Parameters
    ----------
    models : dict of str to list of keras.Model
        For each arm (the twin is ``'none'``) its compiled models, one a seed.
    train, validation, test : tuple or object
        The same data for all models, as `fit` takes them: ``(x, y)``, with the sample weights as
        a third if there are any, or what holds batches, such as a `tf.data.Dataset`.
    batch_size : int, optional
        Sequences to evaluate at a time: a model's own, if it has a fixed one, else 256.
    steps : int, optional
        How many batches to read of data that have no end.
    loss : str
        The name of the loss, for models whose own `test_step` calls it something else.
    metric : str, optional
        A metric of the models to look at beside the loss; its name says whether more is better.

    Returns
    -------
    pandas.DataFrame
        A row a model, with the columns of `table_of_histories` and epoch 1; and ``test_metric``
        (of which more is better: an error is turned around).

    Raises
    ------
    ValueError
        No twin, arms of different numbers of models, models compiled with different losses, or a
        model that cannot be evaluated; by name.

    Examples
    --------
    >>> import keras, numpy as np
    >>> data = np.zeros((8, 3, 1)), np.zeros((8, 1))
    >>> model = keras.Sequential([keras.layers.LSTM(2), keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> models = {"none": [model] * 2, "mine": [model] * 2}
    >>> table_of_models(models, train=data, validation=data, test=data).shape
    (4, 6)
    """
    from .measuring import Measure, readable  # they need Keras, which takes seconds to import

    _check_arms("models", models)
    splits = {"train": train, "validation": validation, "test": test}
    splits = {name: readable(data, steps, what=name) for name, data in splits.items()}
    rows, compiled = [], None
    for arm, fitted in models.items():
        for seed, model in enumerate(fitted):
            which = f"models[{arm!r}][{seed}]"
            try:
                measure = Measure(model, batch_size, loss)
                found = {name: measure(data) for name, data in splits.items()}
            except Exception as error:  # whatever Keras raises, and of which model
                raise ValueError(f"{which} cannot be evaluated: {error}") from error
            compiled = compiled or compiled_losses(model)
            if compiled_losses(model) != compiled:
                raise ValueError(f"{which} must be compiled with {compiled}, as the first model, "
                                 f"got {compiled_losses(model)}")  # fmt: skip
            row = {"arm": arm, "seed": seed, "epoch": 1}
            row |= {name: measured["loss"] for name, measured in found.items()}
            if metric is not None:
                row["test_metric"] = signed_metric(found["test"], metric)
            rows.append(row)
    return pd.DataFrame(rows)


def signed_metric(found, metric):
    """A metric such that more of it is better."""
    if metric not in found:  # Keras numbers the names of metrics as they are made
        found = {re.sub(r"_\d+$", "", name): value for name, value in found.items()}
    if metric not in found:
        raise ValueError(f"metric must be one of {[*found]}, as evaluate gives, got {metric!r}")
    return found[metric] if more_is_better(metric) else -found[metric]


def compiled_losses(model):
    """The loss of a model and its weights, in words that can be compared."""
    config = model.get_compile_config() or {}
    told = {key: config.get(key) for key in ("loss", "loss_weights")}
    # Names are numbered as things are made.
    return {key: re.sub(r"('name': '[^']*?)_\d+'", r"\1'", repr(value))
            for key, value in told.items() if value is not None}  # fmt: skip


def check_pair(twin, model):
    """Refuse two models that do not start from equal weights; to be called before training.

    Layers without weights, such as noise, may stand in one of them alone.

    Parameters
    ----------
    twin, model : keras.Model
        Built: with a `keras.Input`, or called on a batch.

    Raises
    ------
    ValueError
        The first layer whose weights differ, by name; or a model that has none.

    Examples
    --------
    >>> import keras
    >>> def made(rate, **options):
    ...     keras.utils.set_random_seed(0)
    ...     noise = keras.layers.Dropout(rate, **options)
    ...     lstm = keras.layers.LSTM(2, name="lstm")
    ...     return keras.Sequential([keras.Input((3, 1)), noise, lstm, keras.layers.Dense(1)])
    >>> check_pair(made(0, seed=1), made(0.5, seed=1))
    >>> try:
    ...     check_pair(made(0), made(0.5))
    ... except ValueError as error:
    ...     print(error)
    model must start from the weights of its twin, got others from layer 'lstm' on
    """
    pair = {"twin": twin, "model": model}
    ours, theirs = ([layer for layer in each.layers if layer.weights] for each in pair.values())
    for name, layers in {"twin": ours, "model": theirs}.items():
        if not layers:
            raise ValueError(f"{name} must have weights, got none: call it on a batch first")
    if len(ours) != len(theirs):
        counts = f"{len(ours)} and {len(theirs)}"
        raise ValueError(f"twin and model must have as many layers with weights, got {counts}")
    for one, other in zip(ours, theirs, strict=True):
        weights = one.get_weights(), other.get_weights()
        same = len(weights[0]) == len(weights[1]) and all(map(np.array_equal, *weights))
        if not same:
            raise ValueError(
                "model must start from the weights of its twin, got others from layer "
                f"{other.name!r} on"
            )


def _check_arms(what, arms):
    if TWIN not in arms:
        raise ValueError(f"{what} must hold the twin under {TWIN!r}, got {sorted(arms)}")
    for arm, runs in arms.items():
        if not isinstance(runs, (list, tuple)):
            raise ValueError(f"{what}[{arm!r}] must be a list of runs, one a seed, got one "
                             f"{type(runs).__name__}")  # fmt: skip
    counts = {arm: len(runs) for arm, runs in arms.items()}
    if len({*counts.values()}) > 1 or min(counts.values()) < 2:
        raise ValueError(f"{what} must hold as many runs for each arm, at least 2, got {counts}")
