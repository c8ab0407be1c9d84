"""What the README shows works as printed, and CI runs its commands."""

import re
from pathlib import Path

import numpy as np

from lstmreg_utils.kernels import price_in_words

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = (
    "pip install -r requirements.txt && jupyter-book build .",
    "pip install -r requirements.txt && pytest --nbmake",
)


def blocks(language):
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", README)


def test_the_two_commands_stand_alone_in_their_blocks():
    """.ci/run takes them from there, and adds arguments at the end of the line."""
    shown = [block for block in blocks("bash") if "requirements.txt" in block]
    assert shown == [f"{command}\n" for command in COMMANDS]


def test_commands_name_files_that_exist():
    for command in blocks("bash"):
        for name in re.findall(r"\b(?:chapters|tools|benchmarks)/[\w.]+", command):
            assert (ROOT / name).is_file()


def test_the_layout_names_what_exists():
    for name in re.findall(r"(?m)^\| (`.*?) \|", README):
        for path in re.findall(r"`([^`]+)`", name):
            assert (ROOT / path).exists(), path


def test_what_a_loop_costs_is_what_was_measured():
    assert f"ask first whether it compiles: {price_in_words()}." in README


def test_examples_run(capsys):
    diagnosed, model, explained = blocks("python")
    exec(compile(diagnosed, "README.md", "exec"), {})
    assert re.search(r"(?s)model: .*Δtrain.*Margin: ", capsys.readouterr().out)
    names = {}
    exec(compile(model, "README.md", "exec"), names)
    assert names["model"](np.ones((2, 5, 3))).shape == (2, 1)
    capsys.readouterr()
    exec(compile(explained, "README.md", "exec"), names)
    assert "1 of 3 recurrent layers on the fused kernel" in capsys.readouterr().out
