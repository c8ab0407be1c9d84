import json
import subprocess
import sys

import pytest

HEAVY = ["tensorflow", "keras", "matplotlib", "scipy", "sklearn", "IPython"]


@pytest.mark.parametrize("folder", ["", ".tasks", ".diagnosis", ".lab"])
def test_importing_the_package_is_light(folder):
    code = (
        f"import json, sys, lstmreg_utils{folder}\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == []


def test_every_public_name_exists():
    import lstmreg_utils

    assert [name for name in lstmreg_utils.__all__ if not hasattr(lstmreg_utils, name)] == []
