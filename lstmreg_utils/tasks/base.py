"""What a task is: three splits, a loss, a metric and, where it is known, a floor."""

import inspect
from dataclasses import dataclass

import numpy as np

LOSSES = ("crossentropy", "mse")


class _Tasks(dict):
    """The functions that make the tasks, by name: `register` fills it. Others are refused."""

    def __missing__(self, name):
        raise KeyError(f"task must be one of {sorted(self)}, got {name!r}")


TASKS = _Tasks()


def register(margin, short=None):
    """Enter a task in `TASKS`, with what must be known of it before its data are read.

    The function gets two attributes: ``margin``, which it hands on to its `Task`, and ``short``,
    its name in tables, which is its own unless stated.
    """

    def entered(make):
        make.margin, make.short = margin, short or make.__name__
        TASKS[make.__name__] = make
        return make

    return entered


def load_task(name, seed=0, **options):
    """Make one split of a task.

    Parameters
    ----------
    name : str
        One of `lstmreg_utils.tasks.TASKS`; any other is a KeyError.
    seed : int, default=0
        The split, or the draw of a synthetic task. Equal seeds give equal arrays.
    **options
        Arguments of the task's own function, for instance ``per_speaker=10``.

    Returns
    -------
    Task

    Examples
    --------
    >>> load_task("japanese_vowels", seed=3).train.x.shape
    (270, 29, 12)
    """
    return TASKS[name](seed=seed, **options)


def margin_of(name):
    """The margin of a task by its name; no data are read."""
    return TASKS[name].margin


def short_name(name):
    """What tables and figures call a task."""
    return TASKS[name].short


def options_of(name):
    """The options of a task, each with the value that it has where a run does not state it."""
    parameters = inspect.signature(TASKS[name]).parameters.values()
    return {each.name: each.default for each in parameters if each.name != "seed"}


@dataclass(frozen=True)
class Split:
    """Sequences and their targets.

    Parameters
    ----------
    x : ndarray of shape (n, steps, features), float32, or (n, steps), int32
        Sequences, or tokens. In a masked task a step of zeros, or a token 0, is padding.
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

    Arrays that do not fit the loss or each other, or hold NaN, are a ValueError that names them.

    Examples
    --------
    >>> task = load_task("hidden_ar1", seed=0)
    >>> task.train.x.shape, task.loss, task.metric
    ((320, 20, 1), 'mse', 'r2')
    """

    name: str  #: as `load_task` knows it
    train: Split  #: all three have the same number of steps and features
    validation: Split  #: chooses the epoch to stop at
    test: Split  #: chooses nothing
    loss: str  #: 'crossentropy', in nats per example, or 'mse', in squared units of y
    outputs: int  #: width of the last layer, the number of classes or of target values
    margin: float  #: two arms whose loss differs by less than this are equivalent in practice
    masked: bool = False  #: whether steps of zeros are padding to be skipped
    vocabulary: int | None = None  #: number of tokens, if the sequences hold tokens
    floor: float | None = None  #: expected loss of the best possible predictor, if theory gives it
    origin: int | None = None  #: row of the first target, if one series is split in order of time

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

    @property
    def test_rows(self):
        """Rows of the series that are test targets, as a range; None if `origin` is."""
        if self.origin is None:
            return None
        first = self.origin + len(self.train) + len(self.validation)
        return range(first, first + len(self.test))

    def splits(self):
        """The three splits by name, in the order train, validation, test."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def _check_inputs(name, x, vocabulary):
    axes = "(n, steps, features)" if vocabulary is None else "(n, steps)"
    if x.ndim != axes.count(",") + 1 or 0 in x.shape:
        raise ValueError(f"{name}.x must be a non-empty array {axes}, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"{name}.x must be finite, got {np.sum(~np.isfinite(x))} NaN or inf")
    if vocabulary is not None and (x.dtype.kind != "i" or x.min() < 0 or x.max() >= vocabulary):
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
