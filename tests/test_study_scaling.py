"""What the benchmark of studies computes; how fast anything is, no test asserts."""

import os
import re
from types import SimpleNamespace

import pytest
import study_scaling
from study_scaling import main

from lstmreg_utils.lab.worker import plain


def lines(capsys):
    return capsys.readouterr().out.rstrip().splitlines()


def test_opening_says_what_ships_and_how_long_it_takes(capsys):
    main(["open", "--rounds", "2"])
    _, told, *last = lines(capsys)
    assert re.fullmatch(r"open: \d{4,} runs in \d+ files of [\d.]+ MB", told)
    assert [line.split(":")[1] for line in last] == [" read", " table"]


def test_folder_is_opened_with_as_many_runs_as_it_says(capsys):
    main(["folder", "--records", "6", "--rounds", "2"])
    *_, told, last = lines(capsys)
    assert re.fullmatch(r"folder: 6 runs of 40 epochs: [\d.]+, [\d.]+ s", told)
    assert re.fullmatch(r"folder: median [\d.]+ s", last)


def pid(run, seeds):
    return os.getpid()


def test_memory_is_followed_through_every_process(monkeypatch, capsys):
    def fresh_study(runs, executor, workers):
        pids = [executor.submit(pid, plain(run), [run.seed]).result(60) for run in runs[::2]]
        assert len(set(pids)) == 3

    monkeypatch.setattr(study_scaling, "fresh_study", fresh_study)
    monkeypatch.setattr("lstmreg_utils.lab.executors.BLOCKS_A_PROCESS", 2)
    main(["memory", "--arms", "5"])
    told = lines(capsys)
    assert sum(line.startswith("memory: process ") for line in told) == 3
    assert re.fullmatch(r"memory: median -?[\d.]+ MB an arm, in 3 processes", told[-2])


class Instant:
    """An executor whose bare loop takes one second, then two, then four."""

    def __init__(self, workers, blocks):
        self.seconds = iter([1.0, 2.0, 4.0])

    def submit(self, call, work):
        assert call is study_scaling.bare_loop
        seconds = next(self.seconds)
        return SimpleNamespace(result=lambda: seconds)

    def shutdown(self):
        pass


def test_overhead_is_the_median_of_the_ratios(monkeypatch, capsys):
    by_study = iter([9.0, 2.0, 2.0, 5.0])  # the first is the warm-up
    monkeypatch.setattr(study_scaling, "LocalProcesses", Instant)
    monkeypatch.setattr(study_scaling, "fresh_study", lambda *_, **__: next(by_study))
    main(["overhead", "--seeds", "2"])
    assert lines(capsys)[-1] == "overhead: ratio 1.250"  # of 2, 1 and 1.25


def test_workers_are_compared_in_turn(monkeypatch, capsys):
    asked = []

    def fresh_study(runs, workers):
        asked.append(workers)
        return 3.0 / workers + len(asked)

    monkeypatch.setattr(study_scaling, "fresh_study", fresh_study)
    main(["workers", "--rounds", "1"])
    assert asked == [1, 2]
    assert lines(capsys)[-1] == f"workers: ratio {4.0 / 3.5:.2f}"


def test_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["memroy"])
    assert "parts must be among open, folder" in capsys.readouterr().err
