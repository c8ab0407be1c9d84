"""Settings asked again with other seeds: what is collected, and what is held against what."""

import json
import runpy
import sys
from pathlib import Path

import pandas as pd
import pytest
from made_up_runs import made_up_record

from lstmreg_utils import Records
from lstmreg_utils.book import across, other_seeds
from lstmreg_utils.diagnosis import Comparison
from lstmreg_utils.lab import STUDIES as ALL_STUDIES
from lstmreg_utils.lab import compare_study, named_study
from lstmreg_utils.lab.store import run_file

SEEDS = range(2000, 2003)
STUDIES = ("volume", "volume_schemes")
TOOL = Path(__file__).parents[1] / "tools" / "other_seeds.py"
collect = runpy.run_path(str(TOOL))["collect"]


def folder_of(runs, folder):
    """A folder of made-up records of some runs, whose arms lose by their rates."""
    records = Records(folder, shipped=False)
    for run in runs:
        records.add(made_up_record(run))
    return folder


@pytest.fixture
def folder(tmp_path):
    runs = {run for name in STUDIES for run in named_study(name, SEEDS)}
    return folder_of(runs, tmp_path)


def arms_of(collected):
    return {*collected["settings"]["arm"]}, collected["settings"]


def test_every_whole_arm_is_collected_once_at_both_epochs(folder):
    arms, table = arms_of(collect(folder, SEEDS))
    expected = {arm for name in STUDIES for arm in compare_study(name, seeds=2).arms.index}
    assert arms == expected
    assert len(table) == 2 * len(expected)
    assert (table["n"] == len(SEEDS)).all()
    assert (table["d_test"] > 0).all()


def test_an_arm_without_one_of_its_seeds_is_left_out(folder):
    run = next(run for run in named_study("volume", SEEDS) if run.arm)
    (folder / run_file(run)).unlink()
    arms, _ = arms_of(collect(folder, SEEDS))
    lost = {arm for arm in compare_study(*STUDIES, seeds=2).arms.index} - arms
    assert lost == {"dropout 0.1"}


def test_a_network_without_its_twin_is_left_out(folder):
    for run in named_study("volume", SEEDS):
        if not run.arm:
            (folder / run_file(run)).unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"folder must have an arm and its twin with all seeds"):
        collect(folder, SEEDS)


def test_the_summary_needs_every_arm_of_three_data_sets(tmp_path):
    groups = across.DATA_SETS[:4]
    runs = [run for names in groups for name in names for run in named_study(name, SEEDS)]
    collected = collect(folder_of(runs, tmp_path / "four"), SEEDS)
    assert {*collected["across"]["data"]} == {"speakers", "pen digits", "wrist", "peptides", "all"}
    kept = [run for run in runs if run.task in ("pen_digits", "wrist_motion")]
    assert "across" not in collect(folder_of(kept, tmp_path / "two"), SEEDS)


def test_the_tool_writes_what_is_read(folder, tmp_path, monkeypatch):
    target = tmp_path / "kept.json"
    monkeypatch.setattr(other_seeds, "RECORDED", target)
    monkeypatch.setattr(sys, "argv", ["other_seeds.py", str(folder), "--seeds", "3"])
    runpy.run_path(str(TOOL), run_name="__main__")
    other_seeds.recorded_again.cache_clear()
    try:
        again = other_seeds.recorded_again()
    finally:
        other_seeds.recorded_again.cache_clear()
    assert again["seeds"] == [*SEEDS]
    _, expected = arms_of(collect(folder, SEEDS))
    expected = expected.reset_index(drop=True)
    pd.testing.assert_frame_equal(again["settings"], expected, rtol=1e-5, check_dtype=False)


def test_what_is_said_otherwise_is_seen():
    volume = compare_study("volume")
    again = pd.concat(volume.effects(at) for at in ("last", "best")).assign(effect_repeats=1.0)
    same = other_seeds.said_twice([volume], again[[*other_seeds.KEY, *other_seeds.SAID]])
    assert len(same) == 2 * len(volume.arms)
    assert same[["same_effect", "same_cause"]].all(axis=None)
    assert not same["turned"].any()
    again.loc[again["arm"] == "dropout 0.3", "effect"] = ["undecided", "helps"]
    again.loc[again["arm"] == "dropout 0.6", "cause"] = "both"
    other = other_seeds.said_twice([volume], again[[*other_seeds.KEY, *other_seeds.SAID]])
    assert {*other.loc[~other["same_effect"], "arm"]} == {"dropout 0.3"}
    assert {*other.loc[~other["same_cause"], "arm"]} == {"dropout 0.3", "dropout 0.6"}
    assert other.loc[other["turned"], ["arm", "at"]].values.tolist() == [["dropout 0.3", "best"]]


@pytest.mark.parametrize("changed", [{"n": 19}, {"units": 63}, {"epochs": 41}, {"task": "storms"}])
def test_only_the_same_setting_is_compared(changed):
    volume = compare_study("volume")
    again = volume.effects().assign(effect_repeats=1.0, **changed)
    assert other_seeds.said_twice([volume], again[[*other_seeds.KEY, *other_seeds.SAID]]).empty


def test_seeds_are_not_compared_with_themselves():
    own = other_seeds.recorded_again()["seeds"][:2]
    table = compare_study("volume", seeds=2).table
    mine = Comparison(table.assign(seed=table["seed"].map(dict(enumerate(own)))))
    with pytest.raises(ValueError, match=r"comparisons must be of other seeds than "):
        other_seeds.said_twice([mine])


def test_promises_are_counted_by_class():
    rows = {"effect_repeats": [0.1, 0.5, 0.79, 0.95, 1.0], "same_effect": [1, 0, 1, 1, 1]}
    rows = pd.DataFrame(rows | {"effect": "helps"})
    found = other_seeds.promises_kept(rows)
    assert found["settings"].tolist() == [1, 2, 2]
    assert found["kept"].tolist() == [1, 0.5, 1]
    assert found.index.tolist() == ["0 % to 50 %", "50 % to 80 %", "95 % to 100 %"]


def test_undecided_is_no_word_that_comes_again():
    rows = pd.DataFrame(
        {"effect": ["no difference", "undecided"], "effect_repeats": 0.9, "same_effect": [0, 1]}
    )
    assert other_seeds.promises_kept(rows)[["settings", "kept"]].values.tolist() == [[1, 0]]


def test_of_causes_those_that_are_named_are_counted():
    rows = pd.DataFrame(
        {"cause": ["both", "", "early stopping"], "cause_repeats": 1.0, "same_cause": True}
    )
    assert other_seeds.promises_kept(rows, "cause")["settings"].tolist() == [1]


def test_of_nothing_nothing_is_promised():
    rows = other_seeds.said_twice([])
    assert rows.empty
    assert other_seeds.promises_kept(rows).empty
    assert other_seeds.promises_kept(rows, "cause").empty


def test_the_seeds_on_record_are_none_of_the_book_s():
    book_s = {run.seed for name in ALL_STUDIES for run in named_study(name)}
    assert not book_s & {*other_seeds.recorded_again()["seeds"]}
    assert json.loads(other_seeds.RECORDED.read_text("utf-8"))["made"]["data"]


def test_all_seeds_that_were_taken_are_named(tmp_path):
    """A study may take more than were asked for: its twenty are its first."""
    seeds = range(1000, 1020)
    runs = named_study("speakers_many", seeds)
    collected = collect(folder_of(runs, tmp_path), seeds)
    assert collected["seeds"] == [*range(1000, 1400)]
