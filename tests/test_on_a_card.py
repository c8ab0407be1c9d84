"""What `tools/on_a_card.py book` runs is there, and its table says what came out."""

from pathlib import Path

import on_a_card
import pytest


@pytest.mark.parametrize("quick", [True, False])
def test_every_part_names_files_that_exist(quick):
    parts = [*on_a_card.parts_of_the_book(Path("out"), quick)]
    given = [str(each) for *_, arguments in parts for each in arguments]
    files = [name for name in given if name.startswith(("tests/", "benchmarks/"))]
    assert files
    assert [name for name in files if not (on_a_card.ROOT / name).exists()] == []
    assert {name for name, *_ in parts} >= {"kernels", "layers", "grid", "study", "tests", "audit"}
    chapters = sum(name[0].isdigit() for name, *_ in parts)
    assert chapters == (1 if quick else len([*on_a_card.ROOT.glob("chapters/0*.ipynb")]))


def test_the_table_has_what_was_done_what_failed_and_what_was_left_out(tmp_path, monkeypatch):
    parts = [
        ("tests", "json", ["-c", "print('3 passed')"]),
        ("audit", "json", ["-c", "raise SystemExit('0 of 1 agree')"]),
        ("grid", "no_such_backend", []),
        ("study", "json", ["-c", "import time; time.sleep(60)"]),
        ("layers", "json", []),
    ]
    monkeypatch.setattr(on_a_card, "parts_of_the_book", lambda *_: parts)
    assert on_a_card.run_the_book(tmp_path, seconds=2, quick=True) == 2
    tests, audit, grid, study, layers = (tmp_path / "table.txt").read_text("utf-8").splitlines()
    assert tests.endswith("done  3 passed")
    assert audit.endswith("FAILED  0 of 1 agree")
    assert grid.endswith("left out: no_such_backend is not installed")
    assert study.endswith("FAILED: the time was over")
    assert layers.endswith("left out: the time is over")
