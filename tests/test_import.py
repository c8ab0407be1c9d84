import json
import subprocess
import sys

HEAVY = ["tensorflow", "keras", "matplotlib", "scipy", "sklearn", "IPython"]


def test_importing_the_package_is_light():
    code = (
        "import json, sys, lstmreg_utils.lab, lstmreg_utils.diagnosis, lstmreg_utils.kernels\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == []


def test_every_public_name_exists():
    import lstmreg_utils
    from lstmreg_utils import diagnosis, kernels, lab

    for module in (lstmreg_utils, diagnosis, kernels, lab):
        assert [name for name in module.__all__ if not hasattr(module, name)] == []
