"""What is measured on trained networks: exact where theory gives the answer."""

import numpy as np
import pytest

from lstmreg_utils import Run, arm, load_task
from lstmreg_utils.lab import train
from lstmreg_utils.lab.probes import calibration_error, check_probe, loss_of_mean, measure
from lstmreg_utils.lab.tensorflow_engine import Program

TINY = {
    "task": "japanese_vowels", "options": {"per_speaker": 5}, "units": 5, "epochs": 3,
    "batch_size": 15,
}  # fmt: skip


class Readouts:
    """Two networks of four units, whose outputs are the weighted sum of what they read."""

    units = 4
    weights = np.array([[8.0, 4.0, 2.0, 0.0], [0.0, 1.0, 2.0, 4.0]])

    def losses(self, x, y, cut=False):
        return 100 - np.where(cut, 0, self.weights).sum(axis=1)


def of_units(*probes, seeds=(0, 0)):
    tasks = [load_task("lag_recall")] * 2
    drawn = np.add.outer(seeds, np.arange(len(probes)))
    return measure(Readouts(), tasks, probes, drawn, others=[]).tolist()


def test_units_are_ranked_by_what_the_loss_rises_without_them():
    found = of_units(("unit", 1.0), ("unit", 0.5), ("unit", 0.0))
    assert found == [[8.0, 3.0, 0.0], [4.0, 1.5, 0.0]]


def test_cutting_all_units_costs_everything_and_none_nothing():
    assert of_units(("cut", 1.0), ("cut", 0.0)) == [[14.0, 0.0], [7.0, 0.0]]
    halves = of_units(("cut", 0.5))
    assert all(0.1 < half / whole < 0.9 for [half], whole in zip(halves, (14, 7), strict=True))


def test_every_network_has_cuts_of_its_own_seed():
    one, other = (of_units(("cut", 0.5), seeds=seeds) for seeds in ((0, 1), (0, 2)))
    assert one[0] == other[0]
    assert one[1] != other[1]


@pytest.fixture(scope="module")
def program():
    program = Program(Run(**TINY, arm=arm("dropout+recurrent_dropout", 0.5)))
    program.start(0)
    return program


@pytest.fixture(scope="module")
def task():
    return load_task("japanese_vowels", 0, per_speaker=5)


def test_a_cut_unit_is_not_read_and_comes_back(program, task):
    x, y = task.test.x[None, :20], task.test.y[None, :20]
    everything, first = np.ones((1, program.units), bool), np.eye(1, program.units, dtype=bool)
    before = program.losses(x, y)
    # What is read of no unit does not depend on the input.
    assert program.losses(x, y, everything) == program.losses(x[:, ::-1], y, everything)
    assert before != program.losses(x[:, ::-1], y)
    assert program.losses(x, y, first) not in (before, program.losses(x, y, everything))
    assert program.losses(x, y) == before


class SideBySide:
    """A block of networks that are measured one after the other."""

    def __init__(self, networks):
        self.networks, self.units = networks, networks[0].units

    def _each(self, name, *arguments, **fixed):
        one = [np.split(values, len(self.networks)) for values in arguments]
        each = zip(self.networks, *one, strict=True)
        return np.concatenate([getattr(network, name)(*own, **fixed) for network, *own in each])

    def losses(self, *arguments):
        return self._each("losses", *arguments)

    def outputs(self, x, noisy=False):
        return self._each("outputs", x, noisy=noisy)

    def gradient_norms(self, *arguments):
        return self._each("gradient_norms", *arguments)


def test_networks_of_a_block_are_measured_as_if_alone():
    probes = [
        ("noise", 0.5), ("missing", 0.5), ("gradient", 0.5), ("samples", 2), ("ensemble", 2),
        ("unit", 0.5), ("cut", 0.5), ("calibration", 5),
    ]  # fmt: skip
    networks = [Program(Run(**TINY)) for _ in range(2)]
    for seed, network in enumerate(networks):
        network.start(seed)
    tasks = [load_task("japanese_vowels", seed, per_speaker=5) for seed in (3, 4)]
    seeds = np.arange(16).reshape(2, 8)
    others = np.random.default_rng(0).normal(size=(2, 1, *tasks[0].test.y.shape, 9))
    alone = [
        measure(network, [task], probes, [drawn], [other])[0]
        for network, task, drawn, other in zip(networks, tasks, seeds, others, strict=True)
    ]
    block = measure(SideBySide(networks), tasks, probes, seeds, [np.concatenate(others)])
    np.testing.assert_array_equal(block, alone)
    assert (block[0] != block[1]).all()


