"""Arms against their twins: effects, intervals, pairs, choices, early stopping, probes."""

import warnings

import numpy as np
import pandas as pd
import pytest

from lstmreg_utils.diagnosis import (
    CHECKPOINTS,
    HELPS,
    HURTS,
    SAME,
    TWIN,
    WORKS,
    Comparison,
    checkpoint,
    chosen_effects,
    compare,
    comparisons,
    decomposition,
    epochs_needed,
    interval,
    intervals,
    prediction_effects,
    probe_effects,
    share_saved,
    stopping_effects,
)  # fmt: skip

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
    assert row["cause"] == WORKS
    assert row["train"] == pytest.approx(0.15)


def test_pairs_are_made_by_seed_and_not_by_row():
    table = own_table()
    shuffled = table.sample(frac=1, random_state=1)
    assert shuffled["seed"].tolist() != table["seed"].tolist()
    columns = ["d_train", "d_test", "d_test_low", "d_test_high", "noise_cost", "cause"]
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


def test_networks_are_compared_each_for_itself():
    wider = own_table((0.0, -2.0)).assign(units=8)
    both = compare(pd.concat([own_table().assign(units=4), wider]), margin=0.01)
    assert both.set_index("units")["d_test"].round(1).to_dict() == {4: -0.5, 8: 2.0}
    parts = comparisons(pd.concat([own_table().assign(units=4), wider]), margin=0.01)
    assert [part.network for part in parts] == [{"units": 4}, {"units": 8}]


def test_arm_has_one_label_in_all_networks():
    """Also in those where it comes at one rate."""
    table = own_table().assign(rate=0.2, units=4).replace({"rate": {0.2: np.nan}})
    table.loc[table["arm"] == "mine", "rate"] = 0.2
    other = table.assign(units=8)
    more = other[other["arm"] == "mine"].assign(rate=0.5)
    rows = compare(pd.concat([table, other, more]), margin=0.01)
    assert rows[["units", "arm", "scheme", "rate"]].values.tolist() == [
        [4, "mine 0.2", "mine", 0.2], [8, "mine 0.2", "mine", 0.2], [8, "mine 0.5", "mine", 0.5],
    ]  # fmt: skip


def test_rates_are_compared_each_for_itself():
    table = own_table().assign(rate=0.1)
    mine = table[table["arm"] == "mine"]
    worse = mine.assign(rate=0.25, test=mine["test"] + 2)
    rows = compare(pd.concat([table, worse]), margin=0.01)
    assert rows["arm"].tolist() == ["mine 0.1", "mine 0.25"]
    assert rows["d_test"].round(1).tolist() == [-0.5, 1.5]


def test_arm_without_a_rate_beside_its_rates_keeps_its_name():
    table = own_table()
    mine = table[table["arm"] == "mine"].assign(rate=0.25)
    assert Comparison(pd.concat([table, mine])).of() == ["mine", "mine 0.25"]


def test_labels_that_collide_are_refused():
    table = own_table()
    mine = table[table["arm"] == "mine"]
    others = [mine.assign(rate=0.1), mine.assign(rate=0.2), mine.assign(arm="mine 0.1")]
    with pytest.raises(ValueError, match=r"tell arms apart, got several called \['mine 0.1'\]"):
        Comparison(pd.concat([table[table["arm"] == TWIN], *others]))


def test_margin_of_a_study_is_that_of_its_task():
    table = own_table().assign(task="hidden_ar1")
    assert Comparison(table).margin == 0.01
    assert Comparison(table, margin=0.5).margin == 0.5
    assert compare(table)["effect"].equals(compare(table, margin=0.01)["effect"])
    assert set(compare(table, margin=1e6)["effect"]) == {SAME}


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
        (lambda t: t[t["seed"] < 1], "arm .* must have at least 2 runs, one a seed, got 1"),
    ],
)
def test_table_that_cannot_be_compared_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        compare(change(own_table()), margin=0.01)


