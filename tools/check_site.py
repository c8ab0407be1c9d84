"""Check the built book: pages, tracebacks, figures, links, buttons; nothing loads from elsewhere.

Run as ``python tools/check_site.py`` after ``jupyter-book build .``.
"""

import argparse
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).resolve().parent.parent
# What Sphinx and Jupyter Book add to the pages of the table of contents.
GENERATED = {"genindex.html", "index.html", "search.html"}
LOADING = ("script", "img", "iframe", "video", "audio", "source", "embed")
FILE_NAME = re.compile(r"\.(svg|png|jpe?g|gif|webp)$", re.IGNORECASE)


class Page(HTMLParser):
    """The links, anchors, images, text and loaded files of one page."""

    def __init__(self, html):
        super().__init__()
        self.links, self.anchors, self.images, self.classes = [], set(), [], set()
        self.loaded = []  # what a browser fetches without being asked
        self.text = []
        self.feed(html)
        self.text = "".join(self.text)

    def handle_starttag(self, tag, attrs):
        """Keep what the checks ask for."""
        attrs = dict(attrs)
        self.anchors.update(filter(None, (attrs.get("id"), attrs.get("name"))))
        self.classes.update((attrs.get("class") or "").split())
        self.links += [attrs[name] for name in ("href", "src") if attrs.get(name)]
        if tag in LOADING:
            self.loaded.append(attrs.get("src"))
        elif tag == "link" and {"stylesheet", "icon", "preload"} & set(
            attrs.get("rel", "").split()
        ):
            self.loaded.append(attrs.get("href"))
        if tag == "img":
            self.images.append((attrs.get("src", ""), attrs.get("alt")))

    def handle_data(self, data):
        """Keep the text, of scripts as well: a traceback is a traceback."""
        self.text.append(data)


def toc_pages(toc):
    """The pages that a table of contents names, as paths of HTML files."""
    found = []

    def walk(entry):
        for key in ("root", "file"):
            if key in entry:
                found.append(re.sub(r"\.(ipynb|md)$", "", entry[key]) + ".html")
        for children in ("parts", "chapters", "sections", "subtrees", "entries"):
            for child in entry.get(children, ()):
                walk(child)

    walk(yaml.safe_load(Path(toc).read_text("utf-8")))
    return found


def check_pages(site, pages, toc):
    """As many pages as the table of contents names, and no others."""
    expected, built = set(toc), set(pages) - GENERATED
    yield from (f"{page}: named in the table of contents, not built" for page in expected - built)
    yield from (f"{page}: built, not named in the table of contents" for page in built - expected)
    if len(toc) != len(expected):
        yield "the table of contents names a page twice"


def check_tracebacks(site, pages, toc):
    """No page shows a traceback, as an output or in any other way."""
    for name, page in pages.items():
        if "traceback" in page.classes or "Traceback (most recent call last)" in page.text:
            yield f"{name}: shows a traceback"


def check_figures(site, pages, toc):
    """Every image says what it shows. The logo, which stands beside its text, may be silent."""
    for name in toc:
        for source, alt in pages[name].images if name in pages else ():
            if "_static/" in source and alt is not None:
                continue
            if not alt or not alt.strip() or FILE_NAME.search(alt.strip()):
                yield f"{name}: image {source} has the alt text {alt!r}"


def check_links(site, pages, toc):
    """Every link inside the site leads to a file, and to an anchor of it if it names one."""
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = unquote(parts.path)
            target = (site / name).parent / path if path else site / name
            target = target.resolve()
            if target.is_dir():
                target /= "index.html"
            if not target.is_relative_to(site.resolve()) or not target.is_file():
                yield f"{name}: {link} leads nowhere"
            elif parts.fragment and target.suffix == ".html":
                anchors = pages[target.relative_to(site.resolve()).as_posix()].anchors
                if unquote(parts.fragment) not in anchors | {"", "top"}:
                    yield f"{name}: {link} leads to an anchor that is not there"


def check_loaded(site, pages, toc):
    """A page is whole without a network: scripts, styles, fonts and images are the site's own."""
    for name, page in pages.items():
        for source in filter(None, page.loaded):
            if urlsplit(source).netloc:
                yield f"{name}: loads {source} from elsewhere"


def check_notebooks(site, pages, toc):
    """A page that is made of a notebook offers it, as a file and on Colab."""
    for name in toc:
        notebook = name.removesuffix(".html") + ".ipynb"
        if name not in pages or not (site / "_sources" / notebook).is_file():
            continue
        links = pages[name].links
        if not any(link.endswith(f"_sources/{notebook}") for link in links):
            yield f"{name}: has no download of its notebook"
        colab = "https://colab.research.google.com/github/"
        if not any(link.startswith(colab) and link.endswith(f"/{notebook}") for link in links):
            yield f"{name}: has no button that opens it on Colab"


CHECKS = (
    check_pages, check_tracebacks, check_figures, check_links, check_loaded, check_notebooks,
)  # fmt: skip


def problems(site, toc):
    """All that is wrong with a built book.

    Parameters
    ----------
    site : path-like
        The folder of HTML files.
    toc : path-like
        The ``_toc.yml`` it was built from.

    Returns
    -------
    list of str
    """
    site = Path(site)
    pages = {
        path.relative_to(site).as_posix(): Page(path.read_text("utf-8"))
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    }
    named = toc_pages(toc)
    return [problem for check in CHECKS for problem in sorted(set(check(site, pages, named)))]


def main():
    """Print what is wrong, and fail if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", nargs="?", default=ROOT / "_build" / "html", type=Path)
    parser.add_argument("--toc", default=ROOT / "_toc.yml", type=Path)
    arguments = parser.parse_args()
    found = problems(arguments.site, arguments.toc)
    for problem in found:
        print(problem, file=sys.stderr)
    print(f"{arguments.site}: {len(toc_pages(arguments.toc))} pages, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
