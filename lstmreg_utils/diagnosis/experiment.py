"""The diagnosis in one call: train a model and its twin for some seeds, and say what noise does."""

import copy
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from .comparison import Comparison
from .feeding import Shuffled, first_inputs, look, split
from .keeping import Kept
from .measuring import (
    Measure,
    check_whole_batches,
    fixed_batch,
    readable,
    recurrent_states,
    sums,
)
from .names import MORE
from .own_models import at_rest, signed_metric
from .repeats import repeat_rates
from .report import Diagnosis, check_margin, chosen_margin
from .tables import TWIN
from .twins import check_quiet, noise_of, pair, quieten, renewed

OPTIONS = ("callbacks", "class_weight", "steps_per_epoch")
MINE = "model"


def diagnose(build, data, arms=None, seeds=5, *, epochs=10, batch_size=32, margin=None,
             smallest=None, metric=None, loss="loss", folder=None, progress=True,
             **fit):  # fmt: skip
    """What the noise of a model does: its effect on the test loss, and by which part.

    For any Keras model with noise, on any backend. Every arm and its twin are trained for each
    seed with the same initial weights and the same batches.

    Parameters
    ----------
    build : callable
        Makes a compiled model with its noise: anew at every call, with what an arm holds as its
        argument (its keyword arguments, if that is a dict).
    data : dict or tuple
        ``{'train': ..., 'validation': ..., 'test': ...}``, each as `fit` takes it; or arrays
        ``(x, y)`` or ``(x,)``, of which the last fifth tests and the fifth before validates.
    arms : dict, optional
        What `build` gets, by the name of an arm, say ``{"light": 0.1, "heavy": 0.5}``; by default
        nothing, of one arm ``'model'``. The twin is the arm ``'none'``; unless given it is the
        first arm with every rate of its layers at 0.
    seeds : int or list of int
        Pairs of networks, at least 2.
    epochs, batch_size : int
        As for `fit`; a model's own batch size comes first. There is no early stopping: networks
        trained for different lengths have no cause.
    margin : float, optional
        The δ of the rule: two test losses that differ by less are the same to you. By default
        the standard deviation of the twin's test loss over seeds, or what `smallest` comes to.
    smallest : float, optional
        The smallest difference of `metric` that matters to you, instead of a margin.
    metric : str, optional
        To look at beside the loss; by default the first one that the model was compiled with.
    loss : str
        The name of the loss, of models whose own steps call it something else.
    folder : path, optional
        Where finished runs are kept; the same call goes on from there.
    progress : bool, default=True
        Whether to say how long it takes and how far it is.
    **fit
        ``callbacks`` (copied for each run), ``class_weight``, ``steps_per_epoch``, as for `fit`.

    Returns
    -------
    Diagnosis
        Text when printed, HTML in a notebook; ``.effects`` are the rows of `compare`.

    Raises
    ------
    ValueError
        What cannot be compared, by its argument, arm and seed.

    Examples
    --------
    >>> import numpy as np
    >>> def build(rate=0.5):
    ...     model = keras.Sequential([keras.layers.Dropout(rate), keras.layers.Dense(1)])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> data = np.ones((20, 3)), np.ones((20, 1))
    >>> diagnose(build, data, seeds=2, epochs=1, progress=False).effects["arm"].tolist()
    ['model']
    """
    arms = {MINE: {}} if arms is None else dict(arms)
    seeds = [int(seed) for seed in (range(seeds) if np.ndim(seeds) == 0 else seeds)]
    _check(build, arms, seeds, epochs, batch_size, fit, smallest, metric, margin)
    parts, told = split(data)
    weights = fit.get("class_weight")
    known = {
        "train": readable(parts["train"], fit.get("steps_per_epoch"), weights, "train",
                          "steps_per_epoch="),
        **{name: readable(parts[name], what=name, bound="take() of the Dataset, or give arrays")
           for name in ("validation", "test")},
    }  # fmt: skip
    how = {"epochs": epochs, "batch_size": batch_size, "fit": fit, "metric": metric}
    seen, alike = look(known["train"])
    given = [how, told, seen if alike else len(seen)]
    if folder is not None:  # what chooses and tests is part of what a run is of
        given += [look(known[name])[0] for name in ("validation", "test")]
    runs, clock = [], _Clock(progress, len({TWIN, *arms}), len(seeds))
    quiet, where, measures = {}, Path(folder) if folder is not None else None, {}
    for seed in seeds:
        models, quiet = _models(build, arms, seed, known["train"], check=seed == seeds[0])
        for arm, model in models.items():  # what Keras has compiled serves all seeds
            old = measures.get(arm)
            models[arm] = renewed(old and old.model, model)
            size = batch_size if sums(model) else None
            if not (old and old.model is models[arm]):
                measures[arm] = Measure(model, size, loss)
        served = {}
        for arm in models:
            run = f"arm {arm!r}, seed {seed}"
            kept = Kept(where, arm, seed, models[arm], given)
            if (found := kept.read()) is None:
                try:
                    clock.estimate(measures[arm], parts["train"], known, how, seed)
                    found = _trained(measures[arm], parts["train"], known, seed, how)
                except Exception as error:  # whatever Keras raises, and in which run
                    raise ValueError(f"{run} cannot be trained: {error}") from error
                kept.write(found)
            # As far as both were trained; a backend looks at a batch before it compiles.
            served[arm] = dict.fromkeys(found.pop("served"))
            if any(one != other for one, other in zip(served[arm], served[TWIN], strict=False)):
                raise ValueError(f"{run} must train on the batches of its twin, got others")
            runs += [{"arm": arm, "seed": seed, **row} for row in found["epochs"]]
            clock.done()
    table = at_rest(pd.DataFrame(runs))
    δ, why = chosen_margin(table, margin, smallest)
    facts = {"data": told, "noise": quiet, "epochs": epochs, "margin": why, "seeds": seeds}
    comparison = Comparison(table, margin=δ)
    again = repeat_rates(comparison)[["effect_repeats", "cause_repeats"]]
    effects = pd.concat([comparison.effects(), again], axis=1)
    return Diagnosis(table, effects, δ, facts | {"equal_batches": alike})


