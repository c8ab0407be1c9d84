"""What tests have a process do that runs Keras on JAX: called there, by name."""

import numpy as np

from lstmreg_utils import load_task
from lstmreg_utils.lab import jax_engine
from lstmreg_utils.lab.draws import stream

PASSES = 400


def numbers(run, seeds):
    """Epochs and probes of a block."""
    epochs, probes, _ = jax_engine.train_block(run, seeds)
    return epochs, probes


def sizes_of_programs(run, seeds, free=None, failures=0):
    """Epochs of a block where so many bytes are free, or where some calls run out of memory.

    Returns them, and the sizes of the programs that trained.
    """
    sizes, whole, left = [], jax_engine.Program.run, [failures]

    def run_program(self, data, of_seeds):
        if left[0]:
            left[0] -= 1
            raise jax_engine.jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
        sizes.append(self.size)
        return whole(self, data, of_seeds)

    before = jax_engine._free_bytes
    jax_engine.Program.run = run_program
    if free is not None:
        jax_engine._free_bytes = lambda: free
    try:
        return jax_engine.train_block(run, seeds)[0], sizes
    finally:
        jax_engine.Program.run, jax_engine._free_bytes = whole, before


def bytes_of(run, size):
    """What XLA says that the training of a block takes."""
    with jax_engine._numbers():
        return jax_engine._program(run.setting, size).bytes


def noisy_outputs(run, sequences):
    """What a network says of some sequences in `PASSES` passes with noise: (passes, n, outputs).

    The network is the run's before it is trained; every pass has random states of its own.
    """
    with jax_engine._numbers():
        program = jax_engine.Program(run, PASSES)
        weights, state = program._start_of(run.seed)
        seeds = stream(run.seed, "noise", PASSES * len(state)).reshape(len(state), PASSES)
        program.weights = [np.stack([weight] * PASSES) for weight in weights]
        program.state = [
            np.stack([own, np.zeros_like(own)], axis=1).astype("uint32") for own in seeds
        ]
        task = load_task(run.task, run.seed, **dict(run.options))
        return program.outputs(np.stack([task.train.x[:sequences]] * PASSES), noisy=True)
