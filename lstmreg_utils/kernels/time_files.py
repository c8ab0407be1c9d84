"""Times of `kernel_times` as JSON files: those that ship with the package, and a reader's own."""

import json
from importlib import resources
from pathlib import Path

import pandas as pd

from ..tasks.files import DamagedFileError

REFERENCE = "LSTM"  # the arm that the ratios are to

HEADER = {
    **dict.fromkeys(("date", "card", "processor", "Keras", "backend", "reference"), str),
    **dict.fromkeys(("batch", "units", "rounds"), int),
}
ROW = {"arm": str, "T": int, "mode": str, "kernel": str}
NUMBERS = ("milliseconds", "q1", "ratio", "q3")
WHOSE = ("backend", "Keras", "batch", "units")
COLUMNS = (
    *("record", "machine", *WHOSE, "T", "arm", "mode", "kernel"),
    *("milliseconds", "ratio", "q1", "q3", "error"),
)


def recorded_times(folder=None):
    """All recorded times of a folder, the package's own unless given.

    Returns
    -------
    pandas.DataFrame
        As from `tidy`; ``record`` is the name of the file without its ending.

    Raises
    ------
    DamagedFileError
        As from `load_times`.
    """
    if folder is None:
        folder = Path(str(resources.files("lstmreg_utils"))) / "records" / "kernel_times"
    tables = [tidy(load_times(path), path.stem) for path in sorted(Path(folder).glob("*.json"))]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def tidy(record, name="here"):
    """A record of `kernel_times` or `load_times` as a table; its column ``record`` holds `name`.

    Returns
    -------
    pandas.DataFrame
        A row for every T and arm: whose it is (``record``, ``machine``, ``backend``, ``Keras``),
        the sizes ``batch`` and ``units``, and the columns of the record. What was not measured is
        NaN; ``error`` is an empty text where there was none.

    Raises
    ------
    ValueError
        It is not such a record.
    """
    _check(record)
    header = record["header"]
    processor = header["processor"].replace("(R)", "").replace("(TM)", "")
    machine = f"CPU: {processor}" if header["card"] == "none" else header["card"]
    whose = {"record": name, "machine": machine, **{key: header[key] for key in WHOSE}}
    table = pd.DataFrame([whose | row for row in record["rows"]], columns=COLUMNS)
    return table.astype(dict.fromkeys(NUMBERS, float)).fillna({"error": ""})


def load_times(path):
    """Read a record, as it came from `kernel_times`; it is JSON, and nothing in it is run.

    Raises
    ------
    DamagedFileError
        A ValueError: the file is not a record. The message names it.
    """
    try:
        record = json.loads(Path(path).read_text("utf-8"))
        _check(record)
    except ValueError as error:  # not text, not JSON, or not as it should be
        raise DamagedFileError(f"{path} is damaged: {error}") from error
    return record


def save_times(record, path):
    """Write a record of `kernel_times`, for `load_times` and `recorded_times`.

    Raises
    ------
    ValueError
        It is not such a record. Nothing is written then.
    """
    _check(record)
    Path(path).write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", "utf-8")


def _check(record):
    """Raise a ValueError that says what a record lacks."""
    match record:
        case {"header": header, "left_out": dict(), "rows": [_, *_] as rows, **more} if not more:
            _check_fields("the header", header, HEADER)
        case _:
            raise ValueError("a record has a header, left_out and some rows, and no other parts")
    for place, row in enumerate(rows, start=1):
        _check_fields(f"row {place}", row, ROW)
        if not _are_numbers_sound(row):
            wanted = "either an error, or numbers above 0, the ratio between its quartiles"
            raise ValueError(f"row {place} must have {wanted}, got {row!r}")
    if len({(row["arm"], row["T"]) for row in rows}) < len(rows):
        raise ValueError("an arm has two rows of the same T")


def _check_fields(where, found, fields):
    for name, kind in fields.items():
        value = found.get(name) if isinstance(found, dict) else None
        if type(value) is not kind:  # a bool is no int here
            raise ValueError(f"{where} must have {name}, a {kind.__name__}, got {value!r}")


def _are_numbers_sound(row):
    """Either an error and no numbers, or a time, and a ratio unless the reference failed."""
    error, numbers = row.get("error"), [row.get(name) for name in NUMBERS]
    if error is not None:
        return isinstance(error, str) and numbers == [None] * 4
    if numbers[1:] == [None] * 3:
        numbers = numbers[:1]
    sizes = all(isinstance(each, (int, float)) and 0 < each < float("inf") for each in numbers)
    return sizes and numbers[1:] == sorted(numbers[1:])
