"""The book's own build extension, on a book of one page."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent


def write_page(book, code):
    page = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Page"), nbformat.v4.new_code_cell(code)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(page, book / "page.ipynb")


@pytest.fixture
def book(tmp_path):
    """A book with the configuration of this one, a page, and a package that the page reads."""
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "_toc.yml").write_text("{format: jb-book, root: page}\n", "utf-8")
    for name in ("requirements.txt", "chapters/references.bib", "lstmreg_utils/data.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "lstmreg_utils" / "data.txt").write_text("first state", "utf-8")
    for folder in ("_ext", "_static", "vendor"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    write_page(tmp_path, 'print(open("lstmreg_utils/data.txt").read())')
    return tmp_path


def build(book, *options):
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", ".", *options]
    done = subprocess.run(command, cwd=book, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def html(book):
    return (book / "_build" / "html" / "page.html").read_text("utf-8")


def test_outputs_follow_the_package(book, monkeypatch):
    """An unchanged book is not run again; another package is, though the page is the same."""
    monkeypatch.setenv("BOOK_REPOSITORY", "some-one/fork")
    code, log = build(book, "-W", "-n", "--keep-going")
    assert code == 0, log
    assert "first state" in html(book)

    code, log = build(book)
    assert code == 0, log
    assert "0 added, 0 changed" in log

    (book / "lstmreg_utils" / "data.txt").write_text("second state", "utf-8")
    code, log = build(book)
    assert code == 0, log
    assert "second state" in html(book)

    # The same page shows the other things that the extension sees to.
    page = html(book)
    assert "https://colab.research.google.com/github/some-one/fork/blob/main/page.ipynb" in page
    inline = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert sum("const THEBE_JS_URL" in script for script in inline) == 1


def test_a_failed_page_fails_this_build_and_the_next(book):
    write_page(book, "1 / 0")
    for _ in range(2):  # the second finds no change
        code, log = build(book)
        assert code != 0
        assert "notebooks failed: page" in log
    assert "ZeroDivisionError" in html(book)
