import numpy as np
import pandas as pd
import pytest

from lstmreg_utils import checkpoint, compare, effects, interval, verdict
from lstmreg_utils.effects import HELPED, OVER, SAME, UNDECIDED, WORKS, WORSE

MARGIN = 0.02
UP, DOWN = (0.03, 0.09), (-0.09, -0.03)  # clear effects
BAND = (-0.01, 0.01)  # equivalent to none
SLIGHTLY_UP, SLIGHTLY_DOWN = (0.001, 0.01), (-0.01, -0.001)  # significant and equivalent
WIDE = (-0.09, 0.09)  # anything


@pytest.mark.parametrize(
    ("d_train", "d_test", "expected"),
    [
        (UP, DOWN, WORKS),
        (UP, UP, OVER),
        (DOWN, UP, WORSE),
        (BAND, UP, WORSE),
        (DOWN, DOWN, HELPED),
        (BAND, DOWN, HELPED),
        # Training losses near zero: an effect within the margin that has a sign is judged by it.
        (SLIGHTLY_UP, DOWN, WORKS),
        (SLIGHTLY_UP, UP, OVER),
        (SLIGHTLY_DOWN, UP, WORSE),
        (SLIGHTLY_DOWN, DOWN, HELPED),
        # Test losses that are equivalent, whatever happened in training.
        *((d_train, BAND, SAME) for d_train in (UP, DOWN, BAND, WIDE)),
        (UP, SLIGHTLY_UP, SAME),
        (UP, SLIGHTLY_DOWN, SAME),
        # An interval that straddles zero and leaves the margin.
        *((d_train, WIDE, UNDECIDED) for d_train in (UP, DOWN, BAND, WIDE)),
        (WIDE, UP, UNDECIDED),
        (WIDE, DOWN, UNDECIDED),
        (UP, (-0.001, 0.03), UNDECIDED),
        (UP, (-0.03, 0.001), UNDECIDED),
        # A sign that is sure, of an effect that may or may not matter, is a sign.
        (UP, (0.001, 0.03), OVER),
        (UP, (-0.03, -0.001), WORKS),
    ],
)
def test_verdict_follows_the_rule(d_train, d_test, expected):
    assert verdict(d_train, d_test, MARGIN) == expected


@pytest.mark.parametrize("ends", [(-MARGIN, MARGIN), (0.0, MARGIN), (-MARGIN, 0.0)])
def test_interval_that_touches_the_margin_is_not_within_it(ends):
    assert verdict(UP, ends, MARGIN) == UNDECIDED


def test_interval_that_touches_zero_has_no_sign():
    assert verdict(UP, (0.0, 0.09), MARGIN) == UNDECIDED
    assert verdict((0.0, 0.09), DOWN, MARGIN) == UNDECIDED


