"""Other ways to predict, and what they are compared with."""

import numpy as np
import pandas as pd
import pytest

from lstmreg_utils.inference import against_twin, predictions


def epochs():
    """Two epochs of a twin and of an arm; the first is the best."""
    return pd.DataFrame(
        {"arm": arm, "rate": rate, "seed": seed, "epoch": epoch, "validation": epoch, "test": test}
        for arm, rate, base in [("none", 0.0, 1.0), ("mine", 0.5, 0.8)]
        for seed in range(4)
        for epoch, test in [(1, base / 2 + 0.01 * seed), (2, base + 0.01 * seed)]
    )


def probes(kind="samples", levels=(1, 10), arms=(("none", 0.0, 1.0), ("mine", 0.5, 0.9))):
    return pd.DataFrame(
        {"run": "", "arm": arm, "rate": rate, "seed": seed, "at": at, "probe": kind,
         "level": float(level), "value": base / level + 0.01 * seed}
        for arm, rate, base in arms for seed in range(4) for level in levels
        for at in ("last", "best")
    )  # fmt: skip


def test_noisy_passes_are_compared_with_one_pass_of_the_twin_and_of_the_arm():
    table = predictions(epochs(), probes()).set_index(["arm", "how"])
    one = table.loc["mine", "mean of 1 noisy pass"]
    assert (one["d_test"], one["d_own"]) == (pytest.approx(-0.1), pytest.approx(0.1))
    assert table.loc[("mine", "mean of 10 noisy passes"), "test"] == pytest.approx(0.09 + 0.015)
    assert table.loc[("none", "noise off"), "d_test"] == 0


def test_each_checkpoint_has_its_own_pass():
    at_best = predictions(epochs(), probes(), at="best").set_index(["arm", "how"])
    assert at_best.loc[("mine", "noise off"), "d_test"] == pytest.approx(-0.1)


def test_a_network_without_noise_is_not_sampled():
    table = predictions(epochs(), probes())
    assert set(table.loc[table["arm"] == "none", "how"]) == {"noise off"}


def test_ensembles_stand_beside_them():
    some = probes("ensemble", (5,), [("none", 0.0, 4.0)])
    table = predictions(epochs(), probes(), some).set_index(["arm", "how"])
    assert table.loc[("none", "ensemble of 5"), "d_test"] == pytest.approx(-0.2)


def test_probes_are_paired_over_seeds_whatever_their_order():
    shuffled = probes("unit", (1,)).sample(frac=1, random_state=0)
    row = against_twin(shuffled, "unit").set_index("arm").loc["mine"]
    assert row["d_value_low"] == pytest.approx(row["d_value_high"]) == pytest.approx(-0.1)


def test_twin_has_no_difference_to_itself():
    table = against_twin(probes("unit"), "unit", at="best").set_index("arm")
    assert np.isnan(table.loc["none", "d_value"]).all()


@pytest.mark.parametrize("none", [pd.DataFrame(), probes("unit")])
def test_study_without_such_probes_is_refused(none):
    with pytest.raises(ValueError, match="probes of the kind 'cut', got none"):
        against_twin(none, "cut")


def test_several_settings_are_refused():
    with pytest.raises(ValueError, match="one setting, got several"):
        against_twin(pd.concat([probes("unit")] * 2), "unit")
