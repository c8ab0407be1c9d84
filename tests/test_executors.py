"""Processes of this machine: who trains what, for how long, with how many threads."""

import functools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

from lstmreg_utils import Run, grid
from lstmreg_utils.lab import COLUMNS, engines, worker
from lstmreg_utils.lab.executors import LocalProcesses, open_executor
from lstmreg_utils.lab.records import decode

RUN = Run("hidden_ar1", units=2, epochs=2).to_dict()
LEAK = 20 * 2**20  # bytes that a made-up program takes, and never gives back
_KEPT = {}


def leaking(block):
    """Like a compiled program: every new arm costs memory for good."""
    _KEPT.setdefault(block, b"x" * LEAK)
    return os.getpid(), len(_KEPT) * LEAK


def called(processes, call, arguments):
    return [future.result(60) for future in [processes.submit(call, one) for one in arguments]]


def test_new_process_takes_over_after_some_blocks_and_memory_stays_bounded():
    processes = LocalProcesses(1, blocks=4)
    try:
        found = called(processes, leaking, range(12))
    finally:
        processes.shutdown()
    pids = [pid for pid, _ in found]
    assert [pids.index(pid) for pid in pids] == [0] * 4 + [4] * 4 + [8] * 4
    assert max(size for _, size in found) == 4 * LEAK
    for pid in set(pids):  # none is left behind
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_processes_are_an_executor_like_any_other():
    """Any call with any arguments, more of them than processes; errors as raised."""
    with LocalProcesses(2) as processes:
        assert list(processes.map(divmod, range(9), [2] * 9)) == [divmod(n, 2) for n in range(9)]
        assert processes.submit(int, "11", base=2).result(60) == 3
        with pytest.raises(ZeroDivisionError):
            processes.submit(divmod, 1, 0).result(60)
        assert processes.submit(len, "abc").result(60) == 3  # and goes on


def test_stopping_does_not_wait_for_what_is_under_way():
    processes = LocalProcesses(1)
    processes.submit(os.getpid).result(60)
    under_way, waiting = processes.submit(time.sleep, 600), processes.submit(os.getpid)
    while not under_way.running():
        time.sleep(0.01)
    start = time.monotonic()
    processes.stop()
    assert time.monotonic() - start < 60
    assert waiting.cancelled()
    assert isinstance(under_way.exception(), (BrokenProcessPool, CancelledError))


def test_interrupt_is_left_to_the_parent():
    with LocalProcesses(1) as processes:
        pid = processes.submit(os.getpid).result(60)
        os.kill(pid, signal.SIGINT)
        assert processes.submit(os.getpid).result(60) == pid


@pytest.fixture
def nothing_asked_for(monkeypatch):
    for name in ("LSTMREG_SCHEDULER", "LSTMREG_WORKERS"):
        monkeypatch.delenv(name, raising=False)


def test_this_machine_trains_with_all_its_processors_unless_told_otherwise(nothing_asked_for):
    for asked, expected in [(None, os.cpu_count()), (3, 3)]:
        with open_executor(None, asked) as (executor, workers):
            assert isinstance(executor, LocalProcesses)
            assert workers == expected


@pytest.mark.parametrize(("workers", "expected"), [(None, 2), (3, 3)])
def test_environment_says_how_many_where_the_caller_does_not(workers, expected, monkeypatch):
    monkeypatch.delenv("LSTMREG_SCHEDULER", raising=False)
    monkeypatch.setenv("LSTMREG_WORKERS", "2")
    for executor in (None, ThreadPoolExecutor(1)):
        with open_executor(executor, workers) as (_, found):
            assert found == expected


@pytest.mark.parametrize("asked", ["0", "-1", "two"])
def test_environment_that_names_no_number_is_refused(asked, monkeypatch):
    monkeypatch.setenv("LSTMREG_WORKERS", asked)
    with (
        pytest.raises(ValueError, match=rf"LSTMREG_WORKERS must be .*, got '{asked}'"),
        open_executor(),
    ):
        pass


def test_executor_that_is_given_is_left_running(nothing_asked_for):
    with ThreadPoolExecutor(1) as threads:
        with open_executor(threads, 3) as found:
            assert found == (threads, 3)
        with open_executor(threads) as found:
            assert found == (threads, os.cpu_count())
        assert threads.submit(int, "3").result() == 3


def test_executor_that_is_given_goes_before_the_scheduler_of_the_environment(monkeypatch):
    monkeypatch.setenv("LSTMREG_SCHEDULER", "tcp://127.0.0.1:9")
    given = Executor()
    with open_executor(given, 1) as found:
        assert found == (given, 1)


def test_without_dask_a_scheduler_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setenv("LSTMREG_SCHEDULER", "tcp://127.0.0.1:9")
    with (
        pytest.raises(ImportError, match="pip install distributed"),
        open_executor(workers=1),
    ):
        pass


# What a worker does.

