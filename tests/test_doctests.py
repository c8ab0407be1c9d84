import doctest
import importlib
import inspect
import pkgutil

import pytest

import lstmreg_utils

MODULES = ["lstmreg_utils"] + [
    module.name for module in pkgutil.walk_packages(lstmreg_utils.__path__, "lstmreg_utils.")
]
FUNCTIONS = [
    name for name in lstmreg_utils.__all__ if inspect.isfunction(getattr(lstmreg_utils, name))
]


@pytest.fixture(autouse=True)
def no_study_is_trained(monkeypatch, tmp_path):
    """An example trains one run at most; whole studies must come from records that ship."""
    monkeypatch.setenv("LSTMREG_RECORDS", str(tmp_path))
    module = importlib.import_module("lstmreg_utils.executors")
    own_processes = module.own_processes

    def one_process(workers):
        assert workers == 1, "an example asks for a study whose records do not ship"
        return own_processes(workers)

    monkeypatch.setattr(module, "own_processes", one_process)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_give_what_they_show(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0, f"{failed} examples of {name} failed, see the captured output"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_function_has_an_example(name):
    assert ">>> " in inspect.getdoc(getattr(lstmreg_utils, name))
