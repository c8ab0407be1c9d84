"""The diagnosis in one call: train a model and its twin for some seeds, and say what noise does."""

import copy
import hashlib
import json
import os
import time
from pathlib import Path

import keras
import pandas as pd

from .comparison import Comparison
from .feeding import Shuffled, first_inputs, split
from .measuring import Measure, fixed_batch, penalty, readable
from .names import MORE
from .own_models import signed_metric
from .report import Diagnosis, check_margin, chosen_margin
from .tables import TWIN
from .twins import check_quiet, noise_of, pair, quieten, renewed

OPTIONS = ("callbacks", "class_weight", "steps_per_epoch")
MINE = "model"


def diagnose(build, data, arms=None, seeds=5, *, epochs=10, batch_size=32, margin=None,
             smallest=None, metric=None, folder=None, progress=True, **fit):  # fmt: skip
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
        ``(x, y)``, of which the last fifth tests and the fifth before validates.
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
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    _check(build, arms, seeds, fit, smallest, metric, margin)
    parts, told = split(data)
    weights = fit.get("class_weight")
    steps = {"train": fit.get("steps_per_epoch")}
    known = {
        name: readable(part, steps.get(name), weights if name == "train" else None, name)
        for name, part in parts.items()
    }
    how = {"epochs": epochs, "batch_size": batch_size, "fit": fit, "metric": metric}
    runs, clock = [], _Clock(progress, (len(arms) + (TWIN not in arms)) * len(seeds))
    quiet, where, measures = {}, Path(folder) if folder is not None else None, {}
    for seed in seeds:
        models, quiet = _models(build, arms, seed, known["train"])
        for arm, model in models.items():  # what Keras has compiled serves all seeds
            old = measures.get(arm)
            models[arm] = renewed(old and old.model, model)
            measures[arm] = old if old and old.model is models[arm] else Measure(model)
        served = {}
        for arm in models:
            run = f"arm {arm!r}, seed {seed}"
            kept = _Kept(where, arm, seed, (models[arm], how, told))
            if (found := kept.read()) is None:
                clock.estimate(models[arm], parts["train"], known, how, seed)
                try:
                    found = _trained(measures[arm], parts["train"], known, seed, how)
                except Exception as error:  # whatever Keras raises, and in which run
                    raise ValueError(f"{run} cannot be trained: {error}") from error
                kept.write(found)
            served[arm] = found.pop("served")
            if served[arm] != served[TWIN]:
                raise ValueError(f"{run} must train on the batches of its twin, got others")
            runs += [{"arm": arm, "seed": seed, **row} for row in found["epochs"]]
            clock.done()
    table = pd.DataFrame(runs)
    δ, why = chosen_margin(table, margin, smallest)
    facts = {"data": told, "noise": quiet, "epochs": epochs, "margin": why, "seeds": seeds}
    return Diagnosis(table, Comparison(table, margin=δ).effects(), δ, facts)


def _check(build, arms, seeds, fit, smallest, metric, margin):
    if not callable(build):
        raise TypeError(f"build must be a function that makes a compiled model, got {build!r}")
    if unknown := sorted({*fit} - {*OPTIONS}):
        raise TypeError(f"fit's options must be of {OPTIONS}, as diagnose sets the others, "
                        f"got {unknown}")  # fmt: skip
    if not {*arms} - {TWIN}:
        raise ValueError(f"arms must hold at least one besides the twin {TWIN!r}, got {[*arms]}")
    if len({*seeds}) != len(seeds) or len(seeds) < 2:
        raise ValueError(f"seeds must be at least 2 different integers, got {seeds}")
    check_margin(margin)
    if smallest is not None and (metric is None or margin is not None or not smallest > 0):
        raise ValueError(f"smallest must be a positive difference of a metric that is named, in "
                         f"the place of a margin, got {smallest!r} of {metric!r}")  # fmt: skip


def _models(build, arms, seed, train):
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
        pair(arm, model, twin, x)
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
    rows[-1]["noisy"] = log["loss"][-1] - penalty(model)
    metric = how["metric"] or next((n for n in test if n != "loss" and MORE.search(n)), None)
    if metric:
        rows[-1]["test_metric"] = signed_metric(test, metric)
    return {"epochs": rows, "served": getattr(batches, "served", [])}


def _batches(model, data, known, how, seed):
    if "y" not in known["train"]:
        return known["train"]["x"]
    return Shuffled(data, fixed_batch(model) or how["batch_size"], seed)


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


class _Kept:
    """A finished run in a file of its own, which says of what it is."""

    def __init__(self, folder, arm, seed, what):
        self.path = (
            folder and folder / f"{hashlib.sha256(arm.encode()).hexdigest()[:8]}-{seed}.json"
        )
        model, how, told = what
        digest = hashlib.sha256(repr((arm, seed, told, [*noise_of(model).values()], how["epochs"],
            how["batch_size"], sorted(how["fit"]), how["metric"])).encode())  # fmt: skip
        for value in model.get_weights() if folder else []:
            digest.update(value.tobytes())
        self.digest = digest.hexdigest()

    def read(self):
        """What was found; None if the run is not finished."""
        if self.path is None or not self.path.exists():
            return None
        found = json.loads(self.path.read_text("utf-8"))
        if found.pop("of") != self.digest:
            raise ValueError(f"folder must hold runs of this model, data and options, got another "
                             f"in {self.path}")  # fmt: skip
        return found

    def write(self, found):
        """Keep it, whole or not at all."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_suffix(".part")
            part.write_text(json.dumps({"of": self.digest, **found}), "utf-8")
            os.replace(part, self.path)


class _Clock:
    """How long all runs take, said before the first of them, and how far they are."""

    def __init__(self, progress, runs):
        self.progress, self.runs, self.bar, self.told = progress, runs, None, False

    def estimate(self, model, data, known, how, seed):
        """Time two batches of a copy of the model, which shares nothing with it."""
        if not self.progress or self.told:
            return
        self.told = True
        weights = model.get_weights()
        batches = _batches(model, data, known, how, seed)
        try:
            steps = min(len(batches), how["fit"].get("steps_per_epoch") or len(batches))
            trial = keras.models.clone_model(model)
            trial.compile_from_config(model.get_compile_config())
            trial.set_weights(weights)
            seconds = []
            for _ in range(2):
                start = time.perf_counter()
                trial.fit(batches, steps_per_epoch=min(5, steps), verbose=0)
                seconds.append(time.perf_counter() - start)
        except Exception:  # no length, or a model that cannot be copied: no estimate
            print(f"{self.runs} runs of {how['epochs']} epochs", flush=True)
            return
        a_run = seconds[0] + how["epochs"] * steps * seconds[1] / min(5, steps)
        told = f"{self.runs} runs of {how['epochs']} epochs, about {1.2 * self.runs * a_run:.0f} s"
        print(told, flush=True)

    def done(self):
        """One run more."""
        if self.progress:
            from tqdm.auto import tqdm

            self.bar = self.bar if self.bar is not None else tqdm(total=self.runs, unit="run")
            self.bar.update()
            if self.bar.n == self.runs:
                self.bar.close()
