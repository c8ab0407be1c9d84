"""Whether a word would come again, how many seeds it takes, and many settings or data sets."""

import numpy as np
import pandas as pd
import pytest
from test_comparison import made_up
from test_decomposition import MARGIN, planted, replication

from lstmreg_utils.diagnosis import (
    HURTS,
    Comparison,
    combined,
    comparisons,
    interval,
    repeat_rates,
    repeats,
    seeds_needed,
    survivors,
)
from lstmreg_utils.diagnosis.decomposition import effect
from lstmreg_utils.diagnosis.intervals import bounds

# Repeat rates.


def rates_of(table, at="last"):
    return repeat_rates(Comparison(table, margin=MARGIN), at).iloc[0]


def test_word_that_seeds_agree_on_comes_again_and_one_on_the_edge_does_not():
    sure = rates_of(planted(0.1, 0.0))
    assert (sure["effect"], sure["effect_repeats"], sure["cause_repeats"]) == (HURTS, 1, 1)
    wide = planted(0.0, 0.1, spread=0.2)
    edge = rates_of(wide)
    assert 0.2 < edge["effect_repeats"] < 0.9
    assert rates_of(planted(0.0, 0.0))["effect_repeats"] == 1


def test_differences_alone_are_said_again_as_often_as_an_arm_s():
    edge = Comparison(planted(0.0, 0.1, spread=0.2), margin=MARGIN)
    row = repeat_rates(edge).iloc[0]
    said = repeats.effect_again(edge.paired(row["arm"]), MARGIN)
    assert said == (row["effect"], row["effect_repeats"])
    assert repeats.effect_again([0.01, -0.01, 0.0], MARGIN * 100) == ("no difference", 1)


def test_cause_comes_again_no_more_often_than_its_effect():
    row = rates_of(planted(0.025, 0.075, split=0.02))
    assert row["effect_repeats"] == 1
    assert row["cause_repeats"] < 0.95


def test_cause_that_is_withheld_is_withheld_again():
    row = rates_of(planted(0.1, 0.0), "best")
    assert (row["cause"], row["cause_repeats"]) == ("early stopping", 1)


def test_rates_are_the_same_each_time_and_in_any_order_of_rows():
    table = planted(0.025, 0.075, spread=0.1, split=0.02)
    pd.testing.assert_series_equal(rates_of(table), rates_of(table.sample(frac=1, random_state=3)))


def promised_and_kept(settings=150, spread=0.05, n=20, fresh=400):
    """Of settings of known truth: how often a word comes again, as estimated and as it does."""
    rng = np.random.default_rng(0)
    truth = dict(zip(range(settings), rng.uniform(-0.06, 0.06, settings), strict=True))
    drawn = {arm: rng.normal(mean, spread, n) for arm, mean in truth.items()}
    table = pd.concat(
        pd.DataFrame({"arm": str(arm), "seed": range(n), "epoch": 1, "test": values})
        for arm, values in {**drawn, "none": np.zeros(n)}.items()
    )
    rows = repeat_rates(Comparison(table.assign(train=0.0, validation=0.0), margin=MARGIN))
    kept = []
    for (_, row), mean in zip(rows.iterrows(), truth.values(), strict=True):
        _, low, high = bounds(rng.normal(mean, spread, (fresh, n)))
        kept.append((effect(low, high, MARGIN) == row["effect"]).mean())
    return rows["effect_repeats"].mean(), np.mean(kept)


def test_rates_are_what_fresh_studies_come_to():
    promised, kept = promised_and_kept()
    assert 0.5 < kept < 0.9
    assert promised == pytest.approx(kept, abs=0.03)


def test_drawing_once_would_promise_too_much(monkeypatch):
    """Why seeds are drawn twice: the mean at hand is not the truth."""
    once = np.random.default_rng(0).integers(20, size=(1000, 20))
    monkeypatch.setattr(repeats, "fresh_studies", lambda n: once)
    promised, kept = promised_and_kept()
    assert promised > kept + 0.03


