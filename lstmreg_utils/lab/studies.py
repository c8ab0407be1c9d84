"""A grid of runs -> a tidy table. Recorded runs are read, missing ones are trained in parallel."""

import contextlib
import os
import sys
import warnings
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, wait
from importlib.util import find_spec

import numpy as np
from tqdm import tqdm

from ..machine import installed_version
from ..tasks import DamagedFileError
from ..tasks.checks import check_integers
from .engines import AUTO, CPU, ENGINES, Engine, check_engine, find_engine, has_card
from .executors import WORKERS_VARIABLE, LocalProcesses, open_executor
from .numerics import NUMERICS
from .records import decode
from .runs import blocks_of
from .store import Records, StaleRecordWarning
from .tables import TABLES
from .worker import plain, train_block

IN_A_SCRIPT = (
    " If this is a script, what it does must stand under `if __name__ == '__main__':`, since every "
    "worker imports it."
)


def study(
    runs,
    *,
    recorded=True,
    folder=None,
    engine=AUTO,
    executor=None,
    workers=None,
    progress=True,
    table="epochs",
):
    """Train what has no record yet, and return all runs as one tidy table.

    Runs are trained in blocks, some seeds of an arm at a time. Every finished block is stored at
    once, so a study that is stopped or killed goes on where it was when it is called again.

    Parameters
    ----------
    runs : sequence of Run
        From `grid`, or several grids added.
    recorded : bool, default=True
        Whether the records that ship with the package are used. If not, everything is trained,
        but for what this machine has trained before (choose an empty `folder` to repeat that).
    folder : path-like, optional
        Where new records go; by default ``$LSTMREG_RECORDS``, or the user's cache.
    engine : {'auto', 'tensorflow', 'jax'}
        What trains: TensorFlow, one network at a time, or Keras on JAX, a block of seeds side by
        side. By default JAX where it sees a card, else TensorFlow (or JAX, if there is no other).
        A record says which; without noise both give the same losses, with noise the same
        distribution (``tests/test_engines.py``), but for words: see the notes.
    executor : concurrent.futures.Executor or distributed.Client, optional
        Where to train: processes, or a cluster of Dask, whose workers have one thread each. By
        default the cluster whose scheduler ``$LSTMREG_SCHEDULER`` names (``tcp://host:8786``), or
        else processes of this machine with one TensorFlow thread each.
    workers : int, optional
        Blocks in flight at a time: by default what ``$LSTMREG_WORKERS`` says, or else the number
        of the cluster's workers, or of this machine's processors.
    progress : bool, default=True
        Whether to say on stderr what training will take, and show a progress bar meanwhile.
    table : {'epochs', 'probes', 'provenance'}, default='epochs'
        One row per run and epoch; per run, checkpoint and probe; or per run, with versions,
        hardware and wall time.

    Raises
    ------
    ValueError
        No runs, another table, another engine, no number of workers, or workers of several threads.
    DamagedFileError
        Records that are asked for are damaged. They are named and left as they are.
    RuntimeError
        The engine cannot run here. A run failed, or a worker with other code made it; what else
        had been started is stored.
    OSError
        The folder takes no files (found out before anything is trained), or no scheduler answers.

    Warns
    -----
    StaleRecordWarning
        Records made by code with other numbers than the installed one: they are trained again.

    Notes
    -----
    Where a batch holds a token several times, Keras' Adam squares the gradients of its embedding
    one by one on TensorFlow (seen with Keras 3.15.1) and added up on JAX, as Kingma and Ba (2015)
    have it. So on tasks with tokens the engines train a little differently: compare arms with
    twins of the same engine there.

    Examples
    --------
    >>> from lstmreg_utils import grid
    >>> runs = grid("nyse_volume", ["dropout"], rates=[0.3], seeds=2, epochs=40, batch_size=60)
    >>> table = study(runs)  # the book has records of these four
    >>> table["arm"].unique().tolist(), len(table)
    (['none', 'dropout 0.3'], 160)
    """
    runs = list(dict.fromkeys(runs))
    if not runs:
        raise ValueError("runs must hold at least one Run, got none")
    if table not in TABLES:
        raise ValueError(f"table must be one of {sorted(TABLES)}, got {table!r}")
    check_engine(engine)
    if workers is not None:
        check_integers(workers=workers)
    store = Records(folder, shipped=recorded)
    found = store.find(runs)
    missing = [run for run in runs if run not in found]
    if missing:
        store.prepare()
        with open_executor(executor, workers) as (pool, width):
            chosen = _choose(engine, pool)
            said = workers or os.environ.get(WORKERS_VARIABLE)
            if chosen.on_a_card and isinstance(pool, LocalProcesses) and not said:
                width = 1  # one block has the card to itself
            if progress:
                print(announcement(missing, chosen), file=sys.stderr)
            with (
                tqdm(total=len(missing), unit="run", disable=not progress, file=sys.stderr) as bar,
                contextlib.closing(_train_all(missing, pool, width, chosen)) as finished,
            ):
                for record in finished:
                    found |= store.add(record)
                    bar.update(len(record.seeds))
    return TABLES[table](runs, found)


