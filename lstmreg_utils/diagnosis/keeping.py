"""Finished runs of a diagnosis, each in a file that says of what model, data and options it is."""

import hashlib
import json
import os
import re

import keras

from .twins import noise_of


class Kept:
    """A finished run in a file of its own; without a folder nothing is kept.

    Parameters
    ----------
    folder : Path or None
    arm, seed
        Which run it is.
    model : keras.Model
        Before it is trained: its layers, weights and compilation are part of what the run is of.
    how : object
        Everything else that decides its numbers, in words.
    """

    def __init__(self, folder, arm, seed, model, how):
        self.path = None
        if folder is None:
            return
        self.path = folder / f"{hashlib.sha256(arm.encode()).hexdigest()[:8]}-{seed}.json"
        digest = hashlib.sha256(_in_words([arm, seed, _layers(model), how]).encode())
        digest.update(_in_words(model.get_compile_config()).encode())
        for value in model.get_weights():
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


def _layers(model):
    """The layers without their names, which Keras numbers as they are made, and their noise."""
    plain = (bool, int, float, str, type(None))
    kinds = []
    for layer in model._flatten_layers():
        try:
            config = layer.get_config()
        except NotImplementedError:  # a layer of one's own need not have one
            config = {}
        config = {k: v for k, v in config.items() if k != "name" and isinstance(v, plain)}
        kinds.append([type(layer).__name__, config])
    return [kinds, [*noise_of(model).values()]]


def _in_words(value):
    """Text that is equal in every process: objects by what they hold, not by where they lie."""

    def told(thing):
        if isinstance(thing, keras.callbacks.Callback):
            own = {k: v for k, v in vars(thing).items() if isinstance(v, (int, float, str))}
            return [type(thing).__name__, own]
        return re.sub(r" at 0x\w+", "", getattr(thing, "__name__", repr(thing)))

    # Names are numbered as things are made.
    return re.sub(r'("name": "[^"]*?)_\d+"', r'\1"', json.dumps(value, default=told, skipkeys=True))
