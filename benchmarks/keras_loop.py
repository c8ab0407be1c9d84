"""A run trained by plain `model.fit`: what the compiled epoch of `lstmreg_utils` is held against.

Shared by the throughput benchmark and the tests.
"""

import keras
import numpy as np
import tensorflow as tf

from lstmreg_utils import load_task
from lstmreg_utils.lab import COLUMNS
from lstmreg_utils.lab.draws import batch_orders
from lstmreg_utils.lab.models import Start, build_model
from lstmreg_utils.lab.tensorflow_engine import _philox

LOSSES = {
    "crossentropy": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "mse": keras.losses.MeanSquaredError(),
}
METRICS = {"crossentropy": ["accuracy"], "mse": []}


class CleanLosses(keras.callbacks.Callback):
    """After every epoch, the training and the test loss with dropout off."""

    def __init__(self, task, batch_size):
        super().__init__()
        self.splits = {"train": task.train, "test": task.test}
        self.batch_size = batch_size

    def on_epoch_end(self, epoch, logs=None):
        """Add them to the history."""
        for name, split in self.splits.items():
            loss, *_ = self.model.evaluate(
                split.x, split.y, batch_size=self.batch_size, verbose=0, return_dict=False
            )
            logs[f"clean_{name}"] = loss


def compiled_model(run, task, jit_compile="auto"):
    """A model of its own for a run, with the initial weights of its seed."""
    model = build_model(task, run.arm, run.units, run.layers, run.head)
    for variable, value in zip(model.variables, Start(model)(run.seed), strict=True):
        variable.assign(value)
    model.compile(
        keras.optimizers.Adam(run.learning_rate),
        LOSSES[task.loss],
        metrics=METRICS[task.loss],
        jit_compile=jit_compile,
    )
    return model


def fit(run, orders=None):
    """Train a run as a reader would write it.

    One model built and compiled for it, `validation_data`, and a callback for the losses that
    Keras does not report. Everything else is Keras' default; without a GPU that is no XLA.

    Parameters
    ----------
    run : Run
    orders : ndarray, optional
        Batches as from `batch_orders`; shuffled by Keras unless given.

    Returns
    -------
    dict of str to list of float
        ``reported``, ``train``, ``validation`` and ``test`` loss after each epoch.
    """
    task = load_task(run.task, run.seed, **dict(run.options))
    model = compiled_model(run, task)
    if orders is None:
        data = {"x": task.train.x, "y": task.train.y, "batch_size": run.batch_size}
    else:
        batches = tf.data.Dataset.from_tensor_slices(orders.reshape(-1, run.batch_size))
        x, y = tf.constant(task.train.x), tf.constant(task.train.y)
        data = {
            "x": batches.map(lambda batch: (tf.gather(x, batch), tf.gather(y, batch))),
            "steps_per_epoch": orders.shape[1],
            "shuffle": False,
        }
    history = model.fit(
        **data,
        epochs=run.epochs,
        validation_data=(task.validation.x, task.validation.y),
        validation_batch_size=run.batch_size,
        callbacks=[CleanLosses(task, run.batch_size)],
        verbose=0,
    ).history
    return {
        "reported": history["loss"],
        "train": history["clean_train"],
        "validation": history["val_loss"],
        "test": history["clean_test"],
    }


def fit_like_study(run):
    """Train a run by `model.fit` with the batches, the noise and the evaluations of `study`.

    One call of `fit` an epoch, in the order of `batch_orders`; then one pass over the training
    split with dropout on and one over all splits with dropout off, since each moves the random
    state of an LSTM that drops something. XLA and TensorFlow's own kernels draw other masks from
    the same state, so this one is compiled by XLA as well.

    Returns
    -------
    dict of str to list of float
        The losses of `lstmreg_utils.lab.COLUMNS` after each epoch.
    """
    task = load_task(run.task, run.seed, **dict(run.options))
    loss = LOSSES[task.loss]
    splits = list(task.splits().values())
    everything = np.concatenate([split.x for split in splits])
    ends = np.cumsum([len(split) for split in splits])[:-1]
    rows = []
    with _philox():
        model = compiled_model(run, task, jit_compile=True)
        noisy_pass = tf.function(lambda x: model(x, training=True), jit_compile=True)
        clean_pass = tf.function(lambda x: model(x, training=False), jit_compile=True)
        for order in batch_orders(run.seed, len(task.train), run.batch_size, run.epochs):
            x, y = task.train.x[order.ravel()], task.train.y[order.ravel()]
            fitted = model.fit(x, y, batch_size=run.batch_size, shuffle=False, verbose=0).history
            noisy = loss(task.train.y, noisy_pass(task.train.x))
            predicted = np.split(clean_pass(everything), ends)
            clean = [loss(split.y, p) for split, p in zip(splits, predicted, strict=True)]
            rows.append([fitted["loss"][0], *map(float, (noisy, *clean))])
    return dict(zip(COLUMNS[:5], np.array(rows).T.tolist(), strict=True))
