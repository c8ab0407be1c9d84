"""Models of one's own: Keras histories, or fitted models, as a table for `compare`.

The twin is named ``'none'``. The runs of an arm are listed in the order of their seeds, the same
for every arm: pairs are what makes a small difference visible.
"""

import warnings

import pandas as pd


def table_of_histories(histories, train="clean_loss", validation="val_loss", test=None):
    """What `fit` returned for several models, as a table for `compare`.

    Parameters
    ----------
    histories : dict of str to list
        For each arm (the twin is ``'none'``) a list with one entry a seed: what `fit` returned, or
        a dict of lists of one number an epoch, such as its ``history`` or a log read from a file.
    train : str, default='clean_loss'
        Under which name the training loss with dropout off stands, as from
        `lstmreg_utils.callbacks.CleanTrainingLoss`. Keras' own ``'loss'`` will not do: it is
        measured with dropout on.
    validation : str, default='val_loss'
        The loss that chooses the best epoch.
    test : str, optional
        A loss that chose nothing. Without one the validation loss is reported as well.

    Returns
    -------
    pandas.DataFrame
        Columns ``arm``, ``seed``, ``epoch``, ``train``, ``validation``, ``test``, and ``noisy``
        where the history has ``loss``.

    Raises
    ------
    ValueError
        No twin, arms of different numbers of runs, or a history that lacks a loss. The message
        names the arm.

    Warns
    -----
    UserWarning
        Without `test`: at the best epoch the validation loss then flatters every arm.

    Examples
    --------
    >>> plain = {"clean_loss": [0.5, 0.1], "val_loss": [0.9, 1.2], "test_loss": [1.0, 1.3]}
    >>> mine = {"clean_loss": [0.6, 0.3], "val_loss": [0.9, 0.7], "test_loss": [1.0, 0.8]}
    >>> table = table_of_histories({"none": [plain] * 3, "mine": [mine] * 3}, test="test_loss")
    >>> from lstmreg_utils import compare
    >>> compare(table, margin=0.05)["verdict"].item()
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
    parts = []
    for arm, runs in histories.items():
        for seed, run in enumerate(runs):
            logs = getattr(run, "history", run)
            if missing := sorted({*columns.values()} - {*logs}):
                raise ValueError(
                    f"histories[{arm!r}][{seed}] must hold {sorted({*columns.values()})}, "
                    f"missing: {missing}"
                )
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
        The same data for all models.
    batch_size : int, default=256
        How many sequences are evaluated at a time.

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
    >>> x, y = np.zeros((8, 3, 1)), np.zeros((8, 1))
    >>> def fitted(**noise):
    ...     model = keras.Sequential([keras.layers.LSTM(2, **noise), keras.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     model.fit(x, y, verbose=0)
    ...     return model
    >>> models = {"none": [fitted(), fitted()], "mine": [fitted(dropout=0.5), fitted(dropout=0.5)]}
    >>> table_of_models(models, train=(x, y), validation=(x, y), test=(x, y)).shape
    (4, 6)
    """
    _check_arms("models", models)
    splits = {"train": train, "validation": validation, "test": test}
    rows = []
    for arm, fitted in models.items():
        for seed, model in enumerate(fitted):
            losses = {
                name: model.evaluate(x, y, batch_size=batch_size, verbose=0, return_dict=True)
                for name, (x, y) in splits.items()
            }
            row = {"arm": arm, "seed": seed, "epoch": 1}
            rows.append(row | {name: values["loss"] for name, values in losses.items()})
    return pd.DataFrame(rows)


def _check_arms(argument, arms):
    if "none" not in arms:
        raise ValueError(f"{argument} must hold the twin under 'none', got {sorted(arms)}")
    counts = {arm: len(runs) for arm, runs in arms.items()}
    if len({*counts.values()}) > 1 or min(counts.values()) < 2:
        raise ValueError(
            f"{argument} must hold as many runs for each arm, at least 2, got {counts}"
        )
