"""What is left of one bit after a lag: the law, the table of recalls, and its figure."""

from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("agg")

from lstmreg_utils import grid, study
from lstmreg_utils.book import recall, recall_curves, survival
from lstmreg_utils.layers import RecurrentDropoutLSTM


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


@pytest.mark.parametrize("lag", [1, 4])
def test_value_on_c_meets_a_mask_more_than_the_lag_has_steps(lag):
    """A stored 1 with frozen gates, from the step that stores it to the last output."""
    layer = RecurrentDropoutLSTM(400, dropout_c=0.3, activation="linear", seed=0)
    x = np.zeros((50, lag + 1, 1), "float32")
    x[:, 0] = 1
    layer.build(x.shape)
    i, f, g, o = np.zeros((1, 400)), np.zeros((1, 400)), np.ones((1, 400)), np.zeros((1, 400))
    biases = np.repeat([100.0, 100.0, 0.0, 100.0], 400)  # g is the input: 1 at the first step
    layer.set_weights([np.hstack([i, f, g, o]), np.zeros((400, 1600)), biases])
    left = np.mean(np.asarray(layer(x, training=True)) != 0)
    assert left == pytest.approx(survival(lag + 1, 0.3), abs=0.02)


def described(scheme, rate):
    """The columns that say which arm a row is of."""
    arm = scheme if scheme == "none" else f"{scheme} {rate:g}"
    return {"arm": arm, "scheme": scheme, "rate": rate}


def epochs_of(losses, task="lag_recall"):
    """A table with two epochs for each (scheme, lag): the first is better on validation data."""
    return pd.DataFrame(
        {**described(scheme, 0.0 if scheme == "none" else 0.5), "task": task, "seed": seed,
         "options": f"lag={lag}", "lag": lag, "epoch": epoch, "validation": float(epoch),
         "test": test * epoch, "noisy": noisy * epoch}
        for (scheme, lag), (test, noisy) in losses.items() for seed in range(3) for epoch in (1, 2)
    )  # fmt: skip


def test_recall_is_the_bit_that_the_loss_does_not_cost():
    losses = {("none", 5): (0.0, 0.0), ("c", 5): (np.log(2) / 2, np.log(2)), ("c", 10): (1.0, 0.0)}
    table = recall(epochs_of(losses)).set_index(["scheme", "lag"])
    assert table.loc[("none", 5), "off"] == 1
    assert table.loc[("c", 5), ["off", "on"]].tolist() == pytest.approx([0.5, 0])
    assert table.loc[("c", 10), "off"] < 0  # worse than guessing
    assert table["learned"].tolist() == [1, 0, 0]
    assert table["arm"].tolist() == ["none", "c 0.5", "c 0.5"]
    last = recall(epochs_of(losses), at="last").set_index(["scheme", "lag"])
    assert last.loc[("c", 5), "off"] == pytest.approx(0)


def test_recall_does_not_depend_on_the_order_of_rows():
    losses = {("none", 5): (0.0, 0.1), ("c", 5): (0.5, 0.6)}
    epochs = epochs_of(losses)
    epochs["test"] += 0.01 * epochs["seed"] ** 2
    turned = recall(epochs[::-1]).set_index("arm").loc[["none", "c 0.5"]].reset_index()
    pd.testing.assert_frame_equal(turned, recall(epochs))


def test_lag_that_is_not_named_is_the_tasks_own(untrained, tmp_path):
    runs = grid("lag_recall", ["c"], [0.5], seeds=2, epochs=2, batch_size=50)
    with ThreadPoolExecutor(1) as executor:
        table = study(runs, folder=tmp_path, recorded=False, progress=False, executor=executor)
    assert recall(table)["lag"].tolist() == [20, 20]


def test_recall_of_another_task_is_refused():
    with pytest.raises(ValueError, match=r"epochs must be of the task lag_recall, got .*hidden"):
        recall(epochs_of({("none", 5): (0.1, 0.1)}, task="hidden_ar1"))


# Its figure.


@pytest.fixture
def recalled():
    rows = [
        {**described(scheme, rate), "lag": lag, "off": value, "off_low": value - 0.1,
         "off_high": value + 0.1, "on": value / 2, "on_low": value / 2, "on_high": value / 2}
        for scheme, rate, value in (("none", 0.0, 1.0), ("c", 0.25, 0.6), ("c", 0.5, 0.3))
        for lag in (10, 5)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("noise", "factor"), [("off", 1), ("on", 0.5)])
def test_a_line_a_scheme_at_the_rate_asked_for_beside_the_twin(recalled, noise, factor):
    [ax] = recall_curves(recalled, 0.5, noise).axes
    lines = {c.get_label(): c.lines[0].get_xydata().tolist() for c in ax.containers}
    assert lines == {
        "no dropout": [[5, factor], [10, factor]],
        "c, per step": [[5, 0.3 * factor], [10, 0.3 * factor]],
    }


def test_law_is_drawn_for_each_number_of_copies(recalled):
    [ax] = recall_curves(recalled, 0.5, "on", copies=(1, 32)).axes
    laws = {line.get_label(): line for line in ax.lines if "refreshed" in str(line.get_label())}
    lags, bits = laws["32 units, never refreshed"].get_data()
    assert [lags.min(), lags.max()] == [5, 10]
    np.testing.assert_allclose(bits, survival(lags + 1, 0.5, 32))
    assert len(laws) == 2
