"""The page on clusters: its commands and its code are run, its numbers measured.

Half a minute: a scheduler, two workers and a kernel start.
"""

import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import dask
import numpy as np
import pytest
from distributed import Client
from distributed.protocol.pickle import dumps
from made_up_runs import made_up
from nbformat import v4, write

from lstmreg_utils import Records, grid, study
from lstmreg_utils.lab import STUDIES, named_study
from lstmreg_utils.lab.engines import BLOCK
from lstmreg_utils.lab.executors import BLOCKS_A_PROCESS
from lstmreg_utils.lab.records import encode
from lstmreg_utils.lab.runs import blocks_of
from lstmreg_utils.lab.worker import plain

PAGE = (Path(__file__).parents[1] / "chapters/many_machines.md").read_text("utf-8")
BIN = Path(sys.executable).parent


def blocks(language):
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", PAGE)


@pytest.mark.apart
def test_code_for_this_machine_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("LSTMREG_RECORDS", str(tmp_path))
    [code] = blocks("python")
    names = {}
    exec(compile(code, "many_machines.md", "exec"), names)
    assert len(names["table"]) == 4 * 3
    assert len(list(tmp_path.iterdir())) == 4


@pytest.fixture
def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def running(command, log):
    """A command of the page, in the background, until the end of the test."""
    with open(log, "w") as out:
        process = subprocess.Popen(
            [BIN / command[0], *command[1:]], stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.apart
def test_commands_make_a_cluster_that_trains_a_chapter(free_port, monkeypatch, tmp_path):
    monkeypatch.setenv("LSTMREG_RECORDS", str(tmp_path / "records"))
    scheduler, worker, chapter, long_lived = (
        shlex.split(block.replace("HOST:8786", f"127.0.0.1:{free_port}"))
        for block in blocks("bash")
    )
    assert long_lived[: len(worker)] == worker
    small = ["--port", str(free_port), "--host", "127.0.0.1", "--dashboard-address", ":0"]
    worker = [*long_lived, "--no-dashboard", "--local-directory", str(tmp_path)]
    worker[worker.index("--nworkers") + 1] = "1"
    notebook = v4.new_notebook(
        cells=[
            v4.new_code_cell("recorded = True", metadata={"tags": ["parameters"]}),
            v4.new_code_cell(
                "from lstmreg_utils import grid, study\n"
                'runs = grid("hidden_ar1", ["none"], seeds=2, units=2, epochs=2)\n'
                "print(len(study(runs, recorded=recorded)), 'rows')\n"
                "import sys; print('trained here:', 'tensorflow' in sys.modules)"
            ),
        ]
    )
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    write(notebook, tmp_path / "03_tiny.ipynb")
    assert chapter[:5] == ["python", "-m", "lstmreg_utils", "study", "3"]
    chapter[4] = str(tmp_path / "03_tiny.ipynb")
    with (
        running([*scheduler, *small], tmp_path / "scheduler.txt") as process,
        running(worker, tmp_path / "worker.txt"),
    ):
        told = subprocess.run(
            [sys.executable, *chapter[1:], "--output", str(tmp_path / "out.ipynb")],
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert told.returncode == 0, told.stdout + told.stderr
        assert f"trained by the workers of tcp://127.0.0.1:{free_port}" in told.stdout
        assert "4 rows\ntrained here: False" in told.stdout
        assert "2/2 [" in told.stderr  # progress, with the time that is left
        assert len(list((tmp_path / "records").iterdir())) == 2

        told = stopped_by_the_end_of(process, free_port, monkeypatch)
        assert re.search(r"seeds \[0, 1\] of .*rate=0.5.*the same call goes on from there", told)
    assert set(Records(tmp_path / "records").find(LATER)) == set(LATER[:4])


LATER = grid("hidden_ar1", ["dropout"], rates=[0.2, 0.5], seeds=2, units=3, epochs=2)


def stopped_by_the_end_of(scheduler, port, monkeypatch):
    """What a study says when its scheduler is killed after two of three blocks."""
    *others, _ = blocks_of(LATER, BLOCK)
    made = {str(plain(run)["arm"]): made_up(plain(run), seeds) for run, seeds in others}

    def train_block(run, seeds, engine):
        if str(run["arm"]) not in made:
            time.sleep(600)
        return made[str(run["arm"])]

    add = Records.add

    def kill_after_two(self, record):
        found = add(self, record)
        if record.run == others[-1].run:
            scheduler.kill()
        return found

    monkeypatch.setattr("lstmreg_utils.lab.studies.train_block", train_block)
    monkeypatch.setattr(Records, "add", kill_after_two)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
        Client(f"tcp://127.0.0.1:{port}", set_as_default=False) as client,
        pytest.raises(RuntimeError) as raised,
    ):
        study(LATER, recorded=False, executor=client, progress=False)
    return str(raised.value)


def test_sizes_on_the_page_are_those_of_the_book(tmp_path):
    runs = list(dict.fromkeys(run for name in STUDIES for run in named_study(name)))
    sent = [(plain(run), list(seeds), "tensorflow") for run, seeds in blocks_of(runs, BLOCK)]
    out = [len(dumps(arguments)) for arguments in sent]
    low, high = map(int, re.search(r"(\d+) to (\d+) bytes for the blocks", PAGE).groups())
    assert low - 10 < min(out) <= max(out) < high + 10
    records = {id(record): record for record, _ in Records(tmp_path).find(runs).values()}
    blocks = [record.take([*range(BLOCK)][: len(record.seeds)]) for record in records.values()]
    back = [len(encode([block])) for block in blocks]
    low, high, half = map(int, re.search(r"(\d+) to (\d+) kB .*half .* (\d+) kB", PAGE).groups())
    assert low * 500 < min(back) <= max(back) < (high + 1) * 1000
    assert np.median(back) < half * 1000


def test_what_all_records_take_is_what_they_took():
    runs = {run for name in STUDIES for run in named_study(name)}
    told = re.search(
        r"the ([\d,]+) programs .* the ([\d,]+) networks, of (\d+) epochs .* took ([\d.]+) hours",
        PAGE,
    ).groups()
    programs, networks, epochs, hours = (float(each.replace(",", "")) for each in told)
    assert programs == len({replace(run, seed=0) for run in runs})
    assert networks == len(runs)
    assert epochs == round(np.mean([run.epochs for run in runs]))
    seconds = study(sorted(runs, key=repr), table="provenance", progress=False)["seconds"].sum()
    assert hours == round(seconds / 3600 / 2, 1)


def test_page_says_how_large_a_block_is_and_when_a_process_is_replaced():
    assert (BLOCK, "at most twenty" in PAGE) == (20, True)
    assert f"after every {BLOCKS_A_PROCESS} blocks" in PAGE


def test_environment_is_named_as_it_is():
    assert "LSTMREG_SCHEDULER" in PAGE
    assert "LSTMREG_SCHEDULER" not in os.environ