@pytest.mark.parametrize("lost", [np.nan, np.inf])
@pytest.mark.parametrize("column", ["train", "test"])
def test_arm_with_a_run_that_diverged_is_a_finding_and_the_others_are_judged(lost, column):
    table = own_table()
    other = table[table["arm"] == "mine"].assign(arm="other")
    spoilt = (table["arm"] == "mine") & (table["seed"] == 1)
    table = pd.concat([table.assign(**{column: table[column].mask(spoilt, lost)}), other])
    rows = compare(table, margin=0.01).set_index("arm")
    assert (rows.loc["mine", "effect"], rows.loc["mine", "cause"]) == ("diverged", "")
    assert rows.loc["other", "effect"] != "diverged"


@pytest.mark.parametrize("arm", ["none", "mine"])
def test_two_runs_of_an_arm_and_seed_are_refused(arm):
    table = own_table()
    other = table[(table["arm"] == arm) & (table["seed"] == 2)].assign(test=0.3)
    with pytest.raises(ValueError, match=f"one run an arm and seed, .*{arm}"):
        compare(pd.concat([table, other]), margin=0.01)


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


def test_effects_at_the_last_and_at_the_best_epoch_can_differ():
    twin = pd.concat([three_epochs().assign(seed=seed) for seed in range(5)])
    mine = twin.assign(arm="mine", test=twin["epoch"].map({1: 0.2, 2: 0.9, 3: 0.5}), train=0.4)
    table = pd.concat([twin, mine])
    assert compare(table, "last", margin=0.01)["effect"].item() == HELPS
    assert compare(table, "best", margin=0.01)["effect"].item() == HURTS


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


# What a comparison is made of.


def made_up(losses, seeds=4, task="hidden_ar1", **columns):
    """Runs with a (validation, test) loss at each epoch of each (arm, scheme, rate)."""
    return pd.DataFrame(
        {"task": task, "arm": arm, "scheme": scheme, "rate": rate, "seed": seed, "epoch": epoch,
         "train": 0.1, "noisy": 0.2, "validation": validation + seed, "test": test + seed} | columns
        for (arm, scheme, rate), found in losses.items() for seed in range(seeds)
        for epoch, (validation, test) in enumerate(found, 1)
    )  # fmt: skip


# The arm with the lowest validation loss is never the one with the lowest test loss.
BOTH = ("b 0.1, c 0.2", "b+c", np.nan)
LOSSES = {
    ("none", "none", 0.0): [(0.50, 0.60), (0.90, 1.00)],
    ("a 0.1", "a", 0.1): [(0.45, 0.55), (0.40, 0.52)],
    ("a 0.5", "a", 0.5): [(0.48, 0.30), (0.47, 0.20)],
    BOTH: [(0.30, 0.50), (0.35, 0.58)],
}


@pytest.fixture
def four():
    return Comparison(made_up(LOSSES))


@pytest.mark.parametrize(
    "column",
    ["task", "options", "units", "layers", "head", "epochs", "batch_size", "learning_rate"],
)
def test_several_tasks_or_networks_are_refused_by_name(column):
    table = made_up(LOSSES)
    two = pd.concat([table.assign(**{column: "x"}), table.assign(**{column: "y"})])
    with pytest.raises(ValueError, match=rf"one task and network, got several by \['{column}'\]"):
        Comparison(two)


def test_arms_are_listed_with_scheme_and_rate_and_without_the_twin(four):
    assert four.arms.index.tolist() == ["a 0.1", "a 0.5", BOTH[0]]
    assert four.of("a") == ["a 0.1", "a 0.5"]
    assert four.of("b+c", "d") == [BOTH[0]]
    assert four.of() == four.arms.index.tolist()
    assert four.known("a 0.5") == {"arm": "a 0.5", "scheme": "a", "rate": 0.5}
    assert four.known(TWIN) == {"arm": TWIN, "scheme": TWIN, "rate": 0.0}


def test_table_without_scheme_and_rate_has_its_arms_as_schemes():
    arms = Comparison(own_table()).arms
    assert arms["scheme"].to_dict() == {"mine": "mine"}
    assert arms["rate"].isna().all()


