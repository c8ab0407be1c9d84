"""The shape of the package: which folder may import which, and how large a module may be."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import lstmreg_utils

ROOT = Path(lstmreg_utils.__file__).parent
FOLDERS = ("tasks", "layers", "kernels", "diagnosis", "lab", "claims", "book")
FOR_ALL = ("machine", "rates")  # modules at the top that every folder may import
MODULES_AT_THE_TOP = 8
LINES = 320


def modules(root):
    """The modules of a package by their dotted names, without that of the package."""
    files = {path.relative_to(root).with_suffix(""): path for path in root.rglob("*.py")}
    return {".".join(name.parts): path for name, path in files.items()}


def imports(root, module, path):
    """What of its own package a module imports, as dotted names, wherever the import stands."""
    package = [root.name, *module.split(".")[:-1]]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            found = [".".join([*above, *filter(None, [node.module])])]
            if found == [root.name] or (not node.module and len(above) == 1):
                found = [f"{root.name}.{alias.name}" for alias in node.names]
        elif _asks_importlib(node):
            name = node.args[0].value
            level = len(name) - len(name.lstrip("."))
            above = package[: len(package) + 1 - level] if level else []
            found = [".".join([*above, name.lstrip(".")])]
        else:
            continue
        yield from (name[len(root.name) + 1 :] for name in found if name.split(".")[0] == root.name)


def _asks_importlib(node):
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] == "import_module"
        and isinstance(node.args[0], ast.Constant)
    )


def wrong_ways(root):
    """Imports that go against the order of the folders, as (module, what it imports)."""
    for module, path in modules(root).items():
        folder, dot, _ = module.partition(".")
        if folder not in (FOLDERS if dot else FOR_ALL):
            continue  # above all folders, as the command line is; or one of `strange_folders`
        allowed = () if folder in FOR_ALL else (*FOR_ALL, *FOLDERS[: FOLDERS.index(folder) + 1])
        for found in imports(root, module, path):
            if found.split(".")[0] not in allowed:
                yield module, found


def users_of_the_lab(root):
    """Modules of a folder that serves anybody's models, and that import the book's own."""
    for module, path in modules(root).items():
        if module.split(".")[0] in ("diagnosis", "kernels", "layers"):
            own = {"lab", "claims", "book"}
            if own.intersection(name.split(".")[0] for name in imports(root, module, path)):
                yield module


def at_the_top(root):
    return sorted(path.stem for path in root.glob("*.py"))


def long_modules(root):
    lines = {name: path.read_text("utf-8").count("\n") for name, path in modules(root).items()}
    return {name: count for name, count in lines.items() if count > LINES}


def users_of_mocks(root):
    """Modules that use what is made for tests."""
    text = re.compile(r"unittest|\bmock\b")
    return [name for name, path in modules(root).items() if text.search(path.read_text("utf-8"))]


def strange_folders(root):
    """Folders with modules that no order holds."""
    return sorted({name.split(".")[0] for name in modules(root) if "." in name} - {*FOLDERS})


def public_names(path):
    """``__all__`` of a module, read and not imported."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return []


def two_meanings(root):
    """Names that are a module of a folder, and a public function there: an import gives one."""
    for start in root.glob("*/__init__.py"):
        functions = functions_of(start.parent).intersection(public_names(start))
        twice = sorted(name for name in functions if start.with_name(f"{name}.py").exists())
        yield from (f"{start.parent.name}.{name}" for name in twice)


def functions_of(folder):
    """What the modules of a folder define as functions."""
    trees = (ast.parse(path.read_text("utf-8")) for path in folder.glob("*.py"))
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def without_a_word(module):
    """Public functions and classes of a module that lack a docstring."""
    for name in module.__all__:
        value = getattr(module, name)  # also what is imported when it is first asked for
        if (inspect.isfunction(value) or inspect.isclass(value)) and not value.__doc__:
            yield name


GUARDS = (wrong_ways, users_of_the_lab, users_of_mocks, strange_folders, two_meanings, long_modules)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_package_has_its_shape(guard):
    assert list(guard(ROOT)) == []