def test_rule_treats_better_and_worse_alike():
    mirrored = {WORKS: WORSE, WORSE: WORKS, OVER: HELPED, HELPED: OVER}
    for d_train in (UP, DOWN, SLIGHTLY_UP, SLIGHTLY_DOWN, WIDE):
        for d_test in (UP, DOWN, BAND, WIDE):
            here = verdict(d_train, d_test, MARGIN)
            there = verdict(*((-high, -low) for low, high in (d_train, d_test)), MARGIN)
            assert there == mirrored.get(here, here)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (((0.2, 0.1), UP, MARGIN), "d_train"), ((UP, (np.nan, 0.1), MARGIN), "d_test"),
        ((UP, DOWN, 0), "margin"), ((UP, DOWN, -1), "margin"), ((UP, DOWN, np.nan), "margin"),
    ],
)  # fmt: skip
def test_verdict_refuses_by_name(arguments, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        verdict(*arguments)


# Pairs.


def own_table(gains=(0.0, 0.5), seeds=6, epochs=2):
    """Runs of one's own: arms `none` and `mine`, better at the test by a gain that varies."""
    rng = np.random.default_rng(0)
    level = rng.normal(1, 0.5, seeds)  # seeds differ far more than arms do
    return pd.DataFrame(
        {
            "arm": arm, "seed": seed, "epoch": epoch, "train": 0.1 + (arm == "mine") * 0.05,
            "noisy": 0.3 if arm == "mine" else 0.1, "validation": level[seed] - 0.1 * epoch,
            "test": level[seed] - gain + 0.001 * seed * (arm == "mine"),
        }
        for arm, gain in zip(("none", "mine"), gains, strict=True)
        for seed in range(seeds)
        for epoch in range(1, epochs + 1)
    )  # fmt: skip


def test_effect_is_the_mean_of_the_paired_differences():
    row = compare(own_table(), margin=0.01).iloc[0]
    expected = -0.5 + 0.001 * np.arange(6)
    assert row["d_test"] == pytest.approx(expected.mean())
    assert expected.min() < row["d_test_low"] < row["d_test"] < row["d_test_high"] < expected.max()
    assert (row["arm"], row["n"], row["at"], row["epoch"]) == ("mine", 6, "last", 2)
    assert row["verdict"] == WORKS
    assert row["train"] == pytest.approx(0.15)


def test_pairs_are_made_by_seed_and_not_by_row():
    table = own_table()
    shuffled = table.sample(frac=1, random_state=1)
    assert shuffled["seed"].tolist() != table["seed"].tolist()
    columns = ["d_train", "d_test", "d_test_low", "d_test_high", "noise_cost", "verdict"]
    first, second = (compare(t, margin=0.01)[columns] for t in (table, shuffled))
    pd.testing.assert_frame_equal(first, second, atol=1e-3)
    # Seeds vary by 0.5: without pairs no interval could be as narrow as this.
    assert (second["d_test_high"] - second["d_test_low"]).item() < 0.01


def test_twins_of_other_seeds_are_left_aside():
    table = own_table()
    fewer = table[(table["arm"] == "none") | (table["seed"] < 3)]
    assert compare(fewer, margin=0.01)["n"].item() == 3


def test_noise_cost_is_the_loss_with_dropout_on_minus_off():
    row = compare(own_table(), margin=0.01).iloc[0]
    assert row["noise_cost"] == pytest.approx(0.15)
    assert "noise_cost" not in compare(own_table().drop(columns="noisy"), margin=0.01)


def test_settings_and_rates_are_compared_each_for_itself(tiny_table):
    wider = tiny_table.assign(units=8, test=tiny_table["test"] + (tiny_table["arm"] != "none"))
    both = compare(pd.concat([tiny_table, wider]))
    assert len(both) == 4
    assert both.loc[both["units"] == 4, "d_test"].abs().lt(0.9).all()
    assert both.loc[both["units"] == 8, "d_test"].gt(0.1).all()


def test_margin_of_a_study_is_that_of_its_task(tiny_table):
    assert compare(tiny_table)["verdict"].equals(compare(tiny_table, margin=0.01)["verdict"])
    assert set(compare(tiny_table, margin=1e6)["verdict"]) == {SAME}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t[(t["arm"] == "mine") | (t["seed"] < 4)],
            r"without noise .* missing: \[4, 5\]",
        ),
        (lambda t: t[t["arm"] == "mine"], r"missing: \[0, 1, 2, 3, 4, 5\]"),
        (lambda t: t[t["arm"] == "none"], "at least one arm besides 'none'"),
        (lambda t: t.iloc[:0], "empty table"),
        (lambda t: t.drop(columns=["train", "seed"]), r"missing: \['seed', 'train'\]"),
        (lambda t: t[t["seed"] < 1], "at least 2 finite numbers"),
        (lambda t: t.assign(test=t["test"].where(t["seed"] > 0)), "at least 2 finite numbers"),
        (lambda t: t.assign(train=t["train"].where(t["seed"] > 0, np.inf)), "finite numbers"),
    ],
)
def test_table_that_cannot_be_compared_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        compare(change(own_table()), margin=0.01)


