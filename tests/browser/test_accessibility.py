"""axe-core on the book's own content, in light and in dark."""

import pytest

from . import checks, visits
from .equipment import PAGES, PLACES


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, mode):
    assert checks.inaccessible(visit, mode) == []


def test_the_keyboard_reaches_the_content_first(page, site):
    page.goto(site + PAGES[0])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main-content"


def test_the_keyboard_reaches_what_scrolls(phone_page, site):
    """A figure or a block of code that is wider than a phone can be scrolled without a finger."""
    visits.open_page(phone_page, site, PLACES)
    boxes = phone_page.locator("article :is(pre, .figure-box)").evaluate_all(
        """boxes => boxes.filter((box) => box.scrollWidth > box.clientWidth + 1)
        .map((box) => [box.tabIndex, box.outerHTML.slice(0, 160)])"""
    )
    assert len(boxes) > 5
    assert [html for index, html in boxes if index < 0] == []
