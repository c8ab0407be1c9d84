"""Processes of this machine: who trains what, for how long, with how many threads."""

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest

from lstmreg_utils import Run, grid, worker
from lstmreg_utils.executors import OwnProcess, open_lanes

ARMS = [Run("hidden_ar1", units=units).to_dict() for units in range(1, 13)]
LEAK = 20 * 2**20  # bytes that a made-up program takes, and never gives back
_KEPT = {}


def leaking(run):
    """Like a compiled program: every new arm costs memory for good, its other seeds nothing."""
    _KEPT.setdefault(str({**run, "seed": 0}), b"x" * LEAK)
    return os.getpid(), len(_KEPT) * LEAK


def trained(process, runs):
    return [process.submit(leaking, run).result(timeout=60) for run in runs]


def test_new_process_takes_over_after_some_arms_and_memory_stays_bounded():
    process = OwnProcess(arms=4)
    try:
        found = trained(process, [{**arm, "seed": seed} for arm in ARMS for seed in range(3)])
    finally:
        process.shutdown()
    pids = [pid for pid, _ in found]
    assert [pids.index(pid) for pid in pids] == [0] * 12 + [12] * 12 + [24] * 12
    assert max(size for _, size in found) == 4 * LEAK
    for pid in set(pids):  # none is left behind
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_another_seed_is_no_other_arm():
    process = OwnProcess(arms=1)
    try:
        found = trained(process, [{**ARMS[0], "seed": seed} for seed in range(5)])
    finally:
        process.shutdown()
    assert len({pid for pid, _ in found}) == 1


def test_lanes_of_this_machine_are_no_more_than_the_runs(monkeypatch):
    for name in ("LSTMREG_SCHEDULER", "LSTMREG_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    for workers, runs, expected in [(3, 9, 3), (3, 2, 2), (None, 1, 1)]:
        with open_lanes(None, workers, runs) as lanes:
            assert len({*map(id, lanes)}) == len(lanes) == expected


@pytest.mark.parametrize(("workers", "expected"), [(None, 2), (3, 3)])
def test_environment_says_how_many_where_the_caller_does_not(workers, expected, monkeypatch):
    monkeypatch.delenv("LSTMREG_SCHEDULER", raising=False)
    monkeypatch.setenv("LSTMREG_WORKERS", "2")
    for executor in (None, ThreadPoolExecutor(1)):
        with open_lanes(executor, workers, 9) as lanes:
            assert len(lanes) == expected


@pytest.mark.parametrize("asked", ["0", "-1", "two"])
def test_environment_that_names_no_number_is_refused(asked, monkeypatch):
    monkeypatch.setenv("LSTMREG_WORKERS", asked)
    with (
        pytest.raises(ValueError, match=rf"LSTMREG_WORKERS must be .*, got '{asked}'"),
        open_lanes(None, None, 9),
    ):
        pass


def test_executor_that_is_given_serves_all_lanes_and_is_left_running():
    with ThreadPoolExecutor(1) as threads:
        with open_lanes(threads, 3, runs=2) as lanes:
            assert lanes == [threads] * 3
        with open_lanes(threads, None, runs=2) as lanes:
            assert lanes == [threads] * os.cpu_count()
        assert threads.submit(int, "3").result() == 3


def test_executor_that_is_given_goes_before_the_scheduler_of_the_environment(monkeypatch):
    monkeypatch.setenv("LSTMREG_SCHEDULER", "tcp://127.0.0.1:9")
    given = Executor()
    with open_lanes(given, 1, runs=1) as lanes:
        assert lanes == [given]


def test_without_dask_a_scheduler_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setenv("LSTMREG_SCHEDULER", "tcp://127.0.0.1:9")
    with (
        pytest.raises(ImportError, match="pip install distributed"),
        open_lanes(None, 1, runs=1),
    ):
        pass


# What a worker does.

THREADS = """
import multiprocessing, sys
from lstmreg_utils.worker import use_one_thread

def threads(answers):
    use_one_thread()
    from tensorflow import config
    answers.put(config.threading.get_intra_op_parallelism_threads())
    answers.put(config.threading.get_inter_op_parallelism_threads())

if __name__ == "__main__":
    use_one_thread()
    print("tensorflow" in sys.modules)
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    process = spawn.Process(target=threads, args=(answers,))
    process.start()
    print(answers.get(timeout=200), answers.get(timeout=200))
    process.join()
"""


def test_tensorflow_gets_one_thread_in_worker_processes_and_keeps_its_own_elsewhere(tmp_path):
    (tmp_path / "threads.py").write_text(THREADS)
    command = [sys.executable, tmp_path / "threads.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines() == ["False", "1 1"], done.stderr


def test_tensorflow_that_has_begun_keeps_its_threads(monkeypatch):
    import tensorflow as tf

    assert tf.constant(1.0) + 1.0 == 2.0  # from here on the number is settled
    before = tf.config.threading.get_intra_op_parallelism_threads()
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "a parent")
    worker.use_one_thread()
    assert tf.config.threading.get_intra_op_parallelism_threads() == before


def test_second_run_in_one_process_is_refused(monkeypatch):
    """Two threads would train the same compiled program, and both records would be wrong."""
    from lstmreg_utils import training

    started, go_on = threading.Event(), threading.Event()

    def train(run):
        started.set()
        assert go_on.wait(60)
        return {"test": [0.5] * run.epochs}, {}, 0.1

    monkeypatch.setattr(training, "train", train)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(worker.train_record, ARMS[0])
        assert started.wait(60)
        second = threads.submit(worker.train_record, ARMS[1])
        with pytest.raises(RuntimeError, match=r"must have one thread each .*--nthreads 1"):
            second.result(60)
        go_on.set()
        assert first.result(60)["epochs"]["test"][0] == 0.5
        assert worker.train_record(ARMS[1])["run"]["units"] == 2  # free again


def test_all_that_goes_out_is_plain():
    runs = grid("hidden_ar1", ["zoneout_c", "input:sequence"], rates=[0.5], options={"steps": 9})
    for run in runs:
        sent = worker.plain(run)
        assert types(sent) <= {dict, list, str, int, float, bool, type(None)}
        assert Run(**sent) == run


def types(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*map(types, inner))
