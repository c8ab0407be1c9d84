"""Weights of Keras' own layers for a model in which layers of this package took their place."""

import contextlib

from .embedding_dropout import EmbeddingDropout
from .recurrent_dropout import RecurrentDropoutLSTM
from .weight_drop import WeightDropLSTM
from .zoneout import ZoneoutLSTM

REPLACED = {
    EmbeddingDropout: "Embedding", RecurrentDropoutLSTM: "LSTM", WeightDropLSTM: "LSTM",
    ZoneoutLSTM: "LSTM",
}  # fmt: skip


def load_weights(model, path, **options):
    """`model.load_weights`, from a file of the same model with Keras' own layers.

    Keras looks for a layer in a file under the name of its class, `lstm` for `LSTM`.

    Parameters
    ----------
    model : keras.Model
        Built, with `ZoneoutLSTM`, `RecurrentDropoutLSTM`, `WeightDropLSTM` or `EmbeddingDropout`
        where the model of the file has `LSTM` or `Embedding`.
    path : path
        A ``.weights.h5`` or ``.keras`` file.
    **options
        As for `model.load_weights`.

    Examples
    --------
    >>> import keras, os, tempfile
    >>> def made(lstm):
    ...     return keras.Sequential([keras.Input((5, 2)), lstm])
    >>> path = os.path.join(tempfile.mkdtemp(), "mine.weights.h5")
    >>> made(keras.layers.LSTM(3)).save_weights(path)
    >>> load_weights(made(ZoneoutLSTM(3, zoneout_c=0.5)), path)
    """
    with contextlib.ExitStack() as stack:
        for kind, name in REPLACED.items():
            stack.callback(setattr, kind, "__name__", kind.__name__)
            kind.__name__ = name
        model.load_weights(path, **options)
