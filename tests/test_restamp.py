import json
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import restamp as tool

from lstmreg_utils.fingerprint import fingerprint
from lstmreg_utils.records import Records, encode, pack, read_archive, record_name

OLD = "0123456789abcdef"


@pytest.fixture
def archives(tiny_runs, tiny_folder, tmp_path):
    """An archive whose records say that other code made them."""
    found = Records(tiny_folder, shipped=False).find(tiny_runs)
    with zipfile.ZipFile(tmp_path / "tiny.zip", "w") as members:
        for run, record in found.items():
            record = {**record, "made": {**record["made"], "fingerprint": OLD}}
            members.writestr(record_name(run, OLD), encode(record))
    return tmp_path


@pytest.fixture
def restamp(kept_programs, tmp_path_factory):
    def call(archives):
        with ThreadPoolExecutor(1) as executor:
            return tool.restamp(archives, tmp_path_factory.mktemp("again"), executor, workers=1)

    return call


def test_records_that_come_out_equal_get_the_present_fingerprint(archives, restamp, tiny_runs):
    before = read_archive(archives / "tiny.zip")
    assert restamp(archives) == (len(tiny_runs), 3)  # one run of each of three arms
    after = read_archive(archives / "tiny.zip")
    for run, record in after.items():
        assert record["epochs"] == before[run]["epochs"]
        assert record["made"]["fingerprint"] == fingerprint(run.task, run.arm)
        [note] = record["made"]["restamped"]
        assert (note["from"], note["retrained"]) == (OLD, 3)
    assert restamp(archives) == (0, 0)  # nothing is left to do


def test_other_numbers_are_refused_and_nothing_is_changed(archives, restamp, monkeypatch):
    from lstmreg_utils import training

    text = (archives / "tiny.zip").read_bytes()
    train = training.train

    def slightly_other(run):
        epochs, probes, seconds = train(run)
        epochs["test"][-1] += 1e-6
        return epochs, probes, seconds

    monkeypatch.setattr(training, "train", slightly_other)
    with pytest.raises(ValueError, match=r"3 of 3 retrained runs differ .* by up to 1e-06"):
        restamp(archives)
    assert (archives / "tiny.zip").read_bytes() == text


def test_sample_has_every_setting_and_several_seeds(tiny_runs):
    chosen = tool.sample(tiny_runs)
    assert {run.arm for run in chosen} == {run.arm for run in tiny_runs}
    assert len({run.seed for run in chosen}) > 1


def test_damaged_record_is_not_restamped(archives, restamp, tiny_runs):
    records = read_archive(archives / "tiny.zip")
    with zipfile.ZipFile(archives / "tiny.zip", "w") as members:
        for run, record in records.items():
            text = json.dumps({**json.loads(encode(record)), "digest": "0"})
            members.writestr(record_name(run, OLD), text)
    with pytest.raises(Exception, match="changed after it was written"):
        restamp(archives)


def test_packing_keeps_the_note(archives, restamp, tiny_runs, tmp_path_factory):
    restamp(archives)
    folder = tmp_path_factory.mktemp("loose")
    for run, record in read_archive(archives / "tiny.zip").items():
        (folder / record_name(run)).write_text(encode(record))
    pack(tiny_runs, folder / "again.zip", folder)
    assert all(r["made"]["restamped"] for r in read_archive(folder / "again.zip").values())
