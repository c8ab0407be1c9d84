"""Where runs are trained: processes of this machine, an executor, or a cluster of Dask."""

import contextlib
import multiprocessing
import os
import threading
from concurrent.futures import Executor, ProcessPoolExecutor

SCHEDULER_VARIABLE = "LSTMREG_SCHEDULER"
WORKERS_VARIABLE = "LSTMREG_WORKERS"
# Arms that a process trains before another takes its place. XLA does not give back the memory of
# a compiled program, some 30 MB an arm, while a new process costs a few seconds.
ARMS_A_PROCESS = 20
CONNECT_SECONDS = 30


@contextlib.contextmanager
def open_lanes(executor, workers, runs):
    """What trains one run at a time, in a list: as long as runs should be in flight at once.

    Parameters
    ----------
    executor : concurrent.futures.Executor, distributed.Client or None
        As for `lstmreg_utils.study`.
    workers : int or None
        As for `lstmreg_utils.study`.
    runs : int
        How many there are to be trained.

    Yields
    ------
    list of Executor
        What was started here is shut down afterwards; what was given is left running.

    Raises
    ------
    ValueError
        ``$LSTMREG_WORKERS`` is no number of workers, or the cluster has workers of several threads.
    """
    workers = workers or _workers_asked_for()
    address = os.environ.get(SCHEDULER_VARIABLE)
    if executor is None and address:
        with connect(address) as client:
            yield _cluster(client, workers)
    elif hasattr(executor, "get_executor"):
        yield _cluster(executor, workers)
    elif executor is not None:
        yield [executor] * (workers or os.cpu_count() or 1)
    else:
        own = own_processes(min(workers or os.cpu_count() or 1, runs))
        try:
            yield own
        finally:
            for process in own:
                process.shutdown(wait=False, cancel_futures=True)
            for process in own:
                process.shutdown()


def _workers_asked_for():
    """The number in ``$LSTMREG_WORKERS``, or None."""
    asked = os.environ.get(WORKERS_VARIABLE)
    if not asked:
        return None
    if not asked.isdecimal() or int(asked) < 1:
        raise ValueError(f"{WORKERS_VARIABLE} must be an integer of at least 1, got {asked!r}")
    return int(asked)


def connect(address):
    """A client of the scheduler at an address such as ``tcp://host:8786``.

    Raises
    ------
    ImportError
        Dask is not installed.
    OSError, ValueError
        Nobody answers at this address, or it is none.
    """
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise ImportError(f"a cluster needs Dask: pip install distributed ({error})") from error
    try:
        get_address_host_port(address, strict=True)
    except ValueError as error:
        raise ValueError(
            f"scheduler must be an address such as tcp://host:8786, got {address!r} ({error})"
        ) from error
    return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)


def _cluster(client, workers):
    """Lanes of a cluster, as many as it has workers unless told otherwise."""
    if workers is None:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(
                f"executor must have workers, got none in {CONNECT_SECONDS} s: give workers=N if "
                f"N will come later ({error})"
            ) from error
    threads = client.nthreads()
    several = {address: count for address, count in threads.items() if count > 1}
    if several:
        raise ValueError(
            f"executor must have workers of one thread each (dask worker --nthreads 1), since "
            f"one process trains one run at a time; got {several}"
        )
    # Not pure: a run that failed must be trained, and not remembered, when it is asked for again.
    return [client.get_executor(pure=False)] * (workers or len(threads))


def own_processes(workers):
    """Processes of this machine, a lane each."""
    return [OwnProcess() for _ in range(workers)]


class OwnProcess(Executor):
    """One process that trains, and now and then a new one in its place.

    It must be idle when a run is submitted, as it is when each result is waited for.

    Parameters
    ----------
    arms : int, optional
        After how many arms a new process is started: `ARMS_A_PROCESS` unless given.
    """

    def __init__(self, arms=None):
        self._limit = ARMS_A_PROCESS if arms is None else arms
        self._arms, self._arm = 0, None
        self._pool = _process()

    def submit(self, call, run):
        """Have the process call a function on the fields of a run."""
        arm = {**run, "seed": 0}
        if arm != self._arm:
            if self._arms == self._limit:
                self._pool.shutdown(wait=False)
                self._arms, self._pool = 0, _process()
            self._arms, self._arm = self._arms + 1, arm
        return self._pool.submit(call, run)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """End the process."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def _process():
    """A pool of one. Spawned, since TensorFlow cannot be forked."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=spawn, initializer=_watch_parent)


def _watch_parent():
    """A parent that is killed tells its workers nothing: they would wait for it for ever."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)
