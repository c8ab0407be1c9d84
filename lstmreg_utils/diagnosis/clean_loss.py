"""For a model of one's own: the training loss that Keras does not show."""

import keras


class CleanTrainingLoss(keras.callbacks.Callback):
    """After every epoch, measure the training loss with dropout off.

    The ``loss`` of a Keras history is the mean over the epoch's batches, with dropout on and with
    weights that were still moving. This callback adds ``clean_loss`` to the history: the same
    data, the weights at the end of the epoch, dropout off, as ``val_loss`` is measured. As
    evaluating an LSTM with `dropout` or `recurrent_dropout` moves its random state, give the
    callback to every model of a comparison, or to none.

    Parameters
    ----------
    x, y : array-like
        The training data, as given to `fit`; evaluated `batch_size` sequences at a time.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.zeros((8, 3, 1)), np.zeros((8, 1))
    >>> model = keras.Sequential([keras.layers.LSTM(2, dropout=0.5), keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[CleanTrainingLoss(x, y)])
    >>> sorted(history.history)
    ['clean_loss', 'loss']
    """

    def __init__(self, x, y, batch_size=256):
        super().__init__()
        self.x, self.y, self.batch_size = x, y, batch_size

    def on_epoch_end(self, epoch, logs=None):
        """Add ``clean_loss`` to the logs, and so to the history."""
        how = {"batch_size": self.batch_size, "verbose": 0, "return_dict": True}
        logs["clean_loss"] = self.model.evaluate(self.x, self.y, **how)["loss"]
