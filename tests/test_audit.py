"""The audit of the records, and that it notices what it is there to notice."""

import json
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lstmreg_utils.__main__ import main
from lstmreg_utils.audit import audit, pick
from lstmreg_utils.records import encode, pack, read_archive, record_name


@pytest.fixture
def archives(tiny_runs, tiny_folder, tmp_path):
    pack(tiny_runs, tmp_path / "tiny.zip", tiny_folder)
    return tmp_path


@pytest.fixture
def audited(kept_programs):
    def call(archives, sample, seed=0):
        with ThreadPoolExecutor(1) as executor:
            return audit(
                sample, seed, archives, executor=executor, workers=1, progress=False
            ).set_index("key")

    return call


def rewrite(archives, change):
    """Change every record, and write each as if it had been recorded so."""
    path = archives / "tiny.zip"
    records = read_archive(path)
    with zipfile.ZipFile(path, "w") as members:
        for run, record in records.items():
            change(record)
            members.writestr(record_name(run, record["made"]["fingerprint"]), encode(record))


def test_records_of_this_machine_come_out_equal(archives, audited, tiny_runs):
    table = audited(archives, len(tiny_runs))
    assert set(table["verdict"]) == {"equal"}
    assert set(table.index) == {run.key for run in tiny_runs}
    assert (table["recorded"] == table["here"]).all()


@pytest.mark.parametrize(
    ("epoch", "by", "verdict"),
    [(0, 1e-6, "agrees"), (0, 0.01, "differs"), (-1, 1e-6, "agrees"), (-1, 1e3, "differs")],
)
def test_early_epochs_are_held_tightly_and_late_ones_to_the_spread(
    archives, audited, epoch, by, verdict
):
    def change(record):
        record["epochs"]["test"][epoch] += by if record["run"]["seed"] == 0 else 0.0

    rewrite(archives, change)
    table = audited(archives, 9)
    assert set(table.loc[table["seed"] == 0, "verdict"]) == {verdict}
    assert set(table.loc[table["seed"] != 0, "verdict"]) == {"equal"}


def test_a_difference_names_the_record_and_both_environments(
    archives, audited, monkeypatch, capsys
):
    def change(record):
        record["epochs"]["train"][0] += 1
        record["made"]["tensorflow"] = "1.0"

    rewrite(archives, change)
    table = audited(archives, 1)
    monkeypatch.setattr("lstmreg_utils.audit.audit", lambda *_, **__: table.reset_index())
    assert main(["audit", "--sample", "1"]) == 1
    told = capsys.readouterr().out
    assert table.index[0] in told
    assert "tensorflow 1.0" in told
    assert "0 of 1 agree" in told


def test_a_number_that_became_none_differs(archives, audited):
    rewrite(archives, lambda record: record["epochs"]["test"].__setitem__(0, float("nan")))
    assert set(audited(archives, 1)["verdict"]) == {"differs"}


def test_the_sample_is_spread_over_the_settings_and_repeats_with_its_seed(tiny_runs):
    chosen = pick(tiny_runs, 3, np.random.default_rng(1))
    assert len({run.arm for run in chosen}) == 3
    assert chosen == pick(tiny_runs, 3, np.random.default_rng(1))
    assert len({*pick(tiny_runs, 99, np.random.default_rng(1))}) == len(tiny_runs)
    samples = {tuple(pick(tiny_runs, 3, np.random.default_rng(seed))) for seed in range(9)}
    assert len(samples) > 1


def test_stale_missing_and_damaged_records_are_refused(archives, tmp_path_factory):
    with pytest.raises(ValueError, match="archives must hold records, got none"):
        audit(archives=tmp_path_factory.mktemp("empty"))
    damaged = tmp_path_factory.mktemp("damaged")
    (damaged / "cut.zip").write_bytes((archives / "tiny.zip").read_bytes()[:200])
    with pytest.raises(ValueError, match=r"cut\.zip is damaged"):
        audit(archives=damaged)
    swapped = tmp_path_factory.mktemp("swapped")
    shutil.copy(archives / "tiny.zip", swapped)
    with zipfile.ZipFile(swapped / "tiny.zip", "a") as members:
        members.writestr("other.json", json.dumps({"run": {}}))
    with pytest.raises(ValueError, match=r"other\.json: not a record"):
        audit(archives=swapped)
    rewrite(archives, lambda record: record["made"].__setitem__("fingerprint", "0" * 16))
    with pytest.raises(ValueError, match="9 of 9 records were made by other code"):
        audit(archives=archives)


@pytest.mark.parametrize("sample", [0, -1, 1.5, True, "3"])
def test_a_sample_that_is_no_number_of_runs_is_refused(sample):
    with pytest.raises(ValueError, match="sample must be an integer of at least 1"):
        audit(sample)


def test_a_random_sample_of_the_shipped_records_agrees():
    """Other runs each time: half a minute, most of it the start of a process that trains."""
    table = audit(sample=2, progress=False)
    assert "differs" not in set(table["verdict"]), table.to_string()