@pytest.mark.parametrize("arm", ["none", "mine"])
def test_two_runs_of_an_arm_and_seed_are_refused(arm):
    table = own_table()
    other = table[(table["arm"] == arm) & (table["seed"] == 2)].assign(test=0.3)
    with pytest.raises(ValueError, match=f"one run an arm and seed, .*{arm}"):
        compare(pd.concat([table, other]), margin=0.01)


def test_two_twins_are_refused():
    table = own_table()
    twins = table[table["arm"] == "none"]
    with pytest.raises(ValueError, match="one run a seed, got several"):
        compare(pd.concat([table, twins.assign(rate=0.5)]), margin=0.01)


def test_run_that_two_studies_share_counts_once():
    table = own_table()
    twins = table[table["arm"] == "none"]
    once, twice = (compare(t, margin=0.01) for t in (table, pd.concat([table, twins])))
    pd.testing.assert_frame_equal(once, twice)


def test_own_table_needs_a_margin():
    with pytest.raises(ValueError, match="margin must be given"):
        compare(own_table())


def test_own_table_of_a_known_task_needs_none():
    assert len(compare(own_table().assign(task="hidden_ar1"))) == 1


# Checkpoints.


def three_epochs():
    """Validation is best in epoch 2, test in epoch 1, and the last epoch is neither."""
    return pd.DataFrame(
        {"arm": "none", "seed": 0, "epoch": [1, 2, 3], "train": [0.3, 0.2, 0.1],
         "validation": [0.5, 0.4, 0.6], "test": [0.1, 0.7, 0.8]}
    )  # fmt: skip


@pytest.mark.parametrize(("at", "epoch", "test"), [("last", 3, 0.8), ("best", 2, 0.7)])
def test_best_epoch_is_chosen_on_validation_and_reported_on_test(at, epoch, test):
    for table in (three_epochs(), three_epochs().iloc[::-1]):
        row = checkpoint(table, at)
        assert (row["epoch"].item(), row["test"].item()) == (epoch, test)


def test_verdicts_at_the_last_and_at_the_best_epoch_can_differ():
    twin = pd.concat([three_epochs().assign(seed=seed) for seed in range(5)])
    mine = twin.assign(arm="mine", test=twin["epoch"].map({1: 0.2, 2: 0.9, 3: 0.5}), train=0.4)
    table = pd.concat([twin, mine])
    assert compare(table, "last", margin=0.01)["verdict"].item() == WORKS
    assert compare(table, "best", margin=0.01)["verdict"].item() == OVER


def test_tables_put_together_may_repeat_their_labels():
    both = pd.concat([three_epochs(), three_epochs().assign(arm="mine")])
    assert not both.index.is_unique
    assert checkpoint(both)["arm"].tolist() == ["none", "mine"]


def test_other_checkpoint_is_refused_by_name():
    with pytest.raises(ValueError, match=r"at must be one of \('last', 'best'\), got 'first'"):
        compare(own_table(), at="first", margin=0.01)


# Intervals.


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan], [1.0, np.inf], [[1.0, 2.0]], 3.0])
def test_interval_of_no_sample_is_refused(values):
    with pytest.raises(ValueError, match="values must be at least 2 finite numbers"):
        interval(values)


def test_interval_is_the_same_each_time():
    values = np.random.default_rng(0).normal(size=20)
    assert interval(values) == interval(values)


@pytest.mark.parametrize("n", [2, 3, 20])
def test_interval_holds_its_mean_and_moves_with_the_values(n):
    values = np.random.default_rng(n).normal(size=n)
    mean, low, high = interval(values)
    assert low < mean < high
    assert mean == pytest.approx(values.mean())
    np.testing.assert_allclose(interval(values + 3), (mean + 3, low + 3, high + 3))
    np.testing.assert_allclose(interval(values * 2), (mean * 2, low * 2, high * 2))


def test_interval_covers_the_true_mean_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(effects, "RESAMPLES", 999)
    rng = np.random.default_rng(3)
    truth, times = 0.1, 300
    covered = 0
    for _ in range(times):
        _, low, high = interval(rng.normal(truth, 1, 20))
        covered += low <= truth <= high
    assert 0.88 <= covered / times <= 0.99
