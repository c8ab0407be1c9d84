"""Any model, loss, data and options that `fit` takes: measured rightly, or refused plainly."""

import re
import warnings
from dataclasses import replace

import keras
import numpy as np
import pytest
from any_model import BATCH, CLASS_WEIGHT, arrays_of, cases, in_batches, loss_of, made, taken
from hypothesis import HealthCheck, Phase, event, given, settings

from lstmreg_utils import explain_kernel
from lstmreg_utils.diagnosis.clean_loss import CleanTrainingLoss
from lstmreg_utils.diagnosis.measuring import Measure, readable, recurrent_states
from lstmreg_utils.diagnosis.own_models import check_pair
from lstmreg_utils.diagnosis.twins import check_quiet, noise_of, pair, quieten

# Some for every change, all of them apart; no shrinking, as a case can be read as it is.
MANY = [3, pytest.param(300, marks=pytest.mark.apart)]
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
    keras.utils.set_random_seed(7)  # a Dataset that shuffles takes its order from here
    x, y, weight = data = arrays_of(case, case.rows)
    options = {"verbose": 0, "initial_epoch": case.epochs[0], "epochs": case.epochs[1],
               "shuffle": case.shuffle, "validation_freq": case.freq}  # fmt: skip
    if case.weight == "class":
        options["class_weight"] = CLASS_WEIGHT
    if case.split.startswith("given"):
        held = tuple(part for part in arrays_of(case, 8, 2) if part is not None)
        asked = {"given": held, "given as a list": [*held]}
        options["validation_data"] = asked.get(case.split) or tf_data(replace(case, form=""), held)
        options["validation_batch_size"] = BATCH
    elif case.split == "generator":
        options["validation_data"] = endless(in_batches(arrays_of(case, 8, 2), BATCH))
        options["validation_steps"] = 2
    batches = in_batches(data, BATCH)
    if case.form.startswith(("arrays", "tensors", "frames")):
        options |= {"x": x, "y": y, "sample_weight": weight, "batch_size": case.batch_size}
        if case.split == "share":
            options["validation_split"] = 0.25
            data = taken(data, slice(0, int(np.floor(case.rows * 0.75))))
        batches = in_batches(data, case.batch_size or 32)
        if not case.stateful and "sum" not in case.losses:
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
    elif case.form.startswith("PyDataset"):
        options["x"] = Batches(without_none(batches))
    else:
        options |= {"x": endless(batches), "steps_per_epoch": len(batches)}
        own = {"x": endless(batches)} if "given" in case.form else {}
    if "for ever" in case.form:
        options["steps_per_epoch"] = len(batches)
    elif "by parts" in case.form:
        options["steps_per_epoch"] = 1
        batches = batches[: case.epochs[1] - case.epochs[0]]
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
        if not PLAINLY.search(str(error)):
            raise
        event(f"refused: {error}")
        return
    event("measured")
    for one, other in zip(after, moving, strict=True):
        np.testing.assert_array_equal(one, keras.ops.convert_to_numpy(other))
    assert {name: history[name] for name in plain} == plain
    clean, expected = history["clean_loss"], loss_of(case, model, batches)
    assert clean[-1] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    penalized = case.penalties and "val_loss" in history
    assert ("clean_val_loss" in history) == bool(penalized)
    if penalized and case.split != "share" and not case.epochs[1] % case.freq:
        size = (options.get("batch_size") or 32) if "sum" in case.losses else 8
        size = BATCH if case.stateful or case.split == "given as batches" else size
        unclassed = case if case.weight == "sample" else replace(case, weight="none")
        expected = loss_of(unclassed, model, in_batches(arrays_of(case, 8, 2), size))
        assert history["clean_val_loss"][-1] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    # At rest and without noise the two losses are one, but for what depends on the batches.
    by_batch = (case.masked and case.per_step) or {*case.losses} & {"mine in one", "sum"}
    if not (case.learning or case.normalized or case.rate or by_batch or len(clean) > 1):
        noisy = history["loss"][0] - history.get("penalty", [0])[0]
        assert noisy == pytest.approx(clean[0], rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("examples", MANY)
def test_clean_loss_is_the_formula_on_what_was_trained_on_and_training_goes_on_unchanged(examples):
    for_many(examples, cases(), check_measured)


def check_twin(case):
    """A case and its twin, which has neither noise nor penalties."""
    model, twin = made(case), made(replace(case, penalties=frozenset()), seed=5)
    quieten(twin)
    data = arrays_of(case, 8)
    size = BATCH if case.stateful else 8
    x = keras.tree.map_structure(keras.ops.convert_to_tensor, taken(data, slice(0, size))[0])
    try:
        model(x)
    except Exception as error:
        event(f"Keras refuses: {type(error).__name__} {str(error)[:150]}")
        return
    pair("mine", model, twin, x)
    check_pair(twin, model)
    check_quiet(twin, x)
    assert not noise_of(twin)
    for device in ("gpu", "cpu"):
        explained = explain_kernel(model, device=device)
        assert not (explained and loops(case))
    if "Zoneout" in case.layers:  # whose rate counts in a prediction too
        return
    for state in (*recurrent_states(model), *recurrent_states(twin)):
        state.assign(keras.ops.zeros_like(state))
    for outs in zip(
        *(keras.tree.flatten(m(x, training=False)) for m in (twin, model)), strict=True
    ):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, outs))
    held = tuple(part for part in data if part is not None)
    one, other = (Measure(each)(readable(held))["loss"] for each in (twin, model))
    assert one == other


def loops(case):
    """Whether a layer has a loop that no fused kernel takes the place of."""
    return {*case.layers} & {"SimpleRNN"} or (
        case.rate and {*case.layers} & {"LSTM, recurrent_dropout", "GRU", "Zoneout"}
    )


@pytest.mark.parametrize("examples", MANY)
def test_twin_predicts_and_measures_alike_and_no_kernel_is_called_fused_that_is_none(examples):
    for_many(examples, cases(), check_twin)
