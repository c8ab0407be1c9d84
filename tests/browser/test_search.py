"""Search works without a server: every chapter is found by a word of its own."""

import re
from collections import Counter

import pytest

from .equipment import CHAPTERS, PLACES
from .visits import DESKTOP


@pytest.fixture(scope="package")
def own_words(visited):
    """For each page a plain word of its prose that the fewest others have; the longest of those."""
    words = {
        name: set(re.findall(r"\b[a-z]{6,}\b", visited(name).facts["light"]["prose"]))
        for name in CHAPTERS
    }
    pages = Counter(word for found in words.values() for word in found)
    return {
        name: min(found, key=lambda word: (pages[word], -len(word), word))
        for name, found in words.items()
    }


@pytest.fixture(scope="module")
def search(new_page, site):
    """The addresses that the page of results shows for a word, and what it says of their number."""
    page = new_page(DESKTOP)
    page.goto(site + "search.html?q=nothing")

    def found(word):
        # What the page does with the word in its address, without being loaded again.
        page.evaluate(
            """word => {
              document.getElementById("search-results").replaceChildren();
              Search.performSearch(word);
            }""",
            word,
        )
        return results(page)

    return found


def results(page):
    """The addresses on a page of results, once it has counted them."""
    page.wait_for_function(
        "/found|match/.test(document.querySelector('.search-summary')?.textContent)"
    )
    links = page.locator("#search-results li a").evaluate_all("links => links.map(a => a.href)")
    return [link.partition("?")[0].partition("#")[0] for link in links]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_word_of_the_page_finds_it(name, own_words, search, site):
    assert site + name in search(own_words[name])


def test_a_word_that_no_page_has_finds_nothing(search):
    assert search("quixotically") == []


def test_search_by_keyboard(own_words, page, site):
    page.goto(site + CHAPTERS[0])
    page.keyboard.press("Control+k")
    page.keyboard.type(own_words[PLACES])
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=*")
    assert site + PLACES in results(page)
