"""The audit of the records, and that it notices what it is there to notice."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from made_up_runs import made_up_record

from lstmreg_utils.__main__ import main
from lstmreg_utils.lab import NUMERICS, Run, audit, pack
from lstmreg_utils.lab.auditing import pick
from lstmreg_utils.lab.records import COLUMNS, read_file
from lstmreg_utils.lab.store import save_study

TRAIN, TEST = COLUMNS.index("train"), COLUMNS.index("test")


@pytest.fixture
def shipped(tiny_runs, tiny_folder, tmp_path):
    """A folder with one study, which was trained on this machine."""
    pack(tiny_runs, tmp_path / "tiny.study", tiny_folder)
    return tmp_path


@pytest.fixture
def audited(kept_programs):
    def call(shipped, sample, seed=0):
        with ThreadPoolExecutor(1) as executor:
            how = {"engine": "tensorflow", "executor": executor, "workers": 1, "progress": False}
            return audit(sample, seed, shipped, **how).set_index("key")

    return call


def rewrite(shipped, change):
    """Change every record, and write each as if it had been recorded so."""
    records = read_file(shipped / "tiny.study")
    for record in records:
        change(record)
    save_study(records, shipped / "tiny.study")


def test_records_of_this_machine_come_out_equal(shipped, audited, tiny_runs):
    table = audited(shipped, len(tiny_runs))
    assert set(table["verdict"]) == {"equal"}
    assert set(table.index) == {run.key for run in tiny_runs}
    assert (table["recorded"] == table["here"]).all()
    assert set(table["other"]) == {""}


@pytest.mark.parametrize(
    ("epoch", "by", "verdict"),
    [(0, 1e-6, "agrees"), (0, 0.01, "differs"), (-1, 1e-6, "agrees"), (-1, 1e3, "differs")],
)
def test_early_epochs_are_held_tightly_and_late_ones_to_the_spread(
    shipped, audited, epoch, by, verdict
):
    def change(record):
        record.epochs[TEST, record.seeds.index(0), epoch] += by

    rewrite(shipped, change)
    table = audited(shipped, 9)
    assert set(table.loc[table["seed"] == 0, "verdict"]) == {verdict}
    assert set(table.loc[table["seed"] != 0, "verdict"]) == {"equal"}


@pytest.mark.parametrize("share", [0.5, 2])
@pytest.mark.parametrize(
    ("others", "limit"),
    [([], 0.001), (["device"], 0.01), (["engine"], 0.01), (["engine", "device"], 0.01)],
)
def test_early_limit_is_that_of_what_is_another(shipped, audited, others, limit, share):
    """Of networks without noise, which every engine trains alike."""

    def change(record):
        record.made.update(dict.fromkeys(others, "another"))
        early = record.epochs[TEST, :, 0]
        early += share * limit * np.maximum(early, 1)

    rewrite(shipped, change)
    table = audited(shipped, 9)
    assert set(table["other"]) == {others[0] if others else ""}
    twins = table[table["arm"] == "none"]
    assert set(twins["limit"]) == {limit}
    assert set(twins["verdict"]) == {"agrees" if share < 1 else "differs"}


@pytest.mark.parametrize("share", [0.5, 2])
@pytest.mark.parametrize("epoch", [0, -1])
def test_noise_of_another_engine_is_held_to_the_spread_from_the_first_epoch_on(
    shipped, audited, epoch, share
):
    def change(record):
        record.made["engine"] = "another"
        record.epochs[TEST, :, epoch] += share * np.ptp(record.epochs[TEST, :, epoch])

    rewrite(shipped, change)
    table = audited(shipped, 9)
    noisy = table[table["arm"] != "none"]
    assert set(noisy["limit"]) == {1}
    np.testing.assert_allclose(noisy["late" if epoch else "early"], share, rtol=1e-3)
    assert set(noisy["verdict"]) == {"agrees" if share < 1 else "differs"}


def test_noise_on_another_device_is_drawn_alike_and_held_as_tightly(shipped, audited):
    def change(record):
        record.made["device"] = "another"
        record.epochs[TEST, :, 0] += 0.5 * np.ptp(record.epochs[TEST, :, 0])

    rewrite(shipped, change)
    assert set(audited(shipped, 9)["verdict"]) == {"differs"}


def test_a_difference_names_the_record_and_both_environments(shipped, audited, monkeypatch, capsys):
    def change(record):
        record.epochs[TRAIN, :, 0] += 1
        record.made["tensorflow"] = "1.0"

    rewrite(shipped, change)
    table = audited(shipped, 1)
    monkeypatch.setattr("lstmreg_utils.lab.audit", lambda *_, **__: table.reset_index())
    assert main(["audit", "--sample", "1"]) == 1
    told = capsys.readouterr().out
    assert table.index[0] in told
    assert "tensorflow 1.0" in told
    assert "0 of 1 agree" in told


def test_a_number_that_became_none_differs(shipped, audited):
    rewrite(shipped, lambda record: record.epochs[TEST, :, 0].fill(np.nan))
    assert set(audited(shipped, 1)["verdict"]) == {"differs"}


def test_the_sample_is_spread_over_the_settings_and_repeats_with_its_seed():
    records = [made_up_record(Run("hidden_ar1", units=units), range(3)) for units in (1, 2, 3)]

    def picked(sample, seed):
        return [run for run, _, _ in pick(records, sample, np.random.default_rng(seed))]

    assert len({run.units for run in picked(3, 1)}) == 3
    assert picked(3, 1) == picked(3, 1)
    assert len({*picked(99, 1)}) == 9
    assert len({tuple(picked(3, seed)) for seed in range(9)}) > 1


def test_stale_missing_and_damaged_records_are_refused(shipped, tmp_path_factory):
    with pytest.raises(ValueError, match="studies must hold records, got none"):
        audit(studies=tmp_path_factory.mktemp("empty"))
    damaged = tmp_path_factory.mktemp("damaged")
    (damaged / "cut.study").write_bytes((shipped / "tiny.study").read_bytes()[:200])
    with pytest.raises(ValueError, match=r"cut\.study: "):
        audit(studies=damaged)
    rewrite(shipped, lambda record: record.made.__setitem__("numerics", NUMERICS - 1))
    with pytest.raises(ValueError, match="3 of 3 settings were made by code with other numbers"):
        audit(studies=shipped)


@pytest.mark.parametrize("sample", [0, -1, 1.5, True, "3"])
def test_a_sample_that_is_no_number_of_runs_is_refused(sample):
    with pytest.raises(ValueError, match="sample must be an integer of at least 1"):
        audit(sample)


@pytest.mark.apart
def test_a_random_sample_of_the_shipped_records_agrees():
    """Other runs each time: half a minute, most of it the start of a process that trains."""
    table = audit(sample=2, progress=False)
    assert "differs" not in set(table["verdict"]), table.to_string()
