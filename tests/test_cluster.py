"""`study` on a real cluster of two Dask workers, which are killed while they train.

Half a minute: the workers import TensorFlow, and a nanny starts a new worker for every one killed.
"""

import logging
import os
import random
import signal
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from distributed import Client, LocalCluster, Status

import lstmreg_utils
from lstmreg_utils import Records, grid, study
from lstmreg_utils.__main__ import main
from lstmreg_utils.lab import NUMERICS, engines, studies
from lstmreg_utils.lab.executors import open_executor

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
    """The runs of all records that are written, as often as they are."""
    runs, add = [], Records.add

    def counted(self, record):
        runs.extend(record.runs())
        return add(self, record)

    monkeypatch.setattr(Records, "add", counted)
    return runs


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


def in_order(runs):
    return sorted(runs, key=lambda run: run.key)


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


@pytest.mark.apart
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
    assert in_order(written) == in_order(tiny_runs)  # each of them once
    assert len(list(tmp_path.iterdir())) == len(tiny_runs)

    def threads():
        import sys

        tf = sys.modules.get("tensorflow")
        return tf and tf.config.threading.get_intra_op_parallelism_threads()

    assert set(client.run(threads).values()) <= {1, None}


@pytest.fixture
def stand_in(monkeypatch):
    """Records without training. A function inside a function travels as it is."""
    package, tests = Path(lstmreg_utils.__file__).parents[1], Path(__file__).parent

    def put(seconds=0.02, numerics=NUMERICS, deadly_seed=None, block=1):
        def train_block(run, seeds, engine):
            import sys

            sys.path[:0] = [str(package), str(tests)]
            from made_up_runs import made_up

            if deadly_seed in seeds:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(seconds)
            return made_up(run, seeds, numerics=numerics)

        monkeypatch.setattr(studies, "train_block", train_block)
        monkeypatch.setattr(engines, "BLOCK", block)

    put()
    return put


@pytest.fixture
def patient(client):
    """A scheduler that forgives many deaths: on a busy machine kills may hit one block again."""
    scheduler = client.cluster.scheduler
    allowed, scheduler.allowed_failures = scheduler.allowed_failures, 20
    yield
    scheduler.allowed_failures = allowed


@pytest.mark.apart
def test_many_kills_at_random_moments(client, patient, stand_in, written, tmp_path):
    stand_in(seconds=0.2)
    going = InBackground(RUNS, folder=tmp_path, executor=client)
    killed, chance = set(), random.Random(0)
    while len(killed) < 4:
        time.sleep(chance.uniform(0, 1))
        assert going.is_alive(), "the study ended before its workers could be killed"
        killed.add(kill_one_that_trains(client, killed))
    assert going.result()["run"].nunique() == len(RUNS)
    assert in_order(written) == in_order(RUNS)


@pytest.mark.apart
def test_run_that_kills_every_worker_is_named_and_the_others_are_kept(client, stand_in, tmp_path):
    scheduler = client.cluster.scheduler
    allowed, scheduler.allowed_failures = scheduler.allowed_failures, 0
    try:
        stand_in(deadly_seed=7)
        with pytest.raises(RuntimeError, match=r"seeds \[7\] of Run\(.*KilledWorker"):
            study(RUNS, folder=tmp_path, executor=client, **OPTIONS)
    finally:
        scheduler.allowed_failures = allowed
    assert len(list(tmp_path.iterdir())) >= 7
    stand_in()  # what failed is not remembered
    client.wait_for_workers(2)
    assert len(study(RUNS, folder=tmp_path, executor=client, **OPTIONS)) == 2 * len(RUNS)


def test_worker_with_other_code_is_named_and_its_records_are_not_stored(client, stand_in, tmp_path):
    stand_in(numerics=NUMERICS + 1)
    told = rf"other code, lstmreg_utils 0\.0\.9 \(NUMERICS {NUMERICS + 1}\), than is"
    with pytest.raises(RuntimeError, match=told):
        study(RUNS, folder=tmp_path, executor=client, **OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_stopped_study_leaves_no_work_on_the_cluster(client, stand_in, monkeypatch, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    stand_in(seconds=1)
    monkeypatch.setattr(Records, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study(RUNS, folder=tmp_path, executor=client, workers=20, **OPTIONS)
    deadline = time.monotonic() + PATIENCE
    while any(client.processing().values()):
        assert time.monotonic() < deadline, "the cluster goes on with a study that was stopped"
        time.sleep(0.1)


def test_all_workers_are_kept_busy_unless_told_otherwise(client, stand_in, tmp_path):
    for asked, expected in ((None, 2), (7, 7)):
        with open_executor(client, asked) as (_, workers):
            assert workers == expected
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
    monkeypatch.setattr("lstmreg_utils.lab.executors.CONNECT_SECONDS", 1)
    (tmp_path / "09_tiny.ipynb").write_text("{}")
    assert main(["study", str(tmp_path / "09_tiny.ipynb"), "--scheduler", address]) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert address in told
