import pytest

from lstmreg_utils.studies import STUDIES, named_study


@pytest.mark.parametrize("name", STUDIES)
def test_every_arm_of_a_study_has_twenty_seeds_and_its_twin(name):
    runs = named_study(name)
    assert len(set(runs)) == len(runs)
    seeds = {}
    for run in runs:
        seeds.setdefault((run.arm, run.units, run.layers, run.epochs), set()).add(run.seed)
    assert all(found == set(range(20)) for found in seeds.values())
    for _, *setting in seeds:
        assert ((), *setting) in seeds


@pytest.mark.parametrize("name", STUDIES)
def test_study_can_be_shortened(name):
    whole, short = named_study(name), named_study(name, seeds=2, epochs=3, rates=1)
    assert {run.epochs for run in short} == {3}
    assert {run.seed for run in short} == {0, 1}
    assert {run.arm for run in short} <= {run.arm for run in whole}
    places = [{tuple(n.place for n in run.arm) for run in runs} for runs in (whole, short)]
    assert places[0] == places[1]  # fewer rates, not fewer placements


@pytest.mark.parametrize(
    ("count", "kept"),
    [(1, {0.5}), (2, {0.3, 0.5}), (3, {0.3, 0.5, 0.7}), (9, {0.1, 0.3, 0.5, 0.7, 0.9})],
)
def test_rates_are_taken_from_the_middle(count, kept):
    runs = named_study("speakers_placements", seeds=1, rates=count)
    assert {noise.rate for run in runs for noise in run.arm} == kept


def test_unknown_study_is_refused_by_name():
    with pytest.raises(KeyError, match=r"study must be one of .*'speakers'.*, got 'vowels'"):
        named_study("vowels")


@pytest.mark.parametrize(
    ("argument", "value"),
    [("seeds", 0), ("epochs", 0), ("rates", 0), ("rates", True), ("rates", 1.5)],
)
def test_study_of_nothing_is_refused_by_name(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must"):
        named_study("speakers", **{argument: value})
