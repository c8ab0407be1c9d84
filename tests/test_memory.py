import numpy as np
import pandas as pd
import pytest

from lstmreg_utils.memory import gradient_shares, recall, survival


@pytest.mark.parametrize("copies", [1, 4])
def test_survival_is_what_masks_leave(copies):
    lag, rate, n = 6, 0.3, 20000
    kept = np.random.default_rng(0).random((n, copies, lag)) >= rate
    share = kept.all(axis=2).any(axis=1).mean()
    expected = survival(lag, rate, copies)
    assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / n))


def test_survival_of_no_mask_or_no_rate_is_certain():
    np.testing.assert_array_equal(survival(np.array([0, 5]), 0.0), [1, 1])
    assert survival(0, 0.9) == 1
    assert survival(3, 1.0) == 0


def epochs_of(losses, task="lag_recall"):
    """A table with two epochs for each (arm, lag): the first is better on the validation split."""
    return pd.DataFrame(
        {"task": task, "arm": arm, "rate": 0.0 if arm == "none" else 0.5, "seed": seed,
         "options": f"lag={lag}, n_test=5", "epoch": epoch, "validation": float(epoch),
         "test": test * epoch, "noisy": noisy * epoch}
        for (arm, lag), (test, noisy) in losses.items() for seed in range(3) for epoch in (1, 2)
    )  # fmt: skip


def test_recall_is_the_bit_that_the_loss_does_not_cost():
    losses = {("none", 5): (0.0, 0.0), ("c", 5): (np.log(2) / 2, np.log(2)), ("c", 10): (1.0, 0.0)}
    table = recall(epochs_of(losses)).set_index(["arm", "lag"])
    assert table.loc[("none", 5), "off"] == 1
    assert table.loc[("c", 5), ["off", "on"]].tolist() == pytest.approx([0.5, 0])
    assert table.loc[("c", 10), "off"] < 0  # worse than guessing
    assert table["learned"].tolist() == [1, 0, 0]
    last = recall(epochs_of(losses), at="last").set_index(["arm", "lag"])
    assert last.loc[("c", 5), "off"] == pytest.approx(0)


def test_lag_that_is_not_named_is_the_tasks_own():
    table = epochs_of({("none", 7): (0.1, 0.1)}).assign(options="n_test=5")
    assert recall(table)["lag"].tolist() == [20]


def test_recall_of_another_task_is_refused():
    with pytest.raises(ValueError, match=r"epochs must be of the task lag_recall, got .*hidden"):
        recall(epochs_of({("none", 5): (0.1, 0.1)}, task="hidden_ar1"))


def probes(kind="gradient"):
    return pd.DataFrame(
        {"arm": arm, "rate": 0.0 if arm == "none" else 0.5, "seed": seed, "at": at, "probe": kind,
         "level": part, "value": part * (1.0 if arm == "none" else 0.5) + 0.01 * seed
         + (at == "best")}
        for arm in ("none", "c") for seed in range(4) for at in ("last", "best")
        for part in (0.25, 0.5)
    )  # fmt: skip


def test_share_is_compared_with_the_twin_of_the_same_seed():
    table = gradient_shares(probes()).set_index(["arm", "part"])
    assert table.loc[("c", 0.25), "d_share"] == pytest.approx(-0.125)
    # The pairs agree exactly although the seeds differ: the interval has no width.
    ends = table.loc[("c", 0.25), ["d_share_low", "d_share_high"]]
    assert ends.tolist() == pytest.approx([-0.125, -0.125])
    assert table.loc[("none", 0.5), "share"] == pytest.approx(0.515)
    assert np.isnan(table.loc[("none", 0.5), "d_share"])


def test_study_without_gradient_probes_is_refused():
    for none in (probes("noise"), pd.DataFrame()):
        with pytest.raises(ValueError, match="probes must hold gradient probes, got none"):
            gradient_shares(none)