def _check(build, arms, seeds, epochs, batch_size, fit, smallest, metric, margin):
    if not callable(build):
        raise TypeError(f"build must be a function that makes a compiled model, got {build!r}")
    if unknown := sorted({*fit} - {*OPTIONS}):
        raise TypeError(f"fit's options must be of {OPTIONS}, as diagnose sets the others, "
                        f"got {unknown}")  # fmt: skip
    if not {*arms} - {TWIN}:
        raise ValueError(f"arms must hold at least one besides the twin {TWIN!r}, got {[*arms]}")
    if len({*seeds}) != len(seeds) or len(seeds) < 2:
        raise ValueError(f"seeds must be at least 2 different integers, got {seeds}")
    for name, number in (("epochs", epochs), ("batch_size", batch_size)):
        if not number >= 1:
            raise ValueError(f"{name} must be at least 1, got {number!r}")
    check_margin(margin)
    if smallest is not None and (metric is None or margin is not None or not smallest > 0):
        raise ValueError(f"smallest must be a positive difference of a metric that is named, in "
                         f"the place of a margin, got {smallest!r} of {metric!r}")  # fmt: skip


def _models(build, arms, seed, train, check):
    """The models of a seed, the twin first, with equal weights; and what noise the twin lost."""

    def made(arm, given):
        keras.utils.set_random_seed(seed)
        model = build(**given) if isinstance(given, dict) else build(given)
        Measure(model)  # refuses what is no compiled model of Keras 3
        return model

    first = next(iter(arms))
    twin = made(TWIN, arms.get(TWIN, arms[first]))
    quiet = {} if TWIN in arms else noise_of(twin)
    if TWIN not in arms and not quiet:
        raise ValueError(
            f"build must make a model with noise, got one whose layers name none: give the arms, "
            f"and the twin as {TWIN!r}"
        )
    quieten(twin) if TWIN not in arms else None
    x = first_inputs(train, fixed_batch(twin) or 2)
    models = {TWIN: twin, **{arm: made(arm, arms[arm]) for arm in arms if arm != TWIN}}
    for arm, model in models.items():
        held = {id(layer) for layer in model._flatten_layers()}
        if arm != TWIN and held & {id(layer) for layer in twin._flatten_layers()}:
            raise ValueError(f"build must make a model of new layers at every call, got one for "
                             f"arm {arm!r} that shares some with the twin")  # fmt: skip
        pair(arm, model, twin, x)
    if check:
        check_quiet(twin, x)
    return models, quiet


