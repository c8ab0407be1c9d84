"""What a task is: three splits, a loss, a metric and, where it is known, a floor."""

from dataclasses import dataclass

import numpy as np

LOSSES = ("crossentropy", "mse")


@dataclass(frozen=True)
class Split:
    """Sequences and their targets.

    Parameters
    ----------
    x : ndarray of shape (n, steps, features), float32, or (n, steps), int32
        Sequences, or tokens of a task with a vocabulary. In a masked task a step whose features
        are all 0.0, or whose token is 0, is padding.
    y : ndarray of shape (n,), int32, or (n, outputs), float32
        Class labels for the cross-entropy, values for the squared error.
    """

    x: np.ndarray
    y: np.ndarray

    def __len__(self):
        return len(self.x)


@dataclass(frozen=True)
class Task:
    """One split of one data set, with everything a training run must know of it.

    Parameters
    ----------
    name : str
    train, validation, test : Split
        Of the same number of steps and features. Test data choose nothing.
    loss : {'crossentropy', 'mse'}
        In nats per example (labels ``y`` of shape (n,)), or in squared units of ``y``.
    outputs : int
        Width of the last layer: the number of classes, or of target values.
    margin : float
        Two arms whose loss differs by less than this are equivalent in practice.
    masked : bool, default=False
        Whether steps of zeros are padding to be skipped.
    vocabulary : int or None, default=None
        Number of tokens, if the sequences hold tokens.
    floor : float or None, default=None
        The expected loss of the best possible predictor, where theory gives it.

    Raises
    ------
    ValueError
        Sequences of the wrong rank or with NaN, targets that do not fit the loss, splits that
        do not fit each other. The message names the split and what came.

    Examples
    --------
    >>> from lstmreg_utils import load_task
    >>> task = load_task("hidden_ar1", seed=0)
    >>> task.train.x.shape, task.loss, task.metric
    ((320, 20, 1), 'mse', 'r2')
    """

    name: str
    train: Split
    validation: Split
    test: Split
    loss: str
    outputs: int
    margin: float
    masked: bool = False
    vocabulary: int | None = None
    floor: float | None = None

    def __post_init__(self):
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {LOSSES}, got {self.loss!r}")
        shape = self.train.x.shape[1:]
        for split, data in self.splits().items():
            _check_inputs(split, data.x, self.vocabulary)
            _check_targets(split, data, self.loss, self.outputs)
            if data.x.shape[1:] != shape:
                raise ValueError(
                    f"{split}.x must have sequences of the shape of train.x, {shape}, "
                    f"got {data.x.shape[1:]}"
                )

    @property
    def metric(self):
        """'accuracy' for the cross-entropy, 'r2' (against the split's own mean) for the MSE."""
        return "accuracy" if self.loss == "crossentropy" else "r2"

    def splits(self):
        """The three splits by name, in the order train, validation, test."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def _check_inputs(name, x, vocabulary):
    axes = "(n, steps, features)" if vocabulary is None else "(n, steps)"
    if x.ndim != axes.count(",") + 1 or 0 in x.shape:
        raise ValueError(f"{name}.x must be a non-empty array {axes}, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"{name}.x must be finite, got {np.sum(~np.isfinite(x))} NaN or inf")
    if vocabulary is None:
        return
    if x.dtype.kind != "i" or x.min() < 0 or x.max() >= vocabulary:
        raise ValueError(
            f"{name}.x must hold integer tokens 0 to {vocabulary - 1}, "
            f"got {x.dtype} from {x.min()} to {x.max()}"
        )


def _check_targets(name, split, loss, outputs):
    expected = (len(split.x),) if loss == "crossentropy" else (len(split.x), outputs)
    if split.y.shape != expected:
        raise ValueError(f"{name}.y must have shape {expected} for {loss}, got {split.y.shape}")
    if not np.isfinite(split.y).all():
        raise ValueError(f"{name}.y must be finite, got {np.sum(~np.isfinite(split.y))} NaN or inf")
    if loss == "crossentropy" and not (split.y.min() >= 0 and split.y.max() < outputs):
        raise ValueError(
            f"{name}.y must hold labels 0 to {outputs - 1}, got {split.y.min()} to {split.y.max()}"
        )