@pytest.mark.parametrize(
    ("rate", "arm"), [(0.0, "a 0.1"), (0.2, "a 0.1"), (0.4, "a 0.5"), (0.9, "a 0.5")]
)
def test_nearest_arm_is_that_of_the_nearest_rate(four, rate, arm):
    assert four.nearest("a", rate) == arm


def test_of_two_arms_as_near_the_lower_rate_is_taken():
    losses = {("none", "none", 0.0): [(1, 1)]}
    for rates in ((0.25, 0.75), (0.75, 0.25)):
        arms = {(f"a {rate}", "a", rate): [(1, 1)] for rate in rates}
        assert Comparison(made_up(losses | arms)).nearest("a", 0.5) == "a 0.25"


@pytest.mark.parametrize("scheme", ["d", "b+c", "none"])
def test_scheme_that_has_no_rates_has_no_nearest_arm(four, scheme):
    with pytest.raises(KeyError, match=r"scheme must be one of \['a'\], got"):
        four.nearest(scheme, 0.5)


def test_values_are_by_seed_and_from_the_checkpoint_asked_for(four):
    assert four.values("a 0.1").to_dict() == pytest.approx({k: 0.52 + k for k in range(4)})
    assert four.values(TWIN, "best").to_dict() == pytest.approx({k: 0.60 + k for k in range(4)})
    assert four.values(TWIN, "best", "epoch").tolist() == [1] * 4
    assert four.values(BOTH[0], "best", "validation").loc[0] == pytest.approx(0.30)


def test_gap_and_noise_cost_are_differences_within_a_run(four):
    assert four.values("a 0.1", column="gap").tolist() == pytest.approx([0.42, 1.42, 2.42, 3.42])
    assert four.values("a 0.1", column="noise_cost").tolist() == pytest.approx([0.1] * 4)
    mean, low, high = four.difference("a 0.5", column="gap")
    assert mean == pytest.approx(-0.8)
    assert low == pytest.approx(high)


def test_difference_is_to_any_arm_at_any_checkpoint(four):
    assert four.difference("a 0.5")[0] == pytest.approx(0.20 - 1.00)
    assert four.difference("a 0.5", "best")[0] == pytest.approx(0.20 - 0.60)
    assert four.difference("a 0.5", other="a 0.1")[0] == pytest.approx(0.20 - 0.52)
    assert four.difference("a 0.5", "best", "test", "a 0.5", "last")[0] == 0
    same = four.difference(TWIN, "best", other_at="last")
    assert same[0] == pytest.approx(0.60 - 1.00)


@pytest.mark.parametrize("ask", ["values", "difference", "samples", "paired"])
def test_unknown_arm_is_refused_by_name(four, ask):
    with pytest.raises(KeyError, match=r"arm must be one of .*'a 0.5'.*, got 'a 0.50'"):
        getattr(four, ask)("a 0.50")
    with pytest.raises(KeyError, match="got 'b'"):
        four.difference("a 0.5", other="b")


@pytest.mark.parametrize("ask", ["values", "effects", "choose"])
def test_other_checkpoint_of_a_comparison_is_refused_by_name(four, ask):
    arguments = ("a 0.1",) if ask == "values" else ()
    with pytest.raises(ValueError, match="at must be one of"):
        getattr(four, ask)(*arguments, at="first")


def test_seed_that_the_other_arm_lacks_is_named():
    table = made_up(LOSSES)
    fewer = Comparison(table[(table["arm"] != "a 0.1") | (table["seed"] != 2)])
    assert fewer.difference("a 0.1")[0] == pytest.approx(0.52 - 1.00)
    with pytest.raises(ValueError, match=r"arm 'a 0.5' must have a run of 'a 0.1' .*: \[2\]"):
        fewer.difference("a 0.5", other="a 0.1")


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    "ask",
    [
        Comparison.effects, chosen_effects, share_saved, lambda c: epochs_needed(c, "mine"),
        lambda c: stopping_effects(c, "last"), lambda c: c.samples("mine"),
        lambda c: probe_effects(c, "noise", above="test"), prediction_effects,
    ],
)  # fmt: skip
def test_arm_without_its_twin_is_named_by_every_summary(ask, whole):
    epochs, probes = probed(samples=(1,))
    epochs, probes = (t[(t["arm"] != TWIN) | (t["seed"] < 3 * whole)] for t in (epochs, probes))
    with pytest.raises((ValueError, KeyError), match=r"'mine' must have a run|got 'none'"):
        ask(Comparison(epochs, probes))


