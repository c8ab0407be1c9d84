"""Many settings under one question, and one arm on many data sets."""

import numpy as np
import pandas as pd

from .intervals import CONFIDENCE, critical, error, interval_columns


def survivors(p_values, counted=False):
    """Which findings of a family stand when all that was looked at is counted.

    Parameters
    ----------
    p_values : array-like
        Of all settings that were looked at; ``p_effect`` or ``p_cause`` of `compare`. NaN, of a
        setting without a finding, counts as 1.
    counted : bool, default=False
        Of a sentence that says that a thing occurs at all, one false finding must be unlikely
        (Holm 1979). Of one that counts where it occurs, few of those counted may be false
        (Benjamini and Yekutieli 2001); both for settings that depend on each other in any way,
        as those that share a twin do.

    Returns
    -------
    ndarray of bool

    Examples
    --------
    >>> survivors([0.001, 0.02, 0.03, float("nan")]).tolist()
    [True, False, False, False]
    """
    from statsmodels.stats.multitest import multipletests  # takes seconds to import

    p_values = np.nan_to_num(np.asarray(p_values, float), nan=1.0)
    how = "fdr_by" if counted else "holm"
    return multipletests(p_values, 1 - CONFIDENCE, how)[0] if len(p_values) else p_values > 0


def combined(comparisons, arm, at="last"):
    """One arm on several data sets, and what to expect of it on another: a random-effects summary.

    Losses of different tasks have different units. Each Δ is taken as a share of the mean test
    loss of the twin, which is measured where a margin is set by hand, and leaves the parts to sum
    to the effect; it is no measure where the twin's loss is near zero. The spread between data
    sets is that of Paule and Mandel (1982), the interval of the mean Student's, with a degree of
    freedom less than there are data sets (Hartung and Knapp 2001), as 1.96 standard errors are too
    few for a handful.

    Parameters
    ----------
    comparisons : dict of str to Comparison
        By the name of the data set; three at least.
    arm : str
        A label that all have; a KeyError if one has not.
    at : {'last', 'best'}

    Returns
    -------
    pandas.DataFrame
        For each ``part`` (``test``, ``train``, ``gap``) a row a data set, with ``change``,
        ``change_low`` and ``change_high``; and the last, ``all``, with the mean over data sets,
        the standard deviation between them (``spread``), the percentage of their variance that
        is not seeds (``i2``), and where 95 % of further data sets are expected
        (``expected_low``, ``expected_high``; Higgins et al. 2009).

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> studies = {name: compare_study(name) for name in ("speakers_schemes", "volume_schemes")}
    >>> studies["verses"] = compare_study("verses_schemes")
    >>> combined(studies, "dropout 0.5")["data"].tolist()[:4]
    ['speakers_schemes', 'volume_schemes', 'verses', 'all']
    """
    if len(comparisons) < 3:
        raise ValueError(f"comparisons must be of at least 3 data sets, got {list(comparisons)}")
    rows = []
    for part in ("test", "train", "gap"):
        changes = {name: _changes(each, arm, at, part) for name, each in comparisons.items()}
        for name, values in changes.items():
            rows.append({"data": name, "part": part, **interval_columns("change", values)})
        rows.append({"data": "all", "part": part, **_summary([*changes.values()])})
    return pd.DataFrame(rows)


def _changes(comparison, arm, at, part):
    """Numbers with the mean, and the spread, of Δ over the mean of the twin's test loss."""
    change = comparison.paired(arm, at, part)
    twin = comparison.partners(change, arm, at)
    ratio = change.mean() / twin.mean()
    return ratio + ((change - ratio * twin) / twin.mean()).to_numpy()  # to first order


def _summary(changes):
    from statsmodels.stats.meta_analysis import combine_effects

    means = np.array([values.mean() for values in changes])
    found = combine_effects(means, np.array([error(values) ** 2 for values in changes]), "iterated")
    mean, k = found.mean_effect_re, len(changes)
    half = critical(k) * found.sd_eff_w_re
    beyond = critical(k - 1) * np.hypot(found.sd_eff_w_re, np.sqrt(found.tau2))
    return {
        "change": mean, "change_low": mean - half, "change_high": mean + half,
        "spread": np.sqrt(found.tau2), "i2": 100 * max(found.i2, 0),
        "expected_low": mean - beyond, "expected_high": mean + beyond,
    }  # fmt: skip
