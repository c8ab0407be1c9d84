"""The explorer of chapter 3: its words against Python's, draws, the link, keyboard and phone."""

import json
import re
from importlib import resources

import numpy as np
import pytest

from lstmreg_utils.book import across, effect
from lstmreg_utils.diagnosis import CAUSES, EFFECTS
from lstmreg_utils.diagnosis.decomposition import EARLY, WITHHELD, take_apart
from lstmreg_utils.diagnosis.intervals import critical
from lstmreg_utils.lab import compare_study

from .equipment import PLACES

CHECKPOINTS = {"last": "After the last epoch", "best": "With early stopping"}
RATES = [f"{tenths / 10:g}" for tenths in range(1, 10)]
MANY = "nine-speakers-400-seeds"
CONTROLS = ["data", "place", "at", "rate"]
# Every setting in turn, as a reader would choose it, and what the explorer then says.
READ_ALL = """
() => {
  const [data, place, at, rate] = ["data", "place", "at", "rate"].map(
    (name) => document.getElementById(`explorer-${name}`));
  const chosen = (control, value, event = "change") => {
    control.value = value;
    control.dispatchEvent(new Event(event));
  };
  const values = (control) => [...control.options].map((option) => option.value);
  const said = () => document.querySelector(".rate-explorer-words").textContent;
  const found = [];
  for (const set of values(data)) {
    chosen(data, set);
    for (const scheme of values(place)) for (const checkpoint of values(at)) {
      chosen(place, scheme);
      chosen(at, checkpoint);
      for (let k = 0; k <= rate.max; k += 1) {
        chosen(rate, k, "input");
        const setting = [data.selectedOptions[0].text, scheme, rate.ariaValueText, checkpoint];
        const whole = said();
        let state = 1; // a generator that Python has as well
        Math.random = () => (state = (state * 16807) % 2147483647) / 2147483647;
        // Without a cause, as of early stopping, there is little that a draw could get wrong.
        if (checkpoint === "last") document.getElementById("explorer-draw").click();
        found.push([...setting, whole, said()]);
      }
    }
  }
  return found;
}
"""


@pytest.fixture
def explorer(page, site):
    """The page, with the explorer at its default."""
    page.goto(site + PLACES)
    page.wait_for_selector("#rate-explorer svg")
    return page


@pytest.fixture(scope="module")
def comparisons():
    """The recorded runs, read by the package and not by the page."""
    names = {"Nine speakers": "speakers", "Trading volume": "volume"}
    found = {
        f"{title}, two layers": compare_study(f"{name}_placements", f"{name}_rates")
        for title, name in names.items()
    }
    found["Nine speakers, 400 seeds"] = compare_study("speakers_many")
    one_layer = across.data_sets().items()
    return found | {f"{name.capitalize()}, one layer": each for name, each in one_layer}


def go(page, fragment):
    """Follow a link to a setting, from the page itself."""
    page.evaluate("fragment => { location.hash = fragment; }", fragment)
    page.wait_for_timeout(50)


def said(page):
    return page.locator(".rate-explorer-words").inner_text().replace("\n", " ")


def rate(page):
    return page.locator(".rate-explorer-rate").inner_text()


def chosen(page):
    return {name: page.input_value(f"#explorer-{name}") for name in CONTROLS[:3]} | {
        "rate": rate(page)
    }


def labels(page):
    return [each.get_attribute("aria-label") for each in page.locator("#rate-explorer svg").all()]


def tally(page):
    """How often each word came, as the list has it."""
    rows = page.locator(".rate-explorer-tally li").all_inner_texts()
    found = [re.match(r"(.*): (\d+) of (\d+)", row).groups() for row in rows]
    return {words: int(times) for words, times, _ in found}, {int(count) for *_, count in found}


def words_of(row):
    """Effect and cause of a row, as the explorer writes them."""
    cause = row["cause"]
    return f"{row['effect']}, {'no cause: ' * (cause in WITHHELD)}{cause}".removesuffix(", ")


@pytest.fixture(scope="module")
def made_up():
    """Samples by name of 500 studies of eight seeds, of all kinds, and the words of Python."""
    draw, shape = np.random.default_rng(0), (500, 8)
    names = ("d_train", "d_test", "noise_cost", "d_metric", "pace", "twin_pace")
    spread = {"d_train": 0.1, "d_test": 0.1}
    samples = {
        name: draw.normal(0, spread.get(name, 0.01), (500, 1)) + draw.normal(0, 0.03, shape)
        for name in names
    }
    samples["d_train"][0, 0] = samples["d_test"][1, 0] = np.nan
    found = take_apart(samples, 0.02)
    words = [f"{what}, {why}" for what, why in zip(found["effect"], found["cause"], strict=True)]
    return samples, words


