"""`python -m lstmreg_utils`: what it prints and how it exits."""

import json
import subprocess
import sys
import types
import zipfile

import h5py
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


def to_json(model, path):
    path.write_text(model.to_json())


def unpacked(model, path):
    path.mkdir()
    (path / "config.json").write_text(model.to_json())


def of_keras_2(model, path):
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            layer.pop("module", None)
            layer.pop("registered_name", None)
            if layer["class_name"] == "LSTM":
                layer["config"] |= {"time_major": False, "implementation": 2}
            layer["config"]["dtype"] = {"class_name": "Policy", "config": {"name": "float32"}}
        file.attrs["model_config"] = json.dumps(config)


def in_a_folder(model, path):
    path.mkdir()
    model.save(path / "one.keras")


FORMS = {
    "a.keras": lambda model, path: model.save(path), "a.h5": lambda model, path: model.save(path),
    "old.h5": of_keras_2, "a.json": to_json, "unpacked": unpacked, "folder": in_a_folder,
}  # fmt: skip
PARTS = {
    "Sequential": lambda inputs, lstm: keras.Sequential([inputs, lstm]),
    "Functional": lambda inputs, lstm: keras.Model(inputs, lstm(inputs)),
    "Lambda": lambda inputs, lstm: keras.Sequential([inputs, keras.layers.Lambda(abs), lstm]),
}


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("form", FORMS)
def test_a_configuration_is_enough_in_whatever_file_and_nothing_is_run(
    form, parts, tmp_path, capsys, monkeypatch
):
    lstm = keras.layers.LSTM(4, recurrent_dropout=0.2, name="slow")
    FORMS[form](PARTS[parts](keras.Input((6, 5)), lstm), tmp_path / form)
    monkeypatch.setattr(keras.saving, "load_model", None)
    monkeypatch.setattr(keras.layers.Lambda, "from_config", None)
    assert main(["explain-kernel", str(tmp_path / form)]) == 1
    out = capsys.readouterr().out
    assert "slow (LSTM)" in out
    assert "recurrent_dropout=0.2" in out
    assert ("Lambda is of no class" in out) == (parts == "Lambda")


class Mine(keras.layers.Layer):
    """A layer of somebody's module."""

    def __init__(self, rate, **arguments):
        super().__init__(**arguments)
        self.rate, self.lstm = rate, keras.layers.LSTM(3, name="inner")

    def call(self, x):
        return self.lstm(x)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


def test_a_layer_of_ones_own_is_named_and_its_module_can_be_given(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mine", types.SimpleNamespace(Mine=Mine))
    path = saved(tmp_path, Mine(0.5))
    assert main(["explain-kernel", path]) == 2
    assert "Mine is of no class known here" in capsys.readouterr().out
    main(["explain-kernel", path, "--module", "mine"])
    assert "inner (LSTM), kernel: fused" in capsys.readouterr().out
    assert main(["explain-kernel", path, "--module", "no_such_module"]) == 2


@pytest.mark.parametrize(
    "strange",
    [{"module": "os", "class_name": "system", "config": "true"},
     {"class_name": "Lambda", "config": {}}, {"class_name": "StringLookup", "config": {}}],
    ids=str,
)  # fmt: skip
def test_what_a_configuration_names_is_not_made_unless_it_is_known(strange, tmp_path, capsys):
    config = json.loads(keras.Sequential([keras.Input((6, 5)), keras.layers.LSTM(4)]).to_json())
    config["config"]["layers"][1]["config"]["activation"] = strange
    (tmp_path / "a.json").write_text(json.dumps(config))
    assert main(["explain-kernel", str(tmp_path / "a.json")]) == 2
    assert "LSTM is of no class known here" in capsys.readouterr().out


def test_what_would_steer_a_terminal_is_printed_as_text(tmp_path, capsys):
    config = json.loads(keras.Sequential([keras.Input((6, 5)), keras.layers.LSTM(4)]).to_json())
    config["config"]["layers"][1]["config"]["name"] = "\x1b[31mred"
    (tmp_path / "a.json").write_text(json.dumps(config))
    main(["explain-kernel", str(tmp_path / "a.json")])
    assert "\x1b" not in capsys.readouterr().out


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
