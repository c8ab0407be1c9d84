import ast
import itertools
import json
import re
from pathlib import Path

import pytest

from lstmreg_utils import Records, Run, arm, grid
from lstmreg_utils.lab.arms import describe
from lstmreg_utils.lab.catalogue import STUDIES, named_study


@pytest.mark.parametrize("name", STUDIES)
def test_every_arm_of_a_study_has_its_seeds_and_its_twin(name):
    runs = named_study(name)
    most = max(part.get("seeds", 20) for part in STUDIES[name])
    assert len(set(runs)) == len(runs)
    seeds = {}
    for run in runs:
        seeds.setdefault((run.arm, run.units, run.layers, run.epochs), set()).add(run.seed)
    assert all(found == set(range(most)) for found in seeds.values())
    for _, *setting in seeds:
        assert ((), *setting) in seeds


def setting_columns():
    """What tells settings apart in the table of studies on the page of provenance."""
    page = Path(__file__).parents[1] / "chapters" / "provenance.ipynb"
    [written] = re.findall(r'"setting = (\[.*\])\\n"', page.read_text("utf-8"))
    return ast.literal_eval(written.replace('\\"', '"'))


def settings(runs, columns):
    """How many settings these columns tell apart."""
    found = set()
    for run in runs:
        row = run.to_dict() | describe(run.arm)._asdict()
        found.add(tuple(row[column] for column in columns))
    return len(found)


@pytest.mark.parametrize("name", STUDIES)
def test_provenance_counts_the_settings_of_a_study(name):
    runs = named_study(name)
    assert settings(runs, setting_columns()) * len({run.seed for run in runs}) == len(runs)


def test_settings_that_differ_in_an_option_are_several():
    columns = [column for column in setting_columns() if column != "options"]
    assert settings(named_study("recall_short"), columns) * 20 < len(named_study("recall_short"))


def test_a_study_of_many_seeds_has_them_unless_a_few_will_do():
    lengths = [len(named_study("speakers_many", seeds)) for seeds in (2, 20, 500, [7])]
    assert lengths == [4, 800, 1000, 2]
    others = {run.seed for run in named_study("speakers_many", range(1000, 1020))}
    assert others == {*range(1000, 1400)}


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


def grids_of_solutions():
    """The runs of each cell that makes a grid of its own and reads it from records, by page."""
    for page in sorted(Path(__file__).parents[1].glob("chapters/*.ipynb")):
        for cell in json.loads(page.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] != "code" or not re.search(r"= grid\(", source):
                continue
            if "recorded=recorded" not in source:
                continue  # trains before the reader's eyes, and says so
            lines = itertools.takewhile(
                lambda n: "study(" not in ast.unparse(n), ast.parse(source).body
            )
            names = {"arm": arm, "grid": grid, "seeds": 20, "epochs": None, "rates": None}
            exec("\n".join(map(ast.unparse, lines)), names)
            [runs] = [
                made
                for made in names.values()
                if isinstance(made, list) and isinstance(made[0], Run)
            ]
            yield page.stem, runs


@pytest.mark.parametrize(("page", "runs"), list(grids_of_solutions()))
def test_a_solution_that_reads_records_asks_for_runs_that_ship(page, runs, tmp_path):
    """Else every build of the book would train them, without a word."""
    found = Records(tmp_path / "nothing here").find(runs)
    assert [run.key for run in runs if run not in found] == []


def test_three_solutions_make_grids_of_their_own():
    assert [page[:2] for page, _ in grids_of_solutions()] == ["04", "05", "06"]
