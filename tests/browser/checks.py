"""What is wrong with a visited page: every check returns its faults, an empty list if none."""

import re
from urllib.parse import unquote, urldefrag

LIMIT = 1_500_000  # bytes that a first visit may transfer, fonts and scripts included
SERIOUS = {"critical", "serious"}
# Rules of axe that the theme breaks inside the book's content, each with a reason: none so far.
ALLOWED = {}
FILE_NAME = re.compile(r"\.(svg|png|jpe?g|gif|webp)$", re.IGNORECASE)
WORDS_OF_ALT = 6  # fewer name a figure, and do not say what to see
# Figures are drawn with letters of 8 points or more, which are 8 pixels at this size.
LEGIBLE = 0.74
SCREEN = 900  # pixels of a desk's screen: what a reader sees who does not scroll
WORDS_OF_ANSWER = 60
BUDGET = {"words": 1500, "exhibits": 5, "height": 9000}  # of a chapter that has an evidence page


def console_errors(visit):
    """No error in the console, and no exception."""
    return visit.console


def failed_requests(visit):
    """Every file that the page asks for arrives."""
    return visit.failed


def external_requests(visit):
    """No request leaves the site."""
    return visit.external


def too_heavy(visit, limit=LIMIT):
    """A first visit transfers less than 1.5 MB."""
    total = sum(visit.bytes.values())
    if total < limit:
        return []
    heaviest = sorted(visit.bytes.items(), key=lambda item: -item[1])[:5]
    return [f"{total} bytes, of which {size} for {url}" for url, size in heaviest]


def untypeset_maths(visit, mode="light"):
    """Equations are typeset, all of them and without an error."""
    facts = visit.facts[mode]
    return [
        *(f"not typeset: {each}" for each in facts["untypeset"]),
        *(f"typeset with an error: {each}" for each in facts["badMaths"]),
        *(f"raw TeX: {each}" for each in facts["raw"]),
    ]


def poor_images(visit, mode):
    """Images are there, say what to see, and are sharp, legible and dark in the dark alone."""
    faults = []
    for image in visit.facts[mode]["images"]:
        source, alt = image["source"], (image["alt"] or "").strip()
        if not image["natural"]:
            faults.append(f"{source} does not show")
            continue
        if len(alt.split()) < WORDS_OF_ALT or FILE_NAME.search(alt):
            faults.append(f"{source} has the alt text {image['alt']!r}")
        if not image["vector"] and image["natural"] < 1.95 * image["shown"]:
            faults.append(f"{source} is blurred: {image['natural']} pixels on {image['shown']:.0f}")
        if image["vector"] and image["shown"] < LEGIBLE * image["natural"]:
            faults.append(
                f"{source} is too small: {image['natural']} pixels on {image['shown']:.0f}"
            )
        turned = image["filter"].startswith("invert(")
        if image["opacity"] != "1" or (image["filter"] != "none" and not turned):
            faults.append(f"{source} is dimmed")
        elif turned != (mode == "dark"):
            faults.append(f"{source} is {'dark' if turned else 'light'}, and the page is not")
    return faults


def disordered_headings(visit):
    """One title, and no level of heading is left out."""
    levels = [level for level, _ in visit.facts["light"]["headings"]]
    faults = [] if levels.count(1) == 1 else [f"{levels.count(1)} titles"]
    for before, (level, text) in zip(levels, visit.facts["light"]["headings"][1:], strict=False):
        if level > before + 1:
            faults.append(f"a heading of level {level} after one of level {before}: {text}")
    return faults


def broken_links(visit, site, status, anchors):
    """Links inside the site lead to a page, and to a place of it if they name one.

    Parameters
    ----------
    status : callable
        The answer to a request for an address, as a number.
    anchors : callable
        The anchors of a page of the site, None if it is none that was visited.
    """
    faults = []
    for link in sorted(set(visit.facts["light"]["links"])):
        address, fragment = urldefrag(link)
        if not address.startswith(site):
            continue
        if status(address) != 200:
            faults.append(f"{link} leads nowhere")
            continue
        there = anchors(address.removeprefix(site).partition("?")[0])
        if fragment and there is not None and unquote(fragment) not in {*there, "top"}:
            faults.append(f"{link} leads to an anchor that is not there")
    return faults


def sideways(visit, mode):
    """Nothing is wider than the screen, so that no page scrolls sideways."""
    facts = visit.facts[mode]
    faults = [f"wider than {facts['width']} pixels: {each}" for each in facts["wide"]]
    if facts["scrollWidth"] > facts["width"]:
        faults.append(f"the page is {facts['scrollWidth']} pixels wide, not {facts['width']}")
    return faults


def not_dark(visit):
    """A reader whose system is dark gets a dark page; figures have a ground to be turned."""
    facts = visit.facts["dark"]
    faults = [] if facts["theme"] == "dark" else [f"the theme is {facts['theme']}"]
    if sum(channels(facts["background"])) > 3 * 64:
        faults.append(f"the ground is {facts['background']}")
    for image in facts["images"]:
        if min(channels(image["background"])) < 240:
            faults.append(f"{image['source']} stands on {image['background']}")
    return faults


def channels(colour):
    """Red, green and blue of a computed colour; one that lets all through is black."""
    numbers = [float(number) for number in re.findall(r"[\d.]+", colour)]
    return numbers[:3] if len(numbers) < 4 or numbers[3] else [0, 0, 0]


def spoilt_on_paper(visit):
    """Printed, a page is its article: nothing cut off, nothing to click, solutions open."""
    facts = visit.facts["paper"]
    return [
        *(f"on paper: {each}" for each in facts["furniture"]),
        *(f"folded on paper: {each}" for each in facts["folded"]),
        *(f"cut off on paper: {each}" for each in facts["clipped"]),
        *sideways(visit, "paper"),
    ]


def inaccessible(visit, mode):
    """axe-core finds nothing serious in the book's own content."""
    return [
        f"{each['rule']} ({each['impact']}): {element}"
        for each in visit.axe[mode]
        if each["impact"] in SERIOUS and each["rule"] not in ALLOWED
        for element in each["elements"]
    ]


def unanswered(visit):
    """The first screen has the answer, short and with a number, and a figure that shows it."""
    facts = visit.facts["light"]
    if not facts["answer"]:
        return ["no answer on the page"]
    words = len(re.findall(r"\S*\w\S*", facts["answer"]))
    faults = [] if words <= WORDS_OF_ANSWER else [f"an answer of {words} words"]
    if not re.search(r"\d", facts["answer"]):
        faults.append("an answer without a number")
    for what, end in zip(("answer", "figure"), facts["ends"], strict=True):
        if end is None or end > SCREEN:
            faults.append(f"the {what} ends at {end}, below {SCREEN} pixels")
    return faults


def unproven(visit, evidence):
    """Every number of the answer stands on the evidence page as well."""
    there = evidence.facts["light"]["numbers"]
    found = re.findall(r"\d+(?:\.\d+)?", visit.facts["light"]["answer"])
    return [f"{number} is not on {evidence.name}" for number in found if number not in there]


def over_budget(visit):
    """A chapter is as long as one reads in an evening; the rest is on its evidence page."""
    facts = visit.facts["light"]
    return [
        f"{facts[what]} {what}, of {limit}" for what, limit in BUDGET.items() if facts[what] > limit
    ]