def test_rates_of_the_replication_are_those_of_its_blocks():
    """Ten studies of 20 seeds each, of which six to eight say that these two hurt."""
    for comparison in comparisons(replication()):
        table = comparison.table
        studies = [Comparison(table[table["seed"] // 20 == 50 + k]) for k in range(10)]
        rows = pd.concat(repeat_rates(study) for study in studies)
        hurt = rows["effect"].eq(HURTS).groupby(rows["arm"]).mean()
        rates = rows["effect_repeats"].groupby(rows["arm"]).mean()
        for arm in ("dropout 0.8", "after the output 0.8", "between layers 0.9"):
            if arm in rates:
                assert rates[arm] == pytest.approx(max(hurt[arm], 1 - hurt[arm]), abs=0.15)


# As many seeds as it takes.


@pytest.mark.parametrize("spread", [0.03, 0.06, 0.09])
def test_seeds_that_are_needed_are_those_that_make_the_interval_narrow(spread):
    values = np.random.default_rng(0).normal(0, spread, 20)
    needed = seeds_needed(values, MARGIN)
    assert 20 < needed < 400
    half = {n: interval_of_spread(values.std(ddof=1), n) for n in (needed, needed - 1)}
    assert half[needed] <= MARGIN / 2 < half[needed - 1]


def interval_of_spread(spread, n):
    """Half the width of an interval of n values that vary by so much."""
    values = np.tile([1.0, -1.0], n)[:n]
    _, low, high = interval(values * spread / values.std(ddof=1))
    return (high - low) / 2


def test_there_is_a_least_and_a_most_number_of_seeds():
    assert seeds_needed([0.0, 1e-9, -1e-9], MARGIN) == repeats.LEAST == 20
    assert seeds_needed([0.0, 10.0, -10.0], MARGIN) == repeats.MOST == 400


def test_enough_seeds_are_told_by_the_number_at_hand():
    row = Comparison(planted(0.1, 0.0), margin=MARGIN).effects().iloc[0]
    assert row["seeds_needed"] == row["n"] == 20
    assert row["d_test_high"] - row["d_test_low"] <= MARGIN


# Families.


def test_correction_counts_all_that_was_looked_at():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert survivors(p).tolist() == [True, False, False, True]
    assert not survivors([*p, *[np.nan] * 10]).any()
    assert survivors([0.04]).all()
    assert survivors([]).tolist() == survivors([np.nan]).tolist()[:0]
    assert not survivors([np.nan]).any()


def test_count_may_hold_a_few_false_ones_that_existence_may_not():
    p = np.array([0.0001] * 5 + [0.006] * 10)
    assert survivors(p).sum() == 5
    assert survivors(p, counted=True).sum() == 15
    rng = np.random.default_rng(0)
    order = rng.permutation(len(p))
    assert (survivors(p[order]) == survivors(p)[order]).all()


# Data sets together.


def data_sets(changes, spread=0.02, scale=1.0):
    """A comparison a data set: the twin's loss is the scale, the arm's less by a change of it."""
    arms = {("none", "none", 0.0): [(1, 1)], ("mine", "mine", 0.5): [(1, 1)]}
    found = {}
    for k, change in enumerate(changes):
        table, rng = made_up(arms, seeds=20), np.random.default_rng(k)
        mine, noise = table["arm"] == "mine", rng.normal(0, spread, (2, 20))[:, table["seed"]]
        test, train = scale * (1 + (change + noise[0]) * mine), scale * (0.1 + noise[1] * mine)
        found[f"data {k}"] = Comparison(table.assign(test=test, train=train))
    return found


def summary(found, part="test"):
    return found[(found["data"] == "all") & (found["part"] == part)].iloc[0]


def test_data_sets_are_combined_as_shares_of_what_their_twins_lose():
    changes = (-0.3, -0.2, -0.25, -0.1, -0.15)
    found = combined(data_sets(changes), "mine")
    assert found["data"].value_counts().tolist() == [3] * 6
    rows = found[found["part"] == "test"].set_index("data")["change"]
    assert rows.iloc[:5].tolist() == pytest.approx(changes, abs=0.02)
    row = summary(found)
    assert row["change"] == pytest.approx(np.mean(changes), abs=0.01)
    assert row["spread"] == pytest.approx(np.std(changes, ddof=1), rel=0.2)
    assert row["i2"] > 90
    assert row["expected_low"] < row["change_low"] < row["change_high"] < row["expected_high"]


def test_units_of_the_losses_make_no_difference():
    one, other = (combined(data_sets((-0.3, -0.2, -0.1), scale=s), "mine") for s in (1, 50))
    pd.testing.assert_frame_equal(one, other)


def test_parts_of_every_data_set_sum_to_its_effect():
    found = combined(data_sets((-0.3, -0.2, -0.1)), "mine")
    wide = found[found["data"] != "all"].pivot(index="data", columns="part", values="change")
    assert (wide["train"] + wide["gap"]).tolist() == pytest.approx(wide["test"].tolist())


def test_data_sets_that_agree_have_no_spread():
    row = summary(combined(data_sets([-0.2] * 6, spread=0.1), "mine"))
    assert row["spread"] < 0.03
    assert row["i2"] < 50
    assert row["change_low"] < -0.2 < row["change_high"]


def test_twin_that_varies_widens_the_interval():
    found = data_sets((-0.2, -0.2, -0.2), spread=0.0001)
    name, comparison = next(iter(found.items()))
    table = comparison.table
    level = 1 + 0.3 * np.sin(table["seed"])
    narrow, wide = (
        combined({**found, name: Comparison(table.assign(test=test))}, "mine").iloc[0]
        for test in (table["test"], table["test"] + level - 1)
    )
    assert wide["change_high"] - wide["change_low"] > 5 * (
        narrow["change_high"] - narrow["change_low"]
    )


def test_too_few_data_sets_and_an_arm_that_one_lacks_are_refused():
    found = data_sets((-0.2, -0.1, -0.3))
    with pytest.raises(ValueError, match=r"at least 3 data sets, got \['data 0', 'data 1'\]"):
        combined(dict([*found.items()][:2]), "mine")
    with pytest.raises(KeyError, match="arm must be one of"):
        combined(found, "other")
