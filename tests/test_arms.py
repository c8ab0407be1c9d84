import pytest

from lstmreg_utils import Noise, Run, arm
from lstmreg_utils.lab.arms import check_arm, describe
from lstmreg_utils.lab.places import ROWS

NAMES = [
    "input", "input:sequence", "between", "between:sequence", "output", "dropout",
    "recurrent_dropout", "dropout+recurrent_dropout", "input:sequence+output", "h", "g:sequence",
    "c", "h+g+c", "zoneout_c+zoneout_h", "weight_drop", "dropout+zoneout_c", "embedding+h", "head",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_name_and_rate_come_back_from_an_arm(name):
    assert describe(arm(name, 0.3))[1:] == (name, 0.3)


@pytest.mark.parametrize("name", [*NAMES, "none"])
def test_rate_zero_is_the_twin_whatever_its_name(name):
    assert arm(name, 0) == ()
    assert Run("hidden_ar1", arm=arm(name, 0)) == Run("hidden_ar1")


def test_each_place_starts_with_its_usual_mask():
    usual = {row.place: arm(row.place, 0.5)[0].mask for row in ROWS}
    assert {place for place, mask in usual.items() if mask == "sequence"} == {
        "embedding", "output", "head", "dropout", "recurrent_dropout",
    }  # fmt: skip
    assert (usual["weight_drop"], usual["weight_decay"]) == ("batch", "none")


def test_arms_of_unequal_rates_add():
    both = arm("input", 0.2) + arm("output", 0.5)
    label, scheme, rate = describe(both)
    assert label == "input, per step 0.2, after the output 0.5"
    assert scheme == "input+output"
    assert rate != rate  # NaN: there is no common rate


def test_arm_survives_lists():
    assert check_arm([["input", "step", 0.2]]) == (Noise("input", "step", 0.2),)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, True, "0.5", None, float("nan"), float("inf")])
def test_rate_that_is_no_number_in_range_is_refused_by_name(rate):
    with pytest.raises(ValueError, match=r"rate must be a number in \[0, 1\), got"):
        arm("input", rate)


@pytest.mark.parametrize("noise", [("inputs", "step"), ("input", "batch"), ("output", "step")])
def test_unknown_place_or_mask_of_a_triple_is_refused_by_name(noise):
    with pytest.raises(KeyError, match=r"arm must|the mask of"):
        check_arm([(*noise, 0.5)])


@pytest.mark.parametrize("noises", ["input", 5, None, ["input"], [5], [("input", "step")]])
def test_arm_that_is_no_tuple_of_triples_is_refused(noises):
    with pytest.raises(ValueError, match="arm must"):
        check_arm(noises)


@pytest.mark.parametrize("name", ["h+zoneout_c", "g+weight_drop", "h+g:sequence"])
def test_noise_inside_the_lstm_comes_from_one_layer_with_one_kind_of_mask(name):
    with pytest.raises(ValueError, match="one layer and one kind of mask"):
        Run("hidden_ar1", arm=arm(name, 0.5))


def test_a_place_is_named_once():
    with pytest.raises(ValueError, match="each place once"):
        check_arm(arm("input", 0.2) + arm("input:sequence", 0.2))
