import numpy as np
import pandas as pd
import pytest

from lstmreg_utils.choice import against_early_stopping, chosen_effects, share_saved

# (validation, test) at the first and the second epoch of each arm and rate. The setting with the
# lowest validation loss is never the one with the lowest test loss.
LOSSES = {
    ("none", 0.0): [(0.50, 0.60), (0.90, 1.00)],
    ("a", 0.1): [(0.45, 0.55), (0.40, 0.52)],
    ("a", 0.5): [(0.48, 0.30), (0.47, 0.20)],
    ("b@0.1+c@0.2", np.nan): [(0.30, 0.50), (0.35, 0.58)],
}


@pytest.fixture
def table():
    return pd.DataFrame(
        {"task": "hidden_ar1", "arm": arm, "rate": rate, "seed": seed, "epoch": epoch + 1,
         "train": 0.1, "noisy": 0.2, "validation": validation + seed, "test": test + seed}
        for (arm, rate), losses in LOSSES.items() for seed in range(4)
        for epoch, (validation, test) in enumerate(losses)
    )  # fmt: skip


def test_validation_chooses_and_the_test_is_reported(table):
    chosen = chosen_effects(table, lambda arm: arm[0]).set_index("family")
    assert chosen.index.tolist() == ["b", "a"]  # by validation loss
    assert chosen.loc["a", "rate"] == 0.1
    assert chosen.loc["a", "d_test"] == pytest.approx(0.52 - 1.00)
    assert chosen.loc["b", "d_test"] == pytest.approx(0.58 - 1.00)


def test_test_losses_choose_nothing(table):
    worse = table.assign(test=table["test"].where(table["rate"] != 0.5, 9.0))
    for changed in (table, worse):
        assert chosen_effects(changed, lambda arm: arm[0]).set_index("family").rate["a"] == 0.1


def test_checkpoint_of_the_choice_is_the_one_asked_for(table):
    chosen = chosen_effects(table, lambda arm: "all", at="best")
    assert chosen["arm"].tolist() == ["b@0.1+c@0.2"]
    assert chosen["d_test"].tolist() == pytest.approx([0.50 - 0.60])


def test_everything_is_measured_against_the_twin_that_has_stopped(table):
    chosen = chosen_effects(table, lambda arm: arm[0], at="best")
    rows = against_early_stopping(table, chosen).set_index(["family", "at"])["d_test"]
    assert rows.to_dict() == pytest.approx(
        {("none", "last"): 0.40, ("a", "last"): -0.08, ("a", "best"): -0.08,
         ("b", "last"): -0.02, ("b", "best"): -0.10}
    )  # fmt: skip


def test_share_saved_is_that_of_the_setting_that_validation_chooses(table):
    chosen, saved = share_saved(table)
    assert chosen["arm"] == "b@0.1+c@0.2"
    assert saved.tolist() == pytest.approx([1 - (0.58 + seed) / (1 + seed) for seed in range(4)])
    assert share_saved(table[table["arm"] != chosen["arm"]])[0]["arm"] == "a"
