"""The book as one PDF, by ``tools/make_pdf.py``: a few of its pages, and all in `nox -s pdf`.

All pages take Chromium a minute or more: they are laid out twice.
"""

import html
import re
import subprocess
import sys
import unicodedata

import pikepdf
import pytest
import yaml
from check_site import toc_pages
from make_pdf import make_pdf, name_outline
from pypdfium2 import PdfDocument

from .equipment import ROOT, site_folder

pytestmark = pytest.mark.rare

# Equations, links to one another, exercises with solutions, a table of terms.
FEW = {
    "root": "chapters/00_the_answer",
    "chapters": [
        {"file": f"chapters/{name}"}
        for name in ("01_the_question", "02_reading_the_curves", "glossary", "bibliography")
    ],
}
TITLE = re.compile(r"<h1>((?:(?!</h1>).)*)<a class=.headerlink", re.DOTALL)


def letters(text):
    """What is printed, whatever the lines, the spaces, the hyphens and the ligatures."""
    return re.sub(r"[\s\ufffe-]", "", unicodedata.normalize("NFKC", text))


def titles(pages):
    """The heading of every page, as the site has it."""
    for page in pages:
        heading = TITLE.search((site_folder() / page).read_text("utf-8"))[1]
        yield letters(html.unescape(re.sub(r"<[^>]*>", " ", heading)))


@pytest.fixture(scope="module", params=["few", pytest.param("all", marks=pytest.mark.apart)])
def toc(request, tmp_path_factory):
    """A table of contents."""
    if request.param == "all":
        return ROOT / "_toc.yml"
    path = tmp_path_factory.mktemp("toc") / "_toc.yml"
    path.write_text(yaml.safe_dump(FEW), "utf-8")
    return path


@pytest.fixture(scope="module")
def pages(toc):
    return toc_pages(toc)


@pytest.fixture(scope="module")
def pdf(toc, tmp_path_factory):
    path = tmp_path_factory.mktemp("pdf") / "book.pdf"
    # In a process of its own: Playwright runs once in a process, and here it drives the browser.
    command = [sys.executable, "tools/make_pdf.py", "--site", site_folder(), "--output", path]
    command += ["--toc", toc]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(path) in done.stdout
    return path


@pytest.fixture(scope="module")
def text(pdf):
    return [page.get_textpage().get_text_bounded() for page in PdfDocument(pdf)]


@pytest.fixture(scope="module")
def outline(pdf):
    """Where each heading stands, by its letters."""
    return {letters(e.get_title()): e.get_dest() for e in PdfDocument(pdf).get_toc()}


def links(path):
    """The address of each link that leaves the file, None for each that stays in it."""
    with pikepdf.open(path) as pdf:
        for page in pdf.pages:
            for annotation in page.get("/Annots", ()):
                if annotation.Subtype == "/Link":
                    yield str(annotation.A.URI) if "/A" in annotation else None


def test_every_page_of_the_book_is_in_the_outline_and_begins_at_the_top(pdf, outline, pages):
    assert [title for title in titles(pages) if title not in outline] == []
    height = PdfDocument(pdf)[0].get_height()
    for title in titles(pages):
        _, (_, top, _) = outline[title].get_view()
        assert top > height - 100


def test_contents_name_the_page_of_every_chapter(outline, text, pages):
    """As the foot of that page has it, and the outline."""
    contents = re.findall(r"(?m)^(.*\D) (\d+)\r?$", text[0])
    found = {letters(title): int(number) for title, number in contents}
    assert found == {title: outline[title].get_index() + 1 for title in titles(pages)}
    assert all(text[on - 1].rstrip().endswith(str(on)) for on in found.values())


def test_chapters_have_their_headings(text, pages):
    assert [
        title for title in titles(pages) if not any(title in letters(page) for page in text)
    ] == []


def test_it_is_named_after_the_book(pdf):
    book = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    assert PdfDocument(pdf).get_metadata_value("Title") == book["title"]


def test_links_between_chapters_stay_inside(pdf):
    found = list(links(pdf))
    assert found.count(None) > 20
    outside = [address for address in found if address]
    assert [address for address in outside if "127.0.0.1" in address] == []
    assert any(address.startswith("https://doi.org/") for address in outside)


def test_mathematics_is_typeset(text):
    assert [page for page in text if re.search(r"\\(frac|odot|mathrm|sigma)\b", page)] == []


def test_folded_solutions_are_open(text):
    assert sum("Solution to Exercise" in page for page in text) > 1


def test_an_outline_of_other_headings_is_refused(tmp_path):
    path = tmp_path / "book.pdf"
    with pikepdf.new() as small:
        small.add_blank_page()
        with small.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem("a heading", 0))
        small.save(path)
    name_outline(path, ["its name"])
    [entry] = PdfDocument(path).get_toc()
    assert entry.get_title() == "its name"
    with pytest.raises(ValueError, match="longer"):
        name_outline(path, ["its name", "another"])


def test_a_page_that_is_not_built_is_named(tmp_path):
    first, second, *_ = toc_pages(ROOT / "_toc.yml")
    (tmp_path / first).parent.mkdir()
    (tmp_path / first).touch()
    with pytest.raises(FileNotFoundError, match=second):
        make_pdf(tmp_path, tmp_path / "book.pdf")
