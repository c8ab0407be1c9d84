"""Choosing among the settings of a scheme: by validation loss, never by test loss."""

from .effects import checkpoint, compare
from .stopping import against_twin_at


def chosen_effects(table, family, at="last"):
    """Of each scheme the setting of the lowest mean validation loss, with its effect on the test.

    Parameters
    ----------
    table : pandas.DataFrame
        From `study`, of one task and setting; several studies may be concatenated.
    family : callable
        From the name of an arm to the scheme it belongs to.
    at : {'last', 'best'}, default='last'
        Which epoch of each run.

    Returns
    -------
    pandas.DataFrame
        Rows of `compare`, one a scheme, with the columns ``family`` and ``validation``, the lowest
        first.

    Examples
    --------
    >>> from lstmreg_utils import study
    >>> from lstmreg_utils.studies import named_study
    >>> chosen = chosen_effects(study(named_study("volume")), family=str)
    >>> sorted(chosen["family"])
    ['dropout', 'recurrent_dropout']
    """
    effects = compare(table, at)
    losses = checkpoint(table, at).fillna({"rate": -1.0}).groupby(["arm", "rate"])["validation"]
    means = losses.mean()
    keys = zip(effects["arm"], effects["rate"].fillna(-1.0), strict=True)
    effects = effects.assign(
        family=effects["arm"].map(family), validation=[means[key] for key in keys]
    )
    lowest = effects.groupby("family", sort=False)["validation"].idxmin()
    return effects.loc[lowest].sort_values("validation").reset_index(drop=True)


def against_early_stopping(table, chosen):
    """Each chosen setting at its last epoch, and at its best, against the twin stopped early.

    Parameters
    ----------
    table : pandas.DataFrame
        As for `chosen_effects`.
    chosen : pandas.DataFrame
        From `chosen_effects`.

    Returns
    -------
    pandas.DataFrame
        A row for the twin and each scheme and checkpoint: mean difference in test loss to the
        twin at its best epoch, with its 95 % interval. The twin's own row at its last epoch is
        what early stopping alone is worth, with its sign turned.

    Examples
    --------
    >>> from lstmreg_utils import study
    >>> from lstmreg_utils.studies import named_study
    >>> table = study(named_study("volume"))
    >>> rows = against_early_stopping(table, chosen_effects(table, family=str))
    >>> bool(rows.set_index(["family", "at"]).loc[("none", "last"), "d_test"] > 0)
    True
    """
    families = {("none", 0.0): "none"}
    keys = zip(chosen["arm"], chosen["rate"].fillna(-1.0), strict=True)
    families |= dict(zip(keys, chosen["family"], strict=True))
    settings = list(zip(table["arm"], table["rate"].fillna(-1.0), strict=True))
    rows = against_twin_at(table[[setting in families for setting in settings]], "best")
    keys = zip(rows["arm"], rows["rate"].fillna(-1.0), strict=True)
    rows.insert(0, "family", [families[key] for key in keys])
    order = {family: place for place, family in enumerate(families.values())}
    rows = rows.sort_values("family", key=lambda names: names.map(order), kind="stable")
    return rows.reset_index(drop=True)


def share_saved(table, at="last"):
    """What part of its own test loss a network saves by the noise that validation chooses for it.

    Parameters
    ----------
    table : pandas.DataFrame
        From `study`, of one task and setting.
    at : {'last', 'best'}, default='last'
        Which epoch of each run.

    Returns
    -------
    chosen : pandas.Series
        The row of `chosen_effects`.
    saved : pandas.Series
        By seed, 1 - (loss of the chosen setting) / (loss of the twin).

    Examples
    --------
    >>> from lstmreg_utils import study
    >>> from lstmreg_utils.studies import named_study
    >>> chosen, saved = share_saved(study(named_study("volume")))
    >>> chosen["arm"], len(saved)
    ('recurrent_dropout', 20)
    """
    chosen = chosen_effects(table, lambda name: "any", at).iloc[0]
    losses = checkpoint(table, at).fillna({"rate": -1.0})
    losses = losses.set_index(["arm", "rate", "seed"])["test"].sort_index()
    rate = chosen["rate"] if chosen["rate"] == chosen["rate"] else -1.0
    return chosen, 1 - losses[chosen["arm"], rate] / losses["none", 0.0]
