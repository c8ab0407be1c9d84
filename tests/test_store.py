"""Where records are looked up, what is shown as current, and what ships."""

import warnings

import numpy as np
import pytest
from made_up_runs import made_up_record

from lstmreg_utils import DamagedFileError, Records, Run, StaleRecordWarning, grid
from lstmreg_utils.lab import NUMERICS, STUDIES, named_study, pack
from lstmreg_utils.lab.records import encode
from lstmreg_utils.lab.store import run_file, save_study

RUN, OTHER = grid("hidden_ar1", ["none"], seeds=2, epochs=2)
OLD = NUMERICS - 1


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path / "records", shipped=False)


@pytest.fixture
def written(records):
    """A folder with one record, and its path."""
    records.add(made_up_record(RUN))
    return records, records.folder / run_file(RUN)


def numbers(found, run):
    record, k = found[run]
    return record.epochs[:, k].tolist()


# In a folder.


def test_runs_of_a_block_are_a_file_each_and_are_found(records):
    block = made_up_record(RUN, [0, 1])
    assert set(records.add(block)) == {RUN, OTHER}
    found = records.find([RUN, OTHER, Run("hidden_ar1", seed=9, epochs=2)])
    assert set(found) == {RUN, OTHER}
    assert numbers(found, OTHER) == block.epochs[:, 1].tolist()
    assert {path.name for path in records.folder.iterdir()} == {run_file(RUN), run_file(OTHER)}


def test_new_record_of_a_run_takes_the_place_of_the_old(written):
    records, _ = written
    again = made_up_record(RUN)
    again.epochs[:] = 0.125
    records.add(again)
    assert numbers(records.find([RUN]), RUN) == again.epochs[:, 0].tolist()
    assert len(list(records.folder.iterdir())) == 1


def test_files_have_the_rights_that_the_user_gives_to_files(written):
    import os

    mask = os.umask(0)
    os.umask(mask)
    assert written[1].stat().st_mode & 0o777 == 0o666 & ~mask


def test_folder_that_does_not_exist_holds_nothing(records):
    assert records.find([RUN]) == {}
    assert not records.folder.exists()


def test_folder_is_chosen_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("LSTMREG_RECORDS", str(tmp_path / "here"))
    assert Records().folder == tmp_path / "here"
    monkeypatch.setenv("LSTMREG_RECORDS", "~/there")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Records().folder == tmp_path / "there"
    monkeypatch.delenv("LSTMREG_RECORDS")
    assert Records().folder.parts[-2:] == ("lstmreg_utils", "records")


def test_nothing_is_left_of_a_write_that_fails(records, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        records.add(made_up_record(RUN))
    assert list(records.folder.iterdir()) == []


def test_half_written_file_is_never_read(written):
    records, path = written
    (records.folder / ".abc.tmp").write_bytes(path.read_bytes()[:100])
    (records.folder / f".{run_file(OTHER)}").write_text("{")
    assert set(records.find([RUN, OTHER])) == {RUN}


def test_what_killed_studies_left_is_removed_and_what_others_are_writing_is_not(written):
    import os
    import platform

    records, _ = written
    dead = 2**22 + 1  # no process has this number
    gone = records.folder / f".{platform.node()}.{dead}.1.tmp"
    alive = records.folder / f".{platform.node()}.{os.getppid()}.1.tmp"
    elsewhere = records.folder / ".another-host.7.1.tmp"
    forgotten = records.folder / ".another.host.7.1.tmp"
    for path in (gone, alive, elsewhere, forgotten):
        path.write_text("half")
    os.utime(forgotten, (0, 0))
    records.prepare()
    assert not gone.exists()
    assert not forgotten.exists()
    assert alive.exists()
    assert elsewhere.exists()


# Damage.


def test_damaged_record_that_nobody_asks_for_disturbs_nobody(written):
    records, path = written
    path.write_text("{")
    records.add(made_up_record(OTHER))
    assert set(records.find([OTHER])) == {OTHER}


def test_all_damaged_records_are_named_and_left_as_they_are(written):
    records, path = written
    records.add(made_up_record(OTHER))
    other = records.folder / run_file(OTHER)
    for damaged in (path, other):
        damaged.write_text("{")
    with pytest.raises(DamagedFileError) as raised:
        records.find([RUN, OTHER])
    assert path.name in str(raised.value)
    assert other.name in str(raised.value)
    assert path.read_text() == other.read_text() == "{"


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (made_up_record(OTHER), "it holds another run"),
        (made_up_record(RUN, [0, 1]), "or several"),
        (made_up_record(RUN, numerics=OLD), "by other code than its name says"),
    ],
    ids=["other run", "two runs", "other code"],
)
def test_file_that_is_not_what_its_name_says_is_damaged(held, reason, written):
    records, path = written
    path.write_bytes(encode([held]))
    with pytest.raises(DamagedFileError, match=rf"{path.name}.*{reason}"):
        records.find([RUN])


