"""The book's studies by name, from `studies.toml`: as runs, and as a comparison."""

import itertools
import tomllib
from importlib import resources
from pathlib import Path

from ..diagnosis import Comparison
from ..tasks.checks import check_integers
from .arms import arm
from .runs import grid
from .store import STUDY, pack
from .studies import study


def _read():
    """By name, the parts of each study: what `grid` takes."""
    text = (resources.files("lstmreg_utils") / "lab" / "studies.toml").read_text("utf-8")
    written, studies = tomllib.loads(text), {}
    for entry in written["study"]:
        part = {**written["base"].get(entry.pop("base", None), {}), **entry}
        part["arms"] = [  # a name, or places with rates of their own
            given if isinstance(given, str) else sum(itertools.starmap(arm, given.items()), ())
            for given in part["arms"]
        ]
        studies.setdefault(part.pop("name"), []).append(part)
    return studies


STUDIES = _read()
ENOUGH = 20  # seeds; a study says if it takes more


def named_study(name, seeds=20, epochs=None, rates=None):
    """The runs of one of the book's studies, as a list.

    Parameters
    ----------
    name : str
        One of `STUDIES`.
    seeds : int or sequence of int, default=20
        How many seeds, or which. A study that takes more than 20 has as many as `studies.toml`
        says, unless fewer than 20 are asked for, for a quick look. Records of them all ship.
    epochs, rates : int, optional
        Another number of epochs than the study's own, and as many of the rates of a sweep, from
        its middle: for a quick look. Runs of other epochs have no records.

    Raises
    ------
    KeyError, ValueError
        No study has this name; no seeds, epochs below 1, or no rates.

    Examples
    --------
    >>> len(named_study("noise_listing", seeds=2))  # three arms
    6
    """
    if name not in STUDIES:
        raise KeyError(f"study must be one of {sorted(STUDIES)}, got {name!r}")
    runs = []
    for part in STUDIES[name]:
        changed = {"seeds": _enough(seeds, part.get("seeds", 0))}
        if epochs is not None:
            changed["epochs"] = epochs
        if rates is not None and "rates" in part:
            check_integers(rates=rates)
            first = max(0, (len(part["rates"]) - rates) // 2)
            changed["rates"] = part["rates"][first : first + rates]
        runs += grid(**{**part, **changed})
    return list(dict.fromkeys(runs))


def _enough(seeds, wanted):
    """As many seeds as a study takes, from the same first one, unless a few are to do."""
    if not wanted:
        return seeds
    first = [*range(seeds)] if isinstance(seeds, int) else [*seeds]
    if len(first) < ENOUGH:
        return seeds
    return first + [max(first) + 1 + k for k in range(wanted - len(first))]


def compare_study(*names, seeds=20, epochs=None, rates=None, recorded=True, **options):
    """One network on one task, from a study of the book or from several that share it.

    Parameters
    ----------
    *names : str
        Of `STUDIES`.
    seeds, epochs, rates, recorded
        As for `named_study` and `study`.
    **options
        Which option of the task, such as ``lag=40``, if the studies hold several.

    Returns
    -------
    Comparison

    Examples
    --------
    >>> compare_study("recall_long", lag=40).task
    'lag_recall'
    """
    runs = [run for name in names for run in named_study(name, seeds, epochs, rates)]
    tables = []
    for kind in ("epochs", "probes"):
        table = study(runs, recorded=recorded, table=kind)
        for option, value in options.items() if len(table) else ():
            table = table[table[option] == value]
        tables.append(table)
    return Comparison(*tables)


def record_study(name, folder, *, seeds=20, target=None, **how):
    """Train a study of the book anew, and pack it into one file.

    Parameters
    ----------
    name, seeds
        As for `named_study`.
    folder : path-like
        For the records of the runs; those that it holds already are not trained again.
    target : path-like, optional
        Folder of the file, ``NAME.study``: by default the same.
    **how
        Engine, executor and workers, as for `study`.

    Returns
    -------
    pandas.DataFrame
        Of all runs what made them, and when: ``study(..., table="provenance")``.
    """
    runs, target = named_study(name, seeds), Path(folder if target is None else target)
    made = study(runs, table="provenance", recorded=False, folder=folder, **how)
    pack(runs, target / f"{name}{STUDY}", folder)
    return made
