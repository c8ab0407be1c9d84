"""The one table of places: what figures and tables call an arm, and that no two share it."""

import itertools

import pytest

from lstmreg_utils import arm
from lstmreg_utils.lab import PLACES, describe, label_of, look
from lstmreg_utils.lab.places import LOOKS, ROWS, SPARE, find_place

INSIDE = ("h", "g", "c", "zoneout_c", "zoneout_h", "zoneout_c+zoneout_h", "weight_drop")
KERAS = ("dropout", "recurrent_dropout", "dropout+recurrent_dropout", "weight_decay")
PLACEMENTS = ("embedding", "input", "between", "output", "head")


def in_figure(*places):
    """The schemes of a figure with some places: the twin, and each with all of its masks."""
    known = [*PLACES, *LOOKS]
    return ["none", *(name for name in known if name.split(":")[0] in places)]


FIGURES = {
    "placements, and the arguments of Keras": in_figure(*PLACEMENTS, *KERAS[:3]),
    "inside the recurrence": in_figure(*INSIDE[:6]),
    "a recipe": in_figure(*KERAS, "g", "weight_drop", "zoneout_c+zoneout_h", "c"),
}


def shared(looks):
    """Which values two schemes have in common, and whose they are."""
    return {
        (field, one, other)
        for (one, first), (other, second) in itertools.combinations(looks.items(), 2)
        for field in ("label", "color", "marker", "color and marker")
        if all(getattr(first, part) == getattr(second, part) for part in field.split(" and "))
    }


def test_no_two_places_share_a_label_or_a_colour():
    fields = {field for field, *_ in shared({name: look(name) for name in [*PLACES, *LOOKS]})}
    assert fields <= {"marker"}


@pytest.mark.parametrize("figure", FIGURES)
def test_no_two_schemes_of_a_figure_share_a_look(figure):
    looks = {name: look(name) for name in FIGURES[figure]}
    assert {field for field, *_ in shared(looks)} <= {"marker"}


@pytest.mark.parametrize("places", [PLACEMENTS[1:4], INSIDE[:3], INSIDE[3:]])
def test_places_that_are_compared_in_print_differ_in_their_marker(places):
    looks = {name: look(name) for name in in_figure(*places)}
    assert shared(looks) == set()


def test_shared_look_would_be_found():
    twice = {"a": look("input"), "b": look("input")._replace(label="b", color="#000001")}
    assert shared(twice) == {("marker", "a", "b")}


def test_scheme_of_ones_own_has_a_label_and_one_of_the_spare_looks():
    assert look("mine").label == "mine"
    assert (look("mine").color, look("mine").marker) in SPARE
    taken = {row.color for row in ROWS} | {known.color for known in LOOKS.values()}
    assert not taken.intersection(color for color, _ in SPARE)


def every_arm():
    """All places with all masks, alone and in pairs, at several rates, equal and unequal."""
    rates = (0.05, 0.1, 0.25, 0.5, 0.95)
    yield ()
    for name, rate in itertools.product(PLACES, rates):
        yield arm(name, rate)
    for one, other in itertools.permutations(PLACES, 2):
        for first, second in itertools.product(rates[2:4], repeat=2):
            yield arm(one, first) + arm(other, second)


def test_labels_of_different_arms_never_collide():
    arms = list(every_arm())
    labels = {describe(noises).arm for noises in arms}
    assert len(labels) == len(set(arms)) == len(arms)


def test_scheme_and_rate_give_the_arm_back():
    for noises in every_arm():
        found = describe(noises)
        if found.rate == found.rate:
            assert arm(found.scheme, found.rate) == noises
            assert label_of(found.scheme, found.rate) == found.arm


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("none", "none"), ("input", "input, per step 0.3"), ("output", "after the output 0.3"),
        ("input:sequence", "input, per sequence 0.3"), ("g:sequence", "g, per sequence 0.3"),
        ("dropout+recurrent_dropout", "both arguments 0.3"), ("weight_decay", "weight decay 0.3"),
    ],
)  # fmt: skip
def test_label_says_the_place_the_mask_and_the_rate(name, label):
    assert label_of(name, 0.3) == label


def test_name_of_a_place_is_what_finds_it():
    for name, row in PLACES.items():
        assert row.name == name
        assert find_place(row.place, row.mask) is row
        assert find_place(*name.split(":")) is row


def test_every_place_says_what_it_builds():
    for row in ROWS:
        assert bool(row.layer) <= bool(row.argument)
        assert bool(row.argument) <= row.needs_lstm


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("inputs", r"arm must be 'none' or use the places \['between', 'c', .*got 'inputs'"),
        ("", "got ''"),
        ("none+input", "got 'none'"),
        ("input:batch", r"the mask of 'input' must be one of \('step', 'sequence'\), got 'batch'"),
        ("output:step", r"the mask of 'output' must be one of \('sequence',\), got 'step'"),
    ],
)
def test_unknown_place_or_mask_is_refused_with_those_there_are(name, message):
    with pytest.raises(KeyError, match=message):
        arm(name, 0.5)
