"""What a study has stored survives kill -9, other studies, full disks and read-only folders."""

import errno
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from lstmreg_utils import DamagedFileError, Records, grid, study
from lstmreg_utils.lab import store as storing

RUNS = grid("hidden_ar1", ["input", "output"], rates=[0.2, 0.5], seeds=3, epochs=2)

# Studies in processes of their own, without training: they are forked from one that has imported
# everything, so that a start takes milliseconds and many can be killed.
STAND_IN = """
import json, os, random, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from tqdm import tqdm
from made_up_runs import made_up
from lstmreg_utils import grid, study
from lstmreg_utils.lab import engines, studies

RUNS = grid("hidden_ar1", ["input", "output"], rates=[0.2, 0.5], seeds=3, epochs=2)

def slowly(run, seeds, engine):
    time.sleep(random.uniform(0, 0.002))
    return made_up(run, seeds)

# The lock of tqdm is one for a process and its forks: a child killed with it would stop them all.
tqdm.set_lock(threading.RLock())
tqdm.monitor_interval = 0  # nor may its thread hold the lock while we fork

studies.train_block, engines.BLOCK = slowly, 1
studies.find_engine = lambda _: engines.Engine("tensorflow", "CPU")

def whole_study(folder, runs=RUNS):
    with ThreadPoolExecutor(2) as threads:
        options = {"executor": threads, "workers": 2, "recorded": False, "progress": False}
        return study(runs, folder=folder, **options)

def fork(folder, runs=RUNS):
    child = os.fork()
    if not child:
        try:
            whole_study(folder, runs)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return child
"""
KILLS = """
def finished(folder):
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sum(name.endswith(".run") for name in names)

whole = whole_study(sys.argv[1] + "/whole")
began = time.perf_counter()
whole_study(sys.argv[1] + "/timed")
a_run = (time.perf_counter() - began) / len(RUNS)

kept, number = [], 0
random.seed(0)
while len(kept) < 40:
    folder = sys.argv[1] + f"/{number}"
    child = fork(folder)
    # It may get as far as some record, however slow the machine is, and then a little further.
    reached = random.randint(0, len(RUNS) - 1)
    while finished(folder) < reached:
        time.sleep(a_run / 10)
    time.sleep(random.uniform(0, 2 * a_run))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        kept.append(finished(folder))
        if len(kept) % 4:  # kill the same study again and again, then let it end
            continue
    assert whole_study(folder).equals(whole), folder
    assert finished(folder) == len(RUNS) == len(os.listdir(folder)), "something is left behind"
    number += 1
print(json.dumps(kept))
"""


def python(code, *arguments):
    command = [sys.executable, "-c", STAND_IN + code, *map(str, arguments)]
    here = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": here},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_study_killed_at_any_moment_resumes_to_the_same_table(tmp_path):
    kept = json.loads(python(KILLS, tmp_path))
    assert len(kept) == 40
    assert len(set(kept)) > 5, f"the kills hit the same moment: {kept}"


TWO = """
third = len(RUNS) // 3
for folder in sys.argv[1:]:
    children = [fork(folder, RUNS[: 2 * third]), fork(folder, RUNS[third:][::-1])]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
"""


def test_two_studies_that_write_at_once_lose_nothing(tmp_path):
    folders = [tmp_path / str(attempt) for attempt in range(5)]
    python(TWO, *folders)
    for folder in folders:
        assert set(Records(folder, shipped=False).find(RUNS)) == set(RUNS)
        assert len(list(folder.iterdir())) == len(RUNS)  # and leave nothing else


# In this process.


@pytest.fixture(autouse=True)
def single_runs(monkeypatch):
    """Blocks of one run, so that there is much to interrupt."""
    monkeypatch.setattr("lstmreg_utils.lab.engines.BLOCK", 1)


def store(runs, folder):
    with ThreadPoolExecutor(1) as threads:
        return study(
            runs, folder=folder, executor=threads, workers=1, recorded=False, progress=False
        )