def test_last_epoch_needs_no_validation_loss():
    rows = compare(own_table().assign(validation=np.nan), margin=0.01)
    assert rows["cause"].tolist() == [WORKS]


def test_effects_of_some_arms_are_rows_of_all(four):
    all_of_them, some = four.effects(), four.effects(arms=["a 0.5", BOTH[0]])
    pd.testing.assert_frame_equal(some, all_of_them.iloc[1:].reset_index(drop=True))
    pd.testing.assert_frame_equal(all_of_them, compare(made_up(LOSSES)))


def test_overlapping_studies_put_together_are_there_once():
    table = made_up(LOSSES)
    parts = [table[table["arm"].isin([TWIN, *arms])] for arms in (["a 0.1", "a 0.5"], [BOTH[0]])]
    together = Comparison(pd.concat([*parts, table]))
    assert len(together.table) == len(table)
    pd.testing.assert_frame_equal(together.effects(), Comparison(table).effects())


# Choice: by validation loss, never by test loss.


def test_validation_chooses_and_the_test_is_reported(four):
    chosen = chosen_effects(four, lambda scheme: scheme[0]).set_index("family")
    assert chosen.index.tolist() == ["b", "a"]  # by validation loss
    assert chosen.loc["a", "rate"] == 0.1
    assert chosen.loc["a", "d_test"] == pytest.approx(0.52 - 1.00)
    assert chosen.loc["b", "d_test"] == pytest.approx(0.58 - 1.00)
    assert np.isnan(chosen.loc["b", "rate"])


def test_test_losses_choose_nothing():
    table = made_up(LOSSES)
    for better in (0.0, 9.0):
        changed = Comparison(table.assign(test=table["test"].where(table["rate"] != 0.5, better)))
        chosen = chosen_effects(changed, lambda scheme: scheme[0]).set_index("family")
        assert chosen.loc["a", "arm"] == "a 0.1"
        assert changed.choose(arms=changed.of("a")) == "a 0.1"
        assert share_saved(changed)[0] == BOTH[0]


def test_checkpoint_of_the_choice_is_the_one_asked_for():
    losses = {**LOSSES, BOTH: [(0.20, 0.50), (0.95, 0.58)]}
    comparison = Comparison(made_up(losses))
    assert [comparison.choose(at) for at in CHECKPOINTS] == ["a 0.1", BOTH[0]]
    best = chosen_effects(comparison, lambda scheme: "all", at="best")
    assert (best["arm"].item(), best["d_test"].item()) == (BOTH[0], pytest.approx(0.50 - 0.60))


def test_each_scheme_is_a_family_of_its_own_unless_given(four):
    assert chosen_effects(four)["family"].tolist() == ["b+c", "a"]


def test_of_equal_validation_losses_the_first_by_name_is_chosen():
    losses = {("none", "none", 0.0): [(1, 1)]}
    for rates in ((0.25, 0.75), (0.75, 0.25)):
        arms = {(f"a {rate}", "a", rate): [(1, rate)] for rate in rates}
        assert Comparison(made_up(losses | arms)).choose() == "a 0.25"


def test_diverged_arm_is_never_chosen():
    table = made_up(LOSSES)
    lost = (table["arm"] == BOTH[0]) & (table["seed"] == 3)
    table["validation"] = table["validation"].where(~lost)  # the mean of the others is the lowest
    assert Comparison(table).choose() == "a 0.1"


