"""Times of `kernel_times` as JSON files: those that ship with the package, and a reader's own."""

import json
import numbers
from importlib import resources
from pathlib import Path

import pandas as pd

from ..tasks import DamagedFileError

REFERENCE = "LSTM"  # the arm that the ratios are to

HEADER = {
    **dict.fromkeys(("date", "card", "processor", "Keras", "backend", "reference"), str),
    **dict.fromkeys(("batch", "units", "rounds"), int),
}
ROW = dict.fromkeys(("arm", "mode", "kernel"), str) | {"T": int}
NUMBERS = ("milliseconds", "ratio", "q1", "q3")
COLUMNS = (
    *("record", "machine", "backend", "Keras", "batch", "units", "T", "arm", "mode", "kernel"),
    *NUMBERS,
    "error",
)


def recorded(folder=None):
    """All recorded times of a folder, a row for every machine, T and arm.

    Parameters
    ----------
    folder : path-like, optional
        The package's own records unless given.

    Returns
    -------
    pandas.DataFrame
        As from `tidy`; ``record`` is the name of the file without its ending.

    Raises
    ------
    DamagedFileError
        A ValueError: a file is not a record. The message names the file.

    Examples
    --------
    >>> [*recorded().columns][:3]
    ['record', 'machine', 'backend']
    """
    package = Path(str(resources.files("lstmreg_utils")))
    folder = Path(folder) if folder is not None else package / "records" / "kernel_times"
    tables = [tidy(load(path), path.stem) for path in sorted(folder.glob("*.json"))]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def tidy(record, name="here"):
    """One record as a table.

    Parameters
    ----------
    record : dict
        From `kernel_times` or `load`.
    name : str, default='here'
        For the column ``record``.

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
    whose = {"record": name, "machine": header["card"]}
    if header["card"] == "none":
        whose["machine"] = f"CPU: {processor}"
    whose |= {key: header[key] for key in ("backend", "Keras", "batch", "units")}
    table = pd.DataFrame([whose | row for row in record["rows"]], columns=COLUMNS)
    return table.astype(dict.fromkeys(NUMBERS, float)).fillna({"error": ""})


def load(path):
    """Read a record; it is JSON, and nothing in it is run.

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


def save(record, path):
    """Write a record of `kernel_times`, for `load` and `recorded`.

    Raises
    ------
    ValueError
        It is not such a record. Nothing is written then.
    """
    _check(record)
    Path(path).write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", "utf-8")


def _check(record):
    """Raise a ValueError that says what a record lacks."""
    if not isinstance(record, dict) or {*record} != {"header", "left_out", "rows"}:
        raise ValueError("a record has the parts header, left_out and rows, and no others")
    if not isinstance(record["left_out"], dict):
        raise ValueError("left_out must be an object")
    _check_fields("the header", record["header"], HEADER)
    if not isinstance(record["rows"], list) or not record["rows"]:
        raise ValueError("rows must be a list with entries")
    for place, row in enumerate(record["rows"], start=1):
        _check_fields(f"row {place}", row, ROW)
        _check_numbers(f"row {place}", row)
    keys = [(row["arm"], row["T"]) for row in record["rows"]]
    if len({*keys}) < len(keys):
        raise ValueError("an arm has two rows of the same T")


def _check_fields(where, found, fields):
    if not isinstance(found, dict):
        raise ValueError(f"{where} must be an object, got {found!r}")
    for name, kind in fields.items():
        value = found.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{where} must have {name}, a {kind.__name__}, got {value!r}")


def _check_numbers(where, row):
    """Either an error and no numbers, or a time, and a ratio unless the reference failed."""
    found = {name: row.get(name) for name in NUMBERS}
    error, missing = row.get("error"), [name for name, value in found.items() if value is None]
    allowed = [[*NUMBERS]] if isinstance(error, str) else [[], [*NUMBERS[1:]]]
    if not isinstance(error, (str, type(None))) or missing not in allowed:
        raise ValueError(f"{where} must have either an error or numbers, got {error!r}, {found}")
    there = [found[name] for name in NUMBERS if found[name] is not None]
    if not all(isinstance(value, numbers.Real) and 0 < value < float("inf") for value in there):
        raise ValueError(f"{where} must have numbers above 0, got {found}")
    if not missing and not found["q1"] <= found["ratio"] <= found["q3"]:
        raise ValueError(f"{where} must have its ratio between its quartiles, got {found}")
