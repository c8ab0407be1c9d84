"""The same batches for an arm and its twin, from data as `fit` takes them."""

import zlib

import keras
import numpy as np

from .measuring import holds_batches

SPLITS = ("train", "validation", "test")
SHARE = 0.2  # of arrays that come unsplit: for validation, and for the test


def split(data):
    """Training, validation and test data, and in words how they came about.

    Parameters
    ----------
    data : dict or tuple
        ``{'train': ..., 'validation': ..., 'test': ...}``, each as `fit` takes it; or arrays
        ``(x,)``, ``(x, y)``, ``(x, y, sample_weight)``, whose last fifth tests and the fifth
        before validates, in the order in which they lie.

    Examples
    --------
    >>> parts, told = split((np.zeros((10, 3)), np.zeros(10)))
    >>> {name: len(part[0]) for name, part in parts.items()}
    {'train': 6, 'validation': 2, 'test': 2}
    """
    if isinstance(data, dict) and {*SPLITS} <= {*data}:
        parts = {name: data[name] for name in SPLITS}
        return parts | {"train": in_memory(data["train"], "train")}, "as given"
    if not isinstance(data, tuple) or len(data) not in (1, 2, 3):
        got = f"a dict of {[*data]}" if isinstance(data, dict) else type(data).__name__
        raise ValueError(
            f"data must be a dict of {SPLITS}, or arrays (x,), (x, y) or (x, y, sample_weight), "
            f"got {got}"
        )
    data = in_memory(data, "data")
    rows = len(keras.tree.flatten(data[0])[0])
    test, validation = int(rows * (1 - SHARE)), int(rows * (1 - 2 * SHARE))
    if not 0 < validation < test < rows:
        raise ValueError(f"data must have at least 5 rows to be split, got {rows}")
    ends = {"train": (0, validation), "validation": (validation, test), "test": (test, rows)}
    told = f"in their order, {validation} rows to train, {test - validation} to validate, " \
           f"{rows - test} to test"  # fmt: skip
    return {name: _rows(data, slice(*these)) for name, these in ends.items()}, told


def in_memory(data, what):
    """Arrays as a tuple of those of NumPy; what holds batches as it is."""
    if not isinstance(data, tuple):
        if holds_batches(data):
            return data
        data = (data,)
    if holds_batches(data[0]):
        return data

    def array(held):
        if held is None:
            return None
        found = np.asarray(held) if hasattr(held, "__array__") else None
        if found is None or found.dtype.kind in "OSU":
            raise ValueError(
                f"{what} must hold arrays of numbers, got {type(held).__name__}: make arrays of "
                "lists, and give text or ragged rows in batches, as a tf.data.Dataset does"
            )
        return found

    return keras.tree.map_structure(array, data)


def _rows(data, these):
    return keras.tree.map_structure(lambda a: None if a is None else a[these], data)


def look(data, seed=0):
    """What is read of data, as a number a batch; and whether they read alike again and again.

    Batches that are shuffled anew at each reading differ between a model and its twin.

    Parameters
    ----------
    data : dict
        From `readable`.
    seed : int
        Set before each reading, as before each run.

    Examples
    --------
    >>> numbers, alike = look({"x": np.zeros((4, 3)), "y": np.zeros(4)})
    >>> len(numbers), alike
    (1, True)
    """
    if "y" in data:
        return [_number(data)], True
    first = _read(data["x"], seed)
    # Few batches come in the same order now and then, though they are shuffled.
    times = 1 if len(first) > 4 else 7
    return first, all(_read(data["x"], seed) == first for _ in range(times))


def _read(batches, seed):
    keras.utils.set_random_seed(seed)
    numbered = isinstance(batches, keras.utils.PyDataset)
    each = (batches[index] for index in range(len(batches))) if numbered else batches
    return [_number(batch) for batch in each]


def _number(batch):
    """A checksum of all arrays."""
    found = 0
    for array in keras.tree.flatten(batch):
        if array is not None:
            found = zlib.crc32(np.ascontiguousarray(keras.ops.convert_to_numpy(array)), found)
    return found


def first_inputs(data, rows=2):
    """Inputs that build a model, of what `readable` gave."""
    if "y" in data:
        return keras.tree.map_structure(lambda a: np.asarray(a)[:rows], data["x"])
    batch = data["x"][0] if hasattr(data["x"], "__getitem__") else next(iter(data["x"]))
    return batch[0] if isinstance(batch, tuple) else batch


class Shuffled(keras.utils.PyDataset):
    """Arrays in batches, in an order that the seed alone decides, and which is kept.

    Keras' own order depends on the backend, and on what was drawn before.
    """

    def __init__(self, data, batch_size, seed):
        super().__init__()
        self.data, self.batch_size = data, batch_size
        self.rows = len(keras.tree.flatten(data[0])[0])
        self.rng, self.served = np.random.default_rng(seed), []
        self.on_epoch_end()

    def __len__(self):
        return -(-self.rows // self.batch_size)

    def __getitem__(self, index):
        these = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        self.served.append(zlib.crc32(these.tobytes()))
        # As `fit` hands arrays on: x alone without a tuple, and several of them as one.
        batch = [tuple(part) if isinstance(part, list) else part
                 for part in _rows(self.data, these)]  # fmt: skip
        return keras.utils.pack_x_y_sample_weight(*batch)

    def on_epoch_end(self):
        """The order of the next epoch."""
        self.order = self.rng.permutation(self.rows)
