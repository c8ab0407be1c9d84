"""Where blocks are trained: processes of this machine, an executor, or a cluster of Dask."""

import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor, ThreadPoolExecutor

SCHEDULER_VARIABLE = "LSTMREG_SCHEDULER"
WORKERS_VARIABLE = "LSTMREG_WORKERS"
# Blocks that a process trains before another takes its place. XLA does not give back the memory of
# a compiled program, some 30 MB an arm, while a new process costs a few seconds. (The standard
# library's `max_tasks_per_child` can deadlock: python/cpython#115634.)
BLOCKS_A_PROCESS = 20
CONNECT_SECONDS = 30


@contextlib.contextmanager
def open_executor(executor=None, workers=None):
    """Yield what trains blocks, and how many of them it should have at a time; see `study`.

    What was started here is stopped afterwards; what was given is left running.
    """
    if not workers and (asked := os.environ.get(WORKERS_VARIABLE)):
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"{WORKERS_VARIABLE} must be an integer of at least 1, got {asked!r}")
        workers = int(asked)
    with contextlib.ExitStack() as stack:
        if executor is None and (address := os.environ.get(SCHEDULER_VARIABLE)):
            executor = stack.enter_context(connect(address))
        if hasattr(executor, "get_executor"):
            executor, workers = _of_cluster(executor, workers)
        workers = workers or os.cpu_count() or 1
        if executor is None:
            executor = LocalProcesses(workers)
            stack.callback(executor.stop)
        yield executor, workers


def connect(address):
    """A client of the scheduler at an address such as ``tcp://host:8786``.

    An ImportError without Dask, a ValueError for no address, an OSError if nobody answers.
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


def _of_cluster(client, workers):
    """The executor of a cluster, with as many blocks as it has workers unless told otherwise."""
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
            f"one process trains one block at a time; got {several}"
        )
    # Not pure: a run that failed must be trained, and not remembered, when it is asked for again.
    return client.get_executor(pure=False), workers or len(threads)


class LocalProcesses(Executor):
    """Processes of this machine, each behind a thread, and a new one after so many blocks."""

    def __init__(self, workers, blocks=None):
        self._blocks = BLOCKS_A_PROCESS if blocks is None else blocks
        self._threads = ThreadPoolExecutor(workers)
        self._own, self._processes = threading.local(), {}
        self._stopped = False

    def submit(self, call, /, *args, **kwargs):
        """Have a process call a function."""
        return self._threads.submit(self._call, call, args, kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """End the processes when they have done their work."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for pool in self._processes.values():
            pool.shutdown(wait, cancel_futures=cancel_futures)

    def stop(self):
        """End the processes now, whatever they are doing."""
        self._stopped = True
        self._threads.shutdown(wait=False, cancel_futures=True)  # nobody begins with the next
        for pid in list(self._processes):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.shutdown()

    def _call(self, call, args, kwargs):
        own = self._own
        if getattr(own, "left", 0) == 0:
            if hasattr(own, "pid"):
                self._processes.pop(own.pid).shutdown(wait=False)
            spawn = multiprocessing.get_context("spawn")  # TensorFlow cannot be forked
            own.pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=_obey_parent)
            own.left = self._blocks
            own.pid = own.pool.submit(os.getpid).result()
            self._processes[own.pid] = own.pool
        if self._stopped:
            raise CancelledError("the processes were stopped")
        own.left -= 1
        return own.pool.submit(call, *args, **kwargs).result()


def _obey_parent():
    """Leave Ctrl-C to the parent, and end with it: one that is killed tells its workers nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)