THREADS = """
import multiprocessing
from lstmreg_utils.lab.engines import load_engine

def threads(answers=None):
    load_engine("tensorflow")
    from tensorflow import config
    found = [
        config.threading.get_intra_op_parallelism_threads(),
        config.threading.get_inter_op_parallelism_threads(),
    ]
    return found if answers is None else answers.put(found)

if __name__ == "__main__":
    print(*threads())
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    process = spawn.Process(target=threads, args=(answers,))
    process.start()
    print(*answers.get(timeout=200))
    process.join()
"""


@pytest.mark.apart
def test_tensorflow_gets_one_thread_in_worker_processes_and_keeps_its_own_elsewhere(tmp_path):
    (tmp_path / "threads.py").write_text(THREADS)
    command = [sys.executable, tmp_path / "threads.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines() == ["0 0", "1 1"], done.stderr


def test_tensorflow_that_has_begun_keeps_its_threads(monkeypatch):
    import tensorflow as tf

    assert tf.constant(1.0) + 1.0 == 2.0  # from here on the number is settled
    before = tf.config.threading.get_intra_op_parallelism_threads()
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "a parent")
    engines.load_engine("tensorflow")
    assert tf.config.threading.get_intra_op_parallelism_threads() == before


def test_tensorflow_multiplies_in_full_precision():
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(True)  # as it is by itself
    engines.load_engine("tensorflow")
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


class Engine:
    """Trains nothing."""

    NUMERICS, ENGINE = 7, "none"

    def __init__(self, wait=lambda: None, fail=()):
        self.wait, self.fail = wait, fail

    def train_block(self, run, seeds):
        self.wait()
        if {*seeds} & {*self.fail}:
            raise FloatingPointError("overflow")
        epochs = np.zeros((len(COLUMNS), len(seeds), run.epochs)) + np.array(seeds)[:, None]
        return epochs, np.zeros((2, len(seeds), 0)), [0.1] * len(seeds)

    def device(self):
        return "CPU"


def test_second_block_in_one_process_is_refused(monkeypatch):
    """Two threads would train the same compiled program, and both records would be wrong."""
    started, go_on = threading.Event(), threading.Event()

    def wait():
        started.set()
        assert go_on.wait(60)

    monkeypatch.setattr(worker, "load_engine", lambda _: Engine(wait))
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(worker.train_block, RUN, [0])
        assert started.wait(60)
        second = threads.submit(worker.train_block, RUN, [1])
        with pytest.raises(RuntimeError, match=r"must have one thread each .*--nthreads 1"):
            second.result(60)
        go_on.set()
        assert decode(first.result(60))[0].epochs[0, 0, 0] == 0
        assert decode(worker.train_block(RUN, [3]))[0].epochs[0, 0, 0] == 3  # free again


def test_block_comes_back_as_one_record_signed_by_the_engine(monkeypatch):
    asked = []
    monkeypatch.setattr(worker, "load_engine", lambda name: asked.append(name) or Engine())
    [record] = decode(worker.train_block(RUN, [5, 2], "jax"))
    assert asked == ["jax"]
    assert record.seeds == (5, 2)
    assert record.epochs[0, :, 0].tolist() == [5, 2]
    assert (record.made["numerics"], record.made["engine"]) == (7, "none")


def test_run_that_fails_is_named(monkeypatch):
    monkeypatch.setattr(worker, "load_engine", lambda _: Engine(fail=[4]))
    told = r"Run\(.* at seeds \[3, 4, 5\] failed with FloatingPointError: overflow"
    with pytest.raises(RuntimeError, match=told):
        worker.train_block(RUN, [3, 4, 5])
    worker.train_block(RUN, [3])  # and the process is free again


def test_commit_is_that_of_the_package_and_of_no_other_clone(tmp_path, monkeypatch):
    git = functools.partial(subprocess.run, cwd=tmp_path, check=True, capture_output=True)
    git(["git", "init", "-q"])
    ask = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]
    git([*ask, "--allow-empty"])
    module = tmp_path / "site" / "lstmreg_utils" / "lab" / "worker.py"
    module.parent.mkdir(parents=True)
    (module.parents[1] / "__init__.py").write_text("")
    monkeypatch.setattr(worker, "__file__", str(module))
    assert worker.commit.__wrapped__() == "unknown"  # installed beside somebody's project
    git(["git", "add", "."])
    git(ask)
    clean = worker.commit.__wrapped__()
    assert re.fullmatch(r"[0-9a-f]{7,}", clean)
    (module.parents[1] / "__init__.py").write_text("changed = 1")
    assert worker.commit.__wrapped__() == f"{clean}-dirty"


def test_all_that_goes_out_is_plain():
    runs = grid("hidden_ar1", ["zoneout_c", "input:sequence"], rates=[0.5], options={"steps": 9})
    for run in runs:
        sent = worker.plain(run)
        assert types(sent) <= {dict, list, str, int, float, bool, type(None)}
        assert Run(**sent) == run


def types(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*map(types, inner))
