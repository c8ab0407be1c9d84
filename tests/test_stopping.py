"""Stopping early as a regularizer of its own, and the delay that noise costs."""

import warnings

import numpy as np
import pandas as pd
import pytest

from lstmreg_utils.stopping import against_twin_at, epochs_to_reach


def table(**arms):
    """A run of each of three seeds per arm, with these test losses, which are its validation's."""
    return pd.DataFrame(
        {"arm": arm, "rate": 0.0 if arm == "none" else 0.5, "seed": seed, "epoch": epoch,
         "validation": loss + 0.01 * seed, "test": loss + 0.02 * seed}
        for arm, losses in arms.items() for seed in range(3)
        for epoch, loss in enumerate(losses, 1)
    )  # fmt: skip


def test_twin_stopped_early_is_a_row_and_at_its_end_is_the_measure():
    rows = against_twin_at(table(none=[0.4, 0.9], mine=[0.6, 0.5]), "last").set_index(["arm", "at"])
    assert rows["d_test"].round(6).to_dict() == {
        ("none", "best"): -0.5, ("mine", "last"): -0.4, ("mine", "best"): -0.4,
    }  # fmt: skip


def test_arms_of_unequal_rates_keep_their_name():
    data = table(none=[0.4, 0.9], mine=[0.6, 0.5])
    data["rate"] = data["rate"].where(data["arm"] == "none")  # NaN: the rates stand in the name
    rows = against_twin_at(data, "last")
    assert rows.loc[rows["arm"] == "mine", "rate"].isna().all()
    assert len(rows) == 3


def test_delay_is_counted_to_the_first_epoch_that_is_as_good():
    rows = epochs_to_reach(table(none=[0.5, 0.3, 0.6, 0.6], mine=[0.6, 0.5, 0.4, 0.3]))
    assert rows["ratio"].tolist() == [2.0] * 3
    assert rows["twin"].tolist() == [2.0] * 3


def test_what_is_never_reached_is_infinite_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pandas 2 would make integers of infinities
        rows = epochs_to_reach(table(none=[0.5, 0.3], mine=[0.6, 0.31]))
    assert np.isinf(rows["epochs"]).all()


def test_seeds_are_held_against_their_own_twin():
    data = table(none=[0.5, 0.3, 0.6], mine=[0.6, 0.29, 0.2])
    late = (data["arm"] == "none") & (data["seed"] == 1) & (data["epoch"] == 3)
    data.loc[late, "validation"] = 0.22
    assert epochs_to_reach(data)["epochs"].tolist() == pytest.approx([2, 3, 2])
