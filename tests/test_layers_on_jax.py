"""The layers and the package on JAX: a process can hold one backend of Keras only."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_layers.py",
        "tests/on_jax.py",
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    tail = "\n".join(done.stdout.splitlines()[-60:])
    assert done.returncode == 0, f"{tail}\n{done.stderr[-2000:]}"
    assert " passed" in tail
