"""Records without training, for tests of what is done with records."""

import numpy as np

from lstmreg_utils.lab import COLUMNS, NUMERICS, Record, Run
from lstmreg_utils.lab.records import PROBED_AT, encode


def made_up_record(run, seeds=None, numerics=NUMERICS, seconds=0.1, **made):
    """The record of a block: losses that fall from epoch to epoch, and tell the runs apart."""
    seeds = (run.seed,) if seeds is None else tuple(seeds)
    first = 1 + np.array(seeds, np.float32)[:, None] + 0.1 * len(run.arm)
    first = first + sum(noise.rate for noise in run.arm)
    epochs = np.stack([first / (1 + column) for column in range(len(COLUMNS))])
    epochs = epochs / np.arange(1, run.epochs + 1)
    probes = np.ones((len(PROBED_AT), len(seeds), len(run.probes)))
    return Record(
        run.setting, seeds, np.float32(epochs), np.float32(probes), (seconds,) * len(seeds),
        {"numerics": numerics, "engine": "none", "lstmreg_utils": "0.0.9", "date": "2026-01-01"}
        | dict.fromkeys(("python", "keras", "tensorflow", "numpy"), "0.0")
        | dict.fromkeys(("device", "processor", "system", "commit"), "none")
        | made,
    )  # fmt: skip


def made_up(run, seeds, **made):
    """What `train_block` gives, without training."""
    return encode([made_up_record(Run(**run), seeds, **made)])
