"""Trained runs on disk: shipped ones in archives of the package, new ones in a folder."""

import contextlib
import gc
import os
import tempfile
import warnings
import zipfile
import zlib
from importlib import resources
from pathlib import Path

import platformdirs

from .record import current_names, decode, encode, parse, record_name, run_of
from .runs import Run
from .tasks import DamagedFileError

TRIAL_BYTES = 2**16  # written before a study is trained: more than a record takes
NAMED = 5  # keys in a warning: a change of code can make thousands of records stale at once
FOLDER_VARIABLE = "LSTMREG_RECORDS"
# What reading a damaged record may raise, the last four from inside an archive.
UNREADABLE = (
    DamagedFileError, OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError,
)  # fmt: skip


class StaleRecordWarning(UserWarning):
    """Records made by other code than the installed one were left aside."""


def default_folder():
    """Where new records go: the folder named by ``LSTMREG_RECORDS``, or the user's cache."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else platformdirs.user_cache_path("lstmreg_utils") / "records"


@contextlib.contextmanager
def no_collection():
    """Many small lists make Python look for garbage again and again, where there is none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Records:
    """Looks runs up among the shipped records and in a folder; adds new ones to the folder.

    Parameters
    ----------
    folder : path-like, optional
        `default_folder` unless given. Made when the first record is written.
    shipped : bool, default=True
        Whether the archives of the package are consulted.

    Examples
    --------
    >>> import tempfile
    >>> records = Records(tempfile.mkdtemp(), shipped=False)
    >>> records.find([Run("hidden_ar1")])
    {}
    """

    def __init__(self, folder=None, shipped=True):
        self.folder = Path(folder) if folder is not None else default_folder()
        archives = resources.files("lstmreg_utils") / "records"
        self._archives = sorted(archives.glob("*.zip")) if shipped else []

    def find(self, runs):
        """The records of those runs that have a current one.

        Parameters
        ----------
        runs : sequence of Run

        Returns
        -------
        dict of Run to dict

        Raises
        ------
        DamagedFileError
            A record that was asked for is not what was written. All such records are named;
            nothing is overwritten.

        Warns
        -----
        StaleRecordWarning
            Runs whose only records were made by other code: their number, and the keys of some.
        """
        wanted = dict(current_names(runs))
        found, damaged, keys_seen = {}, [], set()
        with no_collection():
            for place, names, read in self._places():
                keys_seen.update(name.partition("-")[0] for name in names)
                for name in wanted.keys() & names:
                    run = wanted[name]
                    if run in found:
                        continue
                    try:
                        found[run] = decode(read(name), run, name)
                    except UNREADABLE as error:
                        damaged.append(f"{place}: {name}: {error}")
        if damaged:
            raise DamagedFileError(
                "damaged records, left as they are (move them away to have them trained again):\n"
                + "\n".join(sorted(damaged))
            )
        stale = sorted({run.key for run in runs if run not in found and run.key in keys_seen})
        if stale:
            warnings.warn(
                f"{len(stale)} recorded runs were made by other code and are not used: "
                + ", ".join(stale[:NAMED])
                + (" and others" if len(stale) > NAMED else ""),
                StaleRecordWarning,
                stacklevel=3,
            )
        return found

    def write(self, record):
        """Add a record to the folder, whole or not at all.

        The text goes to a file of another name first and is renamed when it is on disk, so a
        process that is killed leaves no half-written record behind.

        Parameters
        ----------
        record : dict
            As from `find`.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        OSError
            The disk is full, or the folder cannot be written to; it is named.
        """
        name = record_name(Run(**record["run"]), record["made"]["fingerprint"])
        with self._new_file(encode(record)) as temporary:
            os.replace(temporary, self.folder / name)
        return self.folder / name

    def check_writable(self):
        """Raise an OSError that names the folder if it takes no records, or has no room."""
        with self._new_file(" " * TRIAL_BYTES) as temporary:
            os.unlink(temporary)

    @contextlib.contextmanager
    def _new_file(self, text):
        """The path of a new file that holds a text, to be renamed or removed."""
        temporary = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        except BaseException as error:
            if temporary:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            if not isinstance(error, OSError):
                raise
            raise OSError(
                error.errno,
                f"{error.strerror}: no record can be stored. Those stored before are kept, and "
                "the same call goes on from there; the folder is",
                str(self.folder),
            ) from error

    def _places(self):
        """(name of the place, set of record names in it, function that reads one), in turn."""
        for archive in self._archives:
            try:
                with zipfile.ZipFile(archive) as members:
                    yield archive, set(members.namelist()), members.read
            except zipfile.BadZipFile as error:
                raise DamagedFileError(
                    f"{archive} is damaged: {error} (install the package again, or do without its "
                    "records: recorded=False)"
                ) from error
        if self.folder.is_dir():
            names = {name for name in os.listdir(self.folder) if name.endswith(".json")}
            yield self.folder, names, self._read

    def _read(self, name):
        with open(f"{self.folder}{os.sep}{name}", "rb") as file:  # a Path is slower than the read
            return file.read()


def read_archive(archive):
    """Every record of an archive by its run, whatever code made it.

    Raises
    ------
    DamagedFileError
        The archive, or a record in it, is not what was written.
    """
    try:
        with zipfile.ZipFile(archive) as members:
            texts = {name: members.read(name) for name in members.namelist()}
    except UNREADABLE as error:
        raise DamagedFileError(f"{archive} is damaged: {error}") from error
    records = {}
    for name, text in texts.items():
        try:
            run = run_of(parse(text))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedFileError(f"{archive}, {name}: not a record ({error})") from error
        records[run] = decode(text, run, name)
    return records


def pack(runs, archive, folder=None):
    """Put the folder's records of some runs into an archive that can ship with the package.

    Parameters
    ----------
    runs : sequence of Run
    archive : path-like
        The zip file to make, or to make anew.
    folder : path-like, optional
        As for `Records`.

    Returns
    -------
    int
        Number of records packed.

    Raises
    ------
    KeyError
        A run that has no current record in the folder. Nothing is written then.
    """
    found = Records(folder, shipped=False).find(runs)
    missing = [run.key for run in runs if run not in found]
    if missing:
        raise KeyError(f"{len(missing)} runs have no current record: {', '.join(missing)}")
    named = sorted((record_name(run), encode(record)) for run, record in found.items())
    temporary = Path(archive).with_suffix(".tmp")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as members:
        for name, text in named:
            # A fixed date, so that the same records give the same bytes.
            members.writestr(
                zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED
            )
    os.replace(temporary, archive)
    return len(named)
