"""Trained runs on disk: shipped ones in archives of the package, new ones in a folder.

A record is JSON and nothing else. Its name holds the key of its run and the fingerprint of the
code that made it; its digest covers all of its content.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import warnings
import zipfile
import zlib
from importlib import resources
from pathlib import Path

import platformdirs

from .fingerprint import fingerprint
from .runs import FIELDS, Run
from .tasks import DamagedFileError

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
            Runs whose only records were made by other code, named by key.
        """
        wanted = {record_name(run): run for run in runs}
        found, damaged, keys_seen = {}, [], set()
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
                + ", ".join(stale),
                StaleRecordWarning,
                stacklevel=3,
            )
        return found

    def write(self, record):
        """Add a record to the folder, whole or not at all.

        The text goes to a file of another name first and is renamed when it is on disk, so a
        process that is killed leaves no half-written record behind.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / record_name(Run(**record["run"]), record["made"]["fingerprint"])
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(encode(record))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        return target

    def _places(self):
        """(name of the place, set of record names in it, function that reads one), in turn."""
        for archive in self._archives:
            try:
                with zipfile.ZipFile(archive) as members:
                    yield archive, set(members.namelist()), members.read
            except zipfile.BadZipFile as error:
                raise DamagedFileError(f"{archive} is damaged: {error}") from error
        if self.folder.is_dir():
            names = {path.name for path in self.folder.glob("[!.]*.json")}
            yield self.folder, names, lambda name: (self.folder / name).read_bytes()


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
            fields = json.loads(text)["run"]
            run = Run(**{field: fields[field] for field in FIELDS})
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedFileError(f"{archive}, {name}: not a record ({error})") from error
        records[run] = decode(text, run, name)
    return records


def record_name(run, code=None):
    """File name of a run's record, made by the installed code unless told otherwise."""
    return f"{run.key}-{code or fingerprint(run.task, run.arm)}.json"


def encode(record):
    """A record as text, with a digest over all of it. The inverse of `decode`."""
    content = {name: record[name] for name in ("run", "epochs", "probes", "made")}
    return json.dumps({**content, "digest": _digest(content)}, separators=(",", ":"))


def decode(text, run, name):
    """Read a record and make sure that it is the one that was written for this run.

    Raises
    ------
    DamagedFileError
        Not JSON, a digest that does not fit the content, or the record of another run.
    """
    try:
        record = json.loads(text)
        digest = record.pop("digest")
        recorded = Run(**{field: record["run"][field] for field in FIELDS})
        complete = {len(values) for values in record["epochs"].values()} == {recorded.epochs}
        made_by = record["made"]["fingerprint"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(f"not a record ({type(error).__name__}: {error})") from error
    if digest != _digest(record) or not complete:
        raise DamagedFileError("its content was changed after it was written")
    if recorded != run or record_name(run, made_by) != name:
        raise DamagedFileError(f"it holds another run, {recorded.key}")
    return record


def _digest(content):
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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