def test_top_of_the_package_is_small():
    assert len(at_the_top(ROOT)) <= MODULES_AT_THE_TOP, at_the_top(ROOT)


def test_modules_are_found():
    found = modules(ROOT)
    assert {f"{folder}.__init__" for folder in FOLDERS} <= {*found}
    assert "diagnosis.tables" in set(imports(ROOT, "diagnosis.x", ROOT / "diagnosis/summaries.py"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_public_name_of_a_folder_is_there_and_says_what_it_is(folder):
    module = importlib.import_module(f"lstmreg_utils.{folder}")
    assert module.__doc__
    assert module.__all__
    assert list(without_a_word(module)) == []


# Each guard can fail.


@pytest.fixture
def package(tmp_path):
    """Writes the modules of a made-up package."""

    def write(**sources):
        for name, source in sources.items():
            path = tmp_path / "made_up" / f"{re.sub('(?<=[a-z])__(?=[a-z])', '/', name)}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return tmp_path / "made_up"

    return write


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("tasks__a", "from ..layers import b", "layers"),
        ("tasks__a", "from ..layers.b import c", "layers.b"),
        ("tasks__a", "def f():\n    from .. import layers", "layers"),
        ("tasks__a", "import made_up.lab.runs", "lab.runs"),
        ("tasks__a", "from made_up import compare", "compare"),
        ("diagnosis__a", "import_module('..lab', __name__)", "lab"),
        ("diagnosis__a", "importlib.import_module('made_up.lab')", "lab"),
        ("lab__a", "from ..claims.ledger import b", "claims.ledger"),
        ("machine", "from .rates import b", "rates"),
        ("rates", "from . import machine", "machine"),
        ("rates", "from .tasks import b", "tasks"),
    ],
)
def test_import_against_the_order_is_found(module, source, found, package):
    assert list(wrong_ways(package(**{module: source}))) == [(module.replace("__", "."), found)]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("lab__a", "from ..tasks import b\nfrom .runs import c\nfrom ..rates import d"),
        ("lab__a", "import keras\nfrom . import runs\nfrom ..diagnosis.tables import e"),
        ("book__a", "from ..claims import b\nimport_module('.c', __name__)\nimport_module(name)"),
    ],
)
def test_import_along_the_order_is_allowed(module, source, package):
    assert list(wrong_ways(package(**{module: source}, __init__="from .book import b"))) == []


@pytest.mark.parametrize("folder", ["layers", "kernels", "diagnosis"])
@pytest.mark.parametrize("used", ["lab", "claims", "book"])
def test_use_of_the_lab_by_what_serves_any_model_is_found(folder, used, package):
    root = package(**{f"{folder}__a": f"def f():\n    from ..{used} import b"})
    assert list(users_of_the_lab(root)) == [f"{folder}.a"]


@pytest.mark.parametrize(
    "source", ["from unittest import mock", "import unittest.mock", "import mock"]
)
def test_mock_is_found(source, package):
    assert users_of_mocks(package(lab__a=source)) == ["lab.a"]


def test_folder_without_a_place_in_the_order_is_found(package):
    assert strange_folders(package(lab__a="", misc__a="", top="")) == ["misc"]


def test_module_and_function_of_one_name_are_found(package):
    start = "from .study import study\nfrom .runs import Run\n__all__ = ['study', 'Run', 'grid']"
    root = package(lab__study="def study(): 0", lab__runs="class Run: 0\ndef grid(): 0")
    (root / "lab" / "__init__.py").write_text(start)
    assert list(two_meanings(root)) == ["lab.study"]


def test_long_module_is_found(package):
    root = package(lab__a="#\n" * LINES, lab__b="#\n" * (LINES + 1))
    assert long_modules(root) == {"lab.b": LINES + 1}


def test_crowd_at_the_top_is_counted(package):
    assert at_the_top(package(b="", a="", lab__c="")) == ["a", "b"]


def test_public_name_without_a_docstring_is_found():
    class Module:
        __all__ = ("told", "silent", "NUMBER")
        NUMBER = 1

        def told():
            """Says what it is."""

        def silent():
            pass

    assert list(without_a_word(Module)) == ["silent"]
