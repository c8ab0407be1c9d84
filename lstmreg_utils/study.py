"""A grid of runs -> a tidy table. Recorded runs are read, missing ones are trained in parallel."""

import collections
import contextlib
import sys
import warnings
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, wait
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from .executors import open_lanes
from .fingerprint import fingerprint
from .records import Records, StaleRecordWarning, no_collection
from .tables import TABLES
from .tasks import DamagedFileError
from .worker import installed_version, plain, train_record


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
    executor : concurrent.futures.Executor or distributed.Client, optional
        Where to train: processes, or a cluster of Dask, whose workers have one thread each. Plain
        values go out, records come back. By default the cluster whose scheduler
        ``$LSTMREG_SCHEDULER`` names (``tcp://host:8786``), or else processes of this machine with
        one TensorFlow thread each.
    workers : int, optional
        Runs in flight at a time: by default what ``$LSTMREG_WORKERS`` says, or else the number
        of the cluster's workers, or of this machine's processors.
    progress : bool, default=True
        Whether to say on stderr what training will take, and show a progress bar meanwhile.
    table : {'epochs', 'probes', 'provenance'}, default='epochs'
        One row per run and epoch; per run, checkpoint and probe; or per run, with versions,
        hardware and wall time.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ValueError
        No runs, a table that does not exist, no number of workers, or workers of several threads.
    DamagedFileError
        Records that are asked for are damaged. They are named and left as they are.
    RuntimeError
        A run failed, or a worker with another version of the package made it. It is named, and
        the others that had been started are stored.
    OSError
        The folder cannot be written to (found out before anything is trained), the disk is full,
        or no scheduler answers. What has been stored is kept.

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
    if workers is not None and (
        isinstance(workers, bool) or not isinstance(workers, int) or workers < 1
    ):
        raise ValueError(f"workers must be an integer of at least 1, got {workers!r}")
    store = Records(folder, shipped=recorded)
    records = store.find(runs)
    missing = [run for run in runs if run not in records]
    if missing:
        store.check_writable()
        if progress:
            print(announcement(missing), file=sys.stderr)
        with (
            open_lanes(executor, workers, len(missing)) as lanes,
            tqdm(total=len(missing), unit="run", disable=not progress, file=sys.stderr) as bar,
            contextlib.closing(_train_all(missing, lanes)) as finished,
        ):
            for run, record in finished:
                store.write(record)
                records[run] = record
                bar.update()
    with no_collection():
        return TABLES[table]((run, records[run]) for run in runs)


def announcement(runs):
    """What training runs will take, in core-minutes, as far as records of the same runs tell.

    Parameters
    ----------
    runs : sequence of Run

    Returns
    -------
    str

    Examples
    --------
    >>> from lstmreg_utils import Run
    >>> announcement([Run("hidden_ar1", seed=999)])
    '1 network to train.'
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StaleRecordWarning)
        try:
            known = Records().find(runs)
        except DamagedFileError:  # the study says so where it needs them
            known = {}
    said = f"{len(runs)} network{'s' if len(runs) > 1 else ''} to train"
    if not known:
        return f"{said}."
    minutes = len(runs) * np.mean([record["made"]["seconds"] for record in known.values()]) / 60
    return f"{said}: about {minutes:.2g} core-minutes, as the records of such runs took."


def _train_all(runs, executors):
    """Yield (run, record) as runs finish. After a failure, what was under way is handed over."""
    lanes = _Lanes(runs, len(executors))
    futures, failure = {}, None

    def send(lane):
        nonlocal failure
        if (run := lanes.next(lane)) is not None:
            try:
                futures[executors[lane].submit(train_record, plain(run))] = lane, run
            except BrokenExecutor as error:  # a worker was killed: hand over what has finished
                failure = failure or (run, error)

    try:
        for lane in range(len(executors)):
            send(lane)
        while futures:
            done, _ = wait(futures, return_when=FIRST_COMPLETED)
            for future in done:
                lane, run = futures.pop(future)
                record, error = _outcome(run, future)
                if error is not None:
                    failure = failure or (run, error)
                    continue
                # The next run goes out first, so that the worker does not wait for the disk.
                if failure is None:
                    send(lane)
                yield run, record
    finally:
        for future in futures:  # the study is stopped: a cluster must not go on with it
            future.cancel()
    if failure:
        run, error = failure
        raise RuntimeError(
            f"{run} failed with {type(error).__name__}: {error}. Finished runs are stored: "
            "the same call goes on from there."
        ) from error


def _outcome(run, future):
    """What a worker sent: a record and None, or None and an error."""
    if future.cancelled():
        return None, CancelledError("the cluster gave it up, or was lost")
    if (error := future.exception()) is not None:
        return None, error
    record = future.result()
    made, here = record["made"], fingerprint(run.task, run.arm)
    if made["fingerprint"] != here:
        return None, RuntimeError(
            f"a worker trained it with other code, lstmreg_utils {made.get('lstmreg_utils')} "
            f"({made['fingerprint']}), than is installed here, {installed_version('lstmreg_utils')}"
            f" ({here}); its record is not stored: install the same version on all machines"
        )
    return record, None


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
