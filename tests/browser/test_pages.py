"""Every page of the built book, as it opens at a desk."""

import re

import pytest

from . import checks
from .equipment import CHAPTERS, PAGES


def test_no_error_in_the_console(visit):
    assert checks.console_errors(visit) == []


def test_every_file_of_a_page_arrives(visit):
    assert checks.failed_requests(visit) == []


def test_no_request_leaves_the_site(visit):
    assert checks.external_requests(visit) == []


def test_a_first_visit_is_light(visit):
    assert checks.too_heavy(visit) == []


def test_mathematics_is_typeset(visit):
    assert checks.untypeset_maths(visit) == []


def test_the_book_has_mathematics_to_typeset(visited):
    assert sum(visited(page).facts["light"]["equations"] for page in PAGES) > 20


def test_figures_are_sharp_and_say_what_to_see(visit):
    assert checks.poor_images(visit, "light") == []


def test_the_book_has_figures(visited):
    numbered = [
        page for page in CHAPTERS if re.fullmatch(r"chapters/\d\d_.*(?<!_evidence).html", page)
    ]
    assert len(numbered) == 9
    assert all(visited(page).facts["light"]["images"] for page in numbered)


def test_headings_are_in_order(visit):
    assert checks.disordered_headings(visit) == []


def test_nothing_is_wider_than_the_screen(visit):
    assert checks.sideways(visit, "light") == []


@pytest.mark.parametrize("name", PAGES)
def test_links_and_anchors_resolve(name, visited, site, status):
    def anchors(page):
        return visited(page).facts["light"]["anchors"] if page in PAGES else None

    assert checks.broken_links(visited(name), site, status, anchors) == []


def test_the_address_of_the_book_leads_to_its_first_page(page, site):
    page.goto(site)
    page.wait_for_url(site + CHAPTERS[0])


def test_icons_are_drawn_by_their_font(page, site):
    """The theme's script that draws them as well is emptied in the build."""
    page.goto(site + CHAPTERS[1])
    page.evaluate("document.fonts.ready")
    icons = page.locator(".bd-header-article i:visible").evaluate_all(
        """icons => icons.map((icon) => {
          const { content, fontFamily, fontSize, fontWeight } = getComputedStyle(icon, "::before");
          return {
            drawn: content !== "none" && document.fonts.check(`${fontWeight} 1em ${fontFamily}`),
            size: fontSize,
          };
        })"""
    )
    assert len(icons) > 3
    assert all(icon["drawn"] for icon in icons)
    assert len({icon["size"] for icon in icons}) == 1