# Records of other code.


def test_record_of_other_numerics_is_named_and_not_used(records):
    records.add(made_up_record(RUN, numerics=OLD))
    records.add(made_up_record(OTHER))
    with pytest.warns(StaleRecordWarning, match=f"1 recorded runs .* {RUN.key}$"):
        found = records.find([RUN, OTHER])
    assert set(found) == {OTHER}


def test_study_of_other_numerics_is_named_and_not_used(records):
    records.folder.mkdir()
    held = [made_up_record(RUN, [0], numerics=OLD), made_up_record(RUN, [1])]
    save_study(held, records.folder / "old.study")
    with pytest.warns(StaleRecordWarning, match=f"1 recorded runs .* {RUN.key}$"):
        found = records.find([RUN, OTHER])
    assert set(found) == {OTHER}


def test_record_of_the_first_form_is_named_and_not_used(records):
    records.folder.mkdir()
    (records.folder / f"{RUN.key}-0123456789abcdef.json").write_text("{}")
    with pytest.warns(StaleRecordWarning, match=RUN.key):
        assert records.find([RUN]) == {}


def test_many_stale_records_are_counted_and_some_named(records):
    runs = grid("hidden_ar1", ["none"], seeds=9, epochs=2)
    records.add(made_up_record(RUN, range(9), numerics=OLD))
    first = min(run.key for run in runs)
    with pytest.warns(StaleRecordWarning, match=f"^9 recorded .* {first}.* and others$"):
        assert records.find(runs) == {}


def test_current_record_beside_a_stale_one_is_used_without_a_warning(written):
    records, _ = written
    records.add(made_up_record(RUN, numerics=OLD))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(records.find([RUN])) == {RUN}


# Packed.


@pytest.fixture
def packed(written, tmp_path, monkeypatch):
    """The record in a file where the package looks for shipped ones."""
    records, _ = written
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr("lstmreg_utils.lab.store.shipped_folder", lambda: folder)
    assert pack([RUN], folder / "some.study", records.folder) == 1
    return folder / "some.study"


def test_packed_record_is_found_as_shipped(packed, tmp_path):
    nowhere = tmp_path / "nothing here"
    found = Records(nowhere).find([RUN, OTHER])
    assert set(found) == {RUN}
    assert numbers(found, RUN) == made_up_record(RUN).epochs[:, 0].tolist()
    assert Records(nowhere, shipped=False).find([RUN]) == {}


def test_study_that_was_packed_into_the_folder_itself_is_found(records):
    records.add(made_up_record(RUN, [0, 1]))
    pack([RUN, OTHER], records.folder / "mine.study", records.folder)
    for path in records.folder.glob("*.run"):
        path.unlink()
    assert set(records.find([RUN, OTHER])) == {RUN, OTHER}


def test_file_that_is_packed_anew_is_read_anew(packed, written):
    records, _ = written
    assert set(Records(records.folder.parent / "no").find([RUN, OTHER])) == {RUN}
    records.add(made_up_record(OTHER))
    pack([RUN, OTHER], packed, records.folder)
    assert set(Records(records.folder.parent / "no").find([RUN, OTHER])) == {RUN, OTHER}


def test_packing_twice_gives_the_same_bytes_and_leaves_nothing_else(packed, written):
    before = packed.read_bytes()
    pack([RUN], packed, written[0].folder)
    assert packed.read_bytes() == before
    assert [path.name for path in packed.parent.iterdir()] == [packed.name]


def test_packing_a_run_without_a_record_is_refused_and_writes_nothing(packed, written):
    before = packed.read_bytes()
    with pytest.raises(KeyError, match=OTHER.key):
        pack([RUN, OTHER], packed, written[0].folder)
    assert packed.read_bytes() == before


@pytest.mark.parametrize("place", [0, 0.25, 0.5, 0.75, 0.95])
def test_damaged_study_is_named_and_left_as_it_is(place, packed, tmp_path):
    content = bytearray(packed.read_bytes())
    content[int(place * (len(content) - 1))] ^= 0xFF
    packed.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"some\.study: "):
        Records(tmp_path / "nothing here").find([RUN])
    assert packed.read_bytes() == content


# What ships.


@pytest.mark.parametrize("name", STUDIES)
def test_every_run_of_the_books_studies_ships_with_the_package(name, tmp_path):
    runs = named_study(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Records(tmp_path / "nothing here").find(runs)
    missing = [run.key for run in runs if run not in found]
    assert not missing, f"{len(missing)} of {len(runs)} runs have no current shipped record"
    assert all(np.isfinite(record.epochs).all() for record, _ in found.values())
