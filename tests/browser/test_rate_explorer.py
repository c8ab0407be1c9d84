"""The rate explorer of chapter 3: mouse, keyboard, and the numbers of the records."""

import pytest

from lstmreg_utils import compare, study
from lstmreg_utils.book import effect, pick
from lstmreg_utils.lab import look, named_study

from .equipment import PLACES

STUDIES = {"Nine speakers": "speakers", "Trading volume": "volume"}
CHECKPOINTS = {"last": "after the last epoch", "best": "with early stopping"}
RATES = [f"{tenths / 10:g}" for tenths in range(1, 10)]


@pytest.fixture
def explorer(page, site):
    """The page, once the explorer has drawn its figures."""
    page.goto(site + PLACES)
    page.wait_for_selector("#rate-explorer svg")
    return page


@pytest.fixture(scope="module")
def tables():
    """The recorded runs, read by the package and not by the page."""
    return {
        title: study(named_study(f"{name}_placements") + named_study(f"{name}_rates"))
        for title, name in STUDIES.items()
    }


def words(page):
    return page.locator(".rate-explorer-words").inner_text().replace("\n", " ")


def rate(page):
    return page.locator(".rate-explorer-rate").inner_text()


def labels(page):
    return [each.get_attribute("aria-label") for each in page.locator("#rate-explorer svg").all()]


@pytest.mark.parametrize("at", CHECKPOINTS)
@pytest.mark.parametrize("title", STUDIES)
def test_every_setting_shows_the_numbers_of_the_records(title, at, explorer, tables):
    effects = compare(tables[title], at)
    explorer.select_option("#explorer-data", label=title)
    explorer.select_option("#explorer-at", at)
    for scheme, rows in effects.groupby("scheme"):
        explorer.select_option("#explorer-place", label=look(scheme).label)
        explorer.focus("#explorer-rate")
        explorer.keyboard.press("Home")
        for row in [row for _, row in rows.sort_values("rate").iterrows()]:
            said = words(explorer)
            assert rate(explorer) == f"{row['rate']:g}"
            named = ", ".join(filter(None, row[["effect", "cause"]]))
            assert said.startswith(f"{named}, {CHECKPOINTS[at]}.")
            parts = f"Δtrain {effect(row, 'd_train')}; Δgap {effect(row, 'd_gap')}"
            assert f"Δtest {effect(row)}; {parts}; {row['n']} pairs" in said
            explorer.keyboard.press("ArrowRight")


def test_the_slider_obeys_the_keyboard(explorer):
    explorer.focus("#explorer-rate")
    explorer.keyboard.press("Home")
    seen = [rate(explorer)]
    for _ in RATES[1:]:
        explorer.keyboard.press("ArrowRight")
        seen.append(rate(explorer))
    assert seen == RATES
    explorer.keyboard.press("ArrowRight")  # it stays at its end
    assert rate(explorer) == RATES[-1]
    explorer.keyboard.press("ArrowLeft")
    assert rate(explorer) == RATES[-2]
    assert explorer.get_attribute("#explorer-rate", "aria-valuetext") == RATES[-2]


def test_the_slider_obeys_the_mouse(explorer):
    slider = explorer.locator("#explorer-rate")
    before, drawn = words(explorer), labels(explorer)
    box = slider.bounding_box()
    slider.click(position={"x": box["width"] - 2, "y": box["height"] / 2})
    assert rate(explorer) == RATES[-1]
    assert words(explorer) != before
    assert labels(explorer) != drawn


def test_all_controls_are_reached_by_the_tabulator(explorer):
    explorer.focus("#explorer-data")
    reached = []
    for _ in range(4):
        reached.append(explorer.evaluate("document.activeElement.id"))
        explorer.keyboard.press("Tab")
    assert reached == ["explorer-data", "explorer-place", "explorer-at", "explorer-rate"]


def test_a_data_set_is_chosen_by_keyboard_and_keeps_place_and_rate(explorer):
    explorer.select_option("#explorer-place", label="after the output")
    explorer.focus("#explorer-rate")
    explorer.keyboard.press("End")
    explorer.focus("#explorer-data")
    explorer.keyboard.press("ArrowDown")
    explorer.wait_for_function(
        "document.querySelector('#rate-explorer svg').ariaLabel.includes('Trading volume')"
    )
    assert explorer.locator("#explorer-place option:checked").inner_text() == "after the output"
    assert rate(explorer) == RATES[-1]


def test_what_changes_is_announced(explorer):
    assert explorer.get_attribute(".rate-explorer-words", "aria-live") == "polite"
    names = [explorer.locator(f"label[for=explorer-{name}]").inner_text()
             for name in ("data", "place", "at", "rate")]  # fmt: skip
    assert names == ["Data set", "Placement", "Judged", "Rate"]


def test_figures_follow_the_choice(explorer):
    explorer.select_option("#explorer-place", label="between layers")
    curves, plane = labels(explorer)
    assert "between layers" in curves
    assert "Nine speakers" in plane
    # Twin and arm, training and test: a line each.
    assert (
        explorer.locator("#rate-explorer svg").first.locator("g[aria-label=line] path").count() == 4
    )


def test_without_scripts_a_sentence_and_the_still_figure_stand_there(browser, site):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site + PLACES)
        assert page.locator(".rate-explorer-off").is_visible()
        still = page.locator("#fig-every-rate img")
        assert still.is_visible()
        assert len(still.get_attribute("alt")) > 100


def test_an_explorer_of_other_numbers_would_be_found_out(explorer, tables):
    """The page's own text is compared: change its data, and the comparison fails."""
    row = pick(compare(tables["Nine speakers"], "last"), "input", 0.5).copy()
    explorer.select_option("#explorer-place", label=look("input").label)
    assert effect(row) in words(explorer)
    row["d_test"] += 0.001
    assert effect(row) not in words(explorer)
