import json
import re

import numpy as np
import pandas as pd
import pytest

from lstmreg_utils import compare
from lstmreg_utils.book import explorer_data, rate_explorer
from lstmreg_utils.book.explorer import CAUSES_MEAN, EFFECTS_MEAN
from lstmreg_utils.diagnosis import CAUSES, CHECKPOINTS, EFFECTS


@pytest.fixture(scope="module")
def shown(tiny_table):
    [data] = explorer_data({"a data set": tiny_table})
    return data


def test_every_arm_and_rate_is_there_and_the_twin_apart(shown, tiny_grid):
    assert [arm["label"] for arm in shown["arms"]] == tiny_grid["arms"]
    assert all([each["rate"] for each in arm["rates"]] == [0.5] for arm in shown["arms"])
    assert shown["seeds"] == tiny_grid["seeds"]
    assert len(shown["twin"]["test"]) == tiny_grid["epochs"]


@pytest.mark.parametrize("at", CHECKPOINTS)
def test_effects_are_those_of_compare(at, shown, tiny_table):
    effects = compare(tiny_table, at).set_index("scheme")
    for arm in shown["arms"]:
        [run], row = arm["rates"], effects.loc[arm["label"]]
        for value in ("d_train", "d_gap", "d_test"):
            ends = [row[value], row[f"{value}_low"], row[f"{value}_high"]]
            np.testing.assert_allclose(run[at][value], ends, atol=1e-6)
            written = f"{row[value]:.3f}".replace("-", "−")
            assert run[at]["text"][value].startswith(f"{written} (95 % interval ")
        assert run[at]["words"] == ", ".join(filter(None, row[["effect", "cause"]]))
        assert run[at]["mean"].startswith(EFFECTS_MEAN[row["effect"]])
        assert run[at]["mean"].endswith(CAUSES_MEAN[row["cause"]])


def test_curves_are_the_quantiles_over_seeds(shown, tiny_table):
    arm = shown["arms"][0]
    rows = tiny_table[tiny_table["scheme"].eq(arm["label"])]
    for loss in ("train", "test"):
        expected = rows.groupby("epoch")[loss].quantile([0.1, 0.5, 0.9]).unstack()
        np.testing.assert_allclose(arm["rates"][0]["curves"][loss], expected, rtol=1e-3)


def test_every_effect_and_cause_has_a_meaning():
    assert set(EFFECTS_MEAN) == set(EFFECTS)
    assert set(CAUSES_MEAN) == {"", *CAUSES}


def test_rates_come_in_their_order_whatever_that_of_the_runs(tiny_table):
    noisy = tiny_table[tiny_table["rate"].gt(0)]
    lower = noisy.assign(rate=0.2, arm=noisy["scheme"] + " 0.2")
    [data] = explorer_data({"": pd.concat([tiny_table, lower], ignore_index=True)})
    assert [each["rate"] for each in data["arms"][0]["rates"]] == [0.2, 0.5]


def test_places_come_in_the_order_of_the_runs(tiny_table):
    places = [f"place {k}" for k in range(20)]
    dropped = tiny_table[tiny_table["scheme"].eq("dropout")]
    tables = [dropped.assign(scheme=place, arm=f"{place} 0.5") for place in places]
    twins = tiny_table[tiny_table["arm"].eq("none")]
    [data] = explorer_data({"": pd.concat([twins, *tables], ignore_index=True)})
    assert [arm["label"] for arm in data["arms"]] == places


def test_no_title_can_end_the_element_that_holds_the_data(tiny_table):
    title = "</script><b>"
    page = rate_explorer({title: tiny_table}).data
    [data] = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data)[0]["title"] == title
