import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("agg")

from lstmreg_utils.memory import survival
from lstmreg_utils.recurrence_plots import rate_grid, recall_curves


@pytest.fixture
def recalled():
    rows = [
        {"arm": arm, "rate": rate, "lag": lag, "off": value, "off_low": value - 0.1,
         "off_high": value + 0.1, "on": value / 2, "on_low": value / 2, "on_high": value / 2}
        for arm, rate, value in (("none", 0.0, 1.0), ("c", 0.25, 0.6), ("c", 0.5, 0.3))
        for lag in (10, 5)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("noise", "factor"), [("off", 1), ("on", 0.5)])
def test_a_line_an_arm_at_the_rate_asked_for_beside_the_twin(recalled, noise, factor):
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
    np.testing.assert_allclose(bits, survival(lags, 0.5, 32))
    assert len(laws) == 2


def test_grid_has_each_effect_in_the_field_of_its_rates():
    effects = pd.DataFrame(
        [("zoneout_c", 0.5, -0.2, -0.3, -0.1), ("zoneout_h", 0.1, 0.1, -0.1, 0.3),
         ("zoneout_c@0.5+zoneout_h@0.1", np.nan, 0.3, 0.2, 0.4)],
        columns=["arm", "rate", "d_test", "d_test_low", "d_test_high"],
    )  # fmt: skip
    [ax] = rate_grid(effects, "zoneout_c", "zoneout_h").axes
    fields = {text.get_position(): text.get_text() for text in ax.texts}
    assert fields == {(0, 0): "twin", (1, 0): "−0.200*", (0, 1): "+0.100", (1, 1): "+0.300*"}
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "0.5"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0", "0.1"]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0, -0.2], [0.1, 0.3]])