def _trained(measure, data, known, seed, how):
    """Train a model: a row an epoch, the last with its losses; and the batches it was given."""
    keras.utils.set_random_seed(seed)
    model = measure.model
    batches = _batches(model, data, known, how, seed)
    options = copy.deepcopy(how["fit"]) | {"epochs": how["epochs"], "verbose": 0}
    options["callbacks"] = [_Validation(measure, known["validation"]), *_listed(options)]
    log = model.fit(batches, shuffle=False, **options).history
    train, test = measure(known["train"]), measure(known["test"])
    rows = [{"epoch": at, "validation": loss} for at, loss in enumerate(log["val_loss"], 1)]
    for row in rows:
        row |= {"train": float("nan"), "test": float("nan"), "noisy": float("nan")}
    rows[-1] |= {"train": train["loss"], "test": test["loss"]}
    if not any(getattr(each, "restore_best_weights", False) for each in options["callbacks"]):
        noisy = {name: values[-1] for name, values in log.items() if not name.startswith("val_")}
        noisy = noisy[measure.named(noisy)]
        rows[-1]["noisy"] = noisy - measure.penalty(known["train"], train["loss"])
    metric = how["metric"] or next((n for n in test if n != "loss" and MORE.search(n)), None)
    if metric:
        rows[-1]["test_metric"] = signed_metric(test, metric)
    return {"epochs": rows, "served": getattr(batches, "served", [])}


def _batches(model, data, known, how, seed):
    if "y" not in known["train"]:
        return known["train"]["x"]
    fixed = fixed_batch(model)
    check_whole_batches(data[0], fixed, "train")
    return Shuffled(data, fixed or how["batch_size"], seed)


def _listed(options):
    given = options.get("callbacks") or []
    return given if isinstance(given, list) else [given]


class _Validation(keras.callbacks.Callback):
    """The validation loss of each epoch, for callbacks that follow too."""

    def __init__(self, measure, data):
        super().__init__()
        self.measure, self.data = measure, data

    def on_epoch_end(self, epoch, logs=None):
        logs |= {f"val_{name}": value for name, value in self.measure(self.data).items()}


class _Clock:
    """How long all runs take, said before the first of them, and how far they are."""

    def __init__(self, progress, arms, seeds):
        self.progress, self.arms, self.runs = progress, arms, arms * seeds
        self.bar, self.told = None, False

    def estimate(self, measure, data, known, how, seed):
        """Time a few batches of the first model, which afterwards is as it was."""
        if not self.progress or self.told:
            return
        self.told, told = True, f"{self.runs} runs of {how['epochs']} epochs"
        model, batches = measure.model, _batches(measure.model, data, known, how, seed)
        steps = how["fit"].get("steps_per_epoch") or (
            len(batches) if hasattr(batches, "__len__") else None
        )
        if not steps:
            print(told, flush=True)
            return
        tried, seconds = min(5, steps), []
        model.optimizer.build(model.trainable_variables)
        state = [*model.variables, *model.optimizer.variables, *recurrent_states(model)]
        state = [(variable, keras.ops.convert_to_numpy(variable).copy()) for variable in state]
        for trial in (lambda: model.fit(batches, steps_per_epoch=tried, verbose=0, shuffle=False),
                      lambda: measure(known["validation"])):  # fmt: skip
            for _ in range(2):  # the first time Keras compiles
                start = time.perf_counter()
                trial()
                seconds.append(time.perf_counter() - start)
        for variable, value in state:
            variable.assign(value)
        compiling, some, _, validating = seconds
        whole = self.arms * compiling + self.runs * how["epochs"] * (
            steps * some / tried + validating
        )
        print(f"{told}, about {whole:.0f} s", flush=True)

    def done(self):
        """One run more."""
        if self.progress:
            from tqdm.auto import tqdm

            self.bar = self.bar if self.bar is not None else tqdm(total=self.runs, unit="run")
            self.bar.update()
            if self.bar.n == self.runs:
                self.bar.close()
