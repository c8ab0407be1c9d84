"""The whole book as one PDF, by ``tools/make_pdf.py``. Takes half a minute."""

import html
import re
import subprocess
import sys
import unicodedata

import pytest
import yaml
from check_site import toc_pages
from make_pdf import make_pdf, name_outline
from pypdf import PdfReader, PdfWriter

from .equipment import ROOT, site_folder

pytestmark = pytest.mark.rare

PAGES = toc_pages(ROOT / "_toc.yml")
TITLE = re.compile(r"<h1>((?:(?!</h1>).)*)<a class=.headerlink", re.DOTALL)


def letters(text):
    """What is printed, whatever the lines, the spaces and the ligatures."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def titles():
    """The heading of every page, as the site has it."""
    for page in PAGES:
        heading = TITLE.search((site_folder() / page).read_text("utf-8"))[1]
        yield letters(html.unescape(re.sub(r"<[^>]*>", " ", heading)))


@pytest.fixture(scope="module")
def pdf(tmp_path_factory):
    path = tmp_path_factory.mktemp("pdf") / "book.pdf"
    # In a process of its own: Playwright runs once in a process, and here it drives the browser.
    command = [sys.executable, "tools/make_pdf.py", "--site", site_folder(), "--output", path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(path) in done.stdout
    return PdfReader(path)


@pytest.fixture(scope="module")
def text(pdf):
    return [page.extract_text() for page in pdf.pages]


def outline(entries):
    for entry in entries:
        yield from outline(entry) if isinstance(entry, list) else [entry]


def links(pdf):
    """The address of each link that leaves the file, None for each that stays in it."""
    for page in pdf.pages:
        for annotation in page.get("/Annots", ()):
            annotation = annotation.get_object()
            if annotation["/Subtype"] == "/Link":
                yield annotation.get("/A", {}).get("/URI")


def test_every_page_of_the_book_is_in_the_outline_and_begins_at_the_top(pdf):
    found = {letters(entry.title): entry for entry in outline(pdf.outline)}
    assert [title for title in titles() if title not in found] == []
    height = pdf.pages[0].mediabox.height
    assert all(found[title].top > height - 100 for title in titles())


def test_contents_name_the_page_of_every_chapter(pdf, text):
    """As the foot of that page has it, and the outline."""
    contents = re.findall(r"^(.*\D) (\d+)$", text[0], re.MULTILINE)
    found = {letters(title): int(number) for title, number in contents}
    numbers = {
        letters(entry.title): pdf.get_destination_page_number(entry) + 1
        for entry in outline(pdf.outline)
    }
    assert found == {title: numbers[title] for title in titles()}
    assert all(text[on - 1].rstrip().endswith(str(on)) for on in found.values())


def test_chapters_have_their_headings(text):
    assert [title for title in titles() if not any(title in letters(page) for page in text)] == []


def test_it_is_named_after_the_book(pdf):
    book = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    assert pdf.metadata.title == book["title"]


def test_links_between_chapters_stay_inside(pdf):
    found = list(links(pdf))
    assert found.count(None) > 100
    outside = [address for address in found if address]
    assert [address for address in outside if "127.0.0.1" in address] == []
    assert any(address.startswith("https://doi.org/") for address in outside)


def test_mathematics_is_typeset(text):
    assert [page for page in text if re.search(r"\\(frac|odot|mathrm|sigma)\b", page)] == []


def test_folded_solutions_are_open(text):
    assert sum("Solution to Exercise" in page for page in text) > 10


def test_an_outline_of_other_headings_is_refused(tmp_path):
    path = tmp_path / "book.pdf"
    small = PdfWriter()
    small.add_blank_page(width=100, height=100)
    small.add_outline_item(title="a heading", page_number=0)
    small.write(path)
    name_outline(path, ["its name"])
    assert PdfReader(path).outline[0].title == "its name"
    with pytest.raises(ValueError, match="longer"):
        name_outline(path, ["its name", "another"])


def test_a_page_that_is_not_built_is_named(tmp_path):
    (tmp_path / PAGES[0]).parent.mkdir()
    (tmp_path / PAGES[0]).touch()
    with pytest.raises(FileNotFoundError, match=PAGES[1]):
        make_pdf(tmp_path, tmp_path / "book.pdf")
