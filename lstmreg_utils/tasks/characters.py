"""Novels: which letter comes next? Six novels of Jane Austen (1811 to 1818), letter by letter.

Texts of Project Gutenberg, as shipped with Debian's r-cran-janeaustenr 1.0.0.
"""

import numpy as np

from .base import Split, Task, register
from .checks import check_integers
from .files import load_arrays

LETTERS = 27  # the space, and a to z
SHA256 = "0cb71be47ce46e66a743bcb9f94b39eecbc2ca7f76c30985cce554526c681ae6"


@register(margin=0.03)
def novels(seed=0, steps=24, stride=10, n_train=1200, n_validation=400, n_test=800):
    """The next letter of a novel after the last 24, in lower case and without punctuation.

    Targets stand `stride` letters apart in one stretch of a novel; the first train, the last test.
    The first 36 seeds take stretches that share no target, six of each novel; then they come again,
    with other networks. An interval over seeds speaks of other stretches of these novels.

    Parameters
    ----------
    seed : int, default=0
        Chooses the stretch: seed % 6 is the novel.
    steps, stride : int
        Letters in a sequence, and from one target to the next; at least 1.
    n_train, n_validation, n_test : int
        Targets of each split, at least 1; one stretch of them must fit into a novel.

    Returns
    -------
    Task
        Sequences of shape (steps,), int32, below 27, and as many classes; loss in nats.

    Examples
    --------
    >>> task = novels(seed=0)
    >>> "".join(" abcdefghijklmnopqrstuvwxyz"[letter] for letter in task.train.x[0])
    'emma by jane austen volu'
    """
    sizes = {"n_train": n_train, "n_validation": n_validation, "n_test": n_test}
    check_integers(steps=steps, stride=stride, **sizes)
    texts = load_arrays("novels.npz", SHA256)["chars"].astype(np.int32)
    targets = stride * np.arange(sum(sizes.values()))
    stretches = (texts.shape[1] - steps) // (stride * len(targets))
    if stretches == 0:
        raise ValueError(
            f"stride * ({' + '.join(sizes)}) must be at most {texts.shape[1] - steps}, "
            f"got {stride * len(targets)}"
        )
    later, novel = divmod(seed, len(texts))
    text = texts[novel]
    targets += steps + later % stretches * stride * len(targets)
    splits = [
        Split(text[part[:, None] + np.arange(-steps, 0)], text[part])
        for part in np.split(targets, np.cumsum([*sizes.values()])[:-1])
    ]
    return Task(
        "novels", *splits, loss="crossentropy", outputs=LETTERS, margin=novels.margin,
        vocabulary=LETTERS,
    )  # fmt: skip
