"""The check of the chapters on Colab finds what a reader there would meet."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import colab
import pytest

BEFORE = {"keras": "3.13.2", "numpy": "2.1.3"}
CONFIGURATION = "repository:\n  url: https://github.com/some-one/book\n"
NOTEBOOK = {"cells": [{"cell_type": "code", "source": "1"}], "metadata": {}}


def git(folder, *arguments):
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of a package, with data that is not code, and of two chapters."""
    root = tmp_path / "repository"
    files = {
        "_config.yml": CONFIGURATION,
        "chapters/01_a.ipynb": json.dumps(NOTEBOOK),
        "chapters/02_b.ipynb": json.dumps(NOTEBOOK),
        "lstmreg_utils/__init__.py": "",
        "lstmreg_utils/data/a.npz": "numbers",
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, "utf-8")
    git(root, "init")
    git(root, "add", "--all")
    git(root, "commit", "-m", "first")
    monkeypatch.setattr(colab, "ROOT", root)
    return root


@pytest.fixture
def cloned(repository, tmp_path):
    """Colab's folder, without its environment."""
    folder = tmp_path / "colab"
    folder.mkdir()
    found = colab.Colab(folder)
    found.clone()
    return found


def item(name, version="1.0"):
    return {"metadata": {"name": name, "version": version}}


def test_installing_the_package_alone_is_right():
    assert colab.proposals({"install": [item("lstmreg_utils")]}) == []


def test_what_pip_would_install_besides_is_named():
    report = {"install": [item("lstmreg_utils"), item("numpy", "2.4.6")]}
    assert colab.proposals(report) == ["pip would install numpy 2.4.6"]


def test_a_package_that_pip_would_not_install_is_named():
    assert colab.proposals({"install": []}) == [
        "pip would not install lstmreg_utils: it wants nothing"
    ]


def test_only_the_package_may_be_new():
    assert colab.moved(BEFORE, {**BEFORE, "lstmreg_utils": "0.1.0"}) == []


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({**BEFORE, "numpy": "2.4.6"}, "the install cell changed numpy: 2.1.3 to 2.4.6"),
        ({"keras": "3.13.2"}, "the install cell changed numpy: 2.1.3 to None"),
        ({**BEFORE, "scipy": "1.0"}, "the install cell changed scipy: None to 1.0"),
    ],
)
def test_a_package_of_colab_that_was_moved_is_named(after, told):
    assert colab.moved(BEFORE, after) == [told]


def test_a_folder_inside_of_the_repository_is_refused(monkeypatch):
    monkeypatch.setattr(colab, "PYTHON", sys.version_info[:2])
    with pytest.raises(colab.FailedError, match="--folder must lie outside of"):
        colab.checked(colab.ROOT / "build")


def test_another_python_than_colabs_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(colab, "PYTHON", (3, 1))
    with pytest.raises(colab.FailedError, match=r"Colab's Python 3\.1, got 3\.\d+"):
        colab.checked(tmp_path)


def test_an_unknown_chapter_is_refused(cloned):
    notebooks = sorted((cloned.source / "chapters").glob("*.ipynb"))
    assert [path.stem for path in colab.chosen(notebooks, ["02_b"])] == ["02_b"]
    with pytest.raises(colab.FailedError, match=r"\['01_a', '02_b'\], got \['03_c'\]"):
        colab.chosen(notebooks, ["01_a", "03_c"])


