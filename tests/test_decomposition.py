"""The rule: a loss taken apart, its effect and its cause, and every reason to name none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from lstmreg_utils.diagnosis import (
    CAUSES,
    DIVERGED,
    EFFECTS,
    HELPED,
    HELPS,
    HURTS,
    OVER,
    SAME,
    UNDECIDED,
    WORKS,
    WORSE,
    compare,
    decomposition,
    interval,
)
from lstmreg_utils.diagnosis.decomposition import (
    APART,
    BOTH,
    BROKEN,
    EARLY,
    QUARTER,
    UNFINISHED,
    cause,
    effect,
    take_apart,
)
from lstmreg_utils.diagnosis.intervals import bounds, p_value, ratio_ends

MARGIN = 0.02
SEEDS, EPOCHS = 20, 8


def planted(train, gap, spread=0.002, split=0.0, **changes):
    """Runs of a twin and of an arm with this Δtrain and this Δgap, which vary between seeds.

    `split` is what moves between the two parts and not in their sum; `changes` are columns of the
    arm from its epochs, on which a network that is finished has nothing but flat losses.
    """
    rng = np.random.default_rng(0)
    noise, moved = rng.normal(0, spread, SEEDS), rng.normal(0, 1, SEEDS) * split
    runs = [(seed, epoch) for seed in range(SEEDS) for epoch in range(1, EPOCHS + 1)]
    table = pd.DataFrame(runs, columns=["seed", "epoch"])
    level = 1 + 0.3 * np.sin(table["seed"])
    twin = table.assign(arm="none", train=level - 0.5, validation=level, test=level)
    twin = twin.assign(noisy=twin["train"], test_metric=0.8 + 0.1 * level)
    mine = twin.assign(
        arm="mine",
        train=twin["train"] + train + table["seed"].map(dict(enumerate(moved))),
        test=twin["test"] + train + gap + table["seed"].map(dict(enumerate(noise))),
    )
    mine = mine.assign(noisy=mine["train"] + 0.1)
    mine = mine.assign(**changes)
    return pd.concat([twin, mine], ignore_index=True)


def judged(table, at="last", **options):
    """The effect and the cause of the arm."""
    row = compare(table, at, **{"margin": MARGIN, **options}).iloc[0]
    return row["effect"], row["cause"]


# Every cell. Δtest is the sum of both parts; δ is 0.02.

CELLS = [
    # train, gap, expected
    (0.10, 0.00, HURTS, OVER), (0.20, -0.10, HURTS, OVER), (0.09, 0.01, HURTS, OVER),
    (0.00, 0.10, HURTS, WORSE), (-0.10, 0.20, HURTS, WORSE), (0.01, 0.09, HURTS, WORSE),
    (0.05, 0.05, HURTS, BOTH), (0.07, 0.03, HURTS, BOTH), (0.03, 0.07, HURTS, BOTH),
    (0.00, -0.10, HELPS, WORKS), (0.10, -0.20, HELPS, WORKS), (-0.01, -0.09, HELPS, WORKS),
    (-0.10, 0.00, HELPS, HELPED), (-0.20, 0.10, HELPS, HELPED), (-0.09, -0.01, HELPS, HELPED),
    (-0.05, -0.05, HELPS, BOTH), (-0.07, -0.03, HELPS, BOTH), (-0.03, -0.07, HELPS, BOTH),
    (0.00, 0.00, SAME, ""), (0.30, -0.30, SAME, ""), (0.01, 0.001, SAME, ""),
]  # fmt: skip


@pytest.mark.parametrize(("train", "gap", "what", "why"), CELLS)
def test_parts_name_effect_and_cause(train, gap, what, why):
    table = planted(train, gap)
    assert judged(table) == (what, why)
    assert judged(table.sample(frac=1, random_state=1)) == (what, why)


def test_every_word_has_a_case():
    assert {cell[2] for cell in CELLS} | {UNDECIDED, DIVERGED} == {*EFFECTS}
    withheld = {EARLY, UNFINISHED, BROKEN, APART}
    assert {cell[3] for cell in CELLS if cell[3]} | withheld | {UNDECIDED} == {*CAUSES}


def test_effect_that_the_seeds_do_not_show_is_undecided_and_has_no_cause():
    assert judged(planted(0.1, -0.09, spread=0.1)) == (UNDECIDED, "")


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("share", [QUARTER, 1 - QUARTER])
def test_share_across_a_bound_names_no_cause(sign, share):
    what, why = judged(planted(sign * 0.1 * (1 - share), sign * 0.1 * share, split=0.05))
    assert (what, why) == (HURTS if sign > 0 else HELPS, UNDECIDED)


def test_parts_sum_to_the_effect_and_shares_to_one():
    row = compare(planted(0.03, 0.07, split=0.01), margin=MARGIN).iloc[0]
    assert row["d_train"] + row["d_gap"] == pytest.approx(row["d_test"])
    assert row["share_train"] + row["share_gap"] == pytest.approx(1)
    assert row["share_gap"] == pytest.approx(row["d_gap"] / row["d_test"])
    assert row["share_train_low"] == pytest.approx(1 - row["share_gap_high"])
    assert row["share_gap_low"] < row["share_gap"] < row["share_gap_high"]


def test_of_no_effect_there_is_no_share():
    row = compare(planted(0.1, -0.1, spread=0.05), margin=MARGIN).iloc[0]
    assert row.filter(like="share").isna().all()
    assert np.isnan(row["p_cause"])


@pytest.mark.parametrize(
    ("low", "high", "what"),
    [
        (0.001, 0.03, HURTS), (-0.03, -0.001, HELPS), (0.001, 0.019, SAME), (0.0, 0.03, UNDECIDED),
        (-0.03, 0.0, UNDECIDED), (-0.01, 0.01, SAME), (-MARGIN, 0.01, UNDECIDED),
        (-0.01, MARGIN, UNDECIDED), (-0.09, 0.09, UNDECIDED),
    ],
)  # fmt: skip
def test_effect_is_a_sign_that_may_matter(low, high, what):
    assert effect(low, high, MARGIN) == what


def test_interval_as_narrow_as_the_margin_is_never_undecided():
    """What as many seeds as it takes are for."""
    low = np.linspace(-0.1, 0.1, 999)
    assert UNDECIDED not in effect(low, low + MARGIN * 0.999, MARGIN)
    assert UNDECIDED in effect(low, low + MARGIN * 1.1, MARGIN)


def test_share_that_touches_a_bound_is_across_it():
    for low, high in ((1 - QUARTER, 1), (0, QUARTER), (QUARTER, 0.5), (0.5, 1 - QUARTER)):
        assert cause(HURTS, low, high) == UNDECIDED
        assert cause(SAME, low, high) == cause(UNDECIDED, low, high) == ""


@pytest.mark.parametrize("margin", [0, -1, np.nan])
def test_margin_that_is_none_is_refused(margin):
    with pytest.raises(ValueError, match="margin must be positive"):
        compare(planted(0.1, 0), margin=margin)


# Reasons to name no cause. Without what is planted, the arm hurts by over-regularization.


def falling(amount):
    """A validation loss that falls by an amount from the third quarter of epochs to the last."""
    return lambda runs: runs["validation"] - amount * runs["epoch"] / (EPOCHS / 4)


def shortened(table):
    """One run of the arm ends an epoch early."""
    last = (table["arm"] == "mine") & (table["seed"] == 3) & (table["epoch"] == EPOCHS)
    return table[~last]


def of_the_twin(table, change):
    """The change, in the twin and not in the arm."""
    twin = table["arm"] == "none"
    return table.assign(validation=change(table).where(twin, table["validation"]))


def worse(amount):
    return lambda runs: runs["test_metric"] - amount


REASONS = {
    "best epoch": (lambda: planted(0.1, 0), "best", EARLY),
    "lengths": (lambda: shortened(planted(0.1, 0)), "last", EARLY),
    "arm falls": (lambda: planted(0.1, 0, validation=falling(MARGIN)), "last", UNFINISHED),
    "twin falls": (lambda: of_the_twin(planted(0.1, 0), falling(MARGIN)), "last", UNFINISHED),
    "noise": (lambda: planted(0.1, 0, noisy=lambda runs: runs["train"] - MARGIN), "last", BROKEN),
    "metric": (lambda: planted(0.1, 0, test_metric=worse(-0.01)), "last", APART),
}


@pytest.mark.parametrize("reason", REASONS)
def test_cause_is_withheld_and_the_word_says_why(reason):
    make, at, why = REASONS[reason]
    assert judged(planted(0.1, 0)) == (HURTS, OVER)
    assert judged(make(), at) == (HURTS, why)
    assert judged(make().sample(frac=1, random_state=2), at) == (HURTS, why)


def test_no_reason_is_given_where_the_effect_has_no_cause():
    nothing = planted(0.1, -0.1, noisy=lambda runs: runs["train"] - 1, validation=falling(1))
    assert judged(nothing) == judged(nothing, "best") == (SAME, "")


def test_of_several_reasons_the_first_is_given():
    changes = {
        "test_metric": worse(-0.01), "noisy": lambda runs: runs["train"] - MARGIN,
        "validation": falling(MARGIN),
    }  # fmt: skip
    found = []
    for k in range(len(changes)):
        made = dict([*changes.items()][: k + 1])
        found.append(judged(planted(0.1, 0, **made))[1])
    assert found == [APART, BROKEN, UNFINISHED]
    assert judged(shortened(planted(0.1, 0, **changes)))[1] == EARLY


@pytest.mark.parametrize(
    "trifle",
    [
        {"validation": falling(0.9 * QUARTER * MARGIN)}, {"validation": falling(-MARGIN)},
        {"noisy": lambda runs: runs["train"] - 0.9 * QUARTER * MARGIN},
        {"test_metric": worse(0.1)},
    ],
)  # fmt: skip
def test_what_is_certain_and_small_withholds_nothing(trifle):
    assert judged(planted(0.1, 0, **trifle)) == (HURTS, OVER)


def test_network_that_memorizes_ever_better_is_finished():
    table = planted(0.1, 0)
    falls = table.assign(train=table["train"] + 0.1 * (EPOCHS - table["epoch"]))
    assert judged(falls) == (HURTS, OVER)


def test_what_seeds_leave_open_withholds_nothing():
    wide = planted(0.1, 0, noisy=lambda runs: runs["train"] - 0.1 + 0.2 * (runs["seed"] % 2))
    assert judged(wide) == (HURTS, OVER)


def test_metric_is_judged_beside_the_loss():
    row = compare(planted(-0.1, 0, test_metric=worse(-0.03)), margin=MARGIN).iloc[0]
    assert (row["effect"], row["metric_effect"]) == (HELPS, HELPS)
    assert row["d_metric"] == pytest.approx(0.03)
    assert judged(planted(-0.1, 0, test_metric=worse(0.03))) == (HELPS, APART)
    noise = planted(0.1, 0, test_metric=lambda runs: runs["test_metric"] + np.sin(runs["seed"]))
    row = compare(noise, margin=MARGIN).iloc[0]
    assert (row["metric_effect"], row["cause"]) == (UNDECIDED, OVER)


def test_what_a_table_does_not_hold_is_not_judged():
    """Of fitted models, one epoch and no noise, nothing can be said but Δtrain and Δtest."""
    table = planted(0.1, 0, validation=falling(MARGIN), noisy=lambda runs: runs["train"] - 1)
    bare = table.drop(columns=["noisy", "test_metric"]).query("epoch == @EPOCHS")
    row = compare(bare, margin=MARGIN).iloc[0]
    assert (row["effect"], row["cause"]) == (HURTS, OVER)
    assert "metric_effect" not in row
    assert "noise_cost" not in row
    assert np.isnan(row["pace"])
    short = table[table["epoch"] <= 3].assign(noisy=table["train"])
    assert judged(short) == (HURTS, OVER)
    nothing = table.assign(validation=np.nan, noisy=np.nan, test_metric=np.nan)
    assert judged(nothing) == (HURTS, OVER)


def test_pace_is_the_fall_from_the_third_quarter_to_the_last():
    row = compare(planted(0.1, 0, validation=falling(0.004)), margin=MARGIN).iloc[0]
    assert row["pace"] == pytest.approx(0.004)
    assert row["twin_pace"] == 0
    assert row["pace_low"] <= row["pace"] <= row["pace_high"]


# Guards can fail: other thresholds, other words.


@pytest.mark.parametrize(
    ("quarter", "table", "before", "after"),
    [
        (0.05, planted(0.09, 0.01), OVER, BOTH),  # a part of a tenth begins to count
        (0.45, planted(0.03, 0.07), BOTH, WORSE),
        (0.05, planted(0.1, 0, validation=falling(0.1 * MARGIN)), OVER, UNFINISHED),
        (0.6, planted(0.1, 0, validation=falling(0.5 * MARGIN)), UNFINISHED, OVER),
        (0.6, planted(0.1, 0, noisy=lambda runs: runs["train"] - 0.5 * MARGIN), BROKEN, OVER),
    ],
)
def test_threshold_is_what_decides(quarter, table, before, after, monkeypatch):
    assert judged(table)[1] == before
    monkeypatch.setattr(decomposition, "QUARTER", quarter)
    assert judged(table)[1] == after


def test_margin_is_what_decides():
    assert judged(planted(0.05, 0), margin=0.1) == (SAME, "")
    assert judged(planted(0.05, 0), margin=0.01) == (HURTS, OVER)


# Other code, other seeds.


def replication():
    """Losses at the last epoch of 200 seeds, in `replication.npz`: (train, validation, test).

    Five arms and two twins of the first edition's speakers, trained by an implementation in plain
    JAX that shares no code with the package, seeds 1000 to 1199, float32, on an NVIDIA H200. There
    are no epochs before the last, no noisy losses and no metric: these cannot be judged.
    """
    with np.load(Path(__file__).parent / "replication.npz") as file:
        found = {name: file[name].astype(float) for name in file.files}
    return pd.concat(
        pd.DataFrame(dict(zip(("train", "validation", "test"), losses, strict=True))).assign(
            task="japanese_vowels", layers=1 + ("two" in name), epoch=60,
            arm=name.partition("/")[2], seed=range(1000, 1200),
        )
        for name, losses in found.items()
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arm", "what", "why", "share"),
    [
        ("after the output 0.8", HURTS, WORSE, 0.90), ("between layers 0.9", HURTS, WORSE, 0.91),
        ("dropout 0.8", HURTS, OVER, -0.57), ("recurrent_dropout 0.5", HELPS, WORKS, 1.01),
    ],
)  # fmt: skip
def test_rule_says_of_the_replication_what_its_parts_say(arm, what, why, share):
    row = compare(replication()).set_index("arm").loc[arm]
    assert (row["n"], row["effect"], row["cause"]) == (200, what, why)
    assert row["share_gap"] == pytest.approx(share, abs=0.005)
    assert max(row["p_effect"], row["p_cause"]) < 0.01


def test_tiny_certain_part_does_not_decide():
    row = compare(replication()).set_index("arm").loc["after the output 0.8"]
    assert 0 < row["d_train_low"] < row["d_train"] < 0.11 * row["d_test"]
    assert row["cause"] == WORSE


def test_interval_holds_the_true_mean_as_often_as_it_says():
    """And the bootstrap, which was used before, does not."""
    rng = np.random.default_rng(0)
    table = replication().pivot(index="seed", columns=["layers", "arm"], values="test")
    settings = [(table[1][arm] - table[1]["none"]).to_numpy() for arm in table[1] if arm != "none"]
    for n in (5, 20):
        held = []
        for values in settings:
            _, low, high = bounds(rng.choice(values, (4000, n)))
            held.append(((low <= values.mean()) & (values.mean() <= high)).mean())
        assert np.mean(held) == pytest.approx(0.95, abs=0.01)
    held = 0
    for drawn in rng.choice(settings[0], (150, 5)):
        found = bootstrap((drawn,), np.mean, n_resamples=999, rng=rng).confidence_interval
        held += found.low <= settings[0].mean() <= found.high
    assert held < 0.9 * 150


# Intervals of a ratio, and p values.


def test_share_interval_holds_what_cannot_be_told_from_the_share():
    rng = np.random.default_rng(0)
    whole = rng.normal(1, 1, 20)
    part = 0.3 * whole + rng.normal(0, 0.3, 20)
    share, low, high = ratio_ends(part, whole)
    assert share == pytest.approx(part.mean() / whole.mean())
    for end in (low, high):
        assert p_value(part - end * whole) == pytest.approx(0.05)
    for at in np.linspace(low - 1, high + 1, 50):
        _, least, most = interval(part - at * whole)
        assert (least <= 0 <= most) == (low <= at <= high)


def test_share_of_what_may_be_nothing_is_none():
    values = np.array([-1.0, 1.0, 0.5])
    assert np.isnan(ratio_ends(values, values)).all()


def test_many_samples_are_judged_as_each_would_be():
    rng = np.random.default_rng(0)
    many = {name: rng.normal(mean, 0.1, (30, 20)) for name, mean in
            {"d_train": 0.05, "d_test": 0.1, "pace": 0.0, "d_metric": -0.1}.items()}  # fmt: skip
    found = take_apart(many, MARGIN)
    for k in range(30):
        one = take_apart({name: values[k] for name, values in many.items()}, MARGIN)
        pd.testing.assert_series_equal(
            pd.Series({name: value[k] for name, value in found.items()}),
            pd.Series({name: value.item() for name, value in one.items()}),
        )


def test_p_value_is_that_of_the_interval():
    values = np.random.default_rng(1).normal(0, 1, 12)
    for shift in (0.2, 0.4, 0.6, 0.8):
        _, low, high = interval(values + shift)
        assert (p_value(values + shift) < 0.05) == (not low <= 0 <= high)
    assert p_value(np.zeros(3)) == 1
    assert p_value(np.ones(3)) == 0


def test_cause_is_as_sure_as_the_least_sure_of_what_it_needs():
    rows = compare(planted(0.03, 0.07, split=0.01), margin=MARGIN).iloc[0]
    assert rows["cause"] == BOTH
    assert rows["p_effect"] < rows["p_cause"] < 0.05
    nearer = compare(planted(0.03, 0.07, split=0.018), margin=MARGIN).iloc[0]
    assert nearer["p_cause"] > rows["p_cause"]
