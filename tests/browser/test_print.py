"""Pages print cleanly: the article alone, all of it, in light colours."""

from . import checks
from .equipment import PAGES


def test_paper_shows_the_article_and_all_of_it(visit):
    assert checks.spoilt_on_paper(visit) == []


def test_a_dark_page_is_printed_in_light_colours(page, site):
    page.emulate_media(color_scheme="dark")
    page.goto(site + PAGES[1])
    page.evaluate("""() => addEventListener("beforeprint", () => {
      window.printed = document.documentElement.dataset.theme;
    })""")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.pdf(format="A4").startswith(b"%PDF")
    assert page.evaluate("window.printed") == "light"
    assert page.locator("html").get_attribute("data-theme") == "dark"
