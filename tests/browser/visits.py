"""Open a page once, wait until it is done, and note what a reader would meet."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "has_touch": True,
    "is_mobile": True,
}
# The same screen for a page that is open already; a page loaded on a phone is tested as well.
SMALL_SCREEN = {**PHONE["viewport"], "deviceScaleFactor": 3, "mobile": True}
PAPER = {"width": 680, "height": 980}  # A4 less margins of 15 and 19 mm, at 96 pixels an inch

FACTS = Path(__file__).with_name("facts.js").read_text("utf-8")
# The scripts that build a part of a page after it has loaded, by the elements that they make.
BUILT_BY_SCRIPTS = {
    "#rate-explorer": "#rate-explorer svg",
    "#table-of-claims_fallback": "table.dataTable",
}
SETTLED = """
async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  const waiting = [...document.images].filter((image) => !image.complete);
  await Promise.all(waiting.map((image) => new Promise((done) => {
    image.onload = image.onerror = done;
  })));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  // A colour on its way to another has the contrast of neither.
  for (const each of document.getAnimations()) {
    if (each.effect.getComputedTiming().endTime !== Infinity) each.finish();
  }
}
"""
# A chapter has thousands of words of code and numbers in a few colours, and axe takes its time for
# each. Of those that look alike, on the same grounds, the first is left to it.
MARK_LOOKALIKES = """
() => {
  const grounds = new Map();
  const ground = (element) => {
    if (element && !grounds.has(element)) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element);
      const look = [backgroundColor, backgroundImage, opacity].join();
      const own = look === "rgba(0, 0, 0, 0),none,1" ? "" : look;
      grounds.set(element, own + ground(element.parentElement));
    }
    return grounds.get(element) ?? "";
  };
  const looks = new Set();
  const seen = [...document.querySelectorAll("article *")].filter((element) => {
    const words = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    if (!words.some((node) => node.data.trim())) return false;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const kind = element.closest("pre") ? element.className : ""; // other colours in the dark
    const look = [color, fontSize, fontWeight, kind, ground(element)].join();
    return looks.size === looks.add(look).size;
  });
  for (const element of document.querySelectorAll("[data-seen]")) delete element.dataset.seen;
  for (const element of seen) {
    if (element.matches("pre span")) element.replaceWith(...element.childNodes);
    else element.dataset.seen = "";
  }
}
"""
AXE = (
    AXE_SCRIPT + 'axe.configure({rules: [{id: "color-contrast", selector: ":not([data-seen])"}]});'
)
RUN_AXE = "async ([content, options]) => (await axe.run(content, options)).violations"
COLOURS = {"type": "rule", "values": ["color-contrast"]}


@dataclass
class Visit:
    """What happened when a page was opened.

    ``facts`` are those of facts.js by mode: ``light``, ``dark``, ``paper`` and ``phone``; ``axe``
    the violations in light and in dark.
    """

    name: str
    url: str
    console: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    external: list = field(default_factory=list)
    bytes: dict = field(default_factory=dict)
    facts: dict = field(default_factory=dict)
    axe: dict = field(default_factory=dict)


def settle(page):
    """Wait until equations, fonts, images and tables are there and nothing moves."""
    page.evaluate(SETTLED)
    for mark, made in BUILT_BY_SCRIPTS.items():
        if page.locator(mark).count():
            page.wait_for_selector(made)


@contextmanager
def watched(page, site, visit):
    """Note in a visit what goes wrong meanwhile; gives the requests that were answered."""
    finished = []

    def asked(request):
        if not request.url.startswith((site, "data:", "blob:" + site)):
            visit.external.append(request.url)

    def answered(response):
        if response.status >= 400:
            visit.failed.append(f"{response.status} {response.url}")

    def said(message):
        if message.type == "error":
            visit.console.append(message.text)

    handlers = {
        "request": asked,
        "requestfinished": lambda request: finished.append(request),
        "requestfailed": lambda request: visit.failed.append(f"{request.failure} {request.url}"),
        "response": answered,
        "console": said,
        "pageerror": lambda error: visit.console.append(str(error)),
    }
    for event, handler in handlers.items():
        page.on(event, handler)
    yield finished
    for event, handler in handlers.items():
        page.remove_listener(event, handler)


def reset(page, device):
    """Make a used page as good as new, which would cost a second of processor time."""
    if page.url.startswith("http"):
        page.evaluate("localStorage.clear()")
    page.goto("about:blank")
    page.emulate_media(media="screen", color_scheme="light")
    page.set_viewport_size(device["viewport"])


@contextmanager
def protocol(page):
    """Chromium's own commands, for what Playwright does not offer."""
    client = page.context.new_cdp_session(page)
    yield client.send
    client.detach()


def open_page(page, site, name):
    """Open and settle a page of the site; gives the visit in which its faults are noted."""
    visit = Visit(name, site + name)
    with watched(page, site, visit) as finished:
        page.goto(visit.url)
        settle(page)
    for request in finished:
        if request.url.startswith(site):
            sizes = request.sizes()
            visit.bytes[request.url] = sizes["responseBodySize"] + sizes["responseHeadersSize"]
    return visit


def tour(page, site, name, axe=True):
    """Visit a page with an empty cache: at a desk, on a phone, on paper, in light and in dark."""
    reset(page, DESKTOP)
    with protocol(page) as send:
        send("Network.clearBrowserCache")
    visit = open_page(page, site, name)
    with watched(page, site, visit):
        visit.facts["light"] = page.evaluate(FACTS)
        # Before the window changes its size, on which the theme's scripts act after a while.
        if axe:
            visit.axe["light"] = violations(page)
        page.emulate_media(color_scheme="dark")
        settle(page)
        visit.facts["dark"] = page.evaluate(FACTS)
        if axe:
            visit.axe["dark"] = violations(page, runOnly=COLOURS)
        page.emulate_media(color_scheme="light")
        with protocol(page) as send:
            send("Emulation.setDeviceMetricsOverride", SMALL_SCREEN)
            settle(page)
            visit.facts["phone"] = page.evaluate(FACTS)
            send("Emulation.clearDeviceMetricsOverride")
        page.emulate_media(media="print")
        page.set_viewport_size(PAPER)
        visit.facts["paper"] = page.evaluate(FACTS)
    return visit


def violations(page, **options):
    """What axe-core finds in the book's own content, the theme's furniture left out.

    The script is put in once a page; the library's own `Axe.run` does it each time.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    page.evaluate(MARK_LOOKALIKES)
    content = "article" if page.locator("article").count() else "main"
    options = {"reporter": "no-passes", "preload": False, **options}
    return [
        {
            "rule": each["id"],
            "impact": each["impact"],
            "elements": [node["html"][:160] for node in each["nodes"]],
        }
        for each in page.evaluate(RUN_AXE, [content, options])
    ]
