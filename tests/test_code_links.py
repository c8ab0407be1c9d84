"""The links between code and reference, on blocks of code and on a book of three pages."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from code_links import home, linked, names_in

EXTENSION = Path(__file__).resolve().parent.parent / "_ext" / "code_links.py"
INIT = "from .tools import saw\nfrom . import other\n"
TOOLS = "from ._deep import hammer as mallet\ndef saw():\n    '''Cut.'''\n"


@pytest.fixture
def package(tmp_path):
    """A package of the same name, which is never imported."""
    folder = tmp_path / "lstmreg_utils"
    folder.mkdir()
    files = {"__init__": INIT, "tools": TOOLS, "_deep": "def hammer(): ...\n1 / 0\n"}
    for name, code in files.items():
        (folder / f"{name}.py").write_text(code, "utf-8")
    return folder


def written(source, aliases=None):
    """What the names of a block look like, and what they stand for."""
    lines = source.split("\n")
    found = names_in(source, {} if aliases is None else aliases)
    return [(lines[line - 1][first:last], full) for line, first, last, full in found]


def test_imports_and_uses_are_found_where_they_stand():
    source = "from lstmreg_utils import saw as s, tools\nΔ = s(tools.mallet(1), saw=2)"
    assert written(source) == [
        ("saw", "lstmreg_utils.saw"),
        ("tools", "lstmreg_utils.tools"),
        ("s", "lstmreg_utils.saw"),
        ("tools.mallet", "lstmreg_utils.tools.mallet"),
    ]


def test_names_of_earlier_blocks_are_known():
    aliases = {}
    names_in("from lstmreg_utils import saw", aliases)
    assert written("saw().teeth", aliases) == [("saw", "lstmreg_utils.saw")]
    assert written("saw()") == []


@pytest.mark.parametrize(
    "other", ["saw = 1", "for saw in x: pass", "def saw(): pass", "def f(saw): pass"]
)
def test_a_name_that_is_bound_again_is_another_one(other):
    aliases = {"saw": "lstmreg_utils.saw"}
    assert written(f"{other}\nsaw", aliases) == []


@pytest.mark.parametrize("source", ["import numpy\nnumpy.saw", "from os import saw\nsaw", "1 +"])
def test_other_code_has_no_names(source):
    assert written(source) == []


def test_magic_lines_do_not_hide_the_rest():
    source = "if x:\n    %pip install y\nfrom lstmreg_utils import saw"
    assert written(source) == [("saw", "lstmreg_utils.saw")]


@pytest.mark.parametrize(
    ("full", "defined"),
    [
        ("lstmreg_utils.saw", "lstmreg_utils.tools.saw"),
        ("lstmreg_utils.tools.saw", "lstmreg_utils.tools.saw"),
        ("lstmreg_utils.tools.mallet", "lstmreg_utils._deep.hammer"),
        ("lstmreg_utils.other", "lstmreg_utils.other"),
        ("numpy.array", "numpy.array"),
    ],
)
def test_an_object_is_known_under_all_its_names(full, defined, package):
    assert home(full, package) == defined


def test_a_link_goes_around_whole_names():
    html = '<pre><span class="n">a</span><span class="o">.</span><span class="n">b</span> &lt;\n'
    html += '<span class="n">c</span></pre>'
    link = '<a class="code-link" href="{}"><span class="n">'
    assert linked(html, [(1, 0, 3, "x#y"), (2, 0, 1, "z")]) == html.replace(
        '<span class="n">a</span>', link.format("x#y") + "a</span>"
    ).replace("b</span>", "b</span></a>").replace(
        '<span class="n">c</span>', link.format("z") + "c</span></a>"
    )


@pytest.mark.parametrize("place", [(1, 0, 2), (1, 1, 2), (3, 0, 1), (1, 4, 5)])
def test_a_place_without_a_name_of_its_own_is_refused(place):
    html = '<pre><span class="n">ab</span> &lt;\n'
    if place == (1, 0, 2):
        assert linked(html, [(*place, "x")]).startswith('<pre><a class="code-link" href="x">')
    else:
        with pytest.raises(ValueError, match=f"no name in line {place[0]}"):
            linked(html, [(*place, "x")])


# ---------------------------------------------------------------- a build


CHAPTER = "Chapter\n=======\n\nFirst use\n---------\n\n.. code-block:: python\n\n   {}\n"
REFERENCE = "Reference\n=========\n\n.. py:function:: lstmreg_utils.saw()\n\n   Cut.\n"


@pytest.fixture
def book(tmp_path, package):
    """A chapter, and a reference to what its code uses."""
    (tmp_path / "ext").mkdir()
    shutil.copy(EXTENSION, tmp_path / "ext")
    conf = "import sys\nsys.path.insert(0, 'ext')\nextensions = ['code_links']\n"
    (tmp_path / "conf.py").write_text(conf, "utf-8")
    (tmp_path / "index.rst").write_text(".. toctree::\n\n   chapter\n   reference\n", "utf-8")
    (tmp_path / "reference.rst").write_text(REFERENCE, "utf-8")
    write_chapter(tmp_path, "from lstmreg_utils.tools import saw")
    return tmp_path


def write_chapter(book, code):
    (book / "chapter.rst").write_text(CHAPTER.format(code), "utf-8")


def build(book):
    """The two pages, with the tags of highlighting left out."""
    command = [sys.executable, "-m", "sphinx", "-W", "-q", ".", "html"]
    done = subprocess.run(command, cwd=book, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = [
        (book / "html" / f"{name}.html").read_text("utf-8") for name in ("chapter", "reference")
    ]
    return [re.sub(r"</?span[^>]*>", "", page) for page in pages]


def test_code_and_reference_lead_to_one_another(book):
    chapter, reference = build(book)
    assert 'import <a class="code-link" href="reference.html#lstmreg_utils.saw">saw</a>' in chapter
    assert 'Used in <a class="reference internal" href="chapter.html#first-use">Chapter</a>.' in (
        reference
    )


def test_an_incremental_build_keeps_them_up_to_date(book):
    build(book)
    write_chapter(book, "print('another tool')")
    chapter, reference = build(book)
    assert "code-link" not in chapter
    assert "Used in" not in reference

    write_chapter(book, "from lstmreg_utils import saw, hammer")
    chapter, reference = build(book)
    assert chapter.count("code-link") == 1
    assert "Used in" in reference

    entry = "\n.. py:function:: lstmreg_utils.hammer()\n\n   Drive.\n"
    (book / "reference.rst").write_text(REFERENCE + entry, "utf-8")
    chapter, reference = build(book)
    assert chapter.count("code-link") == 2
    assert reference.count("Used in") == 2
