"""Models of one's own: Keras histories, or fitted models, as a table for `compare`.

The twin is named ``'none'``. The runs of an arm are listed in the order of their seeds, the same
for every arm: pairs are what makes a small difference visible. A pair starts from equal weights.
The same code with the rate set to 0 is not enough: `keras.layers.Dropout` and `SpatialDropout1D`
draw a seed where the rate is above 0, and every weight after them is another one. Give such a layer
a ``seed``, or copy the weights, ``model.set_weights(twin.get_weights())``; and see `check_pair`.
"""

import warnings

import numpy as np
import pandas as pd

from .tables import TWIN


def table_of_histories(histories, train="clean_loss", validation="val_loss", test=None):
    """What `fit` returned for several models, as a table for `compare`.

    Parameters
    ----------
    histories : dict of str to list
        For each arm (the twin is ``'none'``) a list with one entry a seed: what `fit` returned, or
        a dict of lists of one number an epoch, such as its ``history`` or a log read from a file.
    train, validation, test : str
        Under which names the losses stand: for training with dropout off, as from
        `lstmreg_utils.diagnosis.CleanTrainingLoss` (Keras' own ``'loss'`` will not do, it is
        measured with dropout on); the one that chooses the best epoch; and one that chose
        nothing. Without `test` a UserWarning says that the validation loss is reported as well,
        which at the best epoch flatters every arm.

    Returns
    -------
    pandas.DataFrame
        Columns ``arm``, ``seed``, ``epoch``, ``train``, ``validation``, ``test``, and ``noisy``
        where the history has ``loss``.

    Raises
    ------
    ValueError
        No twin, arms of different numbers of runs, or a history that lacks a loss; by name.

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
    columns = {"train": train, "validation": validation, "test": test or validation}
    needed, parts = sorted({*columns.values()}), []
    for arm, runs in histories.items():
        for seed, run in enumerate(runs):
            logs = getattr(run, "history", run)
            if lost := [key for key in needed if key not in logs]:
                raise ValueError(f"histories[{arm!r}][{seed}] must hold {needed}, missing: {lost}")
            part = pd.DataFrame({name: logs[key] for name, key in columns.items()})
            if "loss" in logs:
                part["noisy"] = logs["loss"]
            parts.append(part.assign(arm=arm, seed=seed, epoch=range(1, len(part) + 1)))
    return pd.concat(parts, ignore_index=True)


def table_of_models(models, train, validation, test, batch_size=256):
    """The losses of fitted models, dropout off, as a table for `compare` at the last epoch.

    Parameters
    ----------
    models : dict of str to list of keras.Model
        For each arm (the twin is ``'none'``) its compiled models, one a seed.
    train, validation, test : tuple of (x, y)
        The same data for all models; evaluated `batch_size` sequences at a time.

    Returns
    -------
    pandas.DataFrame
        A row a model, with the columns of `table_of_histories` and epoch 1.

    Raises
    ------
    ValueError
        No twin, or arms of different numbers of models.

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
    _check_arms("models", models)
    splits = {"train": train, "validation": validation, "test": test}
    how = {"batch_size": batch_size, "verbose": 0, "return_dict": True}
    return pd.DataFrame(
        {"arm": arm, "seed": seed, "epoch": 1}
        | {name: model.evaluate(x, y, **how)["loss"] for name, (x, y) in splits.items()}
        for arm, fitted in models.items()
        for seed, model in enumerate(fitted)
    )


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
    counts = {arm: len(runs) for arm, runs in arms.items()}
    if len({*counts.values()}) > 1 or min(counts.values()) < 2:
        raise ValueError(f"{what} must hold as many runs for each arm, at least 2, got {counts}")
