"""The data files that ship in the package, opened only when they are what they should be."""

import hashlib
import io
import zipfile
from importlib import resources

import numpy as np

SHA256 = {
    "japanese_vowels.npz": "776902ee13475f28c2f299e5e7147b5cb376c64b90f9ccc5f4bb3af2c70b40f8",
    "nyse_volume.npz": "c2e66bcf66107e9e1e380bdcff3fb822e0eba7dbd38f2c2f81d5cbbe5db0d694",
    "verses.npz": "76b446c466946fca86c3d832fc363e29adf2170cb88d1d2bc49e5bc7345123b5",
    "nyc_weather.npz": "56ba637cecb5f9f19cafd0656f530759da84aa6b223aecf1a56d67238f9f5a01",
}


class DamagedFileError(ValueError):
    """A data or record file whose content is not what was written. It is left as it is."""


def load_arrays(name, folder=None):
    """Read a data file of the package after checking its sha256.

    Parameters
    ----------
    name : str
        One of `SHA256`.
    folder : pathlib.Path, optional
        Where the file lies; the package's own `data` folder unless given.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    KeyError
        `name` is not a data file of the package.
    DamagedFileError
        The bytes differ from those that were packaged. The message names the file.

    Examples
    --------
    >>> load_arrays("japanese_vowels.npz")["x_train"].shape
    (4274, 12)
    """
    if name not in SHA256:
        raise KeyError(f"name must be one of {sorted(SHA256)}, got {name!r}")
    path = (folder or resources.files("lstmreg_utils") / "data") / name
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[name]:
        raise DamagedFileError(
            f"{path} is damaged: its sha256 must be {SHA256[name]}, got {found}. "
            "Reinstall lstmreg_utils to restore it."
        )
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, zipfile.BadZipFile) as error:  # the hash holds, so the reader is at fault
        raise DamagedFileError(f"{path} cannot be read by this NumPy: {error}") from error