def test_nothing_is_chosen_among_no_arms(four):
    with pytest.raises(ValueError, match="arms must hold at least one arm besides 'none'"):
        four.choose(arms=[])


def test_share_saved_is_that_of_the_arm_that_validation_chooses(four):
    arm, saved = share_saved(four)
    assert arm == BOTH[0]
    assert saved.tolist() == pytest.approx([1 - (0.58 + seed) / (1 + seed) for seed in range(4)])
    assert share_saved(four, arms=four.of("a"))[0] == "a 0.1"


def test_share_saved_leaves_twins_of_other_seeds_aside():
    table = made_up(LOSSES)
    fewer = Comparison(table[(table["arm"] == TWIN) | (table["seed"] < 3)])
    assert share_saved(fewer)[1].index.tolist() == [0, 1, 2]


# Stopping early as a regularizer of its own, and the delay that noise costs.


def test_everything_is_measured_against_the_twin_that_has_stopped(four):
    rows = stopping_effects(four, "best", ["a 0.1", BOTH[0]]).set_index(["arm", "at"])
    assert rows["d_test"].to_dict() == pytest.approx(
        {(TWIN, "last"): 0.40, ("a 0.1", "last"): -0.08, ("a 0.1", "best"): -0.08,
         (BOTH[0], "last"): -0.02, (BOTH[0], "best"): -0.10}
    )  # fmt: skip


def test_twin_stopped_early_is_a_row_and_at_its_end_is_the_measure(four):
    rows = stopping_effects(four, "last").set_index(["arm", "at"])
    assert (TWIN, "last") not in rows.index
    assert rows.loc[(TWIN, "best"), "d_test"] == pytest.approx(-0.40)
    assert rows.loc[(TWIN, "best"), "test"] == pytest.approx(0.60 + 1.5)
    assert rows.loc[("a 0.5", "best"), "d_test"] == pytest.approx(0.20 - 1.00)
    assert len(rows) == 7


def test_arms_of_unequal_rates_keep_their_name(four):
    rows = stopping_effects(four, "last").set_index("arm").loc[BOTH[0]]
    assert (rows["scheme"] == "b+c").all()
    assert rows["rate"].isna().all()


def epochs_of(arm="mine", **validation):
    """How many epochs an arm needs, of runs with these validation losses and seeds 0 to 2."""
    schemes = {"none": ("none", "none", 0.0), "mine": ("mine", "mine", 0.5)}
    losses = {schemes[name]: [(loss, loss) for loss in found] for name, found in validation.items()}
    return epochs_needed(Comparison(made_up(losses, seeds=3)), arm)


def test_delay_is_counted_to_the_first_epoch_that_is_as_good():
    losses = {"none": [0.5, 0.3, 0.6, 0.6], "mine": [0.6, 0.5, 0.4, 0.3]}
    assert epochs_of(**losses).to_dict() == {0: 4, 1: 4, 2: 4}
    assert epochs_of("none", **losses).tolist() == [2] * 3


def test_what_is_never_reached_takes_longer_than_it_was_trained():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert epochs_of(none=[0.5, 0.3], mine=[0.6, 0.31]).tolist() == [3] * 3


def test_length_of_training_is_that_of_the_run():
    """Histories of one's own may have stopped early, each at its epoch."""
    table = made_up({("none", "none", 0.0): [(0.1, 1)] * 3, ("mine", "mine", 0.5): [(0.2, 1)] * 3})
    table = table[(table["arm"] == TWIN) | (table["seed"] != 1) | (table["epoch"] < 2)]
    assert epochs_needed(Comparison(table), "mine").tolist() == [4, 2, 4, 4]


def test_seeds_are_held_against_their_own_twin():
    schemes = {("none", "none", 0.0): [0.5, 0.3, 0.6], ("mine", "mine", 0.5): [0.6, 0.29, 0.2]}
    table = made_up({arm: [(loss, 1) for loss in found] for arm, found in schemes.items()}, 3)
    late = (table["arm"] == TWIN) & (table["seed"] == 1) & (table["epoch"] == 3)
    table.loc[late, "validation"] = 1.22
    assert epochs_needed(Comparison(table), "mine").tolist() == [2, 3, 2]


