import doctest
import importlib
import inspect
import pkgutil

import pytest

import lstmreg_utils
from lstmreg_utils.lab import studies

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
    train = studies._train_all

    def train_one(runs, *how):
        assert len(runs) == 1, "an example asks for a study whose records do not ship"
        return train(runs, *how)

    monkeypatch.setattr(studies, "_train_all", train_one)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_give_what_they_show(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0, f"{failed} examples of {name} failed, see the captured output"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_function_has_an_example(name):
    assert ">>> " in inspect.getdoc(getattr(lstmreg_utils, name))
