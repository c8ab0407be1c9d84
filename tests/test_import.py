import json
import subprocess
import sys

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
