"""Arms against their twin on one task and network: every number that effect and cause rest on."""

import functools
import math

import numpy as np
import pandas as pd

from ..tasks import margin_of
from .decomposition import NAMED, paces, take_apart
from .intervals import interval
from .repeats import seeds_needed
from .tables import LOSSES, TWIN, ends, matched, named, network_of, once, settings_that_differ

NEEDED = ("arm", "seed", "epoch", *LOSSES)
NEEDED_PROBES = ["arm", "seed", "at", "probe", "level", "value"]
# Numbers of a run that are one column minus another.
PARTS = {"gap": ("test", "train"), "noise_cost": ("noisy", "train")}


def compare(table, at="last", margin=None):
    """Every arm against its twin without noise, paired over seeds.

    Each interval stands alone: among twenty arms that do nothing, expect one to seem to.

    Parameters
    ----------
    table : pandas.DataFrame
        From `study`, with the twins in it; or of your own runs, with the columns ``arm`` (one of
        them ``'none'``), ``seed``, ``epoch``, ``train``, ``validation``, ``test`` (losses with
        dropout off) and, if you have them, ``rate``, ``task``, ``noisy`` (the training loss with
        dropout on) and ``test_metric`` (more of it is better).
    at : {'last', 'best'}
        Which epoch of each run: its last, or the one of its lowest validation loss, which early
        stopping would keep.
    margin : float, optional
        The δ of the rule, in units of the loss. By default the margin of each task.

    Returns
    -------
    pandas.DataFrame
        A row per task, setting and arm: ``n`` pairs, and how many are needed
        (``seeds_needed``); mean and 95 % `interval` over seeds of Δtrain
        (``d_train``, ``d_train_low``, ``d_train_high``), of Δtest (``d_test...``), of Δgap
        (``d_gap...``), of the shares of Δtest (``share_train...``, ``share_gap...``) and, as far
        as the table holds it, of the metric (``d_metric...``), of the noise cost
        (``noise_cost...``, training loss with dropout on minus off) and of what the validation
        loss still fell, in an arm and in its twin, from the third to the last quarter of the
        epochs (``pace...``, ``twin_pace...``); the means of ``train``, ``validation``, ``test``
        and ``epoch``; the ``effect`` and its ``cause`` (`lstmreg_utils.diagnosis.decomposition`),
        each with its p value (``p_effect``, ``p_cause``), both in one word (``verdict``: the
        cause, or the effect where none is named), and the ``metric_effect`` of the metric's sign
        alone.

    Raises
    ------
    ValueError
        Another `at`, or missing rows, columns, arms, twins or (of your own) margin, by name.

    Examples
    --------
    >>> rows = [dict(arm=arm, seed=seed, epoch=1, train=0.1, validation=1.0, test=1.0 - gain)
    ...         for arm, gain in [("none", 0.0), ("mine", 0.5)] for seed in range(5)]
    >>> compare(pd.DataFrame(rows), margin=0.01)[["d_test", "effect", "cause"]].values.tolist()
    [[-0.5, 'helps', 'regularization works']]
    """
    parts = comparisons(table, margin)
    if not (found := [rows for part in parts if len(rows := part.effects(at))]):
        raise ValueError("table must hold at least one arm besides 'none', got none")
    return pd.concat(found, ignore_index=True)


def comparisons(table, margin=None):
    """A `Comparison` for each task and network of a table; parameters as for `compare`.

    Examples
    --------
    >>> row = dict(arm="none", seed=0, epoch=1, train=1, validation=1, test=1)
    >>> len(comparisons(pd.DataFrame([row | {"units": units} for units in (16, 32)])))
    2
    """
    table = named(table, NEEDED)  # an arm has the same label on every task
    if not (several := settings_that_differ(table)):
        return [Comparison(table, margin=margin)]
    groups = table.groupby(several, dropna=False, sort=False)
    return [Comparison(part, margin=margin) for _, part in groups]


