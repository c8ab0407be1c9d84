"""On a phone of 390 pixels, and in dark colours."""

import pytest

from . import checks, visits
from .equipment import CLAIMS, CURVES, PAGES, PLACES, QUESTION

# One page with maths, one with the explorer, one with the longest table, and the index.
LOADED_ON_A_PHONE = (QUESTION, PLACES, CLAIMS, "genindex.html")


def test_a_phone_does_not_scroll_sideways(visit):
    assert visit.facts["phone"]["width"] == visits.PHONE["viewport"]["width"] == 390
    assert checks.sideways(visit, "phone") == []


def test_figures_are_legible_on_a_phone(visit):
    assert checks.poor_images(visit, "phone") == []


@pytest.mark.parametrize("name", LOADED_ON_A_PHONE)
def test_a_page_that_is_loaded_on_a_phone_is_no_other(name, phone_page, site):
    visit = visits.open_page(phone_page, site, name)
    visit.facts["phone"] = phone_page.evaluate(visits.FACTS)
    assert visit.facts["phone"]["width"] == 390
    faults = [*visit.console, *visit.failed, *visit.external]
    faults += checks.sideways(visit, "phone") + checks.poor_images(visit, "phone")
    assert faults + checks.untypeset_maths(visit, "phone") == []


def test_a_dark_system_gets_a_dark_page(visit):
    assert checks.not_dark(visit) == []


def test_figures_are_dark_in_the_dark(visit):
    assert checks.poor_images(visit, "dark") == []


def test_a_light_system_gets_a_light_page(visit):
    assert visit.facts["light"]["theme"] == "light"
    assert min(checks.channels(visit.facts["light"]["background"])) > 240


def test_a_page_opens_in_the_dark(page, site):
    page.emulate_media(color_scheme="dark")
    visit = visits.open_page(page, site, PAGES[0])
    visit.facts["dark"] = page.evaluate(visits.FACTS)
    assert checks.not_dark(visit) == []
    assert visit.console == visit.failed == []


def test_the_button_changes_the_colours_and_the_next_page_keeps_them(page, site):
    page.goto(site + PAGES[0])
    theme = page.locator("html").get_attribute
    for _ in range(3):  # it goes round: the system's, light, dark
        if theme("data-theme") == "dark":
            break
        page.locator(".theme-switch-button").first.click()
    assert theme("data-theme") == "dark"
    page.goto(site + QUESTION)
    assert theme("data-theme") == "dark"


def test_the_menu_opens_on_a_phone(phone_page, site):
    visits.open_page(phone_page, site, QUESTION)
    menu = phone_page.locator("#pst-primary-sidebar-modal, .bd-sidebar-primary")
    entry = menu.locator(f"a[href$='{CURVES.removeprefix('chapters/')}']:visible")
    assert entry.count() == 0
    phone_page.locator("button.primary-toggle").tap()
    entry.tap()
    phone_page.wait_for_url(site + CURVES)
