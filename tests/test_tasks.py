import hashlib
import inspect
import shutil
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from lstmreg_utils import DamagedFileError, Split, load_task, tasks
from lstmreg_utils.tasks import (
    TASKS,
    departures,
    files,
    kalman_floor,
    kalman_predictions,
    margin_of,
    nyse_volume,
    options_of,
    short_name,
    storms,
    wrist_motion,
)
from lstmreg_utils.tasks.chronological import chronological_split
from lstmreg_utils.tasks.corruption import corrupt
from lstmreg_utils.tasks.files import load_arrays

DATA = resources.files("lstmreg_utils") / "data"
FILES = sorted(path.stem for path in DATA.glob("*.npz"))  # each named like its task


def arrays_of(name):
    """What is in a data file."""
    with np.load(DATA / f"{name}.npz") as arrays:
        return dict(arrays)


def rows(split):
    """The content of each sequence, to look for the same one elsewhere."""
    return [sequence.tobytes() for sequence in split.x]


def r2(y, predicted):
    return 1 - np.sum((y - predicted) ** 2) / np.sum((y - y.mean()) ** 2)


def linear(x, y):
    """Least squares with an intercept, as a function of other inputs."""
    weights, *_ = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)
    return lambda x: np.column_stack([x, np.ones(len(x))]) @ weights


# Every task.


# Sizes are protected by the sums of all arrays in golden.json, and shapes by the docstrings.


@pytest.mark.parametrize("name", TASKS)
def test_sequences_are_of_32_bits(name):
    task = load_task(name)
    dtype = np.float32 if task.vocabulary is None else np.int32
    assert {split.x.dtype for split in task.splits().values()} == {np.dtype(dtype)}


@pytest.mark.parametrize("name", FILES)
def test_module_of_a_data_file_states_its_source(name):
    """After its first paragraph: the page of provenance shows that."""
    assert inspect.getmodule(TASKS[name]).__doc__.partition("\n\n")[2].strip()


@pytest.mark.parametrize("name", TASKS)
def test_equal_seeds_give_equal_arrays_and_others_give_others(name):
    once, again, other = load_task(name, 4), load_task(name, 4), load_task(name, 5)
    for split, data in once.splits().items():
        np.testing.assert_array_equal(data.x, again.splits()[split].x)
        np.testing.assert_array_equal(data.y, again.splits()[split].y)
    assert set(rows(once.test)) != set(rows(other.test))


# Verses and ways of letters can be alike by chance.
@pytest.mark.parametrize("name", sorted({*TASKS} - {"verses", "novels", "lag_recall"}))
def test_no_sequence_is_in_two_splits(name):
    splits = load_task(name, 1).splits().values()
    contents = [content for split in splits for content in rows(split)]
    assert len(set(contents)) == len(contents)


@pytest.mark.parametrize("asked", [load_task, margin_of, short_name, options_of])
def test_unknown_task_is_refused_by_name(asked):
    with pytest.raises(KeyError, match=r"task must be one of .*'hidden_ar1'.*, got 'vowels'"):
        asked("vowels")


@pytest.mark.parametrize("name", TASKS)
def test_task_is_what_its_register_says(name):
    task = load_task(name)
    assert (task.name, task.margin) == (name, margin_of(name))
    assert getattr(tasks, name) is TASKS[name]
    assert name in tasks.__all__


def test_names_in_tables_differ():
    assert len({short_name(name) for name in TASKS}) == len(TASKS)
    assert (short_name("japanese_vowels"), short_name("verses")) == ("speakers", "verses")


def test_an_option_that_a_run_does_not_state_has_its_default():
    options = options_of("lag_recall")
    assert options["lag"] == load_task("lag_recall").train.x.shape[1] - 1
    assert "seed" not in options  # a run has one of its own


def changed_split(split, **arrays):
    return Split(**{"x": split.x.copy(), "y": split.y.copy(), **arrays})


def with_nan(array):
    array = array.copy()
    array.flat[3] = np.nan
    return array


