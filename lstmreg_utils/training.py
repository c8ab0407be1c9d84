"""One run -> a record of every epoch, with one XLA program an epoch, compiled once for all seeds.

The only module of the way from tasks to plots that imports TensorFlow.
"""

import contextlib
import functools
import math
import time
from dataclasses import replace
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from .models import Seeder, build_model, stream
from .tasks import load_task
from .tasks.corruption import corrupt

# What a record holds of every epoch. Losses with dropout off, except the first two.
COLUMNS = (
    "reported",  # mean over the epoch's batches, dropout on, weights moving: Keras' own "loss"
    "noisy",  # training split, dropout on, weights as they are at the end of the epoch
    "train",
    "validation",
    "test",
    "train_metric",
    "validation_metric",
    "test_metric",
)


def train(run):
    """Train the network of one run.

    Parameters
    ----------
    run : Run

    Returns
    -------
    epochs : dict of str to list of float
        For each of `COLUMNS` the value after each epoch.
    probes : dict of str to list of float
        ``'last'`` and ``'best'``: what each of ``run.probes`` finds, with the weights of the last
        epoch, and of the epoch with the lowest validation loss. A corruption gives the test loss
        under it; ``("gradient", part)`` the share of the training loss's gradient that reaches
        the inputs of that first part of the steps, noise on.
    seconds : float
        Wall time; the first seed of an arm pays for the compilation, the others do not.

    Raises
    ------
    ValueError
        A batch larger than the training split.

    Notes
    -----
    Every arm is evaluated after every epoch in the same way, since evaluating an LSTM with
    `dropout` moves its random state even though it drops nothing.

    Examples
    --------
    >>> from lstmreg_utils import Run
    >>> run = Run("hidden_ar1", options={"n_train": 60}, units=2, epochs=2)
    >>> epochs, probes, seconds = train(run)
    >>> len(epochs["test"])
    2
    """
    program = _program(replace(run, seed=0, epochs=1, probes=()))
    task = load_task(run.task, run.seed, **dict(run.options))
    return program.run(task, run.seed, run.epochs, run.probes)


@functools.lru_cache(maxsize=1)
def _program(run):
    """The compiled program of an arm. One is kept: seeds of an arm come one after another."""
    return Program(run)