def words_in_page(page, samples, old="", new=""):
    """What the page's rule says of samples, with some of its text changed."""
    rule = (resources.files("lstmreg_utils.book") / "explorer_rule.js").read_text("utf-8")
    assert old in rule
    all_samples = json.dumps({name: values.tolist() for name, values in samples.items()})
    body = """
    const samples = JSON.parse(text.replaceAll("NaN", "null"));
    return samples.d_test.map((_, k) => {
      const one = Object.fromEntries(Object.keys(samples).map(
        (name) => [name, samples[name][k].map((value) => value ?? NaN)]));
      const { effect, cause } = takeApart(one, { margin: 0.02, critical, early: false });
      return `${effect}, ${cause}`;
    });"""
    script = f"([text, critical]) => {{ {rule.replace(old, new) if old else rule} {body} }}"
    return page.evaluate(script, [all_samples, float(critical(8))])


def test_the_rule_of_the_page_is_that_of_the_package(page, made_up):
    samples, words = made_up
    assert words_in_page(page, samples) == words
    effects, causes = zip(*(each.split(", ") for each in words), strict=True)
    assert {*effects} == {*EFFECTS}
    assert {*causes} == {"", *CAUSES} - {EARLY}


def test_another_rule_would_be_found_out(page, made_up):
    samples, words = made_up
    for old, new in {
        "QUARTER = 0.25": "QUARTER = 0.3",
        "-margin < low && high < margin": "high < margin",
        "(b - root) / a, (b + root)": "(b - 0.9 * root) / a, (b + 0.9 * root)",
        ' || beyond("twin_pace", least)': "",
        'beyond("noise_cost", least, -1)': "false",
        '(effect === "hurts" && better)': "false",
    }.items():
        assert words_in_page(page, samples, old, new) != words, old


def drawn(n, size=20):
    """What the page draws with the stand-in for chance."""
    state, places = 1, []
    for _ in range(size):
        state = state * 16807 % 2147483647
        places.append(int(state / 2147483647 * n))
    return places


def test_every_setting_says_what_compare_says_of_all_seeds_and_of_drawn_ones(explorer, comparisons):
    found = explorer.evaluate(READ_ALL)
    assert {title for title, *_ in found} == {*comparisons}
    assert len(found) == 2 * sum(len(each.arms) for each in comparisons.values())
    rows = {
        (
            title,
            row["scheme"],
            row["arm"] if row["rate"] != row["rate"] else f"{row['rate']:g}",
            at,
        ): row
        for title, comparison in comparisons.items()
        for at in CHECKPOINTS
        for row in comparison.effects(at).to_dict("records")
    }
    changed = 0
    for *setting, text, redrawn in found:
        row, at = rows[tuple(setting)], setting[-1]
        assert text.startswith(f"{CHECKPOINTS[at]}: {words_of(row)}. "), setting
        parts = f"Δtrain {effect(row, 'd_train')}; Δgap {effect(row, 'd_gap')}"
        assert f"Δtest {effect(row)}; {parts}; all {row['n']} recorded seeds." in text
        if at == "last":
            comparison, places = comparisons[setting[0]], drawn(row["n"])
            samples = comparison.samples(row["arm"])
            fresh = {name: values[places] for name, values in samples.items()}
            few = take_apart(fresh, comparison.margin)
            assert redrawn.startswith(f"{CHECKPOINTS[at]}: {words_of(few)}. "), setting
            changed += words_of(few) != words_of(row)
    assert changed > 20  # the words of draws are not those of all seeds


def test_only_20_seeds_are_drawn_again_and_again_and_counted(explorer):
    go(explorer, f"data={MANY}")
    bars = explorer.locator(".rate-explorer-bars")
    whole, before = said(explorer), bars.get_attribute("aria-label")
    assert "all 400 recorded seeds" in whole
    explorer.click("#explorer-draw")
    assert "20 seeds drawn from the 400 recorded" in said(explorer)
    assert bars.get_attribute("aria-label") != before
    assert tally(explorer)[1] == {1}
    explorer.click("#explorer-draws")
    times, counts = tally(explorer)
    assert counts == {101} == {sum(times.values())}
    assert len(times) > 1  # a verdict that changes, seen to change
    assert f"{times['hurts, overfitting made worse']} of 101 such draws" in said(explorer)
    assert explorer.locator("#rate-explorer svg .draw").count() == 101
    explorer.click("#explorer-all")
    assert (said(explorer), bars.get_attribute("aria-label")) == (whole, before)


def test_another_setting_begins_a_new_count(explorer):
    explorer.click("#explorer-draw")
    assert "a bootstrap" in said(explorer)  # of 20 seeds there are no other 20
    explorer.focus("#explorer-rate")
    explorer.keyboard.press("Home")
    assert tally(explorer) == ({}, set())
    assert "bootstrap" not in said(explorer)