def full_disk(monkeypatch, writes):
    """From some write on, the records land on a device that is always full."""
    write, left = storing.write_through, [writes]

    def on_full_disk(path, content):
        left[0] -= 1
        if left[0] >= 0:
            return write(path, content)
        path.write_bytes(content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    monkeypatch.setattr(storing, "write_through", on_full_disk)


def test_full_disk_stops_a_study_and_what_was_stored_is_kept(untrained, monkeypatch, tmp_path):
    folder = tmp_path / "records"
    with monkeypatch.context() as patch:
        full_disk(patch, writes=4)  # the first is the trial
        with pytest.raises(OSError, match="Those stored before are kept") as raised:
            store(RUNS, folder)
    assert raised.value.errno == errno.ENOSPC
    assert str(folder) in str(raised.value)
    assert len(untrained) < 8
    assert set(Records(folder, shipped=False).find(RUNS)) == set(RUNS[:3])
    assert len(list(folder.iterdir())) == 3  # no half-written file takes up the room
    store(RUNS, folder)
    assert len(Records(folder, shipped=False).find(RUNS)) == len(RUNS)


def test_disk_that_is_full_is_found_out_before_training(untrained, monkeypatch, tmp_path):
    full_disk(monkeypatch, writes=0)
    with pytest.raises(OSError, match="No space left"):
        store(RUNS, tmp_path)
    assert untrained == []
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def nobody():
    """A user without rights to anybody's files: permissions do not bind root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


@pytest.fixture
def locked_folder(untrained):
    """A folder with half of the runs, for everybody to read and nobody to write."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "records"
        store(RUNS[:6], folder)
        untrained.clear()
        for path in (Path(parent), folder):
            path.chmod(0o555)
        for path in folder.iterdir():
            path.chmod(0o444)
        yield folder
        for path in (Path(parent), folder):
            path.chmod(0o755)


def test_read_only_folder_is_found_out_before_training(locked_folder, untrained, nobody):
    with pytest.raises(PermissionError, match="no record can be stored") as raised:
        store(RUNS, locked_folder)
    assert str(locked_folder) in str(raised.value)
    assert untrained == []
    assert len(list(locked_folder.iterdir())) == 6


def test_read_only_folder_that_holds_all_runs_is_read(locked_folder, untrained, nobody):
    assert store(RUNS[:6], locked_folder)["run"].nunique() == 6
    assert untrained == []


def below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "records"


@pytest.mark.parametrize("place", [below_a_file, lambda _: Path("/proc/self/records")])
def test_place_that_holds_no_folders_is_named_before_training(place, untrained, tmp_path):
    folder = place(tmp_path)
    with pytest.raises(OSError, match="no record can be stored") as raised:
        store(RUNS, folder)
    assert str(folder) in str(raised.value)
    assert untrained == []


def cut(paths):
    paths[0].write_bytes(paths[0].read_bytes()[:-40])
    return {paths[0]}


def swap(paths):
    first, second = (path.read_bytes() for path in paths[:2])
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)
    return set(paths[:2])


def edit(paths):
    paths[0].write_bytes(paths[0].read_bytes().replace(b"hidden_ar1", b"hidden_ar2", 1))
    return {paths[0]}


def pipe(paths):
    paths[0].unlink()
    os.mkfifo(paths[0])
    return {paths[0]}


def other_folder(paths):
    paths[0].unlink()
    paths[0].mkdir()
    return {paths[0]}


@pytest.mark.parametrize("damage", [cut, swap, edit, pipe, other_folder])
def test_damaged_records_are_named_kept_and_put_right_by_moving_them_away(
    damage, untrained, tmp_path
):
    folder = tmp_path / "records"
    whole = store(RUNS, folder)
    damaged = damage(sorted(folder.iterdir()))
    content = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    untrained.clear()
    with pytest.raises(DamagedFileError) as raised:
        store(RUNS, folder)
    named = {path for path in folder.iterdir() if path.name in str(raised.value)}
    assert named == damaged
    assert untrained == []
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == content

    unharmed = [run for run in RUNS if not any(run.key in path.name for path in damaged)]
    assert len(store(unharmed, folder)) == 2 * len(unharmed)
    assert untrained == []

    for path in damaged:
        path.rename(tmp_path / path.name)
    pd.testing.assert_frame_equal(store(RUNS, folder), whole)
    assert len(untrained) == len(damaged)
