"""Peptides: when does it leave the column? Strings over twenty amino acids, with one real value.

The example of the Python package deeplc 4.5.0: peptides of a HeLa lysate (PRIDE PXD000674, Vaudel
et al., Proteomics 14, 2014, 1001-1005), identified by Sage and MS2Rescore in one run.
"""

import numpy as np

from .base import Task, register
from .checks import check_integers
from .files import load_arrays
from .pools import drawn, splits_of

RESIDUES = 20
STEPS = 30  # the longest peptide
SHA256 = "90b5c6355023afef9cd3f55d86348508fe7cb0fa0103344af84362719c0fc733"


@register(margin=0.004)
def peptides(seed=0, n_train=500, n_validation=500, n_test=1000, max_q=0.01):
    """Retention time of a peptide in a chromatograph, from its amino acids as tokens.

    Seeds draw from one pool of 2,742 distinct peptides: an interval over them speaks of other draws
    from this one run of an instrument.

    Parameters
    ----------
    seed : int, default=0
        Draws the peptides of each split.
    n_train, n_validation, n_test : int
        Peptides of each split, at least 1, together no more than there are.
    max_q : float, default=0.01
        Highest q-value, in (0, 1], of the identifications that are used. With 1 there are 506 more,
        most of them wrong, whose sequence has nothing to do with their time.

    Returns
    -------
    Task
        Sequences of shape (30,), int32: 1 to 20, and 0 after the end; squared error in training
        variances of the time.

    Examples
    --------
    >>> task = peptides(seed=0)
    >>> task.train.x.shape, task.vocabulary
    ((500, 30), 21)
    """
    sizes = {"n_train": n_train, "n_validation": n_validation, "n_test": n_test}
    check_integers(**sizes)
    if not 0 < max_q <= 1:
        raise ValueError(f"max_q must lie in (0, 1], got {max_q!r}")
    arrays = load_arrays("peptides.npz", SHA256)
    lengths = arrays["lengths"].astype(int)
    tokens = np.zeros((len(lengths), STEPS), np.int32)
    tokens[np.arange(STEPS) < lengths[:, None]] = arrays["residues"] + 1  # row after row
    used = arrays["qvalue"] <= max_q
    parts = drawn(used.sum(), sizes, np.random.default_rng(seed))
    splits = splits_of(tokens[used], arrays["minutes"][used, None], parts)
    return Task(
        "peptides", *splits, loss="mse", outputs=1, margin=peptides.margin, masked=True,
        vocabulary=RESIDUES + 1,
    )  # fmt: skip
