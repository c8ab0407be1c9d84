import importlib
import json
import subprocess
import sys

import pytest

HEAVY = ["tensorflow", "keras", "matplotlib", "scipy", "sklearn", "IPython"]


def test_importing_the_package_is_light():
    code = (
        "import json, sys, lstmreg_utils\n"
        "alone = {*sys.modules}\n"
        "import lstmreg_utils.lab, lstmreg_utils.diagnosis, lstmreg_utils.kernels\n"
        "print(json.dumps([[*alone], [*sys.modules]]))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    alone, all_folders = json.loads(found.stdout)
    assert not {*HEAVY, "pandas", "numpy"} & {*alone}
    assert not {*HEAVY} & {*all_folders}
    assert "pandas" in all_folders  # so the test can tell


def test_every_public_name_exists():
    import lstmreg_utils
    from lstmreg_utils import diagnosis, kernels, lab

    for module in (lstmreg_utils, diagnosis, kernels, lab):
        assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize(
    ("module", "name", "home"),
    [
        ("callbacks", "CleanTrainingLoss", "diagnosis"),
        ("own_models", "table_of_histories", "diagnosis"),
        ("own_models", "table_of_models", "diagnosis"),
        ("cudnn", "explain_cudnn", "kernels"),
        ("cudnn", "kernel_trace", "kernels"),
    ],
)
def test_names_of_the_first_edition_are_the_same_things_and_say_where_they_live(module, name, home):
    sys.modules.pop(f"lstmreg_utils.{module}", None)  # a warning comes with the first import
    with pytest.warns(DeprecationWarning, match=f"import from lstmreg_utils.{home}"):
        old = importlib.import_module(f"lstmreg_utils.{module}")
    assert getattr(old, name) is getattr(importlib.import_module(f"lstmreg_utils.{home}"), name)
