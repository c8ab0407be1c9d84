"""Two faults of Keras' fused LSTM on JAX, shown without a GPU, on one release or on several.

JAX is made to believe that it has a GPU, and `jax.experimental.rnn.lstm_ref`, JAX's own reference,
takes the place of cuDNN's kernel; what Keras does around the kernel then shows in the outputs. For
16 bits the program is made ready for a card by JAX's own code, which is where it stops on one.

    python tools/jax_faults.py              # the Keras that is installed, as JSON
    python tools/jax_faults.py --releases   # each in its environment; writes the record, 1 minute
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ["KERAS_BACKEND"], os.environ["JAX_PLATFORMS"] = "jax", "cpu"

RECORD = Path(__file__).resolve().parents[1] / "lstmreg_utils" / "records" / "jax_faults.json"
RELEASES = ("3.12.0", "3.13.2", "3.14.0", "3.14.1", "3.15.0", "latest")
SHAPE = (4, 6, 3)
CASES = {
    "LSTM(return_sequences=True)": {},
    "LSTM(go_backwards=True)": {"go_backwards": True, "return_sequences": False},
    "LSTM(go_backwards=True, return_sequences=True)": {"go_backwards": True},
    "Bidirectional(LSTM(return_sequences=True))": {"both": True},
    "Bidirectional(LSTM(dropout=0.2, return_sequences=True))": {"both": True, "dropout": 0.2},
}
HALVES = ("mixed_float16", "mixed_bfloat16")


@contextlib.contextmanager
def stand_in():
    """Within, JAX has a GPU and the kernel is JAX's reference; yields the list of its calls."""
    from jax.experimental import rnn

    from lstmreg_utils.kernels.pretend import pretend_gpu, replaced

    calls = []

    def kernel(
        x, h, c, weights, lengths, input_size, hidden_size, num_layers, dropout, bidirectional
    ):
        calls.append(bidirectional)
        sizes = (input_size, hidden_size, num_layers, bidirectional)
        matrices = rnn.unpack_lstm_weights(weights, *sizes)
        return rnn.lstm_ref(x, h, c, *matrices, lengths, *sizes[:3], dropout, bidirectional)

    with pretend_gpu(True), replaced(rnn, "lstm", kernel):
        yield calls


def difference(both=False, **arguments):
    """Largest difference of outputs, at inference, between the fused path and the loop.

    Returns
    -------
    float or None
        None where Keras does not take the fused path.
    """
    import keras
    import numpy as np

    def make(use_cudnn):
        layer = keras.layers.LSTM(
            5, **{"return_sequences": True, **arguments}, use_cudnn=use_cudnn, seed=0
        )
        layer = keras.layers.Bidirectional(layer) if both else layer
        layer.build(SHAPE)
        return layer

    x, loop, fused = np.random.default_rng(0).normal(size=SHAPE), make(False), make("auto")
    fused.set_weights(loop.get_weights())
    with stand_in() as calls:
        found = fused(x)
    return round(float(abs(np.asarray(found) - np.asarray(loop(x))).max()), 6) if calls else None


def facts():
    """What the installed Keras does: the difference of every case, the error of 16 bits or None."""
    import keras

    from lstmreg_utils.kernels import kernel_trace

    keras.utils.set_random_seed(0)
    errors = {half: kernel_trace(lambda d=half: keras.layers.LSTM(4, dtype=d)) for half in HALVES}
    return {
        "differences": {name: difference(**arguments) for name, arguments in CASES.items()},
        "16 bits in fit": {half: traced.error or None for half, traced in errors.items()},
    }


def main():
    """Print the facts, or write those of several releases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--releases", action="store_true", help=f"{RELEASES}, into {RECORD.name}")
    if not parser.parse_args().releases:
        print(json.dumps(facts(), indent=1))
        return
    from release_environment import install, run

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for release in RELEASES:
            environment, version = install(release, Path(folder))
            found[version] = json.loads(run([sys.executable, __file__], environment))
            print(version, "done", flush=True)
    RECORD.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
