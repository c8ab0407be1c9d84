"""Verses: which of eight books is this from? Short texts, a large vocabulary, few examples.

The eight longest books of the King James Version (1611), from Debian's bible-kjv-text 4.38.
"""

import numpy as np

from .base import Split, Task
from .files import load_arrays

PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2  # tokens; words are numbered from 2 by their frequency


def verses(seed=0, steps=24, vocabulary=4000, n_train=800, n_validation=400, n_test=800):
    """Verses of eight books as word tokens: the embedding has far more weights than the LSTM.

    The splits are drawn by `seed` from 11,575 verses. A sequence holds the first `steps` words of
    a verse, without punctuation or capitals, and 0 where a verse is shorter.

    Parameters
    ----------
    seed : int, default=0
        Draws the verses of each split.
    steps : int, default=24
        Words of a verse that are read; half of all verses have more.
    vocabulary : int, default=4000
        Number of tokens: padding, one for all unknown words, and the most frequent words.
    n_train, n_validation, n_test : int
        Verses of each split.

    Returns
    -------
    Task
        Sequences of shape (steps,), int32, below `vocabulary`; loss in nats.

    Raises
    ------
    ValueError
        A size below 1 (a vocabulary below 3), or more verses than there are.

    Examples
    --------
    >>> task = verses(seed=0)
    >>> task.train.x.shape, task.vocabulary, task.outputs
    ((800, 24), 4000, 8)
    """
    sizes = {"steps": steps, "n_train": n_train, "n_validation": n_validation, "n_test": n_test}
    for name, size in {**sizes, "vocabulary": vocabulary}.items():
        least = 3 if name == "vocabulary" else 1
        if not isinstance(size, int) or size < least:
            raise ValueError(f"{name} must be an integer of at least {least}, got {size!r}")
    arrays = load_arrays("verses.npz")
    total = n_train + n_validation + n_test
    if total > len(arrays["book"]):
        raise ValueError(
            f"n_train + n_validation + n_test must be at most {len(arrays['book'])}, got {total}"
        )

    words = arrays["words"].astype(np.int32) + FIRST_WORD  # ranks: 0 is the most frequent word
    words[words >= vocabulary] = UNKNOWN
    tokens = np.full((len(arrays["book"]), steps), PADDING, np.int32)
    for row, verse in enumerate(np.split(words, np.cumsum(arrays["lengths"], dtype=int)[:-1])):
        tokens[row, : len(verse)] = verse[:steps]
    books = arrays["book"].astype(np.int32)

    drawn = np.random.default_rng(seed).permutation(len(books))[:total]
    parts = np.split(drawn, [n_train, n_train + n_validation])
    train, validation, test = (Split(tokens[part], books[part]) for part in parts)
    return Task(
        name="verses",
        train=train,
        validation=validation,
        test=test,
        loss="crossentropy",
        outputs=len(arrays["books"]),
        margin=0.02,
        masked=True,
        vocabulary=vocabulary,
    )
