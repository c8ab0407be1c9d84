"""A block of runs -> its numbers: all networks side by side, their whole training one program.

Keras on JAX: the package's own models under `jax.vmap`, over epochs and batches a `jax.lax.scan`.
On a card 200 networks take little longer than one. The numbers are float32 throughout, without
TF32, and those of a network do not depend on which others are in its block.
"""

import contextlib
import functools
import runpy
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..machine import available_memory
from ..tasks import load_task
from .draws import batch_orders, stream
from .losses import LOSS, METRIC
from .models import Start, build_model, build_optimizer, reader_of_units
from .probes import further_members, measure, stacked
from .records import COLUMNS, PROBED_AT

ENGINE = "jax"
# As in the engine of TensorFlow.
NUMERICS = runpy.run_path(str(Path(__file__).with_name("numerics.py")))["NUMERICS"]
SHARE = 0.8  # of the free memory that a block may take, by XLA's own account of it


def train_block(run, seeds):
    """Train the networks of a run at some seeds; returns what the engine of TensorFlow does.

    A block that does not fit the device's memory is cut. A ValueError if one network does not.
    """
    start = time.perf_counter()
    seeds, size = list(seeds), len(seeds)
    while True:
        try:
            with _numbers():
                program = _fitting(replace(run, seed=0), size)
                size = program.size
                cuts = [seeds[k : k + size] for k in range(0, len(seeds), size)]
                parts = [_train(program, run, some) for some in cuts]
        except jax.errors.JaxRuntimeError as error:
            # What the account did not foresee, or another program took.
            if "RESOURCE_EXHAUSTED" not in str(error) or size == 1:
                raise
            size //= 2
        else:
            epochs, probes = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
            seconds = round((time.perf_counter() - start) / len(seeds), 3)
            return epochs, probes, [seconds] * len(seeds)


@contextlib.contextmanager
def _numbers():
    """While a program is traced, have JAX compute as this engine says it does."""
    with (
        jax.default_matmul_precision("float32"),  # a card else rounds factors to TF32's 10 bits
        # The random numbers of one key at once: compiled in a tenth of the time, drawn in a half.
        jax.threefry_partitionable(False),
    ):
        yield


def device():
    """Name of the card that JAX sees, or ``'CPU'``."""
    first = jax.devices()[0]
    return "CPU" if first.platform == "cpu" else first.device_kind


def _free_bytes():
    """Memory of the device that nobody has taken."""
    if stats := jax.devices()[0].memory_stats():
        return stats["bytes_limit"] - stats["bytes_in_use"]
    return available_memory()  # a CPU counts nothing


def _fitting(setting, size):
    """The program of a block of so many networks, or of as many as fit."""
    program = _program(setting, size)
    room = SHARE * _free_bytes()
    if program.bytes <= room:
        return program
    if size == 1:
        raise ValueError(
            f"one network needs {program.bytes / 2**30:.2g} GiB, of which {room / 2**30:.2g} are "
            "free: fewer units, layers or steps, or a smaller batch_size"
        )
    return _fitting(setting, max(1, min(size - 1, int(size * room / program.bytes))))


def _train(program, run, seeds):
    """Epochs and probes of some seeds, at most as many as the program's."""
    # A block that is not full is filled up: to compile another program would take longer.
    filled = [*seeds, *seeds[:1] * (program.size - len(seeds))]
    epochs, probes = program.run(_data(run.task, run.options, tuple(filled)), filled)
    return epochs[:, : len(seeds)], probes[:, : len(seeds)]


class Data(NamedTuple):
    """The tasks of a block, and their splits one after another on the device: axis 0 is the seeds.

    Arms that come one after another share them.
    """

    tasks: list
    x: jax.Array
    y: jax.Array


@functools.lru_cache(maxsize=1)
def _data(task, options, seeds):
    tasks = [load_task(task, seed, **dict(options)) for seed in seeds]
    parts = zip(*map(_joined, tasks), strict=True)
    return Data(tasks, *(jnp.asarray(np.stack(part)) for part in parts))


def _joined(task):
    """Inputs and targets of all splits."""
    splits = task.splits().values()
    return [np.concatenate([getattr(split, part) for split in splits]) for part in ("x", "y")]