# Probes.

SEEDS = range(5)


def probed(rise=0.1, **more):
    """Epochs and probes: a twin whose loss rises by 0.3 under noise, and an arm that starts lower.

    Probes of other kinds are given by their levels; they find 100 / level.
    """
    schemes = {(TWIN, TWIN, 0.0): 1.0, ("mine", "m", 0.5): 0.5}
    epochs = made_up(
        {arm: [(1, loss + 1), (2, loss + 2)] for arm, loss in schemes.items()}, len(SEEDS)
    )
    found = epochs.assign(at=epochs["epoch"].map({1: "best", 2: "last"}))
    found = found[["task", "arm", "scheme", "rate", "seed", "at", "test"]]
    gain = found["arm"].map({TWIN: 0.3, "mine": rise})
    parts = [found.assign(probe="noise", level=0.5, value=found["test"] + gain)]
    for kind, levels in more.items():
        for level in levels:
            value = 100 / level + found["seed"] - (found["arm"] == "mine") * 2.0
            parts.append(found.assign(probe=kind, level=float(level), value=value))
    return epochs, pd.concat(parts, ignore_index=True).drop(columns="test")


@pytest.mark.parametrize("at", CHECKPOINTS)
def test_rise_is_measured_from_the_loss_on_clean_inputs(at):
    rows = probe_effects(Comparison(*probed()), "noise", at=at, above="test").set_index("arm")
    assert rows["value"].to_dict() == pytest.approx({TWIN: 0.3, "mine": 0.1})
    epoch = {"last": 2, "best": 1}[at]
    assert rows.loc[TWIN, "found"] == pytest.approx(1.0 + 2 + epoch + 0.3)
    assert rows.loc["mine", ["d_value", "d_value_low"]].tolist() == pytest.approx([-0.2, -0.2])


def test_lower_loss_is_not_yet_robustness():
    comparison = Comparison(*probed(rise=0.4))
    rises = probe_effects(comparison, "noise", above="test").set_index("arm")
    assert rises.loc["mine", "d_value"] == pytest.approx(0.1)  # lower loss, and yet less robust
    assert probe_effects(comparison, "noise").set_index("arm").loc["mine", "d_value"] < 0


def test_rises_are_of_the_kinds_that_are_asked_for():
    """Cut units and numbers of passes are no damage to the inputs."""
    comparison = Comparison(*probed(missing=(0.1, 0.5), cut=(0.5,), samples=(1, 10)))
    rows = probe_effects(comparison, "noise", "missing", above="test")
    found = rows[["probe", "level"]].drop_duplicates().values.tolist()
    assert found == [["noise", 0.5], ["missing", 0.1], ["missing", 0.5]]
    assert set(probe_effects(comparison, "cut")["probe"]) == {"cut"}


def test_twin_has_no_difference_to_itself():
    rows = probe_effects(Comparison(*probed(unit=(1,))), "unit", at="best").set_index("arm")
    assert np.isnan(rows.loc[TWIN, "d_value"])
    assert rows.loc["mine", "d_value_low"] == pytest.approx(-2)


def test_probes_leave_twins_of_other_seeds_aside():
    epochs, probes = probed(unit=(1,))
    fewer = [table[(table["arm"] == TWIN) | (table["seed"] < 4)] for table in (epochs, probes)]
    for above in (None, "test"):
        rows = probe_effects(Comparison(*fewer), "unit", above=above)
        assert rows["d_value"].notna().sum() == 1


def test_levels_of_an_arm_are_held_against_the_same_level_of_the_twin():
    epochs, probes = probed(unit=(1, 2))
    lost = (probes["arm"] == TWIN) & (probes["level"] == 2)
    with pytest.raises(ValueError, match=r"'mine' must have a run without noise .*\[0, 1, 2, 3"):
        probe_effects(Comparison(epochs, probes[~lost]), "unit")


