"""What is left of a finding without a data set, and of seeds that share their test data."""

import dataclasses

import pandas as pd
import pytest

from lstmreg_utils import load_task
from lstmreg_utils.book import across
from lstmreg_utils.book.sensitivity import all_and_apart, disjoint_seeds, left_out
from lstmreg_utils.diagnosis import Comparison, combined
from lstmreg_utils.lab import compare_study

ARM = "dropout 0.5"


@pytest.fixture(scope="module")
def four():
    names = ("speakers_schemes", "volume_schemes", "verses_schemes", "weather")
    return {name: compare_study(name) for name in names}


def mean_of(comparisons, part="test"):
    rows = combined(comparisons, ARM)
    return rows.loc[(rows["data"] == "all") & (rows["part"] == part), "change"].item()


@pytest.mark.parametrize("part", ["test", "gap"])
def test_without_a_data_set_the_mean_is_that_of_the_others(four, part):
    rows = left_out(four, ARM, part).set_index("left_out")
    assert [*rows.index] == [*four]
    for name in four:
        others = {other: each for other, each in four.items() if other != name}
        assert rows.loc[name, "change"] == mean_of(others, part)
    assert rows["change"].nunique() == len(four)


def test_a_data_set_without_the_arm_counts_for_nothing(four):
    more = {**four, "listing": compare_study("speakers_listing")}
    pd.testing.assert_frame_equal(left_out(more, ARM), left_out(four, ARM))


def test_of_three_data_sets_none_is_left_out(four):
    assert left_out(dict([*four.items()][:3]), ARM).empty


@pytest.mark.parametrize("study", ["volume", "weather"])
def test_chosen_seeds_share_no_test_row_and_no_further_one_could_be_had(study):
    comparison = compare_study(study)
    rows = {seed: {*load_task(comparison.task, seed).test_rows} for seed in range(20)}
    chosen = disjoint_seeds(comparison)
    for one in chosen:
        assert not any(rows[one] & rows[other] for other in chosen if other != one)
    for seed in {*rows} - {*chosen}:
        assert any(rows[seed] & rows[other] for other in chosen)


def test_seeds_of_independent_units_are_all_kept():
    assert disjoint_seeds(compare_study("storms")) == [*range(20)]


def test_test_rows_of_other_options_are_not_guessed():
    with pytest.raises(ValueError, match=r"a task without options, got 'lag=40"):
        disjoint_seeds(compare_study("recall_long", lag=40))


def test_apart_are_the_chosen_seeds_alone(four):
    volume = four["volume_schemes"]
    rows = all_and_apart({"volume": volume}, [ARM, "an arm that it lacks"]).set_index("seeds")
    assert rows["arm"].tolist() == [ARM] * 2
    assert rows.loc["all", "d_test"] == volume.difference(ARM)[0]
    chosen = disjoint_seeds(volume)
    expected = volume.paired(ARM).loc[chosen].mean()
    assert rows.loc["apart", "d_test"] == pytest.approx(expected)
    assert rows.loc["apart", "n"] == len(chosen)


def test_one_seed_apart_is_no_study(four):
    table = four["volume_schemes"].table
    near = [seed for seed in range(20) if seed not in disjoint_seeds(four["volume_schemes"])]
    shared = next(
        [one, other]
        for one in near
        for other in near
        if one < other
        and {*load_task("nyse_volume", one).test_rows}
        & {*load_task("nyse_volume", other).test_rows}
    )
    few = Comparison(table[table["seed"].isin(shared)])
    assert all_and_apart({"volume": few}).empty


def test_judged_are_the_arms_that_a_data_set_has(four):
    rows = across.judged_core(four, arms=[ARM, "c, per step 0.5"])
    assert rows.groupby("arm")["data"].agg(list).to_dict() == {
        ARM: [*four], "c, per step 0.5": ["weather"]
    }  # fmt: skip


def test_test_rows_stand_behind_those_of_the_other_splits():
    task = load_task("nyse_volume", 3)
    assert task.test_rows == range(task.origin + 3000, task.origin + 3600)
    assert dataclasses.replace(task, origin=None).test_rows is None