@pytest.mark.parametrize(
    ("task", "name", "change", "message"),
    [
        ("hidden_ar1", "train", lambda s: {"x": with_nan(s.x)}, r"train.x must be finite, got 1"),
        ("hidden_ar1", "test", lambda s: {"y": with_nan(s.y)}, r"test.y must be finite, got 1"),
        ("hidden_ar1", "train", lambda s: {"x": s.x[:, :, 0]}, r"train.x .* shape \(320, 20\)"),
        ("hidden_ar1", "test", lambda s: {"x": s.x[:0], "y": s.y[:0]}, r"test.x .* shape \(0"),
        ("hidden_ar1", "validation", lambda s: {"y": s.y[:-1]}, r"validation.y must have shape"),
        ("hidden_ar1", "test", lambda s: {"y": s.y[:, 0]}, r"test.y must have shape \(1000, 1\)"),
        ("hidden_ar1", "test", lambda s: {"x": s.x[:, 1:]}, r"test.x must have sequences"),
        ("japanese_vowels", "test", lambda s: {"y": s.y + 1}, r"test.y must hold labels 0 to 8"),
        ("japanese_vowels", "train", lambda s: {"y": s.y - 1}, r"train.y must hold labels 0 to 8"),
        ("verses", "train", lambda s: {"x": s.x[..., None]}, r"train.x .* shape \(800, 24, 1\)"),
        ("verses", "train", lambda s: {"x": s.x + 4000}, r"train.x must hold integer tokens 0 to"),
        ("verses", "test", lambda s: {"x": s.x - 1}, r"test.x must hold integer tokens 0 to 3999"),
        ("verses", "test", lambda s: {"x": s.x / 2}, r"test.x must hold integer tokens .* float64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(task, name, change, message):
    task = load_task(task)
    split = task.splits()[name]
    with pytest.raises(ValueError, match=message):
        replace(task, **{name: changed_split(split, **change(split))})


def test_unknown_loss_is_refused_by_name():
    with pytest.raises(ValueError, match="loss must be one of"):
        replace(load_task("hidden_ar1"), loss="mae")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("japanese_vowels", {"per_speaker": 31}, "per_speaker must"),
        ("japanese_vowels", {"per_speaker": 0}, "per_speaker must be an integer of 1 to 30"),
        ("japanese_vowels", {"per_speaker": True}, "per_speaker must"),
        ("nyse_volume", {"lags": 0}, "lags must"),
        ("nyse_volume", {"n_train": 6000}, r"n_train \+ n_validation \+ n_test must"),
        ("nyse_volume", {"origin": 9}, "origin must be an integer of 10 to"),
        ("nyse_volume", {"origin": 2000.0}, "origin must be an integer of 10 to"),
        ("noise_targets", {"n_train": 0}, "n_train must"),
        ("noise_targets", {"outputs": 0}, "outputs must"),
        ("hidden_ar1", {"n_test": 2.0}, "n_test must"),
        ("nyc_weather", {"ahead": 0}, "ahead must"),
        ("nyc_weather", {"n_test": 7000}, r"n_train \+ n_validation \+ n_test must be at most"),
        ("verses", {"steps": 0}, "steps must"),
        ("storms", {"n_test": 0}, "n_test must"),
        (
            "pen_digits",
            {"n_test": 11000},
            r"n_train \+ n_validation \+ n_test must be at most 10992",
        ),
        ("peptides", {"n_test": 2000}, r"n_train \+ n_validation \+ n_test must be at most 2742"),
        ("peptides", {"max_q": 0}, r"max_q must lie in \(0, 1\], got 0"),
        ("wrist_motion", {"steps": 119}, "steps must be an integer of 1 to 118"),
        ("departures", {"steps": 41}, "steps must be an integer of 1 to 40"),
        ("novels", {"stride": 0}, "stride must"),
        ("novels", {"n_train": 15000}, r"stride \* \(n_train \+ n_validation \+ n_test\) must be"),
        ("verses", {"vocabulary": 2}, "vocabulary must be an integer of at least 3"),
        ("verses", {"n_train": 11000}, r"n_train \+ n_validation \+ n_test must be at most 11575"),
        ("hidden_ar1", {"phi": 1.0}, "phi must"),
        ("hidden_ar1", {"q": 0.0}, "q must"),
        ("hidden_ar1", {"s": float("nan")}, "s must"),
        ("lag_recall", {"lag": 0}, "lag must be an integer of at least 1, got 0"),
        ("lag_recall", {"lag": 2.0}, "lag must"),
        ("lag_recall", {"lag": True}, "lag must"),
        ("lag_recall", {"noise": -0.1}, "noise must"),
    ],
)
def test_option_outside_its_range_is_refused_by_name(name, options, message):
    with pytest.raises(ValueError, match=message):
        load_task(name, **options)


def test_integers_of_numpy_are_integers():
    ours = load_task("lag_recall", lag=np.int64(3), n_test=np.int32(9))
    plain = load_task("lag_recall", lag=3, n_test=9)
    np.testing.assert_array_equal(ours.test.x, plain.test.x)
    few = load_task("japanese_vowels", per_speaker=np.int64(2))
    assert len(few.train) == 18
    assert len(nyse_volume(origin=np.int64(2000), n_test=np.int64(7)).test) == 7


# The data files.


@pytest.fixture
def damaged(monkeypatch, tmp_path):
    """A package whose data files have one bit turned."""
    shutil.copytree(DATA, tmp_path / "data")
    for path in (tmp_path / "data").glob("*.npz"):
        content = bytearray(path.read_bytes())
        content[1000] ^= 1
        path.write_bytes(content)
    monkeypatch.setattr(files.resources, "files", lambda package: tmp_path)
    return tmp_path / "data"


@pytest.mark.parametrize("name", FILES)
def test_damaged_data_file_is_named_and_left_as_it_is(name, damaged):
    path = damaged / f"{name}.npz"
    before = path.read_bytes()
    with pytest.raises(DamagedFileError, match=rf"{name}\.npz is damaged: its sha256 must be"):
        load_task(name)
    assert path.read_bytes() == before


def test_file_that_numpy_cannot_read_is_named(tmp_path):
    content = b"PK\x03\x04, but no archive"
    (tmp_path / "nyse_volume.npz").write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"nyse_volume\.npz cannot be read"):
        load_arrays("nyse_volume.npz", hashlib.sha256(content).hexdigest(), folder=tmp_path)


