"""The layers and the package on JAX: a process can hold one backend of Keras only.

Here a part that says whether they work there at all; `nox -s jax` runs every test of theirs.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from layer_cases import LAYERS

ROOT = Path(__file__).parents[1]
ROWS = [case.name for case in LAYERS.values()]  # one of each layer
PART = (
    # pytest refuses a test that is not there.
    *(f"test_layer_computes_the_equations_of_the_paper[{row}]" for row in ROWS),
    *(f"test_padded_step_changes_nothing[{row}]" for row in ROWS),
    *(f"test_gradient_is_the_slope_of_the_equations[{row}]" for row in ROWS),
    *(f"test_rate_zero_is_keras_lstm_with_the_masks_of_keras[both-{layer}]" for layer in LAYERS),
    "test_fit_learns_the_same_eager_and_compiled",
    "test_saved_model_predicts_the_same_in_a_new_process",
)


@pytest.mark.rare
@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_layers_and_package_pass_their_tests_on_jax(tmp_path):
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        # JAX compiles every loop that it is shown: once each, and quickly.
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    tests = [*(f"tests/test_layers.py::{test}" for test in PART), "tests/on_jax.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    tail = "\n".join(done.stdout.splitlines()[-60:])
    assert done.returncode == 0, f"{tail}\n{done.stderr[-2000:]}"
    assert " passed" in tail