def test_noisy_passes_differ_and_clean_ones_do_not(program, task):
    x = task.test.x[None, :20]
    assert (program.outputs(x, noisy=True) != program.outputs(x, noisy=True)).any()
    np.testing.assert_array_equal(program.outputs(x), program.outputs(x))


def test_mean_of_one_prediction_has_its_loss(program, task):
    x, y = task.test.x[None], task.test.y[None]
    mean = loss_of_mean(program.outputs(x), task.test.y, task.loss)
    assert mean == pytest.approx(program.losses(x, y)[0], rel=1e-5)


def test_mean_of_values_is_their_mean():
    values, y = np.array([[[1.0], [2.0]], [[3.0], [4.0]]]), np.array([[2.0], [0.0]])
    assert loss_of_mean(values, y, "mse") == pytest.approx((0 + 9) / 2)


def test_mean_prediction_never_loses_to_the_mean_loss(program, task):
    passes = [program.outputs(task.test.x[None], noisy=True)[0] for _ in range(5)]
    single = [loss_of_mean([one], task.test.y, task.loss) for one in passes]
    assert loss_of_mean(passes, task.test.y, task.loss) < np.mean(single)  # Jensen


def test_network_without_noise_samples_what_it_predicts():
    epochs, probes, _ = train(Run(**TINY, probes=[("samples", 1), ("samples", 3)]))
    np.testing.assert_allclose(probes["last"], epochs["test"][-1], rtol=1e-5)


def test_ensemble_of_one_is_the_network_and_more_are_better():
    run = Run(**{**TINY, "epochs": 12}, probes=[("ensemble", 1), ("ensemble", 4)])
    epochs, probes, _ = train(run)
    best = int(np.argmin(epochs["validation"]))
    for at, epoch in (("last", -1), ("best", best)):
        assert probes[at][0] == pytest.approx(epochs["test"][epoch], rel=1e-5)
        assert probes[at][1] < probes[at][0]


def test_members_of_an_ensemble_leave_the_run_as_it_was():
    alone = train(Run(**TINY))[0]
    assert train(Run(**TINY, probes=[("ensemble", 3)]))[0] == alone


def test_sure_and_right_is_calibrated_and_sure_and_wrong_is_not():
    sure = np.array([[50.0, 0.0]] * 4)
    assert calibration_error(sure, np.zeros(4, int), bins=10) == pytest.approx(0)
    assert calibration_error(sure, np.ones(4, int), bins=10) == pytest.approx(1)
    even = np.zeros((4, 2))  # one half for each class, right half of the time
    assert calibration_error(even, np.array([0, 1, 0, 1]), bins=10) == pytest.approx(0)


def test_gaps_of_different_bins_do_not_cancel():
    logits = np.log([[0.9, 0.1]] * 2 + [[0.6, 0.4]] * 2)
    y = np.array([1, 1, 0, 0])  # 0.9 too sure, 0.4 too modest
    assert calibration_error(logits, y, bins=10) == pytest.approx((0.9 + 0.4) / 2)
    assert calibration_error(logits, y, bins=1) == pytest.approx(0.25)


def test_calibration_needs_classes():
    with pytest.raises(ValueError, match="'calibration' needs a task with classes"):
        calibration_error(np.zeros((3, 1)), np.zeros((3, 1)), bins=10)


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("noise", -1), ("missing", 1.1), ("gradient", 0), ("samples", 0), ("samples", 1.5),
        ("ensemble", 0), ("unit", 2), ("cut", -0.1), ("calibration", 0), ("samples", "10"),
        ("samples", True), ("noise", float("nan")),
    ],
)  # fmt: skip
def test_level_outside_its_range_is_refused_by_name(kind, level):
    with pytest.raises(ValueError, match=f"probes: the level of '{kind}' must be .*, got"):
        check_probe(kind, level)


def test_unknown_kind_is_refused_by_name():
    with pytest.raises(ValueError, match=r"probes must be of the kinds .*'samples'.*, got 'blur'"):
        check_probe("blur", 1)
