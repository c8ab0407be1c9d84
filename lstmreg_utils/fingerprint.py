"""A fingerprint of the code that makes a record: other code, other fingerprint, stale record."""

import ast
import functools
import hashlib
from importlib import resources

from .arms import layer_modules

# What a run's numbers depend on, besides the modules of its own task and of its own layers. Names,
# tables and checks (arms, runs, study, records) are not among it: what they decide stands in the
# record itself.
SHARED = (
    "models.py",
    "training.py",
    "losses.py",
    "probes.py",
    "tasks/files.py",
    "tasks/corruption.py",
)
LAYERS = ("noise.py", "noisy_lstm.py")  # under each of the package's own layers
MODULE = {"noise_targets": "synthetic", "hidden_ar1": "synthetic"}  # else named like the task


@functools.lru_cache
def fingerprint(task, arm=()):
    """Hash of the code that makes the record of a run.

    Comments, docstrings and layout do not count, so they can be improved at no cost.

    Parameters
    ----------
    task : str
        Name of a task.
    arm : tuple of Noise, default=()
        The arm, for the layers that it takes.

    Returns
    -------
    str
        16 hexadecimal digits, the same on every version of Python.

    Examples
    --------
    >>> fingerprint("noise_targets") == fingerprint("hidden_ar1")  # of one module
    True
    """
    files = [*SHARED, f"tasks/{MODULE.get(task, task)}.py"]
    if own := layer_modules(arm):
        files += [f"layers/{module}" for module in (*LAYERS, *(f"{name}.py" for name in own))]
    package = resources.files("lstmreg_utils")
    code = "\n".join(normal_form((package / file).read_text("utf-8")) for file in files)
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def normal_form(source):
    """The syntax tree of a module as text, without docstrings.

    `ast.dump` changes with the version of Python (fields are added, empty ones left out), so the
    tree is written out here, leaving out whatever is empty.

    Examples
    --------
    >>> normal_form("x = 1  # one") == normal_form("x=1") != normal_form("x = 2")
    True
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            del node.body[0]
    return _write(tree)


def _write(node):
    if isinstance(node, ast.AST):
        filled = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
        inner = ",".join(f"{name}={_write(value)}" for name, value in filled)
        return f"{type(node).__name__}({inner})"
    if isinstance(node, list):
        return "[" + ",".join(map(_write, node)) + "]"
    return repr(node)
