"""A block of runs -> its numbers, with one XLA program an epoch, compiled once for all of an arm.

The reference among the engines: one network at a time, in TensorFlow.
"""

import contextlib
import functools
import runpy
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from ..tasks import load_task
from .draws import batch_orders, stream
from .losses import LOSS, METRIC
from .models import Start, build_model, build_optimizer, reader_of_units
from .probes import further_members, measure
from .records import COLUMNS, PROBED_AT

ENGINE = "tensorflow"
# Read from the file at the moment at which this code is imported, and not from what the process
# has imported before: a record is signed by the code that made it, whatever is edited meanwhile.
NUMERICS = runpy.run_path(str(Path(__file__).with_name("numerics.py")))["NUMERICS"]


def train_block(run, seeds):
    """Train the networks of a run at some seeds.

    Returns
    -------
    epochs : ndarray of shape (columns, seeds, epochs)
        The values of `COLUMNS` after each epoch.
    probes : ndarray of shape (2, seeds, probes)
        What ``run.probes`` find with the weights of the last epoch, and of the one with the lowest
        validation loss.
    seconds : list of float
        Wall time of each; the first seed of an arm pays for the compilation.

    Notes
    -----
    Every arm is evaluated after every epoch in the same way, since evaluating an LSTM with
    `dropout` moves its random state even though it drops nothing.
    """
    program = _program(replace(run, seed=0, epochs=1, probes=()))
    trained = []
    for seed in seeds:
        task = load_task(run.task, seed, **dict(run.options))
        trained.append(program.run(task, seed, run.epochs, run.probes))
    epochs, probes, seconds = zip(*trained, strict=True)
    return np.stack(epochs, axis=1), np.stack(probes, axis=1), list(seconds)


def device():
    """Name of the card that TensorFlow sees, or ``'CPU'``."""
    gpus = tf.config.list_physical_devices("GPU")
    details = map(tf.config.experimental.get_device_details, gpus)
    return next((each.get("device_name", "GPU") for each in details), "CPU")


class Program:
    """The model of a run, its optimizer and their compiled functions, for any of its seeds.

    For probes it is a block of one network.
    """

    def __init__(self, run):
        task = load_task(run.task, run.seed, **dict(run.options))  # for shapes, loss and padding
        self.model = build_model(task, run.arm, run.units, run.layers, run.head)
        self.optimizer = build_optimizer(run, self.model)
        self.batch_size = run.batch_size
        self._loss, self._metric = LOSS[task.loss], METRIC[task.metric]
        self._start = Start(self.model)
        self._fresh_optimizer = [(v, v.numpy()) for v in self.optimizer.variables]
        for name in ("_fit_epoch", "_evaluate", "_loss_of", "_outputs", "_gradient_norms"):
            setattr(self, name, tf.function(getattr(self, name), jit_compile=True))

    def run(self, task, seed, epochs, probes=()):
        """Train from the seed's initial weights: epochs (columns, epochs), probes, seconds."""
        start = time.perf_counter()
        others = {at: [] for at in PROBED_AT}
        for member in stream(seed, "members", further_members(probes)):
            _, checkpoints = self._fit(task, int(member), epochs, keep_best=True)
            for at, weights in checkpoints.items():
                self.model.set_weights(weights)
                others[at].append(self.outputs(task.test.x[None]))
        table, checkpoints = self._fit(task, seed, epochs, keep_best=bool(probes))
        probed = np.zeros((len(PROBED_AT), len(probes)))
        for k, at in enumerate(PROBED_AT if probes else ()):
            self.model.set_weights(checkpoints[at])
            seeds = stream(seed, "probes", len(probes))
            probed[k] = measure(self, [task], probes, [seeds], others[at])[0]
        return table, probed, round(time.perf_counter() - start, 3)

    def start(self, seed):
        """Put the model and its optimizer in the state that the seed stands for."""
        for variable, value in zip(self.model.variables, self._start(seed), strict=True):
            variable.assign(value)
        for variable, value in self._fresh_optimizer:
            variable.assign(value)

    def _fit(self, task, seed, epochs, keep_best):
        """Every epoch's values, and the weights of the last epoch and, if wanted, of the best."""
        self.start(seed)
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
        return np.array(history).T, {"last": self.model.get_weights(), "best": best_weights}

    # What the probes ask for: see `measure`.

    def losses(self, x, y, cut=None):
        """Mean loss, noise off; the layer above the first LSTM does not read the units of a cut."""
        if cut is None:
            return np.array([self._loss_of(tf.constant(x[0]), tf.constant(y[0]))])
        kernel = reader_of_units(self.model)
        whole = kernel.numpy()
        kernel.assign(np.where(cut[0][:, None], 0, whole))
        try:
            return self.losses(x, y)
        finally:
            kernel.assign(whole)

    def outputs(self, x, noisy=False):
        """Logits or values (1, n, outputs), with noise on or off."""
        return self._outputs(tf.constant(x[0]), noisy).numpy()[None]

    def gradient_norms(self, x, y):
        """Mean length of the gradient of a sequence's loss to its input at each step, noise on."""
        norms = self._gradient_norms(tf.constant(x[0]), tf.constant(y[0]))
        return norms.numpy().astype(np.float64)[None]

    @property
    def units(self):
        """Units of the first LSTM, or without one of the first hidden layer."""
        return reader_of_units(self.model).shape[0]

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
