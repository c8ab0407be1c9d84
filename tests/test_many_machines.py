"""The page on clusters: its commands and its code are run, its numbers measured.

Half a minute: a scheduler, two workers and a kernel start.
"""

import contextlib
import importlib
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import dask
import numpy as np
import pytest
from distributed import Client
from distributed.protocol.pickle import dumps
from nbformat import v4, write

from lstmreg_utils import Records, grid, study
from lstmreg_utils.executors import ARMS_A_PROCESS
from lstmreg_utils.fingerprint import fingerprint
from lstmreg_utils.studies import STUDIES, named_study
from lstmreg_utils.worker import plain

PAGE = (Path(__file__).parents[1] / "chapters/many_machines.md").read_text("utf-8")
BIN = Path(sys.executable).parent


def blocks(language):
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", PAGE)


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
        assert re.search(r"seed=3,.*the same call goes on from there", told)
    assert set(Records(tmp_path / "records").find(LATER)) == set(LATER[:3])


LATER = grid("hidden_ar1", ["none"], seeds=5, units=3, epochs=2)


def stopped_by_the_end_of(scheduler, port, monkeypatch):
    """What a study says when its scheduler is killed after three runs."""
    made = {"fingerprint": fingerprint("hidden_ar1")}

    def train_record(run):
        if run["seed"] == 3:
            time.sleep(600)
        return {"run": run, "epochs": {"test": [0.5] * 2}, "probes": {}, "made": made}

    write_record = Records.write

    def kill_after_three(self, record):
        write_record(self, record)
        if record["run"]["seed"] == 2:
            scheduler.kill()

    module = importlib.import_module("lstmreg_utils.study")
    monkeypatch.setattr(module, "train_record", train_record)
    monkeypatch.setattr(Records, "write", kill_after_three)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
        Client(f"tcp://127.0.0.1:{port}", set_as_default=False) as client,
        pytest.raises(RuntimeError) as raised,
    ):
        study(LATER, recorded=False, executor=client, progress=False)
    return str(raised.value)


def test_sizes_on_the_page_are_those_of_the_book(tmp_path):
    runs = [run for name in STUDIES for run in named_study(name)]
    out = [len(dumps(plain(run))) for run in runs]
    low, high = map(int, re.search(r"(\d+) to (\d+) bytes for the runs", PAGE).groups())
    assert low - 10 < min(out) <= max(out) < high + 10
    back = [len(dumps(record)) for record in Records(tmp_path).find(runs).values()]
    low, high, half = map(int, re.search(r"(\d+) to (\d+) kB, half .* (\d+) kB", PAGE).groups())
    assert low * 500 < min(back) <= max(back) < (high + 1) * 1000
    assert np.median(back) < half * 1000


def test_page_says_when_a_process_is_replaced():
    assert f"after every {ARMS_A_PROCESS} arms" in PAGE


def test_environment_is_named_as_it_is():
    assert "LSTMREG_SCHEDULER" in PAGE
    assert "LSTMREG_SCHEDULER" not in os.environ
