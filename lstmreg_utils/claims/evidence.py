"""The records behind the rules: studies opened when they are asked for, and only once."""

import functools

import numpy as np
import pandas as pd

from ..effects import CHECKPOINTS, checkpoint, interval, verdict
from ..studies import named_study
from ..study import study
from ..style import label
from ..tasks import load_task

NO_RATE = -1.0  # in place of NaN, for arms of several rates
TWIN = ("none", 0.0)
NAMES = {
    "japanese_vowels": "speakers",
    "nyse_volume": "volume",
    "lag_recall": "lag task",
    "hidden_ar1": "drift",
}


class Evidence:
    """The studies of the ledger, for one number of seeds.

    Parameters
    ----------
    seeds, epochs, rates
        As for `named_study`.
    recorded : bool
        As for `study`.

    Examples
    --------
    >>> evidence = Evidence(recorded=True)
    >>> evidence.case("noise_listing").margin
    0.0005
    """

    def __init__(self, seeds=20, epochs=None, rates=None, recorded=True):
        self._sizes = seeds, epochs, rates
        self._recorded = recorded
        self._tables, self._cases = {}, {}

    def open(self, names, kind="epochs"):
        """Read several studies at once, which is quicker than one after the other."""
        runs = {name: named_study(name, *self._sizes) for name in names}
        every = list(dict.fromkeys(run for some in runs.values() for run in some))
        whole = study(every, recorded=self._recorded, table=kind)
        for name, some in runs.items():
            own = whole["run"].isin({run.key for run in some})
            self._tables[name, kind] = whole[own].reset_index(drop=True)

    def table(self, name, kind="epochs"):
        """A study as a table, one of `lstmreg_utils.tables.TABLES`."""
        if (name, kind) not in self._tables:
            self.open([name], kind)
        return self._tables[name, kind]

    def case(self, *names, options=""):
        """One network on one task, from one study or several that share it.

        Parameters
        ----------
        *names : str
            Names of studies.
        options : str, default=''
            Which option of the task, such as ``'lag=40'``, if the studies hold several.
        """
        if (names, options) not in self._cases:
            tables = {name: self._part(name, "epochs", options) for name in names}
            probes = functools.partial(self._part, names[0], "probes", options)
            self._cases[names, options] = Case(pd.concat(tables.values()), probes)
        return self._cases[names, options]

    def _part(self, name, kind, options):
        table = self.table(name, kind)
        return table[table["options"].str.contains(rf"\b{options}\b")] if options else table


class Case:
    """Arms and their twin on one task, to be compared pair by pair.

    Parameters
    ----------
    table : pandas.DataFrame
        From `study`, of one task, network and setting.
    probes : callable
        Gives the table of the probes.
    """

    def __init__(self, table, probes=None):
        self.table = table.assign(rate=table["rate"].fillna(NO_RATE))
        [self.task] = table["task"].unique()
        self.name = NAMES.get(self.task, self.task)
        self.margin = margin_of(self.task)
        self._points = {at: _by_setting(checkpoint(self.table, at)) for at in CHECKPOINTS}
        self._probes = probes

    def settings(self, *arms):
        """(arm, rate) of all noisy settings, or of those arms."""
        found = (setting for setting in self._points["last"] if setting != TWIN)
        return [setting for setting in found if not arms or setting[0] in arms]

    def near(self, arm, rate):
        """The setting of an arm whose rate is the nearest."""
        return min(self.settings(arm), key=lambda setting: abs(setting[1] - rate))

    def values(self, setting, at, column="test"):
        """A number of every run of a setting, by seed."""
        return self._points[at][setting][column]

    def chosen(self, at, settings=None):
        """Of some settings the one with the lowest mean validation loss."""
        return min(
            settings or self.settings(), key=lambda s: self.values(s, at, "validation").mean()
        )

    def difference(self, setting, at, other=TWIN, other_at=None, column="test"):
        """Mean and interval of one setting minus another, paired over seeds."""
        return ends(self.values(setting, at, column) - self.values(other, other_at or at, column))

    def verdict(self, setting, at):
        """What the rule of the book says of a setting."""
        d_train, d_test = (self.difference(setting, at, column=c) for c in ("train", "test"))
        return verdict(d_train[1:], d_test[1:], self.margin)

    def probe(self, setting, kind, level, at):
        """What a probe found in every run of a setting, by seed."""
        probes = self.probes(kind)
        arm, rate = setting
        own = probes[(probes["arm"] == arm) & (probes["rate"] == rate) & (probes["at"] == at)]
        nearest = own["level"].iloc[(own["level"] - level).abs().argmin()]
        return own[own["level"] == nearest].set_index("seed")["value"].sort_index()

    def probes(self, kind):
        """The table of one kind of probe."""
        probes = self._probes()
        return probes[probes["probe"] == kind].assign(rate=probes["rate"].fillna(NO_RATE))


def _by_setting(rows):
    """The rows of every setting by seed; twins that two studies share are there once."""
    rows = rows.drop_duplicates(["arm", "rate", "seed"])
    groups = rows.groupby(["arm", "rate"], sort=False)
    return {setting: group.set_index("seed").sort_index() for setting, group in groups}


@functools.cache
def margin_of(task):
    """The difference that does not matter on a task."""
    return load_task(task).margin


def ends(values):
    """Mean and interval of paired differences; the same values are resampled only once."""
    return _ends(tuple(np.asarray(values, float).tolist()))


@functools.lru_cache(maxsize=4096)
def _ends(values):
    return interval(values)


def said(setting):
    """A setting as a sentence names it."""
    arm, rate = setting
    return label(arm) if rate in (NO_RATE, 0.0) else f"{label(arm)} {rate:g}"