def test_bars_sum_up(explorer):
    train, gap, test = (
        float(text.replace("−", "-"))
        for text in explorer.locator(".rate-explorer-bars b").all_inner_texts()[:3]
    )
    assert train + gap == pytest.approx(test, abs=0.0015)
    box = {
        part: explorer.locator(f".rate-explorer-bars .{part}").bounding_box()
        for part in ("train", "gap", "test")
    }
    ends = {part: (each["x"], each["x"] + each["width"]) for part, each in box.items()}
    side = int(test > 0)
    assert ends["gap"][side] == pytest.approx(ends["test"][side], abs=1)
    assert ends["gap"][1 - side] == pytest.approx(ends["train"][int(train > 0)], abs=1)


def test_bars_move_unless_the_reader_wants_no_motion(explorer):
    style = "e => getComputedStyle(e).transitionDuration.split(', ')"
    for motion, duration in {"reduce": "0s", "no-preference": "0.2s"}.items():
        explorer.emulate_media(reduced_motion=motion)
        assert {*explorer.eval_on_selector(".rate-explorer-bars .gap", style)} == {duration}


def test_a_link_keeps_what_is_chosen(explorer):
    explorer.select_option("#explorer-data", label="Trading volume, two layers")
    explorer.select_option("#explorer-place", label="input, per sequence")
    explorer.select_option("#explorer-at", "best")
    explorer.focus("#explorer-rate")
    explorer.keyboard.press("End")
    kept, text = chosen(explorer), said(explorer)
    assert kept["place"] == "input:sequence"
    address = explorer.url
    explorer.goto("about:blank")
    explorer.goto(address)
    explorer.wait_for_selector("#rate-explorer svg")
    assert (chosen(explorer), said(explorer)) == (kept, text)
    explorer.wait_for_function("scrollY > 1000")  # and the page opens at the explorer


def test_a_link_to_what_is_not_recorded_says_so(explorer):
    for fragment, named in {
        "data=nowhere&rate=0.7": "data set",
        "place=nowhere": "placement",
        "rate=7&at=never": "rate and a checkpoint",
        "data=%E0%A4%A&place=": "data set and a placement",
    }.items():
        go(explorer, fragment)
        assert said(explorer).startswith(f"The link asks for a {named} that is not recorded here. ")
        assert chosen(explorer)["data"] == "nine-speakers-two-layers"
        if "rate=0.7" in fragment:
            assert rate(explorer) == "0.7"  # what is recorded is kept


def test_other_anchors_of_the_page_are_none_of_its_business(explorer):
    explorer.select_option("#explorer-place", label="after the output")
    before = said(explorer)
    go(explorer, "explore-every-rate")
    assert said(explorer) == before


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
    before, drawn_before = said(explorer), labels(explorer)
    box = slider.bounding_box()
    slider.click(position={"x": box["width"] - 2, "y": box["height"] / 2})
    assert rate(explorer) == RATES[-1]
    assert said(explorer) != before
    assert labels(explorer) != drawn_before


def test_keys_draw_but_not_where_a_letter_chooses_from_a_list(explorer):
    explorer.focus("#explorer-rate")
    explorer.keyboard.press("d")
    explorer.keyboard.press("h")
    assert tally(explorer)[1] == {101}
    explorer.keyboard.press("a")
    assert "all 20 recorded seeds" in said(explorer)
    explorer.focus("#explorer-at")
    explorer.keyboard.press("d")
    assert tally(explorer)[1] == {101}


def test_all_controls_are_reached_by_the_tabulator(explorer):
    explorer.focus("#explorer-data")
    reached = []
    for _ in range(6):
        reached.append(explorer.evaluate("document.activeElement.id").removeprefix("explorer-"))
        explorer.keyboard.press("Tab")
    assert reached == [*CONTROLS, "draw", "draws"]
    assert explorer.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


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
    names = [explorer.locator(f"label[for=explorer-{name}]").inner_text() for name in CONTROLS]
    assert names == ["Data set", "Placement", "Judged", "Rate"]


def test_figures_follow_the_choice(explorer):
    explorer.select_option("#explorer-place", label="between layers")
    curves, plane = explorer.locator("#rate-explorer figure > svg").all()
    assert "between layers" in curves.get_attribute("aria-label")
    assert "Nine speakers" in plane.get_attribute("aria-label")
    # Twin and arm, training and test: a line each.
    assert curves.locator("[data-loss]").count() == 4


def test_a_narrow_phone_shows_all_of_it(explorer):
    explorer.set_viewport_size({"width": 360, "height": 800})
    go(explorer, "data=verses-one-layer&place=zoneout_c%2Bzoneout_h")
    assert explorer.evaluate("document.documentElement.scrollWidth") == 360
    wide = """all => all.filter((e) => e.checkVisibility()
        && e.getBoundingClientRect().right > 360).length"""
    assert explorer.eval_on_selector_all("#rate-explorer *", wide) == 0


def test_without_scripts_a_sentence_and_the_still_figure_stand_there(browser, site):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site + PLACES)
        assert page.locator("#rate-explorer noscript").is_visible()
        still = page.locator("#fig-every-rate img")
        assert still.is_visible()
        assert len(still.get_attribute("alt")) > 100