def _choose(engine, pool):
    """The engine of a study; where a worker may see a card, one of them is asked."""
    if isinstance(pool, LocalProcesses) and not has_card():
        if engine == AUTO and find_spec("tensorflow"):
            engine = "tensorflow"
        if engine != AUTO:
            return Engine(engine, CPU)
    try:
        return pool.submit(find_engine, engine).result()
    except BrokenExecutor as error:
        raise RuntimeError(
            f"a worker was lost before it could train: {error}.{IN_A_SCRIPT}"
        ) from error


def announcement(runs, engine):
    """What training runs will take, as far as records of the same engine and device tell."""
    known = {}
    with warnings.catch_warnings(), contextlib.suppress(DamagedFileError):  # the study says so
        warnings.simplefilter("ignore", StaleRecordWarning)
        known = Records().find(runs)
    made = {"engine": engine.name, "device": engine.device}
    seconds = [
        record.seconds[k] for record, k in known.values() if made.items() <= record.made.items()
    ]
    said = f"{len(runs)} network{'s' if len(runs) > 1 else ''} to train"
    said += f" with {ENGINES[engine.name]}" + f" on {engine.device}" * (engine.device != CPU)
    if not seconds:
        return f"{said}."
    minutes = len(runs) * np.mean(seconds) / 60
    unit = "core-minutes" if engine.device == CPU else "minutes"
    return f"{said}: about {minutes:.2g} {unit}, as the records of such runs took."


def _train_all(runs, executor, workers, engine):
    """Yield records as blocks finish. After a failure, what was under way is handed over."""
    waiting = blocks_of(runs, max(1, min(engine.block, -(-len(runs) // workers))))[::-1]
    futures, failure = {}, None

    def send():
        nonlocal failure
        if waiting and failure is None:
            block = waiting.pop()
            try:
                arguments = plain(block.run), list(block.seeds), engine.name
                future = executor.submit(train_block, *arguments)
                futures[future] = block
            except BrokenExecutor as error:  # a worker was killed: hand over what has finished
                failure = block, error

    try:
        for _ in range(workers):
            send()
        while futures:
            done, _ = wait(futures, return_when=FIRST_COMPLETED)
            for future in done:
                block = futures.pop(future)
                record, error = _outcome(future)
                if error is not None:
                    failure = failure or (block, error)
                    continue
                send()  # before the record is handed over: the worker need not wait for the disk
                yield record
    finally:
        for future in futures:  # the study is stopped: a cluster must not go on with it
            future.cancel()
    if failure:
        block, error = failure
        hint = IN_A_SCRIPT if isinstance(error, BrokenExecutor) else ""
        raise RuntimeError(
            f"seeds {list(block.seeds)} of {block.run} failed with {type(error).__name__}: "
            f"{error}. Finished blocks are stored: the same call goes on from there.{hint}"
        ) from error


def _outcome(future):
    """What a worker sent: a record and None, or None and an error."""
    if future.cancelled():
        return None, CancelledError("the cluster gave it up, or was lost")
    if (error := future.exception()) is not None:
        return None, error
    [record] = decode(future.result())
    if record.made["numerics"] != NUMERICS:
        return None, RuntimeError(
            "a worker trained it with other code, lstmreg_utils "
            f"{record.made.get('lstmreg_utils')} (NUMERICS {record.made['numerics']}), than is "
            f"installed here, {installed_version('lstmreg_utils')} ({NUMERICS}); its record is not "
            "stored: install the same version on all machines"
        )
    return record, None
