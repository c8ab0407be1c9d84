"""What the suite needs and where it is: Playwright, Chromium, and a built book."""

import importlib.util
import os
import shutil
from pathlib import Path

from check_site import toc_pages

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = toc_pages(ROOT / "_toc.yml")
# Pages that a test asks for by what is on them.
QUESTION, CURVES, PLACES, CLAIMS = (
    f"chapters/{name}.html"
    for name in (
        "01_the_question",
        "02_reading_the_curves",
        "03_three_placements",
        "08_verdicts_evidence",
    )
)
PAGES = [*CHAPTERS, "genindex.html", "search.html"]
LIBRARIES = {"playwright": "playwright", "axe_playwright_python": "axe-playwright-python"}
# Required, a missing browser fails the suite instead of skipping it: CI must not pass without.
REQUIRED = os.environ.get("BOOK_BROWSER") == "required"
OPTIONS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-software-rasterizer",  # no picture is taken
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # the network is cut off
]


def chromium():
    """The path of Chromium, or of the program that ``BOOK_CHROMIUM`` names; None without it."""
    return shutil.which(os.environ.get("BOOK_CHROMIUM") or "chromium")


def site_folder():
    """The built book: ``BOOK_SITE``, or where Jupyter Book puts it."""
    return Path(os.environ.get("BOOK_SITE") or ROOT / "_build" / "html")


def missing():
    """What of it is not here, in one line; empty if all is."""
    lacks = [
        f"the library {name} (pip install -r requirements.txt)"
        for module, name in LIBRARIES.items()
        if importlib.util.find_spec(module) is None
    ]
    if chromium() is None:
        wanted = os.environ.get("BOOK_CHROMIUM") or "chromium"
        lacks.append(f"the program {wanted!r} (install it, or name another in BOOK_CHROMIUM)")
    unbuilt = [name for name in PAGES if not (site_folder() / name).is_file()]
    if unbuilt:
        lacks.append(f"{unbuilt[0]} in {site_folder()} (jupyter-book build .)")
    return "no browser tests without " + " and ".join(lacks) if lacks else ""
