import json
import math
import pickle
import warnings
import zipfile

import numpy as np
import pytest

from lstmreg_utils import DamagedFileError, Records, Run, StaleRecordWarning, grid
from lstmreg_utils import record as record_module
from lstmreg_utils.arms import PLACES, arm
from lstmreg_utils.fingerprint import fingerprint
from lstmreg_utils.record import current_names
from lstmreg_utils.records import encode, pack, record_name
from lstmreg_utils.studies import STUDIES, named_study
from lstmreg_utils.tasks import TASKS

RUN, OTHER = grid("hidden_ar1", ["none"], seeds=2, epochs=2)


def made_up(run, code=None):
    """A record as training makes it, but for its numbers."""
    return {
        "run": run.to_dict(),
        "epochs": {"train": [0.5, 0.25], "test": [0.75, float("nan")]},
        "probes": {},
        "made": {"fingerprint": code or fingerprint(run.task), "seconds": 1.5},
    }


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path / "records", shipped=False)


@pytest.fixture
def written(records):
    """A folder with one record."""
    return records, records.write(made_up(RUN))


def test_names_of_many_runs_are_those_of_each():
    """Found without hashing the code anew for every arm: many arms share theirs."""
    arms = [arm(place, 0.5) for place in PLACES] + [()]
    runs = [Run(task, arm=noises, layers=2, head=(3,)) for task in TASKS for noises in arms]
    assert dict(current_names(runs)) == {record_name(run): run for run in runs}


# In a folder.


def test_what_is_written_is_found(written):
    records, path = written
    records.write(made_up(OTHER))
    found = records.find([RUN, OTHER, Run("hidden_ar1", seed=9, epochs=2)])
    assert set(found) == {RUN, OTHER}
    assert json.dumps(found[RUN]) == json.dumps(made_up(RUN))
    assert path.name == record_name(RUN)


def test_new_record_of_a_run_takes_the_place_of_the_old(written):
    records, _ = written
    again = made_up(RUN)
    again["epochs"]["train"] = [0.5, 0.125]
    records.write(again)
    assert records.find([RUN])[RUN]["epochs"]["train"] == [0.5, 0.125]
    assert len(list(records.folder.iterdir())) == 1


def test_folder_that_does_not_exist_holds_nothing(records):
    assert records.find([RUN]) == {}
    assert not records.folder.exists()


def test_folder_is_chosen_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("LSTMREG_RECORDS", str(tmp_path / "here"))
    assert Records().folder == tmp_path / "here"
    monkeypatch.delenv("LSTMREG_RECORDS")
    assert Records().folder.parts[-2:] == ("lstmreg_utils", "records")


def test_nothing_is_left_of_a_write_that_fails(records, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        records.write(made_up(RUN))
    assert list(records.folder.iterdir()) == []


def test_half_written_file_is_never_read(written):
    records, path = written
    (records.folder / ".abc.tmp").write_text(path.read_text()[:100])
    (records.folder / f".{record_name(OTHER)}").write_text("{")
    assert set(records.find([RUN, OTHER])) == {RUN}


@pytest.mark.parametrize("orjson", [record_module.orjson, None], ids=["orjson", "json"])
@pytest.mark.parametrize("odd", [0.1, math.nan, math.inf], ids=str)
def test_numbers_come_back_to_the_bit_with_and_without_orjson(orjson, odd, monkeypatch):
    monkeypatch.setattr(record_module, "orjson", orjson)
    numbers = [*np.random.default_rng(0).lognormal(sigma=9, size=1000).tolist(), odd]
    epochs = {"train": [0.5, 0.25], "test": [0.5, odd]}
    record = made_up(RUN) | {"epochs": epochs, "probes": numbers}
    text = encode(record)
    found = record_module.decode(text.encode(), RUN, record_name(RUN))
    np.testing.assert_array_equal(found["probes"], numbers)
    assert json.dumps(found["epochs"]) == json.dumps(epochs)


def edited(text):
    assert "0.25" in text
    return text.replace("0.25", "0.24")


def shortened(text):
    """One epoch less, with a digest that fits."""
    record = json.loads(text)
    record["epochs"] = {name: values[:-1] for name, values in record["epochs"].items()}
    return encode(record)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text[:-20], "not a record"),
        (lambda text: "", "not a record"),
        (lambda text: b"\x80\x04\x95\xff", "not a record"),
        (lambda text: "[1, 2]", "not a record"),
        (lambda text: "null", "not a record"),
        (lambda text: text.replace('"task":"hidden_ar1"', '"task":"vowels"'), "not a record"),
        (lambda text: text.replace('"task":"hidden_ar1",', ""), "not a record"),
        (edited, "changed after it was written"),
        (lambda text: text.replace(",", ", "), "changed after it was written"),
        (lambda text: text + "\n", "changed after it was written"),
        (lambda text: text.replace('"digest":"', '"digest":"0'), "changed after it was written"),
        (lambda text: text[: text.index(',"digest"')] + "}", "not a record"),
        (shortened, "changed after it was written"),
        (lambda text: text.replace('"seconds":1.5', '"seconds":1.4'), "changed after"),
        (lambda text: encode(made_up(OTHER)), "it holds another run"),
        (lambda text: encode(made_up(RUN, "0" * 16)), "by other code than its name says, 0"),
    ],
    ids=["cut", "empty", "binary", "list", "null", "unknown task", "no task", "edited", "laid out",
         "line added", "digest edited", "no digest", "shortened", "provenance edited", "other run",
         "other code"],
)  # fmt: skip
def test_damaged_record_is_named_and_left_as_it_is(change, reason, written):
    records, path = written
    damaged = change(path.read_text())
    path.write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
    before = path.read_bytes()
    with pytest.raises(DamagedFileError, match=rf"{path.name}.*{reason}"):
        records.find([RUN])
    assert path.read_bytes() == before


