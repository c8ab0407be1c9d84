"""Verses: which of eight books is this from? Short texts, a large vocabulary, few examples.

The eight longest books of the King James Version (1611), from Debian's bible-kjv-text 4.38.
"""

import numpy as np

from .base import Task, register
from .checks import check_integers
from .files import load_arrays
from .pools import drawn, splits_of

PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2  # tokens; words are numbered from 2 by their frequency
SHA256 = "76b446c466946fca86c3d832fc363e29adf2170cb88d1d2bc49e5bc7345123b5"


@register(margin=0.02)
def verses(seed=0, steps=24, vocabulary=4000, n_train=800, n_validation=400, n_test=800):
    """Verses of eight books as word tokens: the embedding has far more weights than the LSTM.

    The splits are drawn by `seed` from 11,575 verses. A sequence holds the first `steps` words of
    a verse, without punctuation or capitals, and 0 where a verse is shorter. An interval over seeds
    speaks of other draws from these eight books.

    Parameters
    ----------
    seed : int, default=0
        Draws the verses of each split.
    steps : int, default=24
        Words of a verse that are read; half of all verses have more.
    vocabulary : int, default=4000
        Number of tokens, at least 3: padding, one for all unknown words, and the most frequent.
    n_train, n_validation, n_test : int
        Verses of each split, at least 1, together no more than there are.

    Returns
    -------
    Task
        Sequences of shape (steps,), int32, below `vocabulary`; loss in nats.

    Examples
    --------
    >>> task = verses(seed=0)
    >>> task.train.x.shape, task.vocabulary, task.outputs
    ((800, 24), 4000, 8)
    """
    check_integers(steps=steps, n_train=n_train, n_validation=n_validation, n_test=n_test)
    check_integers(3, vocabulary=vocabulary)
    arrays = load_arrays("verses.npz", SHA256)
    sizes = {"n_train": n_train, "n_validation": n_validation, "n_test": n_test}
    parts = drawn(len(arrays["book"]), sizes, np.random.default_rng(seed))

    words = arrays["words"].astype(np.int32) + FIRST_WORD  # ranks: 0 is the most frequent word
    words[words >= vocabulary] = UNKNOWN
    tokens = np.full((len(arrays["book"]), steps), PADDING, np.int32)
    for row, verse in enumerate(np.split(words, np.cumsum(arrays["lengths"], dtype=int)[:-1])):
        tokens[row, : len(verse)] = verse[:steps]
    return Task(
        "verses", *splits_of(tokens, arrays["book"], parts), loss="crossentropy",
        outputs=len(arrays["books"]), margin=verses.margin, masked=True, vocabulary=vocabulary,
    )  # fmt: skip
