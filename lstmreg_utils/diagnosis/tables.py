"""The table that a comparison reads: a row a run and epoch; checked, and cut at a checkpoint."""

import math

TWIN = "none"  # the arm without noise
CHECKPOINTS = ("last", "best")
LOSSES = ("train", "validation", "test")
# What else tells networks apart, where a table has it: those of `study` do.
SETTINGS = ("task", "options", "units", "layers", "head", "epochs", "batch_size", "learning_rate")


def named(table, needed, what="table"):
    """The table with the columns that one may leave out, and an arm for each of an arm's rates."""
    if not len(table):
        raise ValueError(f"{what} must hold at least one run, got an empty table")
    if missing := sorted({*needed} - {*table.columns}):
        raise ValueError(f"{what} must have the columns {sorted(needed)}, missing: {missing}")
    defaults = {"rate": float("nan"), "scheme": table["arm"]}
    table = table.assign(**{k: v for k, v in defaults.items() if k not in table})
    pairs = table[["arm", "rate"]].drop_duplicates()
    several = {*pairs.loc[pairs["arm"].duplicated(), "arm"]}
    if TWIN in several and pairs.loc[pairs["arm"] == TWIN, "rate"].nunique() > 1:
        raise ValueError(f"{what} must hold one twin, got {TWIN!r} at several rates")
    if not several - {TWIN}:
        return table
    labels = _labels(pairs, several)
    if (same := labels.duplicated() & (labels != TWIN)).any():
        raise ValueError(f"{what} must tell arms apart, got several called {[*labels[same]]}")
    return table.assign(arm=_labels(table, several))


def _labels(table, several):
    """The arms, those that come at several rates with their rate."""
    with_rate = table["arm"].isin(several) & (table["arm"] != TWIN) & table["rate"].notna()
    rates = table["rate"].map("{:.12g}".format)
    return table["arm"].where(~with_rate, table["arm"] + " " + rates)


def network_of(table, what="table"):
    """What the rows of a table have in common: the task and the sizes of a network."""
    if several := settings_that_differ(table):
        raise ValueError(f"{what} must hold one task and network, got several by {several}")
    return {name: table[name].iloc[0] for name in SETTINGS if name in table}


def settings_that_differ(table):
    """The columns in which a table has more than one task or network."""
    return [name for name in SETTINGS if name in table and table[name].nunique(dropna=False) > 1]


def once(table, row, values, what="table", unit="run an arm and seed"):
    """The table, with what several studies share there once; rows that differ are refused."""
    if not table.duplicated(row).any():  # as nearly always; five times as fast as the rest
        return table
    table = table.drop_duplicates([*row, *values])
    if (several := table.duplicated(row)).any():
        arms = sorted(table.loc[several, "arm"].unique())
        raise ValueError(f"{what} must hold one {unit}, got several that differ: {arms}")
    return table


def checkpoint(table, at="last"):
    """A row a run: its last epoch, or the first with its lowest validation loss; as in `compare`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"arm": "none", "seed": 0, "epoch": [1, 2], "validation": [0.1, 0.2]})
    >>> checkpoint(table, "best")["epoch"].item()
    1
    """
    run = [name for name in ("arm", "rate", "seed", *SETTINGS) if name in table]
    return ends(table, run, at)


def ends(table, run, at):
    """`checkpoint`, for runs that these columns tell apart."""
    if at not in CHECKPOINTS:
        raise ValueError(f"at must be one of {CHECKPOINTS}, got {at!r}")
    # In the order of epochs, so that ties do not depend on the order of rows; with new labels,
    # which tables put together repeat.
    table = table.sort_values("epoch", kind="stable", ignore_index=True)
    groups = table.groupby(run, dropna=False, sort=False)
    if at == "last":
        rows = groups["epoch"].idxmax()
    else:  # a metric may choose in its place; of a run that has diverged, the first epoch
        lowest = table["choice" if "choice" in table else "validation"].fillna(math.inf)
        rows = lowest.groupby([table[name] for name in run], dropna=False, sort=False).idxmin()
    return table.loc[rows].reset_index(drop=True)


def matched(theirs, own, arm, whose="without noise"):
    """The values by seed of another arm that belong to those of an arm, in their order."""
    if own.index.equals(theirs.index):
        return theirs
    if lonely := list(own.index.difference(theirs.index)):
        raise ValueError(f"arm {arm!r} must have a run {whose} for each seed, missing: {lonely}")
    return theirs.loc[own.index]
