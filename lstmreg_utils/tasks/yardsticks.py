"""What a constant and a linear model reach on a task: what a network has to beat."""

import numpy as np
import pandas as pd

# On the squared weights, beside a loss that is summed over examples: from strong to weak.
PENALTIES = tuple(10.0 ** np.arange(5, -4, -1))


def baselines(task):
    """Loss and metric of two models without recurrence, in the units of the networks'.

    The constant is the mean of the training targets, or the frequencies of their classes. The
    linear model is ridge or logistic regression of scikit-learn on what a network reads, flattened
    step after step. Tokens are taken one-hot at each step, or counted over the steps: order
    matters in some tasks, and a short training split pays for it in others. The penalty and the
    form of the tokens are those of the lowest validation loss; test data choose nothing. Classes
    are predicted as if one more example had been spread over all of them, so that one without a
    training example has no infinite loss.

    Parameters
    ----------
    task : Task

    Returns
    -------
    pandas.DataFrame
        Rows ``'constant'`` and ``'linear'``; columns ``train``, ``validation``, ``test`` (losses),
        ``train_metric`` and so on, as in the tables of a study; ``inputs`` and ``penalty``.

    Examples
    --------
    >>> from lstmreg_utils import load_task
    >>> baselines(load_task("hidden_ar1"))[["train", "test"]].round(2).values.tolist()
    [[1.02, 1.16], [0.4, 0.47]]
    """
    constant = _scores(task, [_constant(task, len(split)) for split in task.splits().values()])
    tried = [_best_linear(task, *named) for named in _inputs(task).items()]
    rows = [constant, min(tried, key=lambda row: row["validation"])]
    return pd.DataFrame(rows, index=["constant", "linear"])


def _best_linear(task, name, inputs):
    """The row of the penalty after which the validation loss rises: weaker ones take longest."""
    best = {"validation": np.inf}
    for penalty in PENALTIES:
        row = {**_scores(task, _linear(task, inputs, penalty)), "inputs": name, "penalty": penalty}
        if row["validation"] > best["validation"]:
            break
        best = row
    return best


def _inputs(task):
    """By name, what a linear model may read of each split."""
    sequences = [split.x for split in task.splits().values()]
    if task.vocabulary is None:
        return {"flattened": [x.reshape(len(x), -1).astype(np.float64) for x in sequences]}
    places = task.vocabulary * np.arange(sequences[0].shape[1])
    return {
        "one-hot": [_ones(x + places, task.vocabulary * x.shape[1]) for x in sequences],
        "counted": [_ones(x, task.vocabulary) for x in sequences],
    }


def _ones(columns, width):
    """A sparse row for each row of column numbers: how often each of them is there."""
    from scipy.sparse import csr_array

    rows = np.repeat(np.arange(len(columns)), columns.shape[1])
    return csr_array((np.ones(columns.size), (rows, columns.ravel())), (len(columns), width))


def _constant(task, n):
    """The same prediction for `n` examples."""
    if task.loss == "mse":
        return np.tile(task.train.y.mean(axis=0, dtype=np.float64), (n, 1))
    counts = np.bincount(task.train.y, minlength=task.outputs)
    return np.tile(_spread(counts / counts.sum(), task), (n, 1))


def _linear(task, inputs, penalty):
    """Predictions for each split of a model that is fitted to the first."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from threadpoolctl import threadpool_limits  # scikit-learn brings it

    with threadpool_limits(1):  # systems are so small that threads only wait for one another
        if task.loss == "mse":
            model = Ridge(alpha=penalty).fit(inputs[0], task.train.y)
            return [model.predict(x).reshape(-1, task.outputs) for x in inputs]
        model = LogisticRegression(C=1 / penalty, max_iter=1000).fit(inputs[0], task.train.y)
        predictions = [np.zeros((x.shape[0], task.outputs)) for x in inputs]
        for predicted, x in zip(predictions, inputs, strict=True):
            predicted[:, model.classes_] = model.predict_proba(x)
        return [_spread(predicted, task) for predicted in predictions]


def _spread(probabilities, task):
    """What the frequencies would be with one example more, which is of all classes alike."""
    n = len(task.train)
    return (n * probabilities + 1 / task.outputs) / (n + 1)


def _scores(task, predictions):
    losses, metrics = {}, {}
    for (name, split), predicted in zip(task.splits().items(), predictions, strict=True):
        if task.loss == "crossentropy":
            of_the_true = predicted[np.arange(len(split)), split.y]
            losses[name] = -np.log(of_the_true).mean()
            metrics[f"{name}_metric"] = (predicted.argmax(axis=1) == split.y).mean()
        else:
            y = split.y.astype(np.float64)
            losses[name] = np.square(y - predicted).mean()
            spread = np.square(y - y.mean(axis=0)).mean()
            metrics[f"{name}_metric"] = 1 - losses[name] / spread
    return losses | metrics
