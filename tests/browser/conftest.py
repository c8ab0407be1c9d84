"""One browser and one server for the suite; every page is visited once, when first asked for."""

import functools
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from .equipment import OPTIONS, PAGES, chromium, missing, site_folder
from .serving import serve

lacking = missing()
if lacking:  # one skip for all of it, or one failure: see test_equipment.py
    here = Path(__file__).parent
    collect_ignore = [
        path.name for path in here.glob("test_*.py") if path.name != "test_equipment.py"
    ]
else:
    from . import visits


@pytest.fixture(scope="package")
def browser():
    """Chromium, without a network."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=OPTIONS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def site():
    """The address of the built book, with a slash at its end."""
    with serve(site_folder()) as address:
        yield address


@pytest.fixture(scope="package")
def new_page(browser):
    """Make a page of a device: `visits.DESKTOP` or `visits.PHONE`."""
    return lambda device: browser.new_context(**device).new_page()


@pytest.fixture(scope="package")
def visited(new_page, site):
    """The visit of a page of the book, by its name."""
    page = new_page(visits.DESKTOP)
    return functools.cache(lambda name: visits.tour(page, site, name))


@pytest.fixture(params=PAGES)
def visit(request, visited):
    """The visits of all pages of the book, one by one."""
    return visited(request.param)


@pytest.fixture(scope="package")
def used_page(new_page):
    """The page that the tests share: a new one takes longer than most of them."""
    return new_page(visits.DESKTOP)


@pytest.fixture(scope="package")
def used_phone(new_page):
    """The same on a phone."""
    return new_page(visits.PHONE)


@pytest.fixture
def page(used_page):
    """An empty page of the size of a desk's screen, for a test that clicks and types."""
    visits.reset(used_page, visits.DESKTOP)
    return used_page


@pytest.fixture
def phone_page(used_phone):
    """An empty page of a phone, for a test that taps."""
    visits.reset(used_phone, visits.PHONE)
    return used_phone


@pytest.fixture(scope="package")
def status():
    """The answer to a request, by its address."""

    @functools.cache
    def asked(address):
        try:
            with urllib.request.urlopen(urllib.request.Request(address, method="HEAD")) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    return asked
