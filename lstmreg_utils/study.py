"""A grid of runs -> a tidy table. Recorded runs are read, missing ones are trained in parallel."""

import collections
import datetime
import multiprocessing
import os
import platform
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ProcessPoolExecutor, wait
from dataclasses import replace
from importlib import metadata

from tqdm import tqdm

from .fingerprint import fingerprint
from .records import Records
from .runs import Run
from .tables import TABLES

VERSIONS = ("lstmreg_utils", "keras", "tensorflow", "numpy")


def study(
    runs, *, recorded=True, folder=None, executor=None, workers=None, progress=True, table="epochs"
):
    """Train what has no record yet, and return all runs as one tidy table.

    Every finished run is stored at once, so a study that is stopped, or whose process is killed,
    goes on where it was when it is called again.

    Parameters
    ----------
    runs : sequence of Run
        From `grid`, or several grids added.
    recorded : bool, default=True
        Whether the records that ship with the package are used. If not, everything is trained,
        but for what this machine has trained before (choose an empty `folder` to repeat that).
    folder : path-like, optional
        Where new records go; by default ``$LSTMREG_RECORDS``, or the user's cache.
    executor : concurrent.futures.Executor, optional
        Where to train, for instance ``dask.distributed.Client(...).get_executor()``. By default a
        pool of processes with one TensorFlow thread each. Plain values go out, records come back.
    workers : int, optional
        Runs in flight at a time: the number of processors unless given.
    progress : bool, default=True
        Whether to show a progress bar while training.
    table : {'epochs', 'probes', 'provenance'}, default='epochs'
        One row per run and epoch; per run, checkpoint and probe; or per run, with versions,
        hardware and wall time.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ValueError
        No runs, or a table that does not exist.
    DamagedFileError
        A record that is asked for is damaged.
    RuntimeError
        A run failed; it is named, and the others that had been started are stored.

    Warns
    -----
    StaleRecordWarning
        Records made by other code than the installed one: they are trained again.

    Examples
    --------
    >>> import tempfile
    >>> from lstmreg_utils import grid
    >>> runs = grid("hidden_ar1", ["none"], seeds=1, units=2, epochs=2, batch_size=64)
    >>> table = study(runs, folder=tempfile.mkdtemp(), workers=1, progress=False)
    >>> table[["arm", "seed", "epoch"]].values.tolist()
    [['none', 0, 1], ['none', 0, 2]]
    """
    runs = list(dict.fromkeys(runs))
    if not runs:
        raise ValueError("runs must hold at least one Run, got none")
    if table not in TABLES:
        raise ValueError(f"table must be one of {sorted(TABLES)}, got {table!r}")
    workers = (os.cpu_count() or 1) if workers is None else workers
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers must be an integer of at least 1, got {workers!r}")
    store = Records(folder, shipped=recorded)
    records = store.find(runs)
    missing = [run for run in runs if run not in records]
    if missing:
        own = executor is None
        executor = executor or process_pool(min(workers, len(missing)))
        try:
            with tqdm(total=len(missing), unit="run", disable=not progress, file=sys.stderr) as bar:
                for record in _train_all(missing, executor, workers):
                    store.write(record)
                    records[Run(**record["run"])] = record
                    bar.update()
        finally:
            if own:
                executor.shutdown(cancel_futures=True)
    return TABLES[table]((run, records[run]) for run in runs)


def process_pool(workers):
    """Processes that each give TensorFlow one thread; started anew, since it cannot fork."""
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_worker
    )


def _worker():
    """Start a process of the pool: one thread for TensorFlow, and an end with its parent's."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before the import, to be heeded
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # processes share a GPU's memory
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _end_with_parent():
    """A parent that is killed tells its workers nothing: they would wait for it for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _train_all(runs, executor, workers):
    """Yield records as runs finish. After a failure, what was under way is still handed over."""
    lanes = _Lanes(runs, workers)
    futures, failure = {}, None
    for lane in range(workers):
        if (run := lanes.next(lane)) is not None:
            futures[executor.submit(train_record, run.to_dict())] = lane, run
    while futures:
        done, _ = wait(futures, return_when=FIRST_COMPLETED)
        for future in done:
            lane, run = futures.pop(future)
            error = future.exception()
            if error is not None:
                failure = failure or (run, error)
                continue
            # The next run goes out first, so that the worker does not wait for the disk.
            if failure is None and (following := lanes.next(lane)) is not None:
                try:
                    futures[executor.submit(train_record, following.to_dict())] = lane, following
                except BrokenExecutor as error:  # a worker was killed: hand over what has finished
                    failure = following, error
            yield future.result()
    if failure:
        run, error = failure
        raise RuntimeError(
            f"{run} failed with {type(error).__name__}: {error}. Finished runs are stored: "
            "the same call goes on from there."
        ) from error


class _Lanes:
    """Hands out runs so that a worker keeps to one arm, whose compiled program it holds.

    Each lane has one run in flight. Its next run therefore goes to the worker that has just
    become free, which has that arm's program in memory.
    """

    def __init__(self, runs, lanes):
        groups = collections.defaultdict(collections.deque)
        for run in runs:
            groups[replace(run, seed=0)].append(run)
        self._waiting = collections.deque(groups.values())
        self._lanes = [collections.deque() for _ in range(lanes)]

    def next(self, lane):
        """The next run of a lane, or None if there is nothing left."""
        if not self._lanes[lane]:
            self._lanes[lane] = self._waiting.popleft() if self._waiting else self._shared()
        return self._lanes[lane].popleft() if self._lanes[lane] else None

    def _shared(self):
        """Half of what the busiest lane still has to do."""
        busiest = max(self._lanes, key=len)
        return collections.deque(busiest.pop() for _ in range(len(busiest) // 2))


def train_record(run):
    """Train one run and say how: what a worker does. Plain values in, plain values out.

    Parameters
    ----------
    run : dict
        Fields of a `Run`.

    Returns
    -------
    dict
        ``run``, ``epochs``, ``probes`` and ``made`` (versions, hardware, seconds, fingerprint).
    """
    from .training import train  # imports TensorFlow, which the reader of a record does not need

    run = Run(**run)
    epochs, probes, seconds = train(run)
    return {
        "run": run.to_dict(),
        "epochs": {name: _rounded(values) for name, values in epochs.items()},
        "probes": {name: _rounded(values) for name, values in probes.items()},
        "made": {
            "fingerprint": fingerprint(run.task, run.arm),
            "seconds": round(seconds, 3),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            **{name: installed_version(name) for name in VERSIONS},
            **_hardware(),
        },
    }


def _rounded(values):
    """Eight digits: more than a float32 holds, fewer than its decimal expansion shows."""
    return [float(f"{value:.8g}") for value in values]


def installed_version(name):
    """Version of a distribution, also where TensorFlow is installed as its CPU build."""
    for distribution in (name, f"{name}-cpu"):
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return "unknown"


def _hardware():
    import tensorflow as tf

    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return {"device": gpus[0] if gpus else "CPU", "processor": processor(), "system": sys.platform}


def processor():
    """Name of the processor, from the system's own description where it has one."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
