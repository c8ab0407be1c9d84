"""Whatever model, loss, data and options `fit` takes: measured rightly, or refused in a sentence."""

import re
import warnings

import keras
import numpy as np
import pytest
from any_model import BATCH, CLASS_WEIGHT, arrays_of, cases, in_batches, loss_of, made, taken
from hypothesis import HealthCheck, Phase, event, given, settings

from lstmreg_utils.diagnosis.clean_loss import CleanTrainingLoss
from lstmreg_utils.diagnosis.measuring import recurrent_states

# Some for every change, all of them apart; no shrinking, as a case can be read as it is.
MANY = [25, pytest.param(300, marks=pytest.mark.apart)]
PLAINLY = re.compile(r"^\w+ must .*, (got|as) ", re.DOTALL)


def for_many(examples, strategy, test):
    """Try it on so many cases, the same ones every time."""
    quick = settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=[*HealthCheck], report_multiple_bugs=False,
    )  # fmt: skip
    quick(given(strategy)(test))()


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def without_none(batches):
    return [tuple(map(_tuples, batch[: 2 if batch[2] is None else 3])) for batch in batches]


def tf_data(case, data):
    tf = pytest.importorskip("tensorflow")
    held = tuple(part for part in data if part is not None)
    found = tf.data.Dataset.from_tensor_slices(tuple(map(_tuples, held)))
    if "shuffled" in case.form:
        found = found.shuffle(99, seed=1, reshuffle_each_iteration=False)
    found = found.batch(BATCH)
    return found.repeat() if "for ever" in case.form else found


def _tuples(part):
    return tuple(part) if isinstance(part, list) else part


def fed(case):
    """What `fit` is given, what the callback is given, and the batches that it should measure."""
    data = arrays_of(case, case.rows)
    x, y, weight = data
    options = {"verbose": 0, "initial_epoch": case.epochs[0], "epochs": case.epochs[1],
               "shuffle": case.shuffle, "validation_freq": case.freq}  # fmt: skip
    if case.weight == "class":
        options["class_weight"] = CLASS_WEIGHT
    if case.split == "given":
        options["validation_data"] = tuple(d for d in arrays_of(case, 8, 2) if d is not None)
        options["validation_batch_size"] = BATCH
    batches = in_batches(data, BATCH)
    if case.form.startswith(("arrays", "tensors", "frames")):
        options |= {"x": x, "y": y, "sample_weight": weight, "batch_size": case.batch_size}
        if case.split == "share":
            options["validation_split"] = 0.25
            batches = [taken(data, slice(0, int(np.floor(case.rows * 0.75))))]
        elif not case.stateful:
            batches = [data]
        if case.form == "frames":
            import pandas as pd
            options |= {"x": pd.DataFrame(x), "y": pd.DataFrame(y) if y.ndim > 1 else pd.Series(y)}
        if case.form == "tensors":
            options["x"] = keras.tree.map_structure(keras.ops.convert_to_tensor, x)
            options["y"] = keras.tree.map_structure(keras.ops.convert_to_tensor, y)
        own = {"x": x, "y": y} if case.form == "arrays, given" else {}
        return options, own, batches
    own = {}
    if case.form.startswith("tf.data"):
        options["x"] = tf_data(case, data)
        if "for ever" in case.form:
            options["steps_per_epoch"] = len(batches)
    elif case.form == "PyDataset":
        options["x"] = Batches(without_none(batches))
    else:
        options |= {"x": endless(batches), "steps_per_epoch": len(batches)}
        own = {"x": endless(batches)} if "given" in case.form else {}
    return options, own, batches


def endless(batches):
    while True:
        yield from without_none(batches)


def beginning(case, model):
    """What the variables are before training, and a function that makes them so again."""
    x, _, _ = taken(arrays_of(case, BATCH), slice(0, BATCH))
    model(keras.tree.map_structure(keras.ops.convert_to_tensor, x))
    model.optimizer.build(model.trainable_variables)
    moving = [*model.variables, *model.optimizer.variables, *recurrent_states(model)]
    values = [keras.ops.convert_to_numpy(variable).copy() for variable in moving]

    def again():
        for variable, value in zip(moving, values, strict=True):
            variable.assign(value)
        keras.utils.set_random_seed(7)

    return moving, again


def trained(model, again, *callbacks, **options):
    again()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(**options, callbacks=[*callbacks]).history


def check_measured(case):
    model = made(case)
    moving, again = beginning(case, model)
    options, own, batches = fed(case)
    try:
        plain = trained(model, again, **options)
    except Exception as error:  # Keras takes no such combination
        event(f"Keras refuses: {type(error).__name__} {str(error)[:150]}")
        return
    after = [keras.ops.convert_to_numpy(variable).copy() for variable in moving]
    options, own, batches = fed(case)  # a generator has been read
    try:
        history = trained(model, again, CleanTrainingLoss(**own), **options)
    except (ValueError, TypeError) as error:
        assert PLAINLY.search(str(error)), error
        event(f"refused: {error}")
        return
    event("measured")
    for one, other in zip(after, moving, strict=True):
        np.testing.assert_array_equal(one, keras.ops.convert_to_numpy(other))
    assert {name: history[name] for name in plain} == plain
    clean, expected = history["clean_loss"], loss_of(case, model, batches)
    assert clean[-1] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    if "clean_val_loss" in history:
        expected = loss_of(case, model, in_batches(options["validation_data"], 256))
        assert history["clean_val_loss"][-1] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    still = not case.learning and not case.normalized and case.penalties <= {"kernel"}
    if still and not case.rate and len(clean) == 1:  # neither noise nor weights that move
        noisy = history["loss"][0] - history.get("penalty", [0])[0]
        assert noisy == pytest.approx(clean[0], rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("examples", MANY)
def test_clean_loss_is_the_formula_on_what_was_trained_on_and_training_goes_on_unchanged(examples):
    for_many(examples, cases(), check_measured)
