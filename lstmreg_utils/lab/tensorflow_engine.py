"""One run -> its numbers, with one XLA program an epoch, compiled once for all seeds of an arm.

The reference among the engines: one network at a time, in TensorFlow.
"""

import contextlib
import functools
import runpy
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ..tasks import load_task
from .losses import LOSS, METRIC
from .models import Seeder, build_model, drawn_weights, stream
from .probes import further_members, measure
from .records import COLUMNS

ENGINE = "tensorflow"
# Read from the file at the moment at which this code is imported, and not from what the process
# has imported before: a record is signed by the code that made it, whatever is edited meanwhile.
NUMERICS = runpy.run_path(str(Path(__file__).with_name("numerics.py")))["NUMERICS"]


def train(run):
    """Train the network of one run.

    Returns
    -------
    epochs : dict of str to list of float
        For each of `COLUMNS` the value after each epoch.
    probes : dict of str to list of float
        ``'last'`` and ``'best'``: what each of ``run.probes`` finds with the weights of the last
        epoch, and of the one with the lowest validation loss.
    seconds : float
        Wall time; the first seed of an arm pays for the compilation, the others do not.

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


class Program:
    """The model of a run, its optimizer and their compiled functions, for any of its seeds."""

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
        for name in ("_fit_epoch", "_evaluate", "_loss_of", "_outputs", "_gradient_norms"):
            setattr(self, name, tf.function(getattr(self, name), jit_compile=True))

    def run(self, task, seed, epochs, probes=()):
        """Train from the seed's initial weights; see `train` for what comes back."""
        start = time.perf_counter()
        others = {"last": [], "best": []}
        for member in stream(seed, "members", further_members(probes)):
            _, checkpoints = self._fit(task, int(member), epochs, keep_best=True)
            for at, weights in checkpoints.items():
                self.model.set_weights(weights)
                others[at].append(self.outputs(task.test.x))
        table, checkpoints = self._fit(task, seed, epochs, keep_best=bool(probes))
        probed = {}
        for at, weights in checkpoints.items() if probes else ():
            self.model.set_weights(weights)
            seeds = stream(seed, "probes", len(probes))
            probed[at] = measure(self, task, probes, seeds, others[at])
        return table, probed, time.perf_counter() - start

    def _fit(self, task, seed, epochs, keep_best):
        """Every epoch's values, and the weights of the last epoch and, if wanted, of the best."""
        self._seed_model(seed)
        for variable, value in self._fresh_optimizer:
            variable.assign(value)
        splits = [(tf.constant(s.x), tf.constant(s.y)) for s in task.splits().values()]
        history = []
        best, best_weights = np.inf, self.model.get_weights()
        for order in batch_orders(seed, len(task.train), self.batch_size, epochs):
            reported = self._fit_epoch(*splits[0], tf.constant(order))
            values = np.array([reported, *self._evaluate(splits)], np.float64)
            history.append(values)
            validation = values[COLUMNS.index("validation")]
            if keep_best and validation < best:
                best, best_weights = validation, self.model.get_weights()
        table = dict(zip(COLUMNS, np.array(history).T.tolist(), strict=True))
        return table, {"last": self.model.get_weights(), "best": best_weights}

    # What the probes ask for.

    def loss(self, x, y):
        """Mean loss, noise off."""
        return float(self._loss_of(tf.constant(x), tf.constant(y)))

    def outputs(self, x, noisy=False):
        """Logits or values (n, outputs), with noise on or off."""
        return self._outputs(tf.constant(x), noisy).numpy()

    def gradient_norms(self, x, y):
        """Mean length of the gradient of a sequence's loss to its input at each step, noise on."""
        return self._gradient_norms(tf.constant(x), tf.constant(y)).numpy().astype(np.float64)

    @property
    def units(self):
        """Units of the first LSTM, or without one of the first hidden layer."""
        return self._reader().shape[0]

    @contextlib.contextmanager
    def cut(self, units):
        """For a while, the layer above the first LSTM does not read some of its units."""
        kernel = self._reader()
        whole = kernel.numpy()
        kernel.assign(np.where(np.isin(np.arange(len(whole)), units)[:, None], 0, whole))
        try:
            yield
        finally:
            kernel.assign(whole)

    def _reader(self):
        """The kernel that reads the first LSTM's outputs, of shape (units, ...)."""
        kernels = [weight for name, weight, _ in drawn_weights(self.model) if name == "kernel"]
        if len(kernels) < 2:
            raise ValueError("probes of units need an LSTM or a hidden layer, got neither")
        return kernels[1]

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

    def _loss_of(self, x, y):
        return tf.reduce_mean(self._loss(y, self.model(x, training=False)))

    def _outputs(self, x, noisy):
        with _philox() if noisy else contextlib.nullcontext():
            return self.model(x, training=noisy)

    def _gradient_norms(self, x, y):
        with tf.GradientTape() as tape, _philox():
            tape.watch(x)
            loss = tf.reduce_sum(self._loss(y, self.model(x, training=True)))
        return tf.reduce_mean(tf.norm(tape.gradient(loss, x), axis=-1), axis=0)


# By setting. One is kept, since the seeds of an arm come one after another.
_program = functools.lru_cache(maxsize=1)(Program)


@contextlib.contextmanager
def _philox():
    """While a graph is traced, have dropout name its random generator.

    Keras leaves the choice to TensorFlow, whose default inside XLA takes 100 times as long on a
    CPU as Philox does (105 against 0.8 ms for 250,560 numbers, TensorFlow 2.21).
    """
    unnamed = tf.nn.experimental.stateless_dropout
    tf.nn.experimental.stateless_dropout = functools.partial(unnamed, rng_alg="philox")
    try:
        yield
    finally:
        tf.nn.experimental.stateless_dropout = unnamed


def weight_decay(run):
    """The factor of the optimizer's decoupled weight decay that an arm asks for, or None."""
    return {place: rate for place, _, rate in run.arm}.get("weight_decay")


def batch_orders(seed, n, batch_size, epochs):
    """The batches of every epoch, (epochs, n // batch_size, batch_size), alike for arm and twin.

    The n % batch_size sequences that fill no batch are others in each epoch.
    """
    rng = np.random.default_rng(stream(seed, "batches", 1))
    batches = n // batch_size
    orders = np.stack([rng.permutation(n)[: batches * batch_size] for _ in range(epochs)])
    return orders.reshape(epochs, batches, batch_size).astype("int32")
