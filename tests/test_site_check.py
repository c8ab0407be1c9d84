"""The check of the built site finds what it is there to find."""

import sys

import check_site
import pytest

TOC = """
format: jb-book
root: chapters/first
parts:
  - caption: More
    chapters:
      - file: chapters/second.ipynb
"""
PAGE = """
<html><body>
  <a class="logo" href="first.html"><img src="../_static/logo.svg" alt=""></a>
  <h1 id="title">Title</h1>
  <img src="../_images/a.svg" alt="Two curves that fall.">
  <a href="second.html#title">on</a> <a href="#title">up</a> <a href="../">home</a>
  <a href="https://example.org/elsewhere">out</a> <a href="mailto:a@example.org">post</a>
</body></html>
"""


@pytest.fixture
def site(tmp_path):
    """A sound site of two pages."""
    files = {
        "index.html": '<meta http-equiv="Refresh" content="0; url=chapters/first.html" />',
        "genindex.html": "",
        "chapters/first.html": PAGE,
        "chapters/second.html": PAGE,
        "_static/logo.svg": "",
        "_static/template.html": "<img>",
        "_images/a.svg": "",
    }
    for name, content in files.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    (tmp_path / "_toc.yml").write_text(TOC, "utf-8")
    return tmp_path / "site"


def found(site):
    return check_site.problems(site, site.parent / "_toc.yml")


def test_a_sound_site_has_no_problems(site):
    assert found(site) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("<h1 ", '<script src="https://cdn.example.org/a.js"></script><h1 ', "a.js from elsewhere"),
        ("<h1 ", '<link rel="stylesheet" href="//example.org/a.css"><h1 ', "a.css from elsewhere"),
        ("<h1 ", '<img src="https://example.org/a.png" alt="A."><h1 ', "a.png from elsewhere"),
        ("Title<", "Traceback (most recent call last)<", "shows a traceback"),
        ("<h1 ", '<div class="output traceback"></div><h1 ', "shows a traceback"),
        ('alt="Two curves that fall."', "", "has the alt text None"),
        ("Two curves that fall.", " ", "has the alt text ' '"),
        ("Two curves that fall.", "../_images/a.svg", "has the alt text '../_images/a.svg'"),
        ("Two curves that fall.", "plot.PNG", "has the alt text 'plot.PNG'"),
        ('alt=""', "", "has the alt text None"),
        ("second.html#title", "third.html", "third.html leads nowhere"),
        ("second.html#title", "../../_toc.yml", "leads nowhere"),
        ("second.html#title", "second.html#end", "leads to an anchor that is not there"),
        ("#title", "#end", "leads to an anchor that is not there"),
        ("../_images/a.svg", "../_images/b.svg", "../_images/b.svg leads nowhere"),
    ],
)
def test_a_fault_is_found_and_named(site, old, new, problem):
    page = site / "chapters" / "first.html"
    page.write_text(PAGE.replace(old, new), "utf-8")
    problems = found(site)
    assert problems
    assert all(text.startswith("chapters/first.html: ") and problem in text for text in problems)


def test_a_page_that_was_not_built_is_missed(site):
    (site / "chapters" / "second.html").unlink()
    assert "chapters/second.html: named in the table of contents, not built" in found(site)


def test_a_page_that_no_table_of_contents_names_is_noticed(site):
    (site / "chapters" / "third.html").write_text(PAGE, "utf-8")
    [problem] = found(site)
    assert problem.startswith("chapters/third.html: built, not named")


def test_a_page_named_twice_is_noticed(site):
    toc = site.parent / "_toc.yml"
    toc.write_text(TOC + "      - file: chapters/second\n", "utf-8")
    assert found(site) == ["the table of contents names a page twice"]


def test_the_command_fails_when_a_check_does(site, monkeypatch, capsys):
    arguments = ["check_site.py", str(site), "--toc", str(site.parent / "_toc.yml")]
    monkeypatch.setattr(sys, "argv", arguments)
    assert check_site.main() == 0
    (site / "chapters" / "second.html").unlink()
    assert check_site.main() == 1
    assert "second.html" in capsys.readouterr().err


def test_a_notebook_is_offered_as_a_file_and_on_colab(site):
    source = site / "_sources" / "chapters" / "second.ipynb"
    source.parent.mkdir(parents=True)
    source.write_text("{}", "utf-8")
    assert found(site) == [
        "chapters/second.html: has no button that opens it on Colab",
        "chapters/second.html: has no download of its notebook",
    ]
    colab = "https://colab.research.google.com/github/me/book/blob/main/chapters/second.ipynb"
    links = f'<a href="../_sources/chapters/second.ipynb">file</a> <a href="{colab}">Colab</a>'
    page = site / "chapters" / "second.html"
    page.write_text(PAGE.replace("</body>", f"{links}</body>"), "utf-8")
    assert found(site) == []