def test_the_address_of_the_repository_means_the_clone(cloned):
    """What the install cell fetches, asked of git alone."""
    command = ["git", "ls-remote", "https://github.com/some-one/book", "HEAD"]
    done = subprocess.run(
        command, env=cloned.variables(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[0].startswith(cloned.clone())


def test_nothing_of_this_shell_reaches_the_kernel(cloned, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("LSTMREG_RECORDS", "/elsewhere")
    variables = cloned.variables()
    assert "PYTHONPATH" not in variables
    assert variables["LSTMREG_RECORDS"].startswith(str(cloned.content))


def test_what_is_not_committed_is_not_tried_and_said(cloned, repository, capsys):
    assert capsys.readouterr().err == ""
    (repository / "lstmreg_utils" / "__init__.py").write_text("1 / 0", "utf-8")
    cloned.clone()
    assert "not committed" in capsys.readouterr().err
    assert (cloned.source / "lstmreg_utils" / "__init__.py").read_text("utf-8") == ""


def test_data_that_was_not_installed_is_named(cloned, tmp_path, monkeypatch):
    installed = tmp_path / "installed" / "lstmreg_utils"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    cloned.python = sys.executable
    monkeypatch.setenv("PYTHONPATH", str(installed.parent))
    assert cloned.not_installed() == ["not installed: lstmreg_utils/data/a.npz"]
    (installed / "data").mkdir()
    (installed / "data" / "a.npz").touch()
    assert cloned.not_installed() == []


@pytest.mark.parametrize(
    ("folder", "on_colab", "passes"),
    [("site-packages", True, True), ("site-packages", False, False), ("clone", True, False)],
)
def test_the_kernel_must_take_the_installed_package(tmp_path, folder, on_colab, passes):
    package = tmp_path / folder / "lstmreg_utils"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    stub = colab.STUB if on_colab else ""
    code = f"import sys\nsys.prefix = {str(tmp_path)!r}\n{stub}{colab.GUARD}"
    there = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(package.parent)}}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, **there)
    assert (done.returncode == 0) == passes


def test_the_first_cell_and_one_line_are_what_trains_on_jax(cloned, monkeypatch):
    monkeypatch.setattr(cloned, "uninstall", lambda: None)
    monkeypatch.setattr(cloned, "execute", lambda page: json.loads(page.read_text("utf-8")))
    cells = cloned.train_on_jax(cloned.source / "chapters" / "01_a.ipynb")["cells"]
    assert [cell["source"] for cell in cells] == ["1", colab.ONE_LINE]
    assert 'engine="jax"' in colab.ONE_LINE


class Pretended(SimpleNamespace):
    """A Colab of which everything can be told to go wrong."""

    moves, wants, fails, lacks = False, (), (), ()

    def make(self):
        self.installed = dict(BEFORE)

    def clone(self):
        return "abc1234"

    def freeze(self):
        return dict(self.installed)

    def dry_run(self):
        return {"install": [item("lstmreg_utils"), *map(item, self.wants)]}

    def uninstall(self):
        self.installed.pop("lstmreg_utils", None)

    def execute(self, notebook):
        self.installed["lstmreg_utils"] = "0.1.0"
        if self.moves:
            self.installed["numpy"] = "2.4.6"
        return f"{notebook.stem}: it fails" if notebook.stem in self.fails else None

    def not_installed(self):
        return list(self.lacks)

    def train_on_jax(self, notebook):
        return f"on JAX: {notebook.stem} fails" if "jax" in self.fails else None


def test_all_chapters_run_and_their_times_are_printed(cloned, capsys):
    colab.try_all(Pretended(source=cloned.source))
    told = capsys.readouterr().out
    assert "01_a: done in" in told
    assert "2 notebooks in" in told


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"fails": ["01_a"]}, "^01_a: it fails$"),
        ({"fails": ["jax"]}, "^on JAX: 01_a fails$"),
        ({"moves": True}, "^the install cell changed numpy: 2.1.3 to 2.4.6$"),
        ({"wants": ["scipy"]}, "^pip would install scipy 1.0$"),
        ({"lacks": ["not installed: a.npz"]}, "^not installed: a.npz$"),
    ],
)
def test_whatever_goes_wrong_fails_the_check_after_all_have_run(cloned, capsys, wrong, told):
    with pytest.raises(colab.FailedError, match=told):
        colab.try_all(Pretended(source=cloned.source, **wrong))
    assert "02_b: done in" in capsys.readouterr().out
