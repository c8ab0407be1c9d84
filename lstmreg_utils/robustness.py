"""Does noise in training buy robustness to noise at test time? Rises of the loss, paired."""

import pandas as pd

from .effects import checkpoint, interval_columns


def rises(epochs, probes, at="last"):
    """How much each arm's test loss rises under damaged inputs, against its twin's rise.

    A network with a lower loss on clean inputs has a lower loss on slightly damaged ones as well;
    robustness is more than that. It is a smaller *rise* from the one to the other.

    Parameters
    ----------
    epochs, probes : pandas.DataFrame
        Two tables of one study, ``study(runs)`` and ``study(runs, table="probes")``.
    at : {'last', 'best'}, default='last'
        Which weights.

    Returns
    -------
    pandas.DataFrame
        A row per arm, rate, kind of damage (``probe``) and ``level``: the mean ``test`` loss
        under it, the mean ``rise`` above the loss on clean inputs, and for all arms but the twin
        the difference of rises with its 95 % interval (``d_rise``, ``d_rise_low``,
        ``d_rise_high``); below zero the arm is the more robust one.

    Raises
    ------
    ValueError
        The study has no probes, or holds more than one setting.

    Examples
    --------
    >>> from lstmreg_utils import study
    >>> from lstmreg_utils.studies import named_study
    >>> runs = named_study("speakers_placements")
    >>> table = rises(study(runs), study(runs, table="probes"))
    >>> table.columns.tolist()[:4]
    ['arm', 'rate', 'probe', 'level']
    """
    probes = probes[probes["probe"] != "gradient"] if len(probes) else probes
    if probes.empty:
        raise ValueError("probes must hold a study's losses under damage, got none")
    clean = checkpoint(epochs, at).set_index("run")["test"]
    damaged = probes[probes["at"] == at].rename(columns={"value": "test"})
    damaged = damaged.assign(rise=damaged["test"] - damaged["run"].map(clean))
    if damaged.duplicated(["arm", "rate", "seed", "probe", "level"]).any():
        raise ValueError("epochs and probes must hold one setting, got several")

    rows = []
    for (probe, level), group in damaged.groupby(["probe", "level"], sort=False):
        twins = group[group["arm"] == "none"].set_index("seed")["rise"]
        for (arm, rate), runs in group.groupby(["arm", "rate"], sort=False, dropna=False):
            row = {"arm": arm, "rate": rate, "probe": probe, "level": level, "at": at}
            row |= runs[["test", "rise"]].mean().to_dict()
            if arm != "none":
                differences = runs.set_index("seed")["rise"] - twins
                row |= interval_columns("d_rise", differences)
            rows.append(row)
    return pd.DataFrame(rows)