class Comparison:
    """Arms and their twin on one task and network, to be compared pair by pair.

    Values are in the order of their seeds, and of equals the first by name is taken, so that no
    number depends on the order of rows.

    Parameters
    ----------
    table, margin
        As for `compare`, but of one task and network: studies that share it may be put together.
    probes : pandas.DataFrame, optional
        ``study(runs, table="probes")`` of the same runs.

    Raises
    ------
    ValueError
        As for `compare`; and several tasks or networks.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> volume = compare_study("volume")
    >>> volume.choose("best")
    'recurrent_dropout 0.3'
    >>> mean, low, high = volume.difference("dropout 0.3")
    """

    def __init__(self, table, probes=None, margin=None):
        table = named(table, NEEDED)
        self.network = network_of(table)
        self.table = once(table, ["arm", "seed", "epoch"], LOSSES)
        self.task = self.network.get("task")
        self._margin, self._ends = margin, {}
        given = probes is not None and not probes.empty
        self._probes = self._checked(probes) if given else pd.DataFrame(columns=NEEDED_PROBES)

    @functools.cached_property
    def margin(self):
        """Two test losses that differ by less are equivalent."""
        if self._margin is not None:
            return self._margin
        if not isinstance(self.task, str):  # None, which pandas may have made a NaN
            raise ValueError("margin must be given for a table without the column 'task'")
        return margin_of(self.task)

    @functools.cached_property
    def arms(self):
        """A row an arm, by its label, but for the twin, with its ``scheme`` and its ``rate``."""
        arms = self.table.drop_duplicates("arm").set_index("arm")[["scheme", "rate"]]
        return arms.drop(TWIN, errors="ignore")

    def known(self, arm):
        """An arm as columns: its label, scheme and rate."""
        twin = {"scheme": TWIN, "rate": 0.0}
        return {"arm": arm, **(twin if arm == TWIN else self.arms.loc[arm].to_dict())}

    def of(self, *schemes):
        """The arms of some schemes, or all."""
        arms = self.arms["scheme"]
        return list(arms[arms.isin(schemes)].index if schemes else arms.index)

    def nearest(self, scheme, rate):
        """The arm of a scheme whose rate is the nearest; a KeyError if no arm of it has one."""
        rates = self.arms["rate"].dropna()
        if not (arms := [arm for arm in self.of(scheme) if arm in rates]):
            schemes = sorted({*self.arms.loc[rates.index, "scheme"]})
            raise KeyError(f"scheme must be one of {schemes}, got {scheme!r}")
        return min(arms, key=lambda arm: (abs(rates[arm] - rate), rates[arm], arm))

    def values(self, arm, at="last", column="test"):
        """A column of an arm's runs, by seed; or their ``'gap'`` or ``'noise_cost'`` (`PARTS`)."""
        runs = self._runs(at)
        if arm not in runs:
            raise KeyError(f"arm must be one of {[*runs]}, got {arm!r}")
        if column in PARTS:
            one, other = PARTS[column]
            return runs[arm][one] - runs[arm][other]
        return runs[arm][column]

    def _runs(self, at):
        """By arm: a row a run, by seed."""
        if at not in self._ends:  # each when it is asked for: 'last' needs no validation loss
            chosen = ends(self.table, ["arm", "seed"], at).join(self._paces, ["arm", "seed"])
            chosen = chosen.set_index("seed").sort_index()
            self._ends[at] = dict(iter(chosen.groupby("arm", sort=False)))
        return self._ends[at]

    @functools.cached_property
    def _paces(self):
        return paces(self.table)

    def difference(self, arm, at="last", column="test", other=TWIN, other_at=None):
        """The `interval` of one arm minus another, or another epoch of it, paired over seeds."""
        return interval(self.paired(arm, at, column, other, other_at))

    def paired(self, arm, at="last", column="test", other=TWIN, other_at=None):
        """One arm minus another, by seed, as for `difference`."""
        own = self.values(arm, at, column)
        return own - self.partners(own, arm, other_at or at, column, other)

    def partners(self, own, arm, at, column="test", other=TWIN):
        """The values of another arm at the seeds of some values of an arm."""
        if other == TWIN and TWIN not in self._runs(at):
            return matched(own.iloc[:0], own, arm)
        whose = "without noise" if other == TWIN else f"of {other!r}"
        return matched(self.values(other, at, column), own, arm, whose)

    def effects(self, at="last", arms=None):
        """The rows of `compare`, of some arms or of all."""
        arms = self.arms.index if arms is None else arms
        return pd.DataFrame([self._effect(arm, at) for arm in arms])

    def _effect(self, arm, at):
        runs, samples = self._runs(at)[arm], self.samples(arm, at)
        row = {**self.network, **self.known(arm), "at": at, "n": len(runs)}
        row |= {"seeds_needed": seeds_needed(samples["d_test"], self.margin)}
        found = take_apart(samples, self.margin, self.stopped_early(arm, at))
        row |= {name: number.item() for name, number in found.items()}
        row["verdict"] = row["cause"] if row["cause"] in NAMED else row["effect"]
        return row | {name: runs[name].mean() for name in (*LOSSES, "epoch")}

    def samples(self, arm, at="last"):
        """What the rule judges an arm by: for `take_apart`, in the order of the seeds."""
        samples = {f"d_{loss}": self.paired(arm, at, loss) for loss in ("train", "test")}
        if (runs := len(samples["d_test"])) < 2:
            raise ValueError(f"arm {arm!r} must have at least 2 runs, one a seed, got {runs}")
        if "noisy" in self.table:
            samples["noise_cost"] = self.values(arm, at, "noise_cost")
        if "test_metric" in self.table:
            samples["d_metric"] = self.paired(arm, at, "test_metric")
        samples["pace"] = self.values(arm, at, "pace")
        samples["twin_pace"] = self.partners(samples["pace"], arm, at, "pace")
        found = {name: values.to_numpy(float) for name, values in samples.items()}
        # What is infinite is as good as NaN, which is quiet in the arithmetic.
        return {name: np.where(np.isinf(values), np.nan, values) for name, values in found.items()}

    def stopped_early(self, arm, at="last"):
        """Whether an arm and its twin are compared at different lengths of training."""
        return at == "best" or bool(self.paired(arm, at, "epoch").any())

    def choose(self, at="last", arms=None):
        """Of some arms, or all but the twin, the lowest by mean validation (never test) loss."""
        arms = list(self.arms.index if arms is None else arms)
        if not arms:
            raise ValueError("arms must hold at least one arm besides 'none', got none")
        means = {arm: self.values(arm, at, "validation").mean(skipna=False) for arm in arms}
        # A mean that is no number has diverged: never the lowest.
        return min(arms, key=lambda arm: (math.inf if math.isnan(means[arm]) else means[arm], arm))

    def _checked(self, probes):
        probes = named(probes, NEEDED_PROBES, "probes")
        shared = [*self.network.keys() & {*probes.columns}]
        both = pd.concat([self.table[shared].iloc[:1], probes[shared]])
        network_of(both, "table and probes together")
        return once(probes, NEEDED_PROBES[:-1], ["value"], "probes", "value a run, kind and level")

    def probes(self, *kinds):
        """The table of some kinds of probes; a ValueError if there are none."""
        found = self._probes[self._probes["probe"].isin(kinds)]
        if found.empty:
            raise ValueError(f"probes must hold probes of the kinds {kinds}, got none")
        return found

    def levels(self, arm, kind, at="last"):
        """By level, what the probes of a kind found in every run of an arm, by seed."""
        if (arm, kind, at) not in self._levels:
            self.probes(kind)  # refuses a kind that no arm was probed for
        return self._levels.get((arm, kind, at), {})

    @functools.cached_property
    def _levels(self):
        levels, ordered = {}, self._probes.sort_values(["level", "seed"]).set_index("seed")
        for key, values in ordered.groupby(["arm", "probe", "at", "level"], sort=False)["value"]:
            levels.setdefault(key[:3], {})[key[3]] = values
        return levels

    def probe(self, arm, kind, level, at="last"):
        """What a probe found in every run of an arm, by seed: of its levels the nearest."""
        if not (levels := self.levels(arm, kind, at)):
            raise ValueError(f"probes must hold {kind!r} of arm {arm!r} at {at!r}, got none")
        return levels[min(levels, key=lambda known: abs(known - level))]
