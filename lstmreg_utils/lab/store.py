"""Where records are: files of whole studies, which ship, and a folder with a file for each new run.

A new file is written under another name and renamed when it is on disk, so a process that is killed
leaves no half-written record behind.
"""

import contextlib
import functools
import os
import platform
import time
import warnings
from importlib import resources
from pathlib import Path

import platformdirs

from ..tasks import DamagedFileError
from .numerics import NUMERICS
from .records import encode, join, read_file

TRIAL_BYTES = 2**16  # written before a study is trained: more than a record takes
NAMED = 5  # keys in a warning: another NUMERICS makes thousands of records stale at once
FOLDER_VARIABLE = "LSTMREG_RECORDS"
STUDY, RUN = ".study", ".run"  # endings of the files of whole studies, and of single runs
TEMPORARY = ".tmp"
OLD = 24 * 3600  # seconds after which an unfinished file of another machine is nobody's


class StaleRecordWarning(UserWarning):
    """Records made by code with other numbers than the installed one were left aside."""


def default_folder():
    """Where new records go: the folder named by ``LSTMREG_RECORDS``, or the user's cache."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named).expanduser().absolute()
    return platformdirs.user_cache_path("lstmreg_utils") / "records"


def shipped_folder():
    """The folder of the package with the files of its studies."""
    return Path(str(resources.files("lstmreg_utils"))) / "records"


class Records:
    """Looks runs up among the shipped records and in a folder; adds new ones to the folder.

    Parameters
    ----------
    folder : path-like, optional
        `default_folder` unless given. Made when the first record is written.
    shipped : bool, default=True
        Whether the studies that ship with the package are consulted.

    Examples
    --------
    >>> import tempfile
    >>> from lstmreg_utils import Run
    >>> records = Records(tempfile.mkdtemp(), shipped=False)
    >>> records.find([Run("hidden_ar1")])
    {}
    """

    def __init__(self, folder=None, shipped=True):
        self.folder = Path(folder) if folder is not None else default_folder()
        self._shipped = shipped

    def find(self, runs):
        """By run, the record that holds it and its position there, of runs with a current one.

        Raises
        ------
        DamagedFileError
            A file that was asked for is not what was written. All such files are named; nothing is
            overwritten.

        Warns
        -----
        StaleRecordWarning
            Runs whose only records have other numbers than this code makes: how many, and some.
        """
        found, damaged = {}, []
        current, stale = self._read_studies({run.setting for run in runs}, damaged)
        names = set(os.listdir(self.folder)) if self.folder.is_dir() else set()
        for run in runs:
            if place := current.get(run.setting, {}).get(run.seed):
                found[run] = place
            elif names and (name := run_file(run)) in names:
                try:
                    found[run] = _single(self.folder / name, run), 0
                except DamagedFileError as error:
                    damaged.append(str(error))
        if damaged:
            raise DamagedFileError(
                "damaged records, left as they are (move them away to have them trained again; "
                "install the package again if it is its own):\n" + "\n".join(sorted(damaged))
            )
        old = {name.partition("-")[0] for name in names if "-" in name}
        missing = [run for run in runs if run not in found]
        if keys := sorted({run.key for run in missing if run in stale or run.key in old}):
            warnings.warn(
                f"{len(keys)} recorded runs were made by code with other numbers and are not used: "
                + ", ".join(keys[:NAMED])
                + (" and others" if len(keys) > NAMED else ""),
                StaleRecordWarning,
                stacklevel=3,
            )
        return found

    def add(self, record):
        """Add the runs of a record to the folder, each in a file of its own, whole or not at all.

        Returns what `find` would; an OSError names the folder if it is full or takes no files.
        """
        for k, run in enumerate(record.runs()):
            with self._new_file(encode([record.take([k])])) as temporary:
                os.replace(temporary, self.folder / run_file(run, record.made["numerics"]))
        return {run: (record, k) for k, run in enumerate(record.runs())}

    def prepare(self):
        """Remove what killed studies left, and raise an OSError if the folder takes no records."""
        for path in self.folder.glob(f".*{TEMPORARY}"):
            with contextlib.suppress(OSError, ValueError):  # another user's, or another program's
                if _is_nobodys(path):
                    path.unlink()
        with self._new_file(b" " * TRIAL_BYTES) as temporary:
            os.unlink(temporary)

    def _read_studies(self, settings, damaged):
        """By setting and seed, where runs are, and those that other code has made, of some."""
        folders = [self.folder, shipped_folder()] if self._shipped else [self.folder]
        current, stale = {}, set()
        for path in (path for folder in folders for path in sorted(folder.glob(f"*{STUDY}"))):
            try:
                records = open_study(path)
            except DamagedFileError as error:
                damaged.append(str(error))
                continue
            for record in (record for record in records if record.run in settings):
                if record.made["numerics"] == NUMERICS:
                    places = current.setdefault(record.run, {})
                    for k, seed in enumerate(record.seeds):
                        places.setdefault(seed, (record, k))  # one's own before those that ship
                else:
                    stale.update(record.runs())
        return current, stale

    @contextlib.contextmanager
    def _new_file(self, content):
        """The path of a new file with this content, to be renamed or removed."""
        path = self.folder / f".{platform.node()}.{os.getpid()}.{time.monotonic_ns()}{TEMPORARY}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_through(path, content)
            yield path
        except OSError as error:
            raise OSError(
                error.errno,
                f"{error.strerror}: no record can be stored. Those stored before are kept, and "
                "the same call goes on from there; the folder is",
                str(self.folder),
            ) from error
        finally:
            with contextlib.suppress(OSError):  # it is gone already, unless something failed
                path.unlink()


def run_file(run, numerics=NUMERICS):
    """Name of the file of a single run: the run, and the numbers of the code that made it."""
    return f"{run.key}-{numerics}{RUN}"


def write_through(path, content):
    """Write a new file, and wait until it is on disk."""
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def open_study(path):
    """The records of a file of many runs; a file that has not changed is read once."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise DamagedFileError(f"{path}: {error}") from error
    return _open(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=256)
