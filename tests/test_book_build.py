"""The book's own build extension, on a book of one page."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.rare

ROOT = Path(__file__).resolve().parent.parent


def write_page(book, code, name="page"):
    page = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Page"), nbformat.v4.new_code_cell(code)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(page, book / f"{name}.ipynb")


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


# Each of two pages waits for the other: run one after the other, the first would wait in vain.
MEET = """
import pathlib, time
pathlib.Path("{mine}.met").touch()
deadline = time.monotonic() + 60
while not pathlib.Path("{other}.met").exists():
    assert time.monotonic() < deadline, "nobody came"
    time.sleep(0.05)
print("{mine} has met {other}")
"""


def test_changed_pages_run_side_by_side(book):
    (book / "_toc.yml").write_text("{format: jb-book, root: page, chapters: [file: b]}\n", "utf-8")
    write_page(book, MEET.format(mine="page", other="b"))
    write_page(book, MEET.format(mine="b", other="page"), "b")
    code, log = build(book, "-W", "-n", "--keep-going")
    assert code == 0, log
    assert "2 notebooks side by side" in log
    assert "page has met b" in html(book)
    assert "b has met page" in (book / "_build" / "html" / "b.html").read_text("utf-8")


def test_a_page_that_fails_beside_another_fails_the_build(book):
    (book / "_toc.yml").write_text("{format: jb-book, root: page, chapters: [file: b]}\n", "utf-8")
    write_page(book, "1 / 0", "b")
    code, log = build(book)
    assert code != 0
    assert "notebooks failed: b" in log
    assert "first state" in html(book)


def test_a_failed_page_fails_this_build_and_the_next(book):
    write_page(book, "1 / 0")
    for _ in range(2):  # the second finds no change
        code, log = build(book)
        assert code != 0
        assert "notebooks failed: page" in log
    assert "ZeroDivisionError" in html(book)
