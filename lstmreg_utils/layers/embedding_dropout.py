"""Embedding dropout (Gal and Ghahramani 2016): whole words go, wherever they stand."""

import keras
from keras import ops

from ..rates import check_rate
from .noise import bernoulli, kept
from .noisy_lstm import OF_ANOTHER

LARGE = 1000  # words: of more, a number is drawn for each token, though they must be sorted


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
        weights = kwargs.pop("weights", None)
        super().__init__(input_dim, output_dim, **kwargs)
        self.embedding_dropout = check_rate("embedding_dropout", embedding_dropout, limit=False)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        if weights is not None:  # now, as a layer that is built can be given no generator
            self.build()
            self.set_weights(weights if isinstance(weights, list) else [weights])

    def call(self, inputs, training=False):
        """From tokens (batch, ...) to vectors (batch, ..., output_dim)."""
        embedded = super().call(inputs)
        if not training or self.embedding_dropout == 0:
            return embedded
        tokens = ops.reshape(ops.cast(inputs, "int32"), (ops.shape(inputs)[0], -1))
        large = self.input_dim > LARGE
        words = ops.shape(tokens) if large else (ops.shape(tokens)[0], self.input_dim)
        (dropped,) = bernoulli([self.embedding_dropout], words, self.seed_generator)
        dropped = ops.take_along_axis(dropped, _numbered(tokens) if large else tokens, axis=1)
        dropped = ops.reshape(dropped, ops.shape(inputs))
        return kept(embedded, dropped[..., None], self.embedding_dropout)

    def compute_output_spec(self, inputs, training=False):
        """Of Keras' own layer, which has no argument `training`."""
        return super().compute_output_spec(inputs)

    def load_own_variables(self, store):
        """As Keras does; of a file of the layer that this one replaces it says what to do."""
        if not store.keys():
            raise ValueError(OF_ANOTHER)
        super().load_own_variables(store)

    def get_config(self):
        """All arguments, so that a saved model is made again as it was."""
        own = {"embedding_dropout": self.embedding_dropout, "seed": self.seed}
        return {**super().get_config(), **own}


def _numbered(tokens):
    """The words of each row, by number: equal tokens have one, and so share a mask."""
    order = ops.argsort(tokens, axis=1)
    ranked = ops.take_along_axis(tokens, order, axis=1)
    new = ops.concatenate([ops.ones_like(ranked[:, :1]), ops.cast(
        ranked[:, 1:] != ranked[:, :-1], ranked.dtype)], axis=1)  # fmt: skip
    group = ops.cumsum(new, axis=1) - 1
    return ops.take_along_axis(group, ops.argsort(order, axis=1), axis=1)
