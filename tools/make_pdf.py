"""Make one PDF of the built book, with Chromium: `python tools/make_pdf.py`.

The pages of the table of contents are put into one document first, so that links between chapters
are links in the PDF, its pages are numbered through, and its outline has every heading. Needs
Playwright and a Chromium (``BOOK_CHROMIUM`` names it if it is not called so).
"""

import argparse
import functools
import os
import shutil
import sys
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml
from check_site import toc_pages

ROOT = Path(__file__).resolve().parent.parent
PDF = ROOT / "_build" / "dropout-in-lstms.pdf"
CHROMIUM_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
A4 = {"format": "A4", "margin": {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}}
SCALE = 0.75  # a line of code of 86 characters fits
PAGE_NUMBER = (
    '<div style="font-size: 8px; width: 100%; text-align: center">'
    '<span class="pageNumber"></span></div>'
)
SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")


@contextmanager
def serve(site):
    """A folder at an address of this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def chromium():
    """Where Chromium is.

    Raises
    ------
    FileNotFoundError
        There is none.
    """
    named = os.environ.get("BOOK_CHROMIUM") or "chromium"
    if (path := shutil.which(named)) is None:
        raise FileNotFoundError(f"no program {named!r}: install it, or name one in BOOK_CHROMIUM")
    return path


def make_pdf(site, output, toc=ROOT / "_toc.yml", config=ROOT / "_config.yml"):
    """Print the pages of a built book into one file.

    Parameters
    ----------
    site : path-like
        The folder of HTML files.
    output : path-like
        The file to write.
    toc, config : path-like
        What the book was built from.

    Raises
    ------
    FileNotFoundError
        A page is not built, or there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    pages = toc_pages(toc)
    if missing := [page for page in pages if not (Path(site) / page).is_file()]:
        raise FileNotFoundError(f"{site} must be a built book, and has no {', '.join(missing)}")
    book = yaml.safe_load(Path(config).read_text("utf-8"))
    with serve(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=list(CHROMIUM_OPTIONS)
        )
        page = browser.new_page(color_scheme="light")
        page.goto(f"{address}/{pages[0]}")
        script = page.evaluate_handle(SCRIPT)
        titles = {"pages": pages, "title": book["title"], "author": book["author"]}
        script.evaluate("(script, titles) => script.assemble(titles)", titles)
        script.evaluate(
            "(script, source) => script.typeset(source)", f"{address}/mathjax/tex-chtml.js"
        )
        Path(output).parent.mkdir(parents=True, exist_ok=True)
        print_to = functools.partial(
            page.pdf, path=output, outline=True, tagged=True, print_background=True, scale=SCALE,
            display_header_footer=True, header_template="<span></span>",
            footer_template=PAGE_NUMBER, **A4,
        )  # fmt: skip
        print_to()  # once to learn where the headings stand, and once with that in the contents
        script.evaluate("(script, on) => script.number(on)", pages_of_headings(output))
        print_to()
        name_outline(output, script.evaluate("script => script.headings()"))
        browser.close()


def pages_of_headings(path):
    """The page that each entry of a PDF's outline stands on, counted from 1.

    Parameters
    ----------
    path : path-like
        The PDF.

    Returns
    -------
    list of int
    """
    import pikepdf

    with pikepdf.open(path) as pdf, pdf.open_outline() as outline:
        return [pikepdf.Page(entry.destination[0]).index + 1 for entry in _flat(outline.root)]


def name_outline(path, headings):
    """Write the headings into the outline: Chromium doubles those at the top of a page.

    Parameters
    ----------
    path : path-like
        The PDF, which is changed.
    headings : list of str
        In their order.

    Raises
    ------
    ValueError
        The outline has another number of entries.
    """
    import pikepdf

    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        with pdf.open_outline() as outline:
            for entry, heading in zip(_flat(outline.root), headings, strict=True):
                entry.title = heading
        pdf.save(path)


def _flat(entries):
    """The entries of an outline and those below them, in the order of the document."""
    for entry in entries:
        yield entry
        yield from _flat(entry.children)


def main():
    """Make the PDF, and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--output", type=Path, default=PDF)
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml", help="names the pages")
    arguments = parser.parse_args()
    try:
        make_pdf(arguments.site, arguments.output, arguments.toc)
    except FileNotFoundError as error:
        parser.error(str(error))
    print(f"{arguments.output}: {arguments.output.stat().st_size / 2**20:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
