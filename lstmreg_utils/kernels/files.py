"""Saved models, read from their configuration alone: nothing that a file holds is run.

A `.keras` file or the folder that it unpacks to, an `.h5` of Keras 2 or 3, JSON, the metadata of a
SavedModel of Keras 2, or a folder of such files.
"""

import importlib
import inspect
import json
import re
import zipfile
from pathlib import Path

import keras

from .. import layers as own
from .seen import OPAQUE

LARGEST = 64 * 2**20  # bytes: more is no configuration
KINDS = (".keras", ".h5", ".hdf5", ".json")
MODELS = {"Sequential": keras.Sequential, "Functional": keras.Model, "Model": keras.Model}
# The last four open files that a configuration names.
UNREAD = {*OPAQUE, "StringLookup", "IntegerLookup", "TextVectorization", "HashedCrossing"}
READ = {*MODELS, *dir(keras.layers), *dir(own), "__keras_tensor__", "__tuple__"} - UNREAD
# No kernel depends on these, and they may be objects of others.
LEFT_OUT = ("_initializer", "_regularizer", "_constraint", "_quantizer", "quantization_config")


def configurations(path):
    """The configuration of every model at a path, by what the file calls it.

    Raises
    ------
    ValueError
        What is there instead, in words.
    """
    path = Path(path)
    if path.is_dir():
        return _of_folder(path)
    if not path.exists():
        raise ValueError("no such file")
    if not path.is_file():
        raise ValueError("must be a file or a folder")
    with path.open("rb") as file:
        start = file.read(8)
    # First, since a zip archive may stand at the end of an HDF5 file.
    if start == b"\x89HDF\r\n\x1a\n":
        import h5py

        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs:
                raise ValueError("holds weights and no configuration of a model")
            found = file.attrs["model_config"]
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "config.json" not in archive.namelist():
                raise ValueError("not a .keras file: no config.json in it")
            if archive.getinfo("config.json").file_size > LARGEST:
                raise ValueError(f"its config.json must be of at most {LARGEST} bytes")
            found = archive.read("config.json")
    elif path.stat().st_size > LARGEST:
        raise ValueError("not a .keras, .h5 or JSON file")
    else:
        found = path.read_bytes()
    return {path.name: _parsed(found)}


def _of_folder(path):
    if (path / "config.json").is_file():
        return configurations(path / "config.json")
    if (path / "keras_metadata.pb").is_file():  # one JSON text a layer, the model itself the first
        text = (path / "keras_metadata.pb").read_bytes().decode("utf-8", "replace")
        for start in re.finditer(r'\{"name": ', text):
            found, _ = json.JSONDecoder().raw_decode(text, start.start())
            if {"class_name", "config"} <= {*found}:
                return {path.name: found}
    if (path / "saved_model.pb").is_file():
        raise ValueError("a SavedModel without Keras' configuration: save the model as .keras")
    files = sorted(file for file in path.iterdir() if file.suffix in KINDS)
    if not files:
        raise ValueError(f"a folder without a file of {KINDS}")
    return {name: config for file in files for name, config in configurations(file).items()}


def _parsed(text):
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a .keras, .h5 or JSON file ({type(error).__name__})") from None
    if not isinstance(found, dict) or not {"class_name", "config"} <= {*found}:
        raise ValueError("holds no configuration of a Keras model")
    return found


def stand_in(config, module=None):
    """A layer that holds what a configuration describes, to be judged by `explain_kernel`.

    Parameters
    ----------
    config : dict
        From `configurations`.
    module : str, optional
        To import: its layers are made as well. A layer of another class is made as an empty one
        that goes by its name.

    Examples
    --------
    >>> model = keras.Sequential([keras.Input((5, 2)), keras.layers.LSTM(3, name="mine")])
    >>> config = json.loads(model.to_json())
    >>> [layer.name for layer in stand_in(config).layers]
    ['mine']
    """
    others = vars(importlib.import_module(module)) if module else {}
    others = {name: kind for name, kind in others.items() if inspect.isclass(kind)}
    return _made(_cleaned(config, others), others)


def _made(config, others):
    name, inner = config["class_name"], config["config"]
    why = f"{name} is of no class known here, a recurrent layer inside is not seen"
    if not {*_classes(config)} - READ - {*others}:
        homes = {**vars(keras.layers), **vars(own), **MODELS, **others}
        try:
            with keras.saving.custom_object_scope(others):
                return homes[name].from_config(inner)
        except Exception as error:  # of a part that Keras cannot make: the others are made alone
            why = f"{name} cannot be made: {' '.join(str(error).split())[:200]}"
    parts = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(parts, list):
        return Unknown(why, _name(inner))
    holder = keras.layers.Layer(name=_name(inner))
    holder.parts = [_made(each, others) for each in parts if "class_name" in each]
    return holder


class Unknown(keras.layers.Lambda):
    """In the place of a layer that was not made, which `unseen` therefore names."""

    def __init__(self, why, name=None):
        super().__init__(lambda x: x, name=name)
        self.why = why


def _name(inner):
    name = inner.get("name") if isinstance(inner, dict) else None
    return re.sub(r"\W", "_", name) if isinstance(name, str) and name else None


def _objects(config):
    """Everything in a configuration that names a class."""
    inner = [*config.values()] if isinstance(config, dict) else config
    if isinstance(config, dict) and isinstance(config.get("class_name"), str):
        yield config
    if isinstance(inner, (list, tuple)):
        for value in inner:
            yield from _objects(value)


def _classes(config):
    """The classes that a configuration names, those that are not Keras' with their module."""
    for each in _objects(config):
        module = each.get("module")
        known = module is None or str(module).partition(".")[0] in ("keras", "lstmreg_utils")
        yield each["class_name"] if known else f"{module}.{each['class_name']}"


def _cleaned(config, others):
    """Without what no kernel depends on, and without arguments that Keras 3 has no more."""
    config = {k: v for k, v in json.loads(json.dumps(config)).items() if k != "compile_config"}
    for each in [*_objects(config)]:
        kind, inner = getattr(keras.layers, each["class_name"], None), each.get("config")
        if not isinstance(inner, dict):
            continue
        for name in [name for name in inner if name.endswith(LEFT_OUT)]:
            del inner[name]
        if isinstance(inner.get("dtype"), dict):  # a policy
            inner["dtype"] = inner["dtype"].get("config", {}).get("name", "float32")
        if each["class_name"] in others:  # to be found by its name, and nowhere else
            each |= {"module": None, "registered_name": each["class_name"]}
            continue
        if not inspect.isclass(kind):
            continue
        if "batch_input_shape" in inner and kind is keras.layers.InputLayer:
            inner["batch_shape"] = inner["batch_input_shape"]
        taken = {"name", "dtype", "trainable"}
        for base in kind.__mro__[:-1]:
            taken |= {*inspect.signature(base.__init__).parameters}
        for name in {*inner} - taken:
            del inner[name]
        each.setdefault("module", "keras.layers")
        each.setdefault("registered_name", None)
    return config
