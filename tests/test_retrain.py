"""`python -m lstmreg_utils study`: a chapter retrained, interrupted, and gone on with.

Ten seconds: two kernels start, and each starts a process that makes up what it should train.
"""

import functools
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from nbformat import v4

from lstmreg_utils.__main__ import main
from lstmreg_utils.book.retraining import find_chapter

SEEDS = 400
BLOCKS = """
import time
from made_up_runs import made_up

def train_block(run, seeds, engine):
    time.sleep(0.1)
    return made_up(run, seeds)
"""
CELL = """
import blocks
from lstmreg_utils import grid, study
from lstmreg_utils.lab import studies
studies.train_block = blocks.train_block
runs = grid("hidden_ar1", ["none"], seeds=seeds, units=2, epochs=2, batch_size=20,
            options={"n_train": 20, "n_validation": 20, "n_test": 20, "steps": 4})
print("runs:", len(study(runs, recorded=recorded, workers=1).groupby("seed")))
"""


@pytest.fixture
def chapter(tmp_path):
    parameters = v4.new_code_cell("recorded = True\nseeds = 1", metadata={"tags": ["parameters"]})
    notebook = v4.new_notebook(cells=[parameters, v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    nbformat.write(notebook, tmp_path / "09_tiny.ipynb")
    (tmp_path / "blocks.py").write_text(BLOCKS, "utf-8")
    return tmp_path / "09_tiny.ipynb"


def start(chapter):
    folder = chapter.parent / "records"
    command = [sys.executable, "-m", "lstmreg_utils", "study", str(chapter), "--seeds", str(SEEDS)]
    return subprocess.Popen(
        [*command, "--output", str(chapter.parent / "out.ipynb")],
        env={**os.environ, "LSTMREG_RECORDS": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell's background jobs ignore Ctrl-C, and so would what they start.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ), folder


@pytest.mark.rare
def test_interrupted_study_keeps_what_is_finished_and_goes_on(chapter):
    process, folder = start(chapter)
    deadline = time.monotonic() + 120
    while len([*folder.glob("*.run")]) < 3:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    kept = {path.name: path.read_bytes() for path in folder.glob("*.run")}
    assert process.returncode == 130, told
    assert "the same command goes on" in told
    assert f"/{SEEDS} [" in told  # the progress bar of the study, with the time that is left
    assert 3 <= len(kept) < SEEDS

    process, _ = start(chapter)
    told, _ = process.communicate(timeout=240)
    assert process.returncode == 0, told
    assert f"runs: {SEEDS}" in told
    assert len([*folder.glob("*.run")]) == SEEDS
    assert all((folder / name).read_bytes() == content for name, content in kept.items())


def test_a_chapter_is_found_by_number_name_and_path(chapter):
    for name in ("9", "09", "09_tiny"):
        assert find_chapter(name, chapter.parent) == chapter
    assert find_chapter(str(chapter)) == chapter


@pytest.mark.parametrize("name", ["7", "tiny", "missing.ipynb", ""])
def test_an_unknown_chapter_is_refused_with_those_there_are(name, chapter):
    with pytest.raises(FileNotFoundError, match=r"chapter must be .* there are: 09_tiny"):
        find_chapter(name, chapter.parent)


def test_the_kernel_is_told_how_many_networks_to_train_at_a_time(chapter, monkeypatch):
    import papermill

    seen = []
    monkeypatch.delenv("LSTMREG_WORKERS", raising=False)
    monkeypatch.setattr(
        papermill,
        "execute_notebook",
        lambda *_, **given: seen.append((os.environ.get("LSTMREG_WORKERS"), given["parameters"])),
    )
    for more in ([], ["--workers", "1"]):
        assert main(["study", str(chapter), *more]) == 0
    assert seen == [(None, {"recorded": False}), ("1", {"recorded": False})]
    assert "LSTMREG_WORKERS" not in os.environ


def test_a_chapter_can_be_asked_of_other_seeds_than_those_on_record(chapter, monkeypatch):
    import papermill

    seen = []
    monkeypatch.setattr(
        papermill, "execute_notebook", lambda *_, **given: seen.append(given["parameters"]["seeds"])
    )
    for more in (["--first", "1000"], ["--first", "7", "--seeds", "2"], ["--seeds", "2"]):
        assert main(["study", str(chapter), *more]) == 0
    assert seen == [[*range(1000, 1020)], [7, 8], 2]


def test_no_workers_are_refused_before_anything_starts(chapter, capsys):
    assert main(["study", str(chapter), "--workers", "0"]) == 2
    assert capsys.readouterr().err == "--workers must be at least 1, got 0\n"


def test_chapter_is_not_written_over(chapter, capsys):
    before = chapter.read_bytes()
    same = chapter.parent / "." / "x" / ".." / chapter.name
    (chapter.parent / "x").mkdir()
    assert main(["study", str(chapter), "--output", str(same)]) == 2
    assert "--output must be another file than the chapter" in capsys.readouterr().err
    assert chapter.read_bytes() == before


def test_an_unknown_chapter_exits_2(capsys):
    assert main(["study", "99"]) == 2
    assert "chapter must be a notebook" in capsys.readouterr().err


def test_a_page_that_fails_exits_1_and_says_why(chapter, monkeypatch, capsys):
    from lstmreg_utils.book import retraining

    def failing(*_, **__):
        raise ValueError("first line\nthe reason")

    monkeypatch.setattr(retraining, "retrain", failing)
    assert main(["study", str(chapter)]) == 1
    assert "the reason" in capsys.readouterr().err