class Program:
    """The model of a run, its optimizer, and the compiled training of a block of networks.

    For probes it is the block, with the `weights` and `state` that its networks have now.
    """

    def __init__(self, run, size):
        task = self._task = load_task(run.task, 0, **dict(run.options))  # for shapes and loss
        self.probes, self.size = run.probes, size
        self.model = build_model(task, run.arm, run.units, run.layers, run.head)
        self.optimizer = build_optimizer(run, self.model)
        self._loss, self._metric = LOSS[task.loss], METRIC[task.metric]
        self._start = Start(self.model)
        self._orders = functools.partial(
            batch_orders, n=len(task.train), batch_size=run.batch_size, epochs=run.epochs
        )
        self._ends = np.cumsum([len(split) for split in task.splits().values()]).tolist()
        self._losses = jax.jit(jax.vmap(self._loss_of))
        self._outputs = jax.jit(jax.vmap(self._call, (0, 0, 0, None)), static_argnums=3)
        self._norms = jax.jit(jax.vmap(self._gradient_norms))

    @functools.cached_property
    def _fit(self):
        """The training of the block, compiled."""
        inputs = *self._start_of(0), *_joined(self._task), self._orders(0)
        shapes = jax.tree.map(
            lambda value: jax.ShapeDtypeStruct((self.size, *value.shape), value.dtype), inputs
        )
        return jax.jit(jax.vmap(self._fit_one)).lower(*shapes).compile()

    @property
    def bytes(self):
        """Memory that the training of the block takes, as XLA counts it."""
        memory = self._fit.memory_analysis()
        return sum(
            getattr(memory, f"{part}_size_in_bytes") for part in ("argument", "output", "temp")
        )

    def run(self, data, seeds):
        """Epochs (columns, networks, epochs) and probes (2, networks, probes)."""
        others = {at: [] for at in PROBED_AT}
        members = [stream(seed, "members", further_members(self.probes)) for seed in seeds]
        for member in np.transpose(members):
            _, checkpoints = self._train(data, member)
            for at, self.weights in checkpoints.items():
                others[at].append(self.outputs(stacked(data.tasks, "test")[0]))
        epochs, checkpoints = self._train(data, seeds)
        probed = np.zeros((len(PROBED_AT), len(seeds), len(self.probes)))
        for k, at in enumerate(PROBED_AT if self.probes else ()):
            self.weights = checkpoints[at]
            drawn = [stream(seed, "probes", len(self.probes)) for seed in seeds]
            probed[k] = measure(self, data.tasks, self.probes, drawn, others[at])
        return epochs, probed

    def _train(self, data, seeds):
        """The values of every epoch, and the weights of the last epoch and of the best."""
        starts = [self._start_of(int(seed)) for seed in seeds]
        weights, state = jax.tree.map(lambda *values: np.stack(values), *starts)
        orders = np.stack([self._orders(int(seed)) for seed in seeds])
        columns, last, best, self.state = self._fit(weights, state, data.x, data.y, orders)
        return np.moveaxis(np.asarray(columns, np.float64), -1, 0), {"last": last, "best": best}

    def _start_of(self, seed):
        """Weights and random states that a network starts from."""
        values = dict(zip(map(id, self.model.variables), self._start(seed), strict=True))
        kinds = self.model.trainable_variables, self.model.non_trainable_variables
        return tuple([values[id(variable)] for variable in kind] for kind in kinds)

    # What the probes ask for: see `measure`.

    def losses(self, x, y, cut=None):
        """Mean loss of each network, noise off, without some units if they are cut."""
        weights = list(self.weights)
        if cut is not None:
            k = self._reader()
            weights[k] = jnp.where(cut[:, :, None], 0, weights[k])
        return np.asarray(self._losses(weights, self.state, x, y), np.float64)

    def outputs(self, x, noisy=False):
        """Logits or values (networks, n, outputs), with noise on or off."""
        outputs, self.state = self._outputs(self.weights, self.state, x, noisy)
        return np.asarray(outputs)

    def gradient_norms(self, x, y):
        """Mean length of the gradient of a sequence's loss to its input at each step, noise on."""
        return np.asarray(self._norms(self.weights, self.state, x, y), np.float64)

    @property
    def units(self):
        """Units of the first LSTM, or without one of the first hidden layer."""
        return self.weights[self._reader()].shape[1]

    def _reader(self):
        reader = reader_of_units(self.model)
        return [weight is reader for weight in self.model.trainable_variables].index(True)

    # Of one network: what `jax.vmap` makes a block's.

    def _fit_one(self, weights, state, x, y, orders):
        """Train from these weights and random states; x and y hold the splits one after another."""
        moments = [jnp.asarray(variable) for variable in self.optimizer.variables]

        def step(network, indices):
            weights, state, moments = network
            gradient_of = jax.value_and_grad(self._noisy_loss, has_aux=True)
            (loss, state), gradient = gradient_of(weights, state, x[indices], y[indices])
            weights, moments = self.optimizer.stateless_apply(moments, gradient, weights)
            return (weights, state, moments), loss

        def epoch(before, order):
            network, lowest, best = before
            (weights, state, moments), losses = jax.lax.scan(step, network, order)
            values, state = self._evaluate(weights, state, x, y)
            columns = jnp.stack([jnp.mean(losses), *values])
            validation = columns[COLUMNS.index("validation")]
            if self.probes:
                pairs = zip(weights, best, strict=True)
                best = [jnp.where(validation < lowest, *pair) for pair in pairs]
                lowest = jnp.fmin(lowest, validation)
            return ((weights, state, moments), lowest, best), columns

        best = weights if self.probes else []
        before = (weights, state, moments), jnp.float32(jnp.inf), best
        (network, _, best), columns = jax.lax.scan(epoch, before, orders)
        return columns, network[0], best, network[1]

    def _call(self, weights, state, x, noisy):
        return self.model.stateless_call(weights, state, x, training=noisy)

    def _noisy_loss(self, weights, state, x, y):
        predicted, state = self._call(weights, state, x, True)
        return jnp.mean(self._loss(y, predicted)), state

    def _evaluate(self, weights, state, x, y):
        """Noisy training loss, then the loss of each split and the metric of each, dropout off."""
        ends = self._ends
        noisy, state = self._noisy_loss(weights, state, x[: ends[0]], y[: ends[0]])
        predicted, state = self._call(weights, state, x, False)
        pairs = [*zip(jnp.split(y, ends[:-1]), jnp.split(predicted, ends[:-1]), strict=True)]
        losses = [jnp.mean(self._loss(*pair)) for pair in pairs]
        return [noisy, *losses, *(self._metric(*pair) for pair in pairs)], state

    def _loss_of(self, weights, state, x, y):
        return jnp.mean(self._loss(y, self._call(weights, state, x, False)[0]))

    def _gradient_norms(self, weights, state, x, y):
        def total(x):
            return jnp.sum(self._loss(y, self._call(weights, state, x, True)[0]))

        return jnp.mean(jnp.linalg.norm(jax.grad(total)(x), axis=-1), axis=0)


# By setting and size. One is kept, since the blocks of an arm come one after another.
_program = functools.lru_cache(maxsize=1)(Program)
