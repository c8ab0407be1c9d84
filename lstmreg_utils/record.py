"""The record of a trained run as text.

It is JSON and nothing else: reading it runs no code. Its last entry is a digest of all that stands
before, and its name holds the key of its run and the fingerprint of the code that made it.
"""

import contextlib
import hashlib
import json

try:
    import orjson  # optional: reads the numbers seven times as fast
except ImportError:
    orjson = None

from .arms import layer_modules
from .fingerprint import fingerprint
from .runs import FIELDS, Run
from .tasks import DamagedFileError


def record_name(run, code=None):
    """File name of a run's record, made by the installed code unless told otherwise."""
    return f"{run.key}-{code or fingerprint(run.task, run.arm)}.json"


def current_names(runs):
    """(record name, run) of every run, as the installed code would make it."""
    codes = {}
    for run in runs:
        # `fingerprint` parses modules for every new arm, and most arms need the same ones.
        needed = run.task, *layer_modules(run.arm)
        if needed not in codes:
            codes[needed] = fingerprint(run.task, run.arm)
        yield record_name(run, codes[needed]), run


def encode(record):
    """A record as text, its last entry a digest of all that stands before. See `decode`.

    Examples
    --------
    >>> text = encode({"run": {}, "epochs": {}, "probes": {}, "made": {}})
    >>> text[:53]
    '{"run":{},"epochs":{},"probes":{},"made":{},"digest":'
    """
    content = _compact({name: record[name] for name in ("run", "epochs", "probes", "made")})[:-1]
    return content + _ending(content)


def decode(text, run, name):
    """Read a record and make sure that it is the one that was written for this run.

    Parameters
    ----------
    text : bytes
        What is stored.
    run : Run
        Whose record it should be.
    name : str
        Under which it is stored.

    Returns
    -------
    dict
        As from `lstmreg_utils.study.train_record`.

    Raises
    ------
    DamagedFileError
        Not JSON, a digest that does not fit the text, or the record of another run.
    """
    try:
        text = text.decode()
        record = parse(text)
        del record["digest"]
        content = text[:-ENDING]
        # The text of a run is always the same: comparing it is quicker than making a `Run` of it.
        other = run if content.startswith(f'{{"run":{_compact(run.to_dict())},') else run_of(record)
        complete = {len(values) for values in record["epochs"].values()} == {other.epochs}
        made_by = record["made"]["fingerprint"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedFileError(f"not a record ({type(error).__name__}: {error})") from error
    if text != content + _ending(content) or not complete:
        raise DamagedFileError("its content was changed after it was written")
    if other != run:
        raise DamagedFileError(f"it holds another run, {other.key}")
    if record_name(run, made_by) != name:
        raise DamagedFileError(f"it was made by other code than its name says, {made_by}")
    return record


def parse(text):
    """A text of JSON as values; a ValueError if it is none.

    Examples
    --------
    >>> parse('{"loss": [0.5, NaN]}')
    {'loss': [0.5, nan]}
    """
    if orjson is not None:
        with contextlib.suppress(ValueError):  # among others for NaN, the loss of a run gone wrong
            return orjson.loads(text)
    return json.loads(text)


def run_of(record):
    """The run that a record holds; a KeyError, TypeError or ValueError if it holds none."""
    return Run(**{field: record["run"][field] for field in FIELDS})


_compact = json.JSONEncoder(separators=(",", ":")).encode


def _ending(content):
    """How a record ends: with a digest of the text before it, to the byte."""
    return f',"digest":"{hashlib.sha256(content.encode()).hexdigest()}"}}'


ENDING = len(_ending(""))