def test_damaged_record_that_nobody_asks_for_disturbs_nobody(written):
    records, path = written
    path.write_text("{")
    records.write(made_up(OTHER))
    assert set(records.find([OTHER])) == {OTHER}


def test_all_damaged_records_are_named(written):
    records, path = written
    other = records.write(made_up(OTHER))
    for damaged in (path, other):
        damaged.write_text("{")
    with pytest.raises(DamagedFileError) as raised:
        records.find([RUN, OTHER])
    assert path.name in str(raised.value)
    assert other.name in str(raised.value)


def test_stale_record_is_named_and_not_used(records):
    records.write(made_up(RUN, "0" * 16))
    records.write(made_up(OTHER))
    with pytest.warns(StaleRecordWarning, match=f"1 recorded runs .* {RUN.key}$"):
        found = records.find([RUN, OTHER])
    assert set(found) == {OTHER}


def test_many_stale_records_are_counted_and_some_named(records):
    runs = grid("hidden_ar1", ["none"], seeds=9, epochs=2)
    for run in runs:
        records.write(made_up(run, "0" * 16))
    with pytest.warns(
        StaleRecordWarning, match=f"^9 recorded .* {min(run.key for run in runs)}.* "
    ):
        assert records.find(runs) == {}


def test_record_of_equal_run_in_another_order_of_fields_is_read(records):
    record = made_up(RUN)
    record["run"] = dict(reversed(record["run"].items()))
    records.write(record)
    assert set(records.find([RUN])) == {RUN}


def test_current_record_beside_a_stale_one_is_used_without_a_warning(written):
    records, _ = written
    records.write(made_up(RUN, "0" * 16))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(records.find([RUN])) == {RUN}


def test_reading_a_record_runs_no_code_of_it(written):
    records, path = written
    path.write_bytes(pickle.dumps(Tripwire()))
    with pytest.raises(DamagedFileError, match="not a record"):
        records.find([RUN])
    assert not Tripwire.touched


class Tripwire:
    touched = False

    def __reduce__(self):
        return setattr, (Tripwire, "touched", True)


# In an archive.


@pytest.fixture
def packed(written, tmp_path, monkeypatch):
    """The record in an archive where the package looks for shipped ones."""
    records, _ = written
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path / package)
    archive = tmp_path / "lstmreg_utils" / "records" / "study.zip"
    archive.parent.mkdir(parents=True)
    # The fingerprint must not be sought in that place.
    monkeypatch.setattr("lstmreg_utils.record.fingerprint", lambda task, arm: "f" * 16)
    records.write(made_up(RUN, "f" * 16))
    assert pack([RUN], archive, records.folder) == 1
    return archive


def test_packed_record_is_found_as_shipped(packed, tmp_path):
    shipped = Records(tmp_path / "nothing here")
    found = shipped.find([RUN, OTHER])
    assert json.dumps(found[RUN]) == json.dumps(made_up(RUN, "f" * 16))
    assert set(found) == {RUN}
    assert Records(tmp_path / "nothing here", shipped=False).find([RUN]) == {}


def test_packing_twice_gives_the_same_bytes(packed, records):
    before = packed.read_bytes()
    pack([RUN], packed, records.folder)
    assert packed.read_bytes() == before
    with zipfile.ZipFile(packed) as members:  # nor does it depend on the date
        assert {member.date_time for member in members.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert [path.name for path in packed.parent.iterdir()] == [packed.name]


def test_packing_a_run_without_a_record_is_refused_and_writes_nothing(packed, records):
    before = packed.read_bytes()
    with pytest.raises(KeyError, match=OTHER.key):
        pack([RUN, OTHER], packed, records.folder)
    assert packed.read_bytes() == before


def damage(archive, place):
    """Turn bits of an archive in the middle of its first member's data."""
    content = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as members:
        member = members.infolist()[0]
    start = member.header_offset + 30 + len(member.filename)
    position = start + int(place * (member.compress_size - 1))
    content[position] ^= 0xFF
    archive.write_bytes(content)
    return bytes(content)


@pytest.mark.parametrize("place", [0, 0.25, 0.5, 0.75, 0.95])
def test_damaged_member_of_an_archive_is_named(place, packed, tmp_path):
    before = damage(packed, place)
    with pytest.raises(DamagedFileError, match=rf"study\.zip: {RUN.key}"):
        Records(tmp_path / "nothing here").find([RUN])
    assert packed.read_bytes() == before


def test_archive_that_is_none_is_named(packed, tmp_path):
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(DamagedFileError, match=r"study\.zip is damaged"):
        Records(tmp_path / "nothing here").find([RUN])


# What ships.


@pytest.mark.parametrize("name", STUDIES)
def test_every_run_of_the_books_studies_ships_with_the_package(name, tmp_path):
    runs = named_study(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Records(tmp_path / "nothing here").find(runs)
    missing = [run.key for run in runs if run not in found]
    assert not missing, f"{len(missing)} of {len(runs)} runs have no current shipped record"