def test_data_file_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match=r"mnist\.npz"):
        load_arrays("mnist.npz", "0" * 64)


def test_licences_ship_with_the_data():
    text = (DATA / "LICENSES.md").read_text("utf-8")
    assert all(f"## {name}.npz" in text for name in FILES)
    assert "10.24432/C5NS47" in text


# JapaneseVowels.


@pytest.fixture(scope="module")
def vowels():
    return load_task("japanese_vowels", 2)


def lengths(split):
    return (split.x != 0).any(axis=-1).sum(axis=1)


def test_vowels_are_the_published_ones():
    arrays = arrays_of("japanese_vowels")
    assert arrays["len_train"][:5].tolist() == [20, 26, 22, 20, 21]
    assert arrays["len_test"][:5].tolist() == [19, 17, 19, 18, 24]
    np.testing.assert_allclose(arrays["x_train"][0, :3], [1.860936, -0.207383, 0.261557], rtol=1e-6)
    np.testing.assert_allclose(arrays["x_test"][0, :3], [1.635533, 0.024848, 0.432087], rtol=1e-6)
    assert np.bincount(arrays["y_train"]).tolist() == [30] * 9
    assert np.bincount(arrays["y_test"]).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]


def test_vowels_are_split_by_speaker_in_halves(vowels):
    counts = {name: np.bincount(split.y, minlength=9) for name, split in vowels.splits().items()}
    assert counts["train"].tolist() == [30] * 9
    difference = counts["test"] - counts["validation"]
    assert set(difference.tolist()) <= {0, 1}
    assert sum(counts.values()).sum() == 640


def test_fewer_utterances_are_stratified_too():
    task = load_task("japanese_vowels", 0, per_speaker=4)
    assert np.bincount(task.train.y).tolist() == [4] * 9


