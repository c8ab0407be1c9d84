import base64
import json
import re

import numpy as np
import pandas as pd
import pytest

from lstmreg_utils.book import explorer_data, rate_explorer
from lstmreg_utils.book.explorer import CAUSES_MEAN, EFFECTS_MEAN
from lstmreg_utils.diagnosis import CAUSES, CHECKPOINTS, EFFECTS, Comparison, interval


@pytest.fixture(scope="module")
def comparison(tiny_table):
    return Comparison(tiny_table)


@pytest.fixture(scope="module")
def shown(comparison):
    [data] = explorer_data({"a data set": comparison})["sets"]
    return data


def test_every_arm_and_rate_is_there_and_the_twin_apart(shown, tiny_grid):
    assert [arm["label"] for arm in shown["arms"]] == tiny_grid["arms"]
    assert all([each["rate"] for each in arm["rates"]] == ["0.5"] for arm in shown["arms"])
    assert all(arm["rates"][0]["n"] == tiny_grid["seeds"] for arm in shown["arms"])
    assert shown["epochs"][-1] == tiny_grid["epochs"]
    assert len(shown["twin"]["curves"]["test"]) == len(shown["epochs"])


@pytest.mark.parametrize("at", CHECKPOINTS)
def test_seeds_are_those_that_compare_judges(at, shown, comparison):
    for arm in shown["arms"]:
        packed = arm["rates"][0][at]
        samples = comparison.samples(f"{arm['label']} 0.5", at)
        assert packed["early"] == (at == "best")
        named = {*packed} - {"early"}
        assert named == ({*samples} if at == "last" else {"d_train", "d_test"})
        for name in named:
            found = np.frombuffer(base64.b64decode(packed[name]), "<f4")
            np.testing.assert_allclose(found, samples[name], rtol=1e-6)


def test_an_interval_reaches_as_far_as_that_of_python(comparison, tiny_grid):
    critical = explorer_data({"": comparison})["critical"]
    assert {*critical} == {20, tiny_grid["seeds"]}
    n = tiny_grid["seeds"]
    values = np.arange(n)
    mean, _, high = interval(values)
    assert critical[n] == pytest.approx((high - mean) / (values.std(ddof=1) / n**0.5))


def test_curves_are_means_over_seeds(shown, tiny_table):
    arm = shown["arms"][0]
    rows = tiny_table[tiny_table["scheme"].eq(arm["label"])]
    expected = rows.groupby("epoch")[["train", "test"]].mean().loc[shown["epochs"]]
    for loss in expected:
        np.testing.assert_allclose(arm["rates"][0]["curves"][loss], expected[loss], rtol=1e-3)


def test_every_effect_and_cause_has_a_meaning():
    assert set(EFFECTS_MEAN) == set(EFFECTS)
    assert set(CAUSES_MEAN) == {"", *CAUSES}


def test_rates_come_in_their_order_and_unequal_ones_by_name(tiny_table):
    noisy = tiny_table[tiny_table["rate"].gt(0)]
    lower = noisy.assign(rate=0.2, arm=noisy["scheme"] + " 0.2")
    pairs = noisy.assign(rate=float("nan"), arm=noisy["scheme"] + " 0.1, h 0.2")
    table = pd.concat([pairs, tiny_table, lower], ignore_index=True)
    [data] = explorer_data({"": Comparison(table)})["sets"]
    [arm, _] = data["arms"]
    assert [each["rate"] for each in arm["rates"]] == ["0.2", "0.5", "dropout 0.1, h 0.2"]


def test_places_come_in_the_order_of_the_runs(tiny_table):
    places = [f"place {k}" for k in range(20)]
    dropped = tiny_table[tiny_table["scheme"].eq("dropout")]
    tables = [dropped.assign(scheme=place, arm=f"{place} 0.5") for place in places]
    twins = tiny_table[tiny_table["arm"].eq("none")]
    table = pd.concat([twins, *tables], ignore_index=True)
    [data] = explorer_data({"": Comparison(table)})["sets"]
    assert [arm["label"] for arm in data["arms"]] == places


def test_no_title_can_end_the_element_that_holds_the_data(comparison):
    title = "</script><b>"
    page = rate_explorer({title: comparison}).data
    [data] = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data)["sets"][0]["title"] == title


def test_it_is_whole_without_a_file_beside_it(comparison):
    page = rate_explorer({"a data set": comparison}).data
    assert not re.search(r"\b(src|href)=|@import|url\(|https?://(?!www\.w3\.org)", page)
