"""Layers that Keras lacks, for any Keras model: noise inside the LSTM and on words, each a module.

Written with `keras.ops`, for TensorFlow and JAX. The recurrent ones take every argument of
`keras.layers.LSTM`.
Importing this module registers them, so that `keras.saving.load_model` finds them in a file.
"""

from .embedding_dropout import EmbeddingDropout
from .recurrent_dropout import RecurrentDropoutLSTM, RecurrentDropoutLSTMCell
from .weight_drop import WeightDropLSTM, WeightDropLSTMCell
from .zoneout import ZoneoutLSTM, ZoneoutLSTMCell

__all__ = [
    "EmbeddingDropout",
    "RecurrentDropoutLSTM",
    "RecurrentDropoutLSTMCell",
    "WeightDropLSTM",
    "WeightDropLSTMCell",
    "ZoneoutLSTM",
    "ZoneoutLSTMCell",
]

# The noise of an arm inside the recurrence: the layer that makes it, and its argument for the rate.
ARGUMENTS = {
    "h": (RecurrentDropoutLSTM, "dropout_h"),
    "g": (RecurrentDropoutLSTM, "dropout_g"),
    "c": (RecurrentDropoutLSTM, "dropout_c"),
    "zoneout_c": (ZoneoutLSTM, "zoneout_c"),
    "zoneout_h": (ZoneoutLSTM, "zoneout_h"),
    "weight_drop": (WeightDropLSTM, "weight_drop"),
}