def _open(path, changed, size):
    return read_file(path)


def _single(path, run):
    """The record of a file of one run."""
    records = read_file(path)
    if [held for record in records for held in record.runs()] != [run]:
        raise DamagedFileError(f"{path}: it holds another run, or several")
    if records[0].made["numerics"] != NUMERICS:
        raise DamagedFileError(f"{path}: it was made by other code than its name says")
    return records[0]


def _is_nobodys(path):
    """Whether an unfinished file was left by a process that is gone."""
    host, pid, _ = path.name.removesuffix(TEMPORARY).rsplit(".", 2)
    if host.removeprefix(".") != platform.node():
        return time.time() - path.stat().st_mtime > OLD
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    return False


def pack(runs, path, folder=None):
    """Put the folder's records of some runs into one file, such as ships with the package.

    Parameters
    ----------
    runs : sequence of Run
    path : path-like
        The file to make, or to make anew; it ends in ``.study``.
    folder : path-like, optional
        As for `Records`.

    Returns
    -------
    int
        How many.

    Raises
    ------
    KeyError
        A run that has no current record in the folder. Nothing is written then.
    """
    found = Records(folder, shipped=False).find(runs)
    missing = [run.key for run in runs if run not in found]
    if missing:
        raise KeyError(f"{len(missing)} runs have no current record: {', '.join(missing)}")
    save_study(join(record.take([k]) for record, k in (found[run] for run in runs)), path)
    return len(found)


def save_study(records, path):
    """Write the records of a study to a file, in the place of the one that there may be."""
    temporary = Path(path).with_suffix(TEMPORARY)
    temporary.unlink(missing_ok=True)
    write_through(temporary, encode(records))
    os.replace(temporary, path)
