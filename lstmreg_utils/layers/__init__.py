"""Layers that Keras lacks, for any Keras model: noise inside the LSTM and on words, each a module.

Written with `keras.ops`, for TensorFlow and JAX. The recurrent ones take every argument of
`keras.layers.LSTM`. Once this is imported, `keras.saving.load_model` finds them in a file.
"""

from .embedding_dropout import EmbeddingDropout
from .recurrent_dropout import RecurrentDropoutLSTM, RecurrentDropoutLSTMCell
from .replaced import load_weights
from .weight_drop import WeightDropLSTM, WeightDropLSTMCell
from .zoneout import ZoneoutLSTM, ZoneoutLSTMCell

__all__ = [
    "EmbeddingDropout", "RecurrentDropoutLSTM", "RecurrentDropoutLSTMCell",
    "WeightDropLSTM", "WeightDropLSTMCell", "ZoneoutLSTM", "ZoneoutLSTMCell", "load_weights",
]  # fmt: skip
