"""JapaneseVowels: who speaks? Nine speakers, short sequences of unequal length, padded, masked.

Kudo, Toyama, Shimbo, Pattern Recognition Letters 20 (1999) 1103-1111;
UCI Machine Learning Repository, doi:10.24432/C5NS47.
"""

import numpy as np

from .base import Split, Task, register
from .checks import check_integers
from .files import load_arrays

SPEAKERS = 9
STEPS = 29  # the longest utterance of either split
SHA256 = "776902ee13475f28c2f299e5e7147b5cb376c64b90f9ccc5f4bb3af2c70b40f8"


@register(margin=0.02, short="speakers")
def japanese_vowels(seed=0, per_speaker=30):
    """Utterances of /ae/ by nine men: 12 cepstrum coefficients a frame, 7 to 29 frames.

    The official training utterances train. The official test utterances, recorded on other
    occasions, are cut in two by `seed`, half of each speaker's for validation and half for test,
    so that early stopping is chosen on the kind of data that the test measures. Features are
    standardized with the frames that train; then 0.0 on the right fills each sequence to 29 steps.
    An interval over seeds speaks of other halves and other networks, not of other speakers.

    Parameters
    ----------
    seed : int, default=0
        Chooses the validation half, and the utterances that train if `per_speaker` < 30.
    per_speaker : int, default=30
        Training utterances a speaker, 1 to 30.

    Returns
    -------
    Task
        270 (9 x per_speaker) / 183 / 187 sequences of shape (29, 12); loss in nats.

    Examples
    --------
    >>> [len(split) for split in japanese_vowels(seed=0).splits().values()]
    [270, 183, 187]
    """
    check_integers(1, 30, per_speaker=per_speaker)
    arrays = load_arrays("japanese_vowels.npz", SHA256)
    rng = np.random.default_rng(seed)

    official = {  # lists of utterances
        part: np.split(arrays[f"x_{part}"], np.cumsum(arrays[f"len_{part}"])[:-1])
        for part in ("train", "test")
    }
    kept, _ = _stratified(arrays["y_train"], lambda n: per_speaker, rng)
    validation, test = _stratified(arrays["y_test"], lambda n: n // 2, rng)

    frames = np.concatenate([official["train"][i] for i in kept])
    mean, scale = frames.mean(axis=0), frames.std(axis=0)

    def split(part, indices):
        x = np.zeros((len(indices), STEPS, frames.shape[1]), np.float32)
        for row, i in enumerate(indices):
            sequence = official[part][i]
            x[row, : len(sequence)] = (sequence - mean) / scale
        return Split(x, arrays[f"y_{part}"][indices])

    return Task(
        "japanese_vowels", split("train", kept), split("test", validation), split("test", test),
        loss="crossentropy", outputs=SPEAKERS, margin=japanese_vowels.margin, masked=True,
    )  # fmt: skip


def _stratified(labels, count, rng):
    """Split indices in two: ``count(n)`` of each label's n drawn at random, and the others."""
    drawn = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    first = [indices[: count(len(indices))] for indices in drawn]
    second = [indices[count(len(indices)) :] for indices in drawn]
    return np.concatenate(first), np.concatenate(second)
