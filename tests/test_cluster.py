"""`study` on a real cluster of two Dask workers, which are killed while they train.

Half a minute: the workers import TensorFlow, and a nanny starts a new worker for every one killed.
"""

import importlib
import logging
import os
import random
import signal
import threading
import time

import pandas as pd
import pytest
from distributed import Client, LocalCluster, Status

from lstmreg_utils import Records, grid, study
from lstmreg_utils.__main__ import main
from lstmreg_utils.fingerprint import fingerprint

MODULE = importlib.import_module("lstmreg_utils.study")
RUNS = grid("hidden_ar1", ["input", "output"], rates=[0.5], seeds=20, epochs=2)
OPTIONS = {"recorded": False, "progress": False}
PATIENCE = 600  # seconds, on a machine that is busy otherwise


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def written(monkeypatch):
    """The keys of all records that are written, as often as they are."""
    keys, write = [], Records.write

    def counted(self, record):
        path = write(self, record)
        keys.append(path.name.partition("-")[0])
        return path

    monkeypatch.setattr(Records, "write", counted)
    return keys


class InBackground(threading.Thread):
    """A study that runs while the test kills its workers."""

    def __init__(self, runs, **options):
        super().__init__(daemon=True)
        self.call = lambda: study(runs, **OPTIONS, **options)
        self.table = self.error = None
        self.start()

    def run(self):
        try:
            self.table = self.call()
        except BaseException as error:
            self.error = error

    def result(self):
        self.join(PATIENCE)
        assert not self.is_alive(), "the study hangs"
        if self.error:
            raise self.error
        return self.table


def kill_one_that_trains(client, killed=()):
    """SIGKILL to a worker that has a run. Its nanny starts another, once it has seen it begin."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        busy = {worker for worker, keys in client.processing().items() if keys}
        for nanny in client.cluster.workers.values():
            started = nanny.status is Status.running and nanny.pid not in killed
            if started and nanny.worker_address in busy:
                os.kill(nanny.pid, signal.SIGKILL)
                return nanny.pid
        time.sleep(0.01)
    raise AssertionError("no worker trains")


def test_killed_workers_cost_no_run_and_change_no_number(
    client, tiny_runs, tiny_table, written, tmp_path
):
    going = InBackground(tiny_runs, folder=tmp_path, executor=client)
    deadline = time.monotonic() + PATIENCE
    while not written:
        assert going.is_alive(), going.result()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(written) < len(tiny_runs)
    kill_one_that_trains(client)
    pd.testing.assert_frame_equal(going.result(), tiny_table, rtol=1e-6, atol=1e-6)
    assert sorted(written) == sorted(run.key for run in tiny_runs)  # each of them once
    assert len(list(tmp_path.iterdir())) == len(tiny_runs)

    def threads():
        import sys

        tf = sys.modules.get("tensorflow")
        return tf and tf.config.threading.get_intra_op_parallelism_threads()

    assert set(client.run(threads).values()) <= {1, None}


@pytest.fixture
def stand_in(monkeypatch):
    """Records without training. A function inside a function travels as it is."""
    code = fingerprint("hidden_ar1")

    def put(seconds=0.02, made_by=code, deadly_seed=None):
        def train_record(run):
            if run["seed"] == deadly_seed:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(seconds)
            losses = [run["seed"], len(run["arm"])]
            epochs = {name: losses for name in ("train", "validation", "test")}
            made = {"fingerprint": made_by, "seconds": seconds, "lstmreg_utils": "0.0.9"}
            return {"run": run, "epochs": epochs, "probes": {}, "made": made}

        monkeypatch.setattr(MODULE, "train_record", train_record)

    put()
    return put


def test_many_kills_at_random_moments(client, stand_in, written, tmp_path):
    stand_in(seconds=0.2)
    going = InBackground(RUNS, folder=tmp_path, executor=client)
    killed, chance = set(), random.Random(0)
    while len(killed) < 4:
        time.sleep(chance.uniform(0, 1))
        assert going.is_alive(), "the study ended before its workers could be killed"
        killed.add(kill_one_that_trains(client, killed))
    assert going.result()["run"].nunique() == len(RUNS)
    assert sorted(written) == sorted(run.key for run in RUNS)


def test_run_that_kills_every_worker_is_named_and_the_others_are_kept(client, stand_in, tmp_path):
    scheduler = client.cluster.scheduler
    allowed, scheduler.allowed_failures = scheduler.allowed_failures, 0
    try:
        stand_in(deadly_seed=7)
        with pytest.raises(RuntimeError, match=r"Run\(.*seed=7,.*KilledWorker"):
            study(RUNS, folder=tmp_path, executor=client, **OPTIONS)
    finally:
        scheduler.allowed_failures = allowed
    assert len(list(tmp_path.iterdir())) >= 7
    stand_in()  # what failed is not remembered
    client.wait_for_workers(2)
    assert len(study(RUNS, folder=tmp_path, executor=client, **OPTIONS)) == 2 * len(RUNS)


def test_worker_with_other_code_is_named_and_its_records_are_not_stored(client, stand_in, tmp_path):
    stand_in(made_by="0" * 16)
    with pytest.raises(RuntimeError, match=r"other code, lstmreg_utils 0\.0\.9 \(0{16}\), than is"):
        study(RUNS, folder=tmp_path, executor=client, **OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_stopped_study_leaves_no_work_on_the_cluster(client, stand_in, monkeypatch, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    stand_in(seconds=1)
    monkeypatch.setattr(Records, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study(RUNS, folder=tmp_path, executor=client, workers=20, **OPTIONS)
    deadline = time.monotonic() + PATIENCE
    while any(client.processing().values()):
        assert time.monotonic() < deadline, "the cluster goes on with a study that was stopped"
        time.sleep(0.1)


def test_all_workers_are_kept_busy_unless_told_otherwise(client, stand_in, tmp_path):
    from lstmreg_utils.executors import open_lanes

    with open_lanes(client, None, runs=40) as lanes:
        assert len(lanes) == 2
    with open_lanes(client, 7, runs=40) as lanes:
        assert len(lanes) == 7
    study(RUNS, folder=tmp_path, executor=client.get_executor(), workers=2, **OPTIONS)
    assert len(list(tmp_path.iterdir())) == len(RUNS)


def test_workers_of_several_threads_are_refused(tmp_path):
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
        pytest.raises(ValueError, match=r"executor must have .* --nthreads 1.* got .*: 2"),
    ):
        study(RUNS, folder=tmp_path, executor=client, **OPTIONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "nonsense", "tcp://127.0.0.1", "http://127.0.0.1:9"]
)
def test_command_refuses_a_scheduler_that_does_not_answer(address, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("lstmreg_utils.executors.CONNECT_SECONDS", 1)
    (tmp_path / "09_tiny.ipynb").write_text("{}")
    assert main(["study", str(tmp_path / "09_tiny.ipynb"), "--scheduler", address]) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert address in told