@pytest.mark.parametrize(
    ("level", "found"), [(0.1, 100), (1.4, 100), (1.5, 100), (1.6, 50), (9, 50)]
)
def test_probe_of_a_run_is_that_of_the_nearest_level(level, found):
    values = Comparison(*probed(unit=(2, 1))).probe(TWIN, "unit", level)
    assert values.to_dict() == {seed: found + seed for seed in SEEDS}


@pytest.mark.parametrize("given", ["none at all", "empty", "others"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda c: probe_effects(c, "cut"), prediction_effects, lambda c: c.probe(TWIN, "cut", 1),
        lambda c: c.probes("cut", "samples"), probe_effects,
    ],
)  # fmt: skip
def test_study_without_such_probes_is_refused(ask, given):
    epochs, probes = probed()
    probes = {"none at all": None, "empty": pd.DataFrame(), "others": probes}[given]
    with pytest.raises(ValueError, match="probes must hold probes of the kinds"):
        ask(Comparison(epochs, probes))


def test_arm_that_was_not_probed_is_refused_by_name():
    epochs, probes = probed()
    comparison = Comparison(epochs, probes[probes["arm"] == TWIN])
    with pytest.raises(ValueError, match="'noise' of arm 'mine' at 'best', got none"):
        comparison.probe("mine", "noise", 0.5, "best")


def test_probes_of_several_networks_are_refused():
    epochs, probes = probed()
    two = pd.concat([probes.assign(units=4), probes.assign(units=8)])
    with pytest.raises(ValueError, match=r"probes together must hold one .*\['units'\]"):
        Comparison(epochs.assign(units=4), two)
    with pytest.raises(ValueError, match=r"probes together must hold one .*\['task'\]"):
        Comparison(epochs, probes.assign(task="verses"))


def test_probes_that_differ_are_refused_and_those_of_overlapping_studies_count_once():
    epochs, probes = probed()
    once = probe_effects(Comparison(epochs, probes), "noise")
    twice = probe_effects(Comparison(epochs, pd.concat([probes, probes])), "noise")
    pd.testing.assert_frame_equal(once, twice)
    other = probes[probes["arm"] == "mine"].assign(value=9.0)
    with pytest.raises(ValueError, match=r"one value a run, kind and level, .*\['mine'\]"):
        Comparison(epochs, pd.concat([probes, other]))


def test_probes_without_a_column_are_refused_by_name():
    epochs, probes = probed()
    with pytest.raises(ValueError, match=r"probes must have .*missing: \['level'\]"):
        Comparison(epochs, probes.drop(columns="level"))


# Other ways to predict, and what they are compared with.


def test_noisy_passes_are_compared_with_one_pass_of_the_twin_and_of_the_arm():
    rows = prediction_effects(Comparison(*probed(samples=(1, 10)))).set_index(["arm", "how"])
    one = rows.loc["mine", "mean of 1 noisy pass"]  # 98 + seed; one pass: 2.5, the twin's 3.0
    assert (one["d_test"], one["d_own"]) == (pytest.approx(95.0), pytest.approx(95.5))
    assert rows.loc[("mine", "mean of 10 noisy passes"), "test"] == pytest.approx(8 + 2)
    assert rows.loc[(TWIN, "noise off"), "d_test"] == 0
    assert rows.loc[("mine", "noise off"), "d_test"] == pytest.approx(-0.5)


def test_each_checkpoint_has_its_own_pass():
    comparison = Comparison(*probed(samples=(1,)))
    at_best = prediction_effects(comparison, at="best").set_index(["arm", "how"])
    assert at_best.loc[("mine", "mean of 1 noisy pass"), "d_own"] == pytest.approx(96.5)


def test_a_network_without_noise_is_not_sampled():
    rows = prediction_effects(Comparison(*probed(samples=(1, 10))))
    assert set(rows.loc[rows["arm"] == TWIN, "how"]) == {"noise off"}


