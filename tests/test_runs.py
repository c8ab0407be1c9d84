import json
import pickle
import subprocess
import sys

import pytest

from lstmreg_utils import Run, arm, grid

FULL = {
    "task": "japanese_vowels",
    "arm": arm("input", 0.2) + arm("output", 0.5),
    "seed": 3,
    "options": {"per_speaker": 10},
    "head": [8],
    "epochs": 7,
    "learning_rate": 0.01,
    "probes": [("noise", 1)],
}


def test_lists_and_dicts_give_the_same_run_as_tuples():
    as_tuples = Run(
        **{**FULL, "options": (("per_speaker", 10),), "head": (8,), "probes": (("noise", 1.0),)}
    )
    assert Run(**FULL) == as_tuples
    assert len({Run(**FULL), as_tuples}) == 1


def test_run_survives_json():
    run = Run(**FULL)
    again = Run(**json.loads(json.dumps(run.to_dict())))
    assert again == run
    assert again.key == run.key


def test_key_is_the_same_in_another_process():
    # Hashes of text differ between processes; the key must not.
    code = f"from lstmreg_utils import Noise, Run; print(Run(**{FULL!r}).key)"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == Run(**FULL).key


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task", "hidden_ar1"), ("arm", ()), ("seed", 4), ("options", ()), ("units", 31),
        ("layers", 2), ("head", ()), ("epochs", 8), ("batch_size", 31), ("learning_rate", 0.02),
        ("probes", ()),
    ],
)  # fmt: skip
def test_key_depends_on_every_field(field, value):
    changed = {**FULL, field: value}
    if field == "task":
        changed["options"] = {}
    assert Run(**changed).key != Run(**FULL).key


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("seed", -1), ("seed", 0.5), ("seed", True), ("units", 0), ("units", "32"), ("layers", -1),
        ("epochs", 0), ("epochs", None), ("batch_size", 0), ("learning_rate", 0),
        ("learning_rate", float("nan")), ("learning_rate", float("inf")), ("learning_rate", "1"),
        ("learning_rate", True), ("head", [0]), ("head", 32), ("head", ["a"]),
        ("probes", [("blur", 0.5)]), ("probes", [("missing", 2)]), ("probes", ["noise"]),
        ("options", "ab"), ("options", [1]), ("arm", 5), ("arm", "input"),
    ],
)  # fmt: skip
def test_value_that_cannot_be_trained_is_refused_by_name(argument, value):
    with pytest.raises(ValueError, match=f"^{argument}( must|: )"):
        Run("hidden_ar1", **{argument: value})


def test_noise_between_layers_needs_two():
    with pytest.raises(ValueError, match=r"layers >= 2, got layers=1"):
        Run("hidden_ar1", arm=arm("between", 0.5))


def test_unknown_task_is_refused_by_name():
    with pytest.raises(KeyError, match=r"task must be one of .*, got 'vowels'"):
        Run("vowels")


def test_grid_holds_every_arm_rate_and_seed_and_the_twins():
    runs = grid("hidden_ar1", ["input", "output"], rates=[0.2, 0.5], seeds=3, epochs=2)
    assert len(runs) == len(set(runs)) == (2 * 2 + 1) * 3
    assert sum(run.arm == () for run in runs) == 3
    assert {run.epochs for run in runs} == {2}


def test_grid_repeats_nothing():
    runs = grid("hidden_ar1", ["none", "input", "output", "input"], rates=[0, 0.5], seeds=[1, 1])
    assert len(runs) == 3
    assert {run.seed for run in runs} == {1}


def test_grid_keeps_the_seeds_of_an_arm_side_by_side():
    runs = grid("hidden_ar1", ["input"], rates=[0.2], seeds=3)
    assert [run.seed for run in runs] == [0, 1, 2, 0, 1, 2]


def test_grid_takes_arms_with_rates_of_their_own():
    both = arm("input", 0.2) + arm("output", 0.5)
    assert [run.arm for run in grid("hidden_ar1", [both], seeds=1)] == [(), both]


@pytest.mark.parametrize(
    ("argument", "changed"),
    [
        ("seeds", {"seeds": 0}), ("seeds", {"seeds": []}), ("seeds", {"seeds": -1}),
        ("seeds", {"seeds": 1.5}), ("seeds", {"seeds": True}), ("seed", {"seeds": [0.5]}),
        ("rates", {"rates": []}), ("rates", {"rates": 0.5}), ("rate", {"rates": [1.0]}),
        ("arms", {"arms": "input"}), ("units", {"units": 0}),
    ],
)  # fmt: skip
def test_grid_refuses_by_name(argument, changed):
    with pytest.raises(ValueError, match=f"^{argument} must"):
        grid(**{"task": "hidden_ar1", "arms": ["input"], "rates": [0.5], **changed})


@pytest.mark.parametrize(("task", "arms"), [("vowels", ["input"]), ("hidden_ar1", ["inputs"])])
def test_grid_refuses_unknown_names(task, arms):
    with pytest.raises(KeyError, match="must"):
        grid(task, arms, rates=[0.5])


def test_run_that_is_pickled_is_found_among_equal_ones_in_another_process():
    """The hash of a text is another one in every process: it must not travel."""
    run = grid("japanese_vowels", ["input"], rates=[0.5], seeds=2)[-1]
    hash(run), run.key
    code = "import pickle, sys; run = pickle.load(sys.stdin.buffer); "
    code += "from lstmreg_utils import Run; print(run in {Run(**run.to_dict())})"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=pickle.dumps(run), capture_output=True, check=True)
    assert done.stdout == b"True\n"
