import hashlib
import shutil

import pytest

from lstmreg_utils import arm
from lstmreg_utils import fingerprint as module
from lstmreg_utils.arms import INSIDE, PLACES
from lstmreg_utils.fingerprint import MODULE, SHARED, fingerprint, normal_form
from lstmreg_utils.tasks import TASKS

CODE = '''
"""A module."""

def scaled(x, by=2.0):
    """Scale x."""
    return x * by  # twice
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # twice", ""),
        ('"""Scale x."""', '"""Multiply."""'),
        ('    """Scale x."""\n', ""),
        ('"""A module."""\n', ""),
        ("x * by", "(\n        x\n        * by\n    )"),
        ("2.0", "2.00"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(old, new):
    assert old in CODE
    assert normal_form(CODE.replace(old, new)) == normal_form(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("2.0", "3.0"), ("2.0", "2"), ("*", "+"), ("x * by", "by * x"), ("by=2.0", "by"),
     ("by", "factor"), ("return x * by", "'''Scale.''' + 'x'")],
)  # fmt: skip
def test_code_counts(old, new):
    assert old in CODE
    assert normal_form(CODE.replace(old, new)) != normal_form(CODE)


def test_tasks_of_one_module_share_a_fingerprint_and_others_have_their_own():
    by_module = {MODULE.get(task, task): fingerprint(task) for task in TASKS}
    assert len(set(by_module.values())) == len(by_module) < len(TASKS)


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ("tasks/nyse_volume.py", {"nyse_volume"}),
        ("tasks/synthetic.py", {"noise_targets", "hidden_ar1"}),
        *((file, set(TASKS)) for file in SHARED),
    ],
)
def test_a_change_makes_exactly_its_own_tasks_stale(changed, stale, monkeypatch, tmp_path):
    package = tmp_path / "lstmreg_utils"
    for file in (*SHARED, *(f"tasks/{MODULE.get(task, task)}.py" for task in TASKS)):
        source = (module.resources.files("lstmreg_utils") / file).read_text("utf-8")
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_text(source + "\nCHANGED = 1\n" * (file == changed), "utf-8")
    monkeypatch.setattr(module.resources, "files", lambda name: tmp_path / name)
    uncached = fingerprint.__wrapped__
    assert {task for task in TASKS if uncached(task) != fingerprint(task)} == stale


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ("layers/zoneout.py", {"zoneout_c", "zoneout_h"}),
        ("layers/recurrent_dropout.py", {"h", "g", "c"}),
        ("layers/weight_drop.py", {"weight_drop"}),
        ("layers/embedding_dropout.py", {"embedding"}),
        ("layers/noisy_lstm.py", {*INSIDE, "embedding"}),
        ("layers/noise.py", {*INSIDE, "embedding"}),
        ("models.py", set(PLACES)),
    ],
)
def test_a_changed_layer_makes_only_the_arms_stale_that_take_it(
    changed, stale, monkeypatch, tmp_path
):
    original = module.resources.files("lstmreg_utils")
    shutil.copytree(original, tmp_path / "lstmreg_utils", ignore=lambda *_: ["records", "data"])
    with (tmp_path / "lstmreg_utils" / changed).open("a") as file:
        file.write("\nCHANGED = 1\n")
    before = {place: fingerprint("hidden_ar1", arm(place, 0.5)) for place in PLACES}
    monkeypatch.setattr(module.resources, "files", lambda name: tmp_path / name)
    after = {place: fingerprint.__wrapped__("hidden_ar1", arm(place, 0.5)) for place in PLACES}
    assert {place for place in PLACES if before[place] != after[place]} == stale


# Syntax whose tree differs between versions of Python if it is dumped carelessly.
SYNTAX = """
@decorate(1)
class A(B, metaclass=C):
    x: int = 0
    def f(self, a, /, b=None, *c, d=..., **e) -> "A":
        with open(f"{a!r:>8} b", mode="r") as file, g:
            return [i async for i in c if i] or {**e, None: -1j, "u": b"b"}
async def h(x):
    try:
        del x[0:1, ::2], x.y
    except* (ValueError, KeyError) as error:
        raise TypeError from error
    finally:
        lambda *, k=True: (yield)
    match x:
        case {"a": [1, *_], **rest} if (n := 2) > 1 < 3:
            pass
"""


def test_normal_form_is_the_same_on_every_python():
    digest = hashlib.sha256(normal_form(SYNTAX).encode()).hexdigest()
    assert digest == "3a2598b84a891dc9c86f49c632051c70bd5ec33a9f402018d3b2f8623970dad7"
