"""What a `Comparison` says of many arms at once: chosen settings, early stopping, probes.

Everywhere `at` is the epoch of each run, ``'last'`` or ``'best'`` as for `compare`; `arms` are
labels, all unless given; a difference ``d_...`` has a 95 % interval, from ``d_..._low`` to
``d_..._high``; and missing runs or probes are a ValueError that names them.
"""

import itertools

import pandas as pd

from .intervals import interval_columns
from .tables import CHECKPOINTS, TWIN, matched


def chosen_effects(comparison, family=str, at="last"):
    """Of each family of schemes the arm of the lowest mean validation loss, with its effects.

    Parameters
    ----------
    family : callable
        From a scheme to the family it belongs to; each scheme is its own unless given.

    Returns
    -------
    pandas.DataFrame
        Rows of `compare`, one a family, with the column ``family``; the lowest loss first.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> sorted(chosen_effects(compare_study("volume"))["family"])
    ['dropout', 'recurrent_dropout']
    """
    families = {}
    for arm, scheme in comparison.arms["scheme"].items():
        families.setdefault(family(scheme), []).append(arm)
    chosen = {comparison.choose(at, arms): name for name, arms in families.items()}
    rows = comparison.effects(at, chosen).assign(family=[*chosen.values()])
    return rows.sort_values(["validation", "arm"], ignore_index=True)


def share_saved(comparison, at="last", arms=None):
    """The arm that validation chooses, and by seed what part of its twin's test loss it saves.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> share_saved(compare_study("volume"))[0]
    'recurrent_dropout 0.6'
    """
    arm = comparison.choose(at, arms)
    own = comparison.values(arm, at)
    return arm, 1 - own / comparison.partners(own, arm, at)


def stopping_effects(comparison, twin_at, arms=None):
    """Every arm, trained to the end and stopped early, against the twin at one of the two.

    Where `twin_at` is ``'last'``, stopping early is one more regularizer, which can be had with
    each arm or without. Where it is ``'best'``, stopping early is what the others have to beat.

    Returns
    -------
    pandas.DataFrame
        A row per arm and checkpoint (``at``), the twin first: the mean ``test`` loss and its
        difference to the twin there, ``d_test``.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> rows = stopping_effects(compare_study("volume"), "best", ["dropout 0.3"])
    >>> rows[["arm", "at"]].values.tolist()
    [['none', 'last'], ['dropout 0.3', 'last'], ['dropout 0.3', 'best']]
    """
    arms = [TWIN, *(comparison.arms.index if arms is None else arms)]
    return pd.DataFrame(
        {**comparison.known(arm), "at": at, "test": comparison.values(arm, at).mean()}
        | interval_columns("d_test", comparison.paired(arm, at, other_at=twin_at))
        for arm, at in itertools.product(arms, CHECKPOINTS)
        if (arm, at) != (TWIN, twin_at)
    )


def epochs_needed(comparison, arm):
    """By seed, the first epoch at which an arm is as good as its twin ever gets.

    Good is by validation loss. Of a run that never is, one epoch more than it was trained.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> epochs_needed(compare_study("volume"), "dropout 0.3").median().item()
    41.0
    """
    trained = comparison.values(arm, "last", "epoch")
    goal = comparison.partners(trained, arm, "best", "validation")
    rows = comparison.table[comparison.table["arm"] == arm]
    first = rows[rows["validation"] <= rows["seed"].map(goal)].groupby("seed")["epoch"].min()
    return first.reindex(trained.index).fillna(trained + 1)


def probe_effects(comparison, *kinds, at="last", above=None):
    """What some kinds of probes found, against the twin, paired over seeds.

    Parameters
    ----------
    *kinds : str
        As in `lstmreg_utils.lab.probes`.
    above : str, optional
        A column that is taken off every value first. A network with a lower loss on clean inputs
        has a lower loss on slightly damaged ones as well: robustness is a smaller *rise* from the
        one to the other, above ``'test'``.

    Returns
    -------
    pandas.DataFrame
        A row per arm, kind (``probe``) and ``level``: the mean of what was found (``found``) and,
        less `above`, of the ``value``; for all arms but the twin the difference ``d_value``.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> rows = probe_effects(compare_study("speakers_placements"), "noise", above="test")
    >>> sorted(rows["level"].unique().tolist())
    [0.25, 0.5, 1.0]
    """

    def less(arm, found):
        return found - comparison.values(arm, at, above).loc[found.index] if above else found

    comparison.probes(*kinds)
    rows = []
    for kind, arm in itertools.product(dict.fromkeys(kinds), [TWIN, *comparison.arms.index]):
        twins = comparison.levels(TWIN, kind, at)
        for level, found in comparison.levels(arm, kind, at).items():
            values = less(arm, found)
            row = {**comparison.known(arm), "probe": kind, "level": level, "at": at}
            row |= {"found": found.mean(), "value": values.mean()}
            if arm != TWIN:
                twin = less(TWIN, matched(twins.get(level, found.iloc[:0]), found, arm))
                row |= interval_columns("d_value", values - twin)
            rows.append(row)
    return pd.DataFrame(rows)


def prediction_effects(comparison, ensembles=None, at="last"):
    """Test losses of several ways to predict, against one pass of the twin, paired over seeds.

    Parameters
    ----------
    comparison, ensembles : Comparison
        With "samples" probes; of the same networks without noise, with "ensemble" probes.

    Returns
    -------
    pandas.DataFrame
        A row per arm and way (``how``: 'noise off', 'mean of k noisy passes', 'ensemble of k'):
        the mean ``test`` loss; its difference to one pass of the twin, ``d_test``, and to one
        pass of the same arm, ``d_own``.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> prediction_effects(compare_study("volume_inference"))["how"].iloc[0]
    'noise off'
    """
    comparison.probes("samples")
    arms = comparison.arms.index
    ways = [(arm, "noise off", comparison.values(arm, at)) for arm in [TWIN, *arms]]
    for arm in arms:  # without noise every pass is the same
        for k, losses in comparison.levels(arm, "samples", at).items():
            ways.append((arm, f"mean of {k:g} noisy pass{'es' * (k != 1)}", losses))
    if ensembles is not None:
        for k, losses in ensembles.levels(TWIN, "ensemble", at).items():
            ways.append((TWIN, f"ensemble of {k:g}", losses))
    rows = []
    for arm, how, losses in ways:
        row = {**comparison.known(arm), "how": how, "at": at, "test": losses.mean()}
        for name, other in {"d_test": TWIN, "d_own": arm}.items():
            one_pass = comparison.partners(losses, arm, at, other=other)
            row |= interval_columns(name, losses - one_pass)
        rows.append(row)
    return pd.DataFrame(rows)