def test_arm_that_was_not_sampled_has_one_pass_only():
    epochs, probes = probed(samples=(1,))
    more = epochs[epochs["arm"] == "mine"].assign(arm="more", scheme="more")
    rows = prediction_effects(Comparison(pd.concat([epochs, more]), probes)).set_index("arm")
    assert rows.loc[["more"], "how"].tolist() == ["noise off"]


def test_ensembles_stand_beside_them():
    comparison = Comparison(*probed(samples=(1,)))
    some = Comparison(*probed(ensemble=(5,)))
    rows = prediction_effects(comparison, some).set_index(["arm", "how"])
    assert rows.loc[(TWIN, "ensemble of 5"), "d_test"] == pytest.approx(17.0)
    assert ("mine", "ensemble of 5") not in rows.index


# Order.


def near_edges(rng):
    """A table and probes of few arms, seeds and epochs, on a grid: ties and equal ends abound."""
    rates = rng.choice([0.1, 0.25, 0.5], 2)
    arms = [(f"{name} {rate:g}", name, rate) for name, rate in zip("aa", rates, strict=True)]
    arms.append(("c 0.1, d 0.2", "c+d", np.nan))
    keys = [(TWIN, TWIN, 0.0), *dict.fromkeys(arms)]
    seeds = rng.permutation(9)[: rng.integers(2, 5)]
    epochs = pd.DataFrame(
        {"task": "hidden_ar1", "arm": arm, "scheme": scheme, "rate": rate, "seed": int(seed),
         "epoch": epoch, **dict(zip(["train", "noisy", "validation", "test"], losses, strict=True))}
        for arm, scheme, rate in keys for seed in seeds
        for epoch, losses in enumerate(rng.integers(1, 4, (3, 4)) / 100, 1)
    )  # fmt: skip
    run = ["task", "arm", "scheme", "rate", "seed"]
    kinds = [("noise", 0.25), ("noise", 0.75), ("samples", 1.0)]
    asked = [(at, kind, level) for at in CHECKPOINTS for kind, level in kinds]
    probes = epochs[run].drop_duplicates()
    probes = probes.merge(pd.DataFrame(asked, columns=["at", "probe", "level"]), how="cross")
    return epochs, probes.assign(value=rng.integers(1, 4, len(probes)) / 100)


def numbers_of(epochs, probes, at):
    """All that can be asked of a comparison at a checkpoint."""
    comparison = Comparison(epochs, probes)
    near = comparison.nearest("a", 0.375)  # as far from 0.25 as from 0.5
    yield compare(epochs, at)
    yield chosen_effects(comparison, lambda scheme: "all", at)
    yield pd.DataFrame({"arm": [comparison.choose(at), near]})
    yield share_saved(comparison, at)[1].to_frame()
    yield stopping_effects(comparison, at)
    yield probe_effects(comparison, "noise", at=at, above="test")
    yield prediction_effects(comparison, at=at)
    yield comparison.probe(TWIN, "noise", 0.5, at).to_frame()
    yield epochs_needed(comparison, near).to_frame()


def by_place(values):
    """An interval that follows the order of its values, as Student's does in its last digit."""
    spread = abs(values @ np.arange(1, values.shape[-1] + 1)) / values.shape[-1]
    return values.mean(-1), values.mean(-1) - spread, values.mean(-1) + spread


def test_no_number_depends_on_the_order_of_rows(monkeypatch):
    for module in (intervals, decomposition):
        monkeypatch.setattr(module, "bounds", by_place)
    for case in range(50):  # what undoes an order shows within the first few
        tables = near_edges(np.random.default_rng(case))
        shuffled = [table.sample(frac=1, random_state=case) for table in tables]
        found = [numbers_of(*both, CHECKPOINTS[case % 2]) for both in (tables, shuffled)]
        for one, other in zip(*found, strict=True):
            names = [name for name in ("arm", "at", "probe", "level", "how") if name in one]
            if names:
                one, other = (t.sort_values(names, ignore_index=True) for t in (one, other))
            pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_order_of_seeds_is_what_makes_that_so():
    """The guard above can fail."""
    values = np.random.default_rng(0).normal(size=6)
    assert by_place(values) != by_place(values[::-1])
