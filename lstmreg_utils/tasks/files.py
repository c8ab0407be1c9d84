"""The data files that ship in the package, opened only when they are what they should be."""

import hashlib
import io
import zipfile
from importlib import resources

import numpy as np


class DamagedFileError(ValueError):
    """A data or record file whose content is not what was written. It is left as it is."""


def load_arrays(name, sha256, folder=None):
    """The arrays of a data file of the package, if its bytes are those that were packaged."""
    path = (folder or resources.files("lstmreg_utils") / "data") / name
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DamagedFileError(
            f"{path} is damaged: its sha256 must be {sha256}, got {found}. "
            "Reinstall lstmreg_utils to restore it."
        )
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, zipfile.BadZipFile) as error:  # the hash holds, so the reader is at fault
        raise DamagedFileError(f"{path} cannot be read by this NumPy: {error}") from error
