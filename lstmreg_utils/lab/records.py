r"""What training leaves behind, and the one form of file that holds it, of one run or of a study.

A file is four parts, and nothing in it is run when it is read::

    lstmreg_utils records 1\n
    sha256 of all that follows, in hexadecimal\n
    index, one line of JSON: what the blocks are, and what made them\n
    zlib: float32 columns, block by block, low bytes first, first bytes of all numbers together

Numbers that lie close have the same high bytes, so sorting the bytes shortens them by a tenth.
"""

import hashlib
import json
import os
import stat
import zlib
from dataclasses import dataclass, replace

import numpy as np

from ..tasks import DamagedFileError
from ..tasks.checks import check_integers
from .runs import FIELDS, Run

# What a record holds of every epoch. Losses with dropout off, except the first two.
COLUMNS = (
    "reported",  # mean over the epoch's batches, dropout on, weights moving: Keras' own "loss"
    "noisy",  # training split, dropout on, weights as they are at the end of the epoch
    "train",
    "validation",
    "test",
    "train_metric",
    "validation_metric",
    "test_metric",
)
PROBED_AT = ("last", "best")
FORM = b"lstmreg_utils records 1"
MOST_BYTES = 2**28  # of a file, and of its numbers: no bomb is unpacked


@dataclass(frozen=True, eq=False)
class Record:
    """The numbers of a block of runs, and what made them."""

    run: Run  #: what the runs have in common, with seed 0
    seeds: tuple  #: of the runs, in the order of the numbers
    epochs: np.ndarray  #: (columns, seeds, epochs), float32, in the order of `COLUMNS`
    probes: np.ndarray  #: (2, seeds, probes), float32, at the last epoch and at the best
    seconds: tuple  #: wall time of each run
    made: dict  #: numerics, engine, versions, device, processor, commit, date

    def runs(self):
        """The runs, in the order of their seeds."""
        return [self.run.with_seed(seed) for seed in self.seeds]

    def take(self, positions):
        """A record of some of the runs, by their position."""
        return replace(
            self,
            seeds=tuple(self.seeds[k] for k in positions),
            epochs=self.epochs[:, positions],
            probes=self.probes[:, positions],
            seconds=tuple(self.seconds[k] for k in positions),
        )


def join(records):
    """Records of the same setting that were made in the same way, as one each."""
    groups, joined = {}, []
    for record in records:
        key = record.run, json.dumps(record.made, sort_keys=True)
        groups.setdefault(key, []).append(record)
    for group in groups.values():
        whole = replace(
            group[0],
            seeds=tuple(seed for record in group for seed in record.seeds),
            epochs=np.concatenate([record.epochs for record in group], axis=1),
            probes=np.concatenate([record.probes for record in group], axis=1),
            seconds=tuple(second for record in group for second in record.seconds),
        )
        joined.append(whole.take(np.argsort(whole.seeds)))
    return joined


def encode(records):
    """Records as the bytes of a file. See `decode`."""
    made = []
    for record in records:
        if record.made not in made:
            made.append(record.made)
    blocks = [
        {
            "run": {name: getattr(record.run, name) for name in FIELDS if name != "seed"},
            "seeds": record.seeds,
            "seconds": record.seconds,
            "made": made.index(record.made),
        }
        for record in records
    ]
    index = {"columns": COLUMNS, "blocks": blocks, "made": made}
    parts = [part.ravel() for record in records for part in (record.epochs, record.probes)]
    numbers = np.concatenate(parts).astype("<f4").view(np.uint8)
    packed = zlib.compress(np.ascontiguousarray(numbers.reshape(-1, 4).T).tobytes(), 9)
    body = json.dumps(index, separators=(",", ":")).encode() + b"\n" + packed
    return b"\n".join((FORM, hashlib.sha256(body).hexdigest().encode(), body))


def decode(data):
    """Records from the bytes of a file, or a DamagedFileError unless they are what was written."""
    form, _, rest = data.partition(b"\n")
    digest, _, body = rest.partition(b"\n")
    if form != FORM:
        raise DamagedFileError("not a file of records, or of another version of the package")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise DamagedFileError("its content was changed after it was written")
    line, _, packed = body.partition(b"\n")
    try:
        index = json.loads(line)
        if tuple(index["columns"]) != COLUMNS:
            raise ValueError(f"columns must be {COLUMNS}")
        heads = [_head(block, index["made"]) for block in index["blocks"]]
        sizes = [
            (len(seeds) * len(COLUMNS) * run.epochs, len(seeds) * len(PROBED_AT) * len(run.probes))
            for run, seeds, *_ in heads
        ]
        numbers = _unpack(packed, sum(map(sum, sizes)))
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, zlib.error) as error:
        raise DamagedFileError(f"not a record ({type(error).__name__}: {error})") from error
    records = []
    for (run, seeds, seconds, made), cuts in zip(heads, sizes, strict=True):
        epochs, probes, numbers = np.split(numbers, np.cumsum(cuts))
        epochs = epochs.reshape(len(COLUMNS), len(seeds), run.epochs)
        probes = probes.reshape(len(PROBED_AT), len(seeds), len(run.probes))
        records.append(Record(run, seeds, epochs, probes, seconds, made))
    return records


def read_file(path):
    """The records of a file, or a DamagedFileError that names it."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for, a device never ends
            raise DamagedFileError("not a regular file")
        if status.st_size > MOST_BYTES:
            raise DamagedFileError(f"{status.st_size} bytes, more than a file of records has")
        with open(path, "rb") as file:
            return decode(file.read(MOST_BYTES))
    except (DamagedFileError, OSError) as error:
        raise DamagedFileError(f"{path}: {error}") from error


def _head(block, made):
    """Of a block of the index: the run, the seeds, the seconds and what made it, checked."""
    run = Run(**block["run"])
    seeds, seconds = (tuple(block[name]) for name in ("seeds", "seconds"))
    if not seeds or len({*seeds}) < len(seeds) or len(seconds) != len(seeds):
        raise ValueError("seeds must be different, with as many seconds")
    for seed in seeds:
        check_integers(0, seed=seed)
    how = made[block["made"]]
    numbers = all(isinstance(second, (int, float)) for second in seconds)
    if not (numbers and isinstance(how, dict) and isinstance(how["numerics"], int)):
        raise TypeError("seconds must be numbers, and made must say the numerics")
    return run, seeds, seconds, how


def _unpack(packed, size):
    """As many float32 as the index asks for, or an error; no more are unpacked than that."""
    if size > MOST_BYTES // 4:
        raise ValueError(f"{size} numbers, more than a file of records has")
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(packed, 4 * size + 1)
    if len(content) != 4 * size or not unpacking.eof or unpacking.unused_data:
        raise ValueError(f"its numbers must be {size}")
    shuffled = np.frombuffer(content, np.uint8).reshape(4, size)
    return np.ascontiguousarray(shuffled.T).reshape(-1).view("<f4").astype(np.float32, copy=False)
