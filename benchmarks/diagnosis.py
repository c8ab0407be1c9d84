"""What `diagnose` takes beside the `fit` calls that it makes: a two-layer LSTM, three seeds.

    KERAS_BACKEND=tensorflow python benchmarks/diagnosis.py

The last line is the ratio of the whole to the calls of `fit`, which has to be at most 1.3.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from lstmreg_utils import diagnose


def build():
    """Two layers of 32 units, with the dropout that an LSTM has."""
    layers = [
        keras.layers.LSTM(32, dropout=0.3, return_sequences=True),
        keras.layers.LSTM(32, dropout=0.3),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential([keras.Input((30, 8)), *layers])
    model.compile("adam", "mse")
    return model


def main():
    """Print the seconds of the whole, of `fit`, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    x = np.random.default_rng(0).normal(size=(options.rows, 30, 8)).astype("float32")
    fit, taken = keras.Model.fit, []

    def timed(*arguments, **named):
        start = time.perf_counter()
        try:
            return fit(*arguments, **named)
        finally:
            taken.append(time.perf_counter() - start)

    keras.Model.fit = timed
    start = time.perf_counter()
    print(diagnose(build, (x, x[:, -5, :1]), seeds=3, epochs=options.epochs, progress=False))
    whole = time.perf_counter() - start
    print(f"{whole:.1f} s, of which fit {sum(taken):.1f} s in {len(taken)} calls")
    print(f"ratio {whole / sum(taken):.2f}")


if __name__ == "__main__":
    main()
