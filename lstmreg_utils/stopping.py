"""When training stops: what that alone is worth, and how long noise delays it."""

import numpy as np
import pandas as pd

from .effects import CHECKPOINTS, checkpoint, interval_columns


def against_twin_at(table, twin_at):
    """Every arm, trained to the end and stopped early, against the twin at one of the two.

    Against the twin at its last epoch, stopping early is one more regularizer, which can be had
    with each arm or without. Against its best epoch, it is what the others have to beat.

    Parameters
    ----------
    table : pandas.DataFrame
        From `study`, of one task and setting.
    twin_at : {'last', 'best'}
        Which epoch of the twin.

    Returns
    -------
    pandas.DataFrame
        A row per arm, rate and checkpoint (``at``), but for the twin at `twin_at`: the mean
        ``test`` loss and its difference to the twin there, ``d_test``, with its 95 % interval
        (``d_test_low``, ``d_test_high``).

    Examples
    --------
    >>> rows = [dict(arm=arm, rate=0.0, seed=seed, epoch=epoch, validation=test, test=test)
    ...         for arm, tests in [("none", [0.2, 0.5]), ("mine", [0.3, 0.25])]
    ...         for seed in range(3) for epoch, test in enumerate(tests, 1)]
    >>> found = against_twin_at(pd.DataFrame(rows), "last")
    >>> found[["arm", "at", "d_test"]].round(2).values.tolist()
    [['none', 'best', -0.3], ['mine', 'last', -0.25], ['mine', 'best', -0.25]]
    """
    points = {
        at: checkpoint(table, at)
        .fillna({"rate": -1.0})  # arms of several rates
        .set_index(["arm", "rate", "seed"])
        .sort_index()["test"]
        for at in CHECKPOINTS
    }
    twin = points[twin_at].loc["none", 0.0]
    settings = table.fillna({"rate": -1.0})[["arm", "rate"]].drop_duplicates()
    rows = []
    for arm, rate in settings.itertuples(index=False):
        for at, losses in points.items():
            if (arm, at) == ("none", twin_at):
                continue
            own = losses.loc[arm, rate]
            row = {"arm": arm, "rate": rate if rate >= 0 else np.nan, "at": at, "test": own.mean()}
            rows.append(row | interval_columns("d_test", own - twin.loc[own.index]))
    return pd.DataFrame(rows)


def epochs_to_reach(table):
    """After how many epochs an arm is as good as its twin ever gets, by validation loss.

    Parameters
    ----------
    table : pandas.DataFrame
        From `study`, of one task and setting.

    Returns
    -------
    pandas.DataFrame
        A row per arm (not the twin), rate and seed: ``epochs``, the first with a validation loss
        no higher than the twin's lowest (infinite if there is none); ``twin``, the epoch at which
        the twin reached it; and their ``ratio``.

    Examples
    --------
    >>> rows = [dict(arm=arm, rate=0.0, seed=0, epoch=epoch, validation=loss)
    ...         for arm, losses in [("none", [0.5, 0.2, 0.3]), ("mine", [0.4, 0.3, 0.3])]
    ...         for epoch, loss in enumerate(losses, 1)]
    >>> epochs_to_reach(pd.DataFrame(rows))[["epochs", "twin"]].values.tolist()
    [[inf, 2.0]]
    """
    twins = checkpoint(table[table["arm"] == "none"], "best").set_index("seed")
    arms = table[table["arm"] != "none"]
    reached = arms["validation"] <= arms["seed"].map(twins["validation"])
    # As floats from the start: pandas 2 would try to make integers of them, infinities and all.
    rows = arms.assign(epochs=arms["epoch"].astype(float).where(reached, np.inf))
    rows = rows.groupby(["arm", "rate", "seed"], sort=False, dropna=False)["epochs"].min()
    rows = rows.reset_index()
    rows["twin"] = rows["seed"].map(twins["epoch"]).astype(float)
    return rows.assign(ratio=rows["epochs"] / rows["twin"])
