"""JapaneseVowels: who speaks? Nine speakers, short sequences of unequal length, padded, masked.

Kudo, Toyama, Shimbo, Pattern Recognition Letters 20 (1999) 1103-1111;
UCI Machine Learning Repository, doi:10.24432/C5NS47.
"""

import numpy as np

from .base import Split, Task
from .files import load_arrays

SPEAKERS = 9
STEPS = 29  # the longest utterance of either split


def japanese_vowels(seed=0, per_speaker=30):
    """Utterances of /ae/ by nine men: 12 cepstrum coefficients a frame, 7 to 29 frames.

    The official training utterances train. The official test utterances, recorded on other
    occasions, are cut in two by `seed`, half of each speaker's for validation and half for test,
    so that early stopping is chosen on the kind of data that the test measures.
    Features are standardized with the frames of the training utterances; then sequences are
    padded with 0.0 on the right to 29 steps.

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

    Raises
    ------
    ValueError
        `per_speaker` is not an integer of 1 to 30.

    Examples
    --------
    >>> task = japanese_vowels(seed=0)
    >>> [len(split) for split in task.splits().values()]
    [270, 183, 187]
    """
    if not isinstance(per_speaker, int) or not 1 <= per_speaker <= 30:
        raise ValueError(f"per_speaker must be an integer of 1 to 30, got {per_speaker!r}")
    arrays = load_arrays("japanese_vowels.npz")
    rng = np.random.default_rng(seed)

    official = {part: _sequences(arrays, part) for part in ("train", "test")}
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
        name="japanese_vowels",
        train=split("train", kept),
        validation=split("test", validation),
        test=split("test", test),
        loss="crossentropy",
        outputs=SPEAKERS,
        margin=0.02,
        masked=True,
    )


def _sequences(arrays, part):
    """The frames of one official split, cut into utterances."""
    return np.split(arrays[f"x_{part}"], np.cumsum(arrays[f"len_{part}"])[:-1])


def _stratified(labels, count, rng):
    """Split indices in two: ``count(n)`` of each label's n drawn at random, and the others."""
    first, second = [], []
    for label in np.unique(labels):
        indices = rng.permutation(np.flatnonzero(labels == label))
        taken = count(len(indices))
        first.append(indices[:taken])
        second.append(indices[taken:])
    return np.concatenate(first), np.concatenate(second)