class Program:
    """A model, its optimizer and their compiled functions, to be run for many seeds.

    Parameters
    ----------
    run : Run
        Any seed's. How long to train, and from which seed, is said later.
    """

    def __init__(self, run):
        task = load_task(run.task, run.seed, **dict(run.options))  # for shapes, loss and padding
        if run.batch_size > len(task.train):
            raise ValueError(
                f"batch_size must be at most the {len(task.train)} training sequences, "
                f"got {run.batch_size}"
            )
        self.model = build_model(task, run.arm, run.units, run.layers, run.head)
        self.optimizer = keras.optimizers.Adam(run.learning_rate, weight_decay=weight_decay(run))
        self.optimizer.exclude_from_weight_decay(var_names=["bias"])
        self.optimizer.build(self.model.trainable_variables)
        self.batch_size = run.batch_size
        self._loss, self._metric = LOSS[task.loss], METRIC[task.metric]
        self._seed_model = Seeder(self.model)
        self._fresh_optimizer = [(v, v.numpy()) for v in self.optimizer.variables]
        self._fit_epoch = tf.function(self._fit_epoch, jit_compile=True)
        self._evaluate = tf.function(self._evaluate, jit_compile=True)
        self._losses = tf.function(self._losses, jit_compile=True)
        self._gradient_norms = tf.function(self._gradient_norms, jit_compile=True)

    def run(self, task, seed, epochs, probes=()):
        """Train from the seed's initial weights; see `train` for what comes back."""
        self._seed_model(seed)
        for variable, value in self._fresh_optimizer:
            variable.assign(value)
        splits = [(tf.constant(s.x), tf.constant(s.y)) for s in task.splits().values()]
        train_x, train_y = splits[0]
        history = []
        best, best_weights = np.inf, self.model.get_weights()
        start = time.perf_counter()
        for order in batch_orders(seed, len(task.train), self.batch_size, epochs):
            reported = self._fit_epoch(train_x, train_y, tf.constant(order))
            values = np.array([reported, *self._evaluate(splits)], np.float64)
            history.append(values)
            validation = values[COLUMNS.index("validation")]
            if probes and validation < best:
                best, best_weights = validation, self.model.get_weights()
        table = dict(zip(COLUMNS, np.array(history).T.tolist(), strict=True))
        probed = {}
        if probes:
            probed["last"] = self._probe(task, seed, probes)
            self.model.set_weights(best_weights)
            probed["best"] = self._probe(task, seed, probes)
        return table, probed, time.perf_counter() - start

    def _probe(self, task, seed, probes):
        """What each probe finds; the damage is the same in every arm of a seed."""
        found = []
        for (kind, level), drawn in zip(probes, stream(seed, "probes", len(probes)), strict=True):
            if kind == "gradient":
                norms = self._gradient_norms(tf.constant(task.train.x), tf.constant(task.train.y))
                norms = norms.numpy().astype(np.float64)
                first = math.ceil(level * len(norms))
                found.append(float(norms[:first].sum() / norms.sum()))
            else:
                x = corrupt(task.test.x, kind, level, int(drawn), task.masked)
                found.append(float(self._losses(tf.constant(x), tf.constant(task.test.y))))
        return found

    # Compiled by XLA from here on.

    def _fit_epoch(self, x, y, order):
        """Every batch of one epoch; the mean of their losses, dropout on."""
        total = tf.constant(0.0)
        weights = self.model.trainable_variables
        for batch in tf.range(len(order)):
            indices = order[batch]
            with tf.GradientTape() as tape, _philox():
                predicted = self.model(tf.gather(x, indices), training=True)
                loss = tf.reduce_mean(self._loss(tf.gather(y, indices), predicted))
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            total += loss
        return total / len(order)

    def _evaluate(self, splits):
        """Noisy training loss, then the loss of each split and the metric of each, dropout off."""
        (train_x, train_y), *_ = splits
        with _philox():
            noisy = tf.reduce_mean(self._loss(train_y, self.model(train_x, training=True)))
        # All splits in one pass: the model is traced once, and its random state moves once.
        predicted = self.model(tf.concat([x for x, _ in splits], axis=0), training=False)
        predicted = tf.split(predicted, [len(x) for x, _ in splits])
        pairs = [(y, p) for (_, y), p in zip(splits, predicted, strict=True)]
        losses = [tf.reduce_mean(self._loss(y, p)) for y, p in pairs]
        return [noisy, *losses, *(self._metric(y, p) for y, p in pairs)]

    def _losses(self, x, y):
        return tf.reduce_mean(self._loss(y, self.model(x, training=False)))

    def _gradient_norms(self, x, y):
        """Mean length of the gradient of a sequence's loss to its input at each step, noise on."""
        with tf.GradientTape() as tape, _philox():
            tape.watch(x)
            loss = tf.reduce_sum(self._loss(y, self.model(x, training=True)))
        return tf.reduce_mean(tf.norm(tape.gradient(loss, x), axis=-1), axis=0)


@contextlib.contextmanager
def _philox():
    """While a graph is traced, have dropout name its random generator.

    Keras leaves the choice to TensorFlow, whose default inside XLA takes 100 times as long on a
    CPU as Philox does (105 against 0.8 ms for 250,560 numbers, TensorFlow 2.21).
    """
    named = functools.partial(tf.nn.experimental.stateless_dropout, rng_alg="philox")
    with mock.patch.object(tf.nn.experimental, "stateless_dropout", named):
        yield


def weight_decay(run):
    """The factor of the optimizer's decoupled weight decay that an arm asks for, or None."""
    factors = {place: rate for place, _, rate in run.arm}
    return factors.get("weight_decay")


def batch_orders(seed, n, batch_size, epochs):
    """The indices of every batch of every epoch, the same for an arm and its twin.

    Returns
    -------
    ndarray of shape (epochs, n // batch_size, batch_size), int32
        The n % batch_size sequences that fill no batch are others in each epoch.
    """
    rng = np.random.default_rng(stream(seed, "batches", 1))
    batches = n // batch_size
    orders = np.stack([rng.permutation(n)[: batches * batch_size] for _ in range(epochs)])
    return orders.reshape(epochs, batches, batch_size).astype("int32")


def _accuracy(y, predicted):
    hits = tf.argmax(predicted, axis=-1, output_type=tf.int32) == y
    return tf.reduce_mean(tf.cast(hits, tf.float32))


def _r2(y, predicted):
    residual = tf.reduce_mean(tf.square(y - predicted))
    return 1.0 - residual / tf.reduce_mean(tf.square(y - tf.reduce_mean(y, axis=0)))


LOSS = {
    "crossentropy": functools.partial(
        keras.losses.sparse_categorical_crossentropy, from_logits=True
    ),
    "mse": keras.losses.mean_squared_error,
}
METRIC = {"accuracy": _accuracy, "r2": _r2}