def test_padding_is_zero_at_the_end_and_only_there(vowels):
    for split in vowels.splits().values():
        real = (split.x != 0).any(axis=-1)
        assert (real == (np.arange(29) < lengths(split)[:, None])).all()
        assert (split.x[~real] == 0).all()
        assert lengths(split).min() >= 7
    # No real frame was taken for padding: as many frames as the file holds.
    arrays = arrays_of("japanese_vowels")
    assert lengths(vowels.train).sum() == arrays["len_train"].sum()
    tested = lengths(vowels.validation).sum() + lengths(vowels.test).sum()
    assert tested == arrays["len_test"].sum()


@pytest.mark.parametrize("per_speaker", [30, 3])
def test_vowels_are_standardized_with_the_frames_that_train(per_speaker):
    train = load_task("japanese_vowels", 1, per_speaker=per_speaker).train.x
    frames = train[(train != 0).any(axis=-1)].astype(float)
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-5)


# One long series, cut in the order of time.


@pytest.mark.parametrize("ahead", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_windows_stand_before_their_targets_and_targets_are_shared_by_no_splits(ahead, seed):
    rows = np.arange(40.0)
    sizes = {"n_train": 8, "n_validation": 3, "n_test": 4}
    *splits, origin = chronological_split(rows[:, None], 0, sizes, seed, 5, ahead, rows[:, None])
    assert [len(split) for split in splits] == [8, 3, 4]
    x = np.concatenate([split.x for split in splits])
    row = x[:, :, 1]  # the feature that stays as it is
    np.testing.assert_array_equal(np.diff(row, axis=0), 1)
    np.testing.assert_array_equal(np.diff(row, axis=1), 1)
    assert row[0, -1] + ahead == origin
    y = np.concatenate([split.y for split in splits])
    np.testing.assert_allclose(np.diff(y, axis=0), np.diff(x[:, -1, :1], axis=0), rtol=1e-5)
    np.testing.assert_array_equal(x[ahead:, -1, 0], y[:-ahead, 0])
    fitted = rows[int(row[0, 0]) : int(row[7, -1]) + ahead + 1]  # to the last training target
    scaled = (row - fitted.mean()) / fitted.std()
    np.testing.assert_allclose(x[:, :, 0], scaled, rtol=1e-5, atol=1e-6)


def test_every_place_that_leaves_room_is_drawn():
    rows = np.arange(10.0)[:, None]
    sizes = {"n_train": 3, "n_validation": 2, "n_test": 2}
    firsts = {
        chronological_split(rows, 0, sizes, seed, 2, known=rows)[0].x[0, 0, 1] for seed in range(40)
    }
    assert firsts == {0, 1}


# NYSE.


def test_test_days_of_twenty_seeds_overlap_as_the_pages_say():
    rows, before, own = 6051, 3000, 600
    origins = [int(np.random.default_rng(seed).integers(10, rows - 3600 + 1)) for seed in range(20)]
    np.testing.assert_array_equal(nyse_volume(7).test.y, nyse_volume(origin=origins[7]).test.y)
    days = {day for first in origins for day in range(first + before, first + before + own)}
    assert days == {day for seed in range(20) for day in nyse_volume(seed).test_rows}
    assert len(days) == 2518
    for page in ("02_reading_the_curves", "provenance"):
        path = Path(__file__).parent.parent / "chapters" / f"{page}.ipynb"
        assert "2,518 distinct days" in path.read_text("utf-8")


def test_trading_days_are_in_order_and_windows_overlap_no_target():
    task = nyse_volume(origin=2000, lags=10)
    days = arrays_of("nyse_volume")["values"][:, 1].astype(np.float64)
    fitted = days[1990:4400]
    days = (days - fitted.mean()) / fitted.std()
    targets = np.concatenate([split.y[:, 0] for split in task.splits().values()])
    np.testing.assert_allclose(targets, days[2000:5600], atol=1e-5)
    windows = np.concatenate([split.x[:, :, 1] for split in task.splits().values()])
    for lag in (1, 10):  # the days before a target, the oldest first
        np.testing.assert_allclose(windows[:, -lag], days[2000 - lag : 5600 - lag], atol=1e-5)


def test_weekday_of_a_step_is_that_of_the_day_after_it():
    task = nyse_volume(origin=2000)
    weekday = arrays_of("nyse_volume")["day_of_week"]
    assert (task.train.x[:, -1, 3:].argmax(axis=-1) == weekday[2000:4400]).all()
    assert (task.train.x[..., 3:].sum(axis=-1) == 1).all()


def test_trading_days_are_standardized_with_those_that_train():
    task = nyse_volume(origin=2000, lags=1)
    seen = np.concatenate([task.train.x[:, 0, :3], task.validation.x[:1, 0, :3]])
    np.testing.assert_allclose(seen.astype(float).mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(seen.astype(float).std(axis=0), 1, atol=1e-5)


def test_later_days_change_nothing_in_training(monkeypatch):
    arrays = arrays_of("nyse_volume")
    before = nyse_volume(origin=2000).train
    arrays["values"] = arrays["values"].copy()
    arrays["values"][4400:] += 100
    monkeypatch.setitem(nyse_volume.__globals__, "load_arrays", lambda name, sha256: arrays)
    after = nyse_volume(origin=2000).train
    np.testing.assert_array_equal(after.x, before.x)
    np.testing.assert_array_equal(after.y, before.y)


@pytest.mark.parametrize(("features", "published"), [(15, 0.4129), (20, 0.4596)])
def test_published_linear_regression_is_reproduced(features, published):
    """On the official split, with five lags; with the weekday of the target day or without."""
    task = nyse_volume(lags=5, n_train=4276, n_validation=885, n_test=885, origin=5)

    def inputs(split):  # 15 lagged values, and 5 weekdays of the day to be predicted
        lagged = split.x[:, :, :3].reshape(len(split), 15)
        return np.column_stack([lagged, split.x[:, -1, 3:]])[:, :features]

    predict = linear(inputs(task.train), task.train.y[:, 0])
    later = [task.validation, task.test]
    y = np.concatenate([split.y[:, 0] for split in later])
    assert len(y) == 1770
    predicted = np.concatenate([predict(inputs(split)) for split in later])
    assert r2(y, predicted) == pytest.approx(published, abs=5e-5)


# Tasks whose floor is known.


@pytest.mark.parametrize(
    ("parameters", "steps", "floor"),
    [
        *(((0.95, 0.3, 0.5), n, v) for n, v in
          [(1, 0.5175), (2, 0.4566), (3, 0.4421), (5, 0.4369), (10, 0.4364), (1000, 0.4364)]),
        *(((0.99, 0.1, 1.0), n, v) for n, v in
          [(1, 1.3378), (10, 1.1147), (20, 1.0976), (50, 1.0952), (1000, 1.0952)]),
    ],
)  # fmt: skip
def test_kalman_floor_has_the_known_values(parameters, steps, floor):
    assert kalman_floor(steps, *parameters) == pytest.approx(floor, abs=5e-5)


def test_linear_predictor_reaches_the_kalman_floor_and_not_less():
    n = 20_000
    task = load_task("hidden_ar1", 0, n_train=n, n_validation=1, n_test=n, steps=10)
    predict = linear(task.train.x[:, :, 0], task.train.y[:, 0])
    loss = np.mean((task.test.y[:, 0] - predict(task.test.x[:, :, 0])) ** 2)
    sampling = task.floor * np.sqrt(2 / n)  # standard error of a Gaussian variance
    assert loss == pytest.approx(task.floor, abs=3 * sampling)
    short = linear(task.train.x[:, -1], task.train.y[:, 0])  # one value is not enough
    assert np.mean((task.test.y[:, 0] - short(task.test.x[:, -1])) ** 2) > loss + 0.05


def test_no_linear_predictor_beats_the_constant_on_noise():
    task = load_task("noise_targets", 0)
    y = task.test.y
    sampling = np.sqrt((1 / 80 - 1 / 144) / y.size)  # of the mean of (y - 1/2)^2
    constant = np.mean((y - 0.5) ** 2)
    assert constant == pytest.approx(task.floor, abs=3 * sampling)
    assert task.floor == pytest.approx(1 / 12)
    predict = linear(task.train.x.reshape(800, -1), task.train.y)
    assert np.mean((y - predict(task.test.x.reshape(1000, -1))) ** 2) > constant


# Damaged inputs.


@pytest.mark.parametrize("kind", ["noise", "missing"])
def test_damage_leaves_padding_and_input_alone(kind, vowels):
    x = vowels.test.x
    before = x.copy()
    damaged = corrupt(x, kind, 0.5, seed=1, masked=True)
    padding = (x == 0).all(axis=-1)
    assert (damaged[padding] == 0).all()
    assert damaged.dtype == x.dtype
    assert (damaged[~padding] != x[~padding]).mean() > 0.4
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("level", [0.25, 1.0])
def test_level_of_noise_is_its_standard_deviation(level):
    x = np.ones((100, 20, 10), np.float32)
    added = corrupt(x, "noise", level, seed=0) - x
    assert added.std() == pytest.approx(level, rel=0.03)
    assert added.mean() == pytest.approx(0, abs=0.03 * level)


@pytest.mark.parametrize("level", [0.1, 0.5, 1.0])
def test_level_of_missing_values_is_their_share(level):
    damaged = corrupt(np.ones((100, 20, 10), np.float32), "missing", level, seed=0)
    assert set(np.unique(damaged)) <= {0.0, 1.0}
    assert (damaged == 0).mean() == pytest.approx(level, abs=0.015)


@pytest.mark.parametrize("kind", ["noise", "missing"])
def test_damage_depends_on_its_seed_alone(kind):
    x = np.ones((5, 4, 3), np.float32)
    np.testing.assert_array_equal(corrupt(x, kind, 0.5, 7), corrupt(x, kind, 0.5, 7))
    assert (corrupt(x, kind, 0.5, 7) != corrupt(x, kind, 0.5, 8)).any()
    np.testing.assert_array_equal(corrupt(x, kind, 0, 7), x)


@pytest.mark.parametrize(
    ("kind", "level", "argument"),
    [("blur", 0.5, "kind"), ("missing", 1.5, "level"), ("noise", -1, "level"),
     ("noise", float("nan"), "level")],
)  # fmt: skip
def test_damage_that_does_not_exist_is_refused_by_name(kind, level, argument):
    with pytest.raises(ValueError, match=f"{argument} "):
        corrupt(np.ones((1, 1, 1)), kind, level, seed=0)


# The lag to be bridged.


def test_only_the_first_step_shows_the_sign():
    task = load_task("lag_recall", seed=2, lag=7)
    for split in task.splits().values():
        np.testing.assert_array_equal(split.x[:, 0, 0], 2 * split.y - 1)
        assert (split.x[:, 1:, 0] == 0).all()
        # What comes after is the same for both signs: its mean per step tells them not apart.
        difference = split.x[split.y == 1, :, 1].mean(0) - split.x[split.y == 0, :, 1].mean(0)
        assert np.abs(difference).max() < 4 * 0.5 * 2 / np.sqrt(len(split))


def test_a_longer_lag_makes_longer_sequences():
    assert [load_task("lag_recall", lag=lag).train.x.shape[1] for lag in (1, 9)] == [2, 10]


# Verses and weather.


def test_a_verse_begins_with_its_own_first_words():
    arrays = arrays_of("verses")
    assert list(arrays["vocabulary"][:3]) == ["the", "and", "of"]
    whole = load_task("verses", 0, n_train=11000, n_validation=100, n_test=475, steps=90)
    words = np.array(["", "?", *arrays["vocabulary"][: whole.vocabulary - 2]])
    texts = {" ".join(words[row]).strip() for row in whole.train.x}
    assert "and god said let there be light and there was light" in texts
    assert "the lord is my shepherd i shall not want" in texts


def test_rare_words_are_unknown_and_padding_stands_at_the_end():
    small, large = (load_task("verses", 0, vocabulary=size).train.x for size in (500, 4000))
    np.testing.assert_array_equal(small == 1, (large == 1) | (large >= 500))
    lengths = (small > 0).sum(axis=1)
    assert lengths.min() < 24 == lengths.max()
    assert all((row[:n] > 0).all() for row, n in zip(small, lengths, strict=True))


def test_books_are_told_apart_better_than_by_chance_by_their_words():
    task = load_task("verses", 0)
    counts = np.ones((8, task.vocabulary))  # naive Bayes with one verse of prior
    for row, book in zip(task.train.x, task.train.y, strict=True):
        np.add.at(counts[book], row[row > 1], 1)
    scores = np.log(counts / counts.sum(axis=1, keepdims=True))
    guesses = [scores[:, row[row > 1]].sum(axis=1).argmax() for row in task.test.x]
    assert np.mean(guesses == task.test.y) > 0.4  # the most frequent book is a fifth of all


def test_weather_of_a_target_lies_three_hours_after_its_sequence():
    task, later = load_task("nyc_weather", 0), load_task("nyc_weather", 0, ahead=1)
    assert task.train.x.shape == later.train.x.shape
    wind = 5  # JFK's among the nine series
    for split in task.splits().values():
        # The value that a sequence ends with is the target of three sequences before.
        np.testing.assert_array_equal(split.x[3:, -1, wind], split.y[:-3, 0])


def test_hour_of_the_day_comes_back_after_24():
    x = load_task("nyc_weather", 2).train.x
    np.testing.assert_allclose(x[:-24, -1, -2:], x[24:, -1, -2:], atol=1e-5)
    np.testing.assert_allclose((x[..., -2:] ** 2).sum(axis=-1), 1, rtol=1e-5)


def test_missing_weather_takes_the_value_before_and_errors_are_missing():
    values = arrays_of("nyc_weather")["values"]
    assert np.isnan(values).any()
    assert np.nanmax(values[..., 3]) > 1000  # the error of the source
    for seed in range(5):
        task = load_task("nyc_weather", seed)
        assert all(np.abs(split.x).max() < 15 for split in task.splits().values())


def test_later_weather_changes_nothing_in_training(monkeypatch):
    before = load_task("nyc_weather", 0)
    arrays = arrays_of("nyc_weather")
    late = arrays["values"].copy()
    origin = int(np.random.default_rng(0).integers(26, len(late) - 2500 + 1))
    late[origin + 1500 :] += 7
    changed = {**arrays, "values": late}
    monkeypatch.setitem(
        TASKS["nyc_weather"].__globals__, "load_arrays", lambda name, sha256: changed
    )
    after = load_task("nyc_weather", 0)
    np.testing.assert_array_equal(before.train.x, after.train.x)
    np.testing.assert_array_equal(before.train.y, after.train.y)
    assert (before.test.y != after.test.y).any()


# Pools: examples, or units that stay whole.


def replace_arrays(monkeypatch, make, arrays):
    """Let a task open these instead of its file."""
    monkeypatch.setitem(make.__globals__, "load_arrays", lambda name, sha256: arrays)


def marked_storms():
    """Each storm's pressure is its number."""
    arrays = arrays_of("storms")
    arrays["values"][:, 3] = np.repeat(np.arange(len(arrays["lengths"])), arrays["lengths"])
    return arrays, 3


def marked_persons():
    arrays = arrays_of("wrist_motion")
    person = np.repeat(arrays["person"], arrays["lengths"])
    moving = np.arange(len(person)) % 2  # or they could not be standardized
    return {**arrays, "x": np.column_stack([person, *[moving] * 5]), "scale": np.ones(6)}, 0


def marked_days():
    """All flights of a day are late by as many minutes as its number."""
    arrays = arrays_of("departures")
    day = np.repeat(np.arange(len(arrays["flights"])), arrays["flights"])
    return {**arrays, "delay": day}, 0


UNITS = [(storms, marked_storms), (wrist_motion, marked_persons), (departures, marked_days)]


def units_of_splits(make, marked, monkeypatch):
    """The values of the feature that tells units apart, in each split."""
    arrays, feature = marked()
    replace_arrays(monkeypatch, make, arrays)
    splits = make(seed=1).splits().values()
    return [{*split.x[..., feature].ravel().tolist()} for split in splits]


@pytest.mark.parametrize(("make", "marked"), UNITS)
def test_no_unit_is_in_two_splits(make, marked, monkeypatch):
    train, validation, test = units_of_splits(make, marked, monkeypatch)
    assert not train & validation
    assert not (train | validation) & test
    assert len(train) > len(test) >= len(validation) > 1


@pytest.mark.parametrize(("make", "marked"), UNITS)
def test_units_that_are_torn_apart_are_noticed(make, marked, monkeypatch):
    def torn(units, rng, shares=None):
        return np.array_split(rng.permutation(len(units)), 3)

    monkeypatch.setitem(make.__globals__, "drawn_by_unit", torn)
    train, _, test = units_of_splits(make, marked, monkeypatch)
    assert train & test


@pytest.mark.parametrize("name", ["storms", "peptides", "pen_digits", "wrist_motion", "departures"])
def test_a_pool_is_standardized_with_what_trains(name):
    task = load_task(name, 1)
    fitted = [task.train.x] if task.vocabulary is None else []
    fitted += [task.train.y[:, None]] if task.loss == "mse" else []
    for values in fitted:
        np.testing.assert_allclose(values.mean(axis=(0, 1), dtype=float), 0, atol=1e-5)
        np.testing.assert_allclose(values.std(axis=(0, 1), dtype=float), 1, atol=1e-5)


@pytest.mark.parametrize(("later", "exact"), [(4, True), (3, False)])
def test_target_of_a_storm_is_the_wind_of_four_observations_later(later, exact, monkeypatch):
    """Put in place of the pressure, it gives the target together with the wind."""
    arrays = arrays_of("storms")
    arrays["values"][:, 3] = np.roll(arrays["values"][:, 2], -later)
    replace_arrays(monkeypatch, storms, arrays)
    train = storms().train
    predict = linear(train.x[:, -1, 2:4], train.y)
    assert (r2(train.y, predict(train.x[:, -1, 2:4])) > 1 - 1e-9) == exact


def test_flights_that_are_forecast_have_not_left(monkeypatch):
    """Those of the last hour of a day change targets, and no sequence."""
    before = departures(seed=0).train
    arrays = arrays_of("departures")
    last = (arrays["scheduled"] >= 19 * 60) & (arrays["scheduled"] < 20 * 60)
    replace_arrays(monkeypatch, departures, {**arrays, "delay": arrays["delay"] + 30 * last})
    after = departures(seed=0).train
    np.testing.assert_array_equal(before.x, after.x)
    evening = before.x[:, 0, 2] == before.x[:, 0, 2].max()
    rescale = linear(before.y[~evening], after.y[~evening])  # the mean and scale are others
    np.testing.assert_allclose(rescale(before.y[~evening]), after.y[~evening], atol=1e-5)
    assert (rescale(before.y[evening]) < after.y[evening] - 0.1).all()


def test_wrong_identifications_are_added_on_request():
    sizes = {"n_train": 2000, "n_validation": 342, "n_test": 400}
    clean = load_task("peptides", 0, **sizes)
    every = load_task("peptides", 0, **{**sizes, "n_test": 906}, max_q=1)
    found = [
        {content for split in task.splits().values() for content in rows(split)}
        for task in (clean, every)
    ]
    assert [len(contents) for contents in found] == [2742, 3248]
    assert found[0] < found[1]
    lengths = (clean.train.x > 0).sum(axis=1)
    assert all((row[:n] > 0).all() for row, n in zip(clean.train.x, lengths, strict=True))
    assert (lengths.min(), lengths.max()) == (5, 30)


def test_letters_follow_one_another_in_one_stretch_a_seed():
    taken = set()
    for seed in range(2, 38, 6):  # the third novel
        splits = load_task("novels", seed).splits().values()
        x, y = (np.concatenate([getattr(split, part) for split in splits]) for part in "xy")
        np.testing.assert_array_equal(x[1:, :14], x[:-1, 10:])  # ten letters further
        np.testing.assert_array_equal(x[1:, 14], y[:-1])  # where the last target is seen
        stretch = {row.tobytes() for row in x}
        assert not taken & stretch
        taken |= stretch
    again, first = (load_task("novels", seed).train for seed in (38, 2))
    np.testing.assert_array_equal(again.x, first.x)


@pytest.mark.parametrize("parameters", [{}, {"phi": 0.5, "q": 1.0, "s": 0.2}])
def test_kalman_predictions_have_the_error_of_the_floor(parameters):
    task = load_task("hidden_ar1", 0, n_test=40_000, steps=6, **parameters)
    error = np.mean((task.test.y - kalman_predictions(task.test.x, **parameters)) ** 2)
    assert error == pytest.approx(task.floor, rel=0.02)
