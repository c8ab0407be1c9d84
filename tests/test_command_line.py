"""`python -m lstmreg_utils`: what it prints and how it exits."""

import subprocess
import sys
import zipfile

import keras
import pytest

from lstmreg_utils.__main__ import main
from lstmreg_utils.layers import WeightDropLSTM


def saved(folder, *layers):
    """A file with a model of these layers."""
    model = keras.Sequential([keras.Input((6, 5)), *layers])
    model.save(folder / "model.keras")
    return str(folder / "model.keras")


def test_a_model_on_the_fused_kernel_exits_0(tmp_path, capsys):
    path = saved(tmp_path, WeightDropLSTM(4, weight_drop=0.5), keras.layers.Dense(1))
    assert main(["explain-cudnn", path]) == 0
    assert "1 of 1 recurrent layer on the fused kernel" in capsys.readouterr().out


def test_a_layer_that_falls_off_the_kernel_exits_1_and_is_named(tmp_path, capsys):
    path = saved(tmp_path, keras.layers.LSTM(4, recurrent_dropout=0.2, name="slow"))
    assert main(["explain-cudnn", path]) == 1
    out = capsys.readouterr().out
    assert "slow (LSTM)" in out
    assert "recurrent_dropout=0.2" in out


def test_a_model_without_recurrent_layers_exits_2(tmp_path, capsys):
    assert main(["explain-cudnn", saved(tmp_path, keras.layers.Dense(1))]) == 2
    assert "nothing to judge" in capsys.readouterr().out


def empty_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "text")


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        lambda path: path.write_text("no model"),
        lambda path: path.write_bytes(b"PK\x03\x04 cut off"),
        empty_zip,
    ],
    ids=["missing", "folder", "text", "cut", "foreign zip"],
)
def test_what_is_no_keras_file_gets_one_line_and_exit_2(make, tmp_path, capsys):
    path = tmp_path / "model.keras"
    make(path)
    assert main(["explain-cudnn", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert str(path) in told.err


def test_without_a_command_it_says_what_it_can_and_imports_no_keras():
    code = "import runpy, sys; sys.argv = ['lstmreg_utils']\n" \
           "try: runpy.run_module('lstmreg_utils', run_name='__main__')\n" \
           "except SystemExit as end: assert not end.code\n" \
           "assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "explain-cudnn" in done.stdout
    assert len(done.stdout.splitlines()) <= 25
