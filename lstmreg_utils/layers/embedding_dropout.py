"""Embedding dropout (Gal and Ghahramani 2016): whole words go, wherever they stand."""

import keras
from keras import ops

from ..rates import check_rate
from .noise import bernoulli, kept


@keras.saving.register_keras_serializable(package="lstmreg_utils")
class EmbeddingDropout(keras.layers.Embedding):
    """An `Embedding` that drops words in training: each sequence loses its own, at all steps.

    Dropping a word is dropping a row of the embedding matrix, the largest and often the only
    unregularized matrix of a language model (Gal and Ghahramani 2016, section 4.2, arXiv
    1512.05287). What stays is scaled by 1 / (1 - embedding_dropout), so that inference needs no
    factor.

    Parameters
    ----------
    input_dim, output_dim : int
        Size of the vocabulary, and width of the embedding.
    embedding_dropout : float, default=0.0
        Probability that a sequence loses a word of the vocabulary, in [0, 1).
    seed : int, optional
        Of the masks.
    **kwargs
        As for `keras.layers.Embedding`.

    Examples
    --------
    >>> layer = EmbeddingDropout(100, 8, embedding_dropout=0.5)
    >>> tuple(layer(keras.ops.array([[3, 7, 3]])).shape)
    (1, 3, 8)
    """

    def __init__(self, input_dim, output_dim, embedding_dropout=0.0, seed=None, **kwargs):
        super().__init__(input_dim, output_dim, **kwargs)
        self.embedding_dropout = check_rate("embedding_dropout", embedding_dropout, limit=False)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        """From tokens (batch, steps) to vectors (batch, steps, output_dim)."""
        embedded = super().call(inputs)
        if not training or self.embedding_dropout == 0:
            return embedded
        words = (ops.shape(inputs)[0], self.input_dim)
        (dropped,) = bernoulli([self.embedding_dropout], words, self.seed_generator)
        dropped = ops.take_along_axis(dropped, ops.cast(inputs, "int32"), axis=1)
        return kept(embedded, dropped[..., None], self.embedding_dropout)

    def compute_output_spec(self, inputs, training=False):
        """Of Keras' own layer, which has no argument `training`."""
        return super().compute_output_spec(inputs)

    def get_config(self):
        """All arguments, so that a saved model is made again as it was."""
        own = {"embedding_dropout": self.embedding_dropout, "seed": self.seed}
        return {**super().get_config(), **own}
