"""Predictions are held to the side on which they said that their interval would lie."""

import pandas as pd
import pytest

from lstmreg_utils.claims import confirm, predictions
from lstmreg_utils.claims.confirmation import EXPECTED, NAMED, arm_of, outcome, outcome_of_cause
from lstmreg_utils.diagnosis import Comparison
from lstmreg_utils.lab import compare_study, describe, named_study


def comparison(none, dropout):
    """Two epochs of four seeds of each arm; the first is the best. The margin is the wind's."""
    arms = {"none": none, "dropout 0.5": dropout}
    return Comparison(pd.DataFrame(
        {"task": "nyc_weather", "arm": arm, "seed": seed, "epoch": epoch,
         "train": 0.0, "validation": epoch, "test": loss + 0.001 * seed}
        for arm, losses in arms.items() for seed in range(4)
        for epoch, loss in enumerate(losses, 1)
    ))  # fmt: skip


def prediction(expected, at="last", arm="dropout"):
    return {
        "id": "R0", "text": "", "expected": expected,
        "a": {"arm": arm, "rate": 0.5, "at": at}, "b": {"arm": "none", "at": at},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "confirmed", "refuted", "undecided"),
    [
        ("below 0", (-2, -1), (1, 2), (-1, 1)),
        ("above 0", (1, 2), (-2, -1), (-1, 1)),
        ("within margin", (-0.5, 0.5), (1.5, 2), (0.5, 1.5)),
        ("within margin", (-0.5, 0.5), (-2, -1.5), (-2, 2)),
        ("below margin", (-5, 0.5), (1.5, 2), (0.5, 1.5)),
        ("above -margin", (-0.5, 5), (-2, -1.5), (-1.5, 0)),
    ],
)
def test_interval_decides_by_the_side_it_lies_on(expected, confirmed, refuted, undecided):
    for wanted, ends in {
        "confirmed": confirmed,
        "refuted": refuted,
        "undecided": undecided,
    }.items():
        low, high = (0.01 * end for end in ends)
        assert outcome(low, high, expected, margin=0.01) == wanted


def test_losses_are_compared_at_the_epoch_that_is_named():
    runs = comparison(none=[1.0, 2.0], dropout=[1.5, 1.5])
    found = confirm(runs, [prediction("below 0"), prediction("below 0", at="best")])
    assert found["found"].tolist() == pytest.approx([-0.5, 0.5])
    assert found["outcome"].tolist() == ["confirmed", "refuted"]


def test_an_epoch_can_be_compared_with_another():
    stopping = {**prediction("below 0"), "a": {"arm": "none", "at": "best"}}
    runs = comparison(none=[1.0, 2.0], dropout=[1.0, 1.0])
    assert confirm(runs, [stopping])["found"].item() == pytest.approx(-1)


@pytest.mark.parametrize(("arm", "named"), [("output", "after the output 0.5"), ("mine", "mine")])
def test_an_arm_that_was_not_run_is_named(arm, named):
    with pytest.raises(KeyError, match=named):
        confirm(comparison([1.0, 2.0], [1.0, 1.0]), [prediction("below 0", arm=arm)])


def test_a_part_of_the_loss_can_be_predicted():
    runs = comparison(none=[1.0, 2.0], dropout=[1.5, 1.5])
    assert confirm(runs, [prediction("below 0") | {"of": "gap"}])["outcome"].item() == "confirmed"
    assert confirm(runs, [prediction("above 0") | {"of": "train"}])["found"].item() == 0


def test_a_cause_can_be_predicted():
    runs = comparison(none=[1.0, 2.0], dropout=[1.5, 1.5])  # all of it is the gap
    expected = ("regularization works", "over-regularization")
    found = confirm(runs, [prediction(cause) for cause in expected])
    assert found["outcome"].tolist() == ["confirmed", "refuted"]
    for withheld in ("undecided", "not finished", ""):
        assert outcome_of_cause(withheld, expected[0]) == "undecided"


@pytest.mark.parametrize("study", ["weather"])
def test_every_prediction_is_complete_and_its_arms_are_in_the_study(study):
    arms = {describe(run.arm).arm for run in named_study(study, seeds=1)}
    made = predictions(study)
    assert len({one["id"] for one in made}) == len(made) == 10
    for one in made:
        assert one["expected"] in (*EXPECTED, *NAMED)
        assert one.get("of", "test") in ("train", "gap", "test")
        assert one["text"]
        assert one["from"]
        assert {arm_of(one["a"]), arm_of(one["b"])} <= arms


@pytest.mark.parametrize("study", ["weather"])
def test_all_predictions_can_be_held_against_the_records(study):
    found = confirm(compare_study(study), predictions(study))
    assert found["id"].tolist() == [one["id"] for one in predictions(study)]
    assert set(found["outcome"]) <= {"confirmed", "refuted", "undecided"}


def test_a_study_without_predictions_is_named():
    with pytest.raises(KeyError, match="volume"):
        predictions("volume")
