"""Every check finds the fault that it is there to find, and nothing in a page without faults."""

import base64
import io
import random

import pytest
from matplotlib.image import imsave
from numpy import zeros

from . import checks, visits
from .serving import serve

PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>
  body { background-color: #fff; color: #111; margin: 1rem; }
  [data-theme="dark"] body { background-color: #111; color: #eee; }
  a { color: inherit; }
  img { background-color: #fff; max-width: 100%; }
  pre i { color: #eee; }
  [data-theme="dark"] .dim { color: #333; }
  [data-theme="dark"] img { filter: invert(1); }
  pre { overflow-x: auto; }
  @media print { pre { overflow: visible; overflow-wrap: anywhere; white-space: pre-wrap; } }
</style>
<script>
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.onchange = () => {
    document.documentElement.dataset.theme = dark.matches ? "dark" : "light";
  };
  dark.onchange();
</script></head>
<body><main><article><h1 id="top-of-page">A page</h1>
<p>A paragraph with <a href="page.html#top-of-page">a link</a>.</p>
<h2>A section</h2>
<p><img src="figure.svg" alt="Two curves that fall and meet at the end."></p>
<!-- here -->
</article></main></body></html>
"""
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="50">'
    '<rect width="100" height="50" fill="#888"/></svg>'
)
ALT = 'alt="A dark square in the middle of nothing."'
LONG = "word_" * 60


def png(pixels):
    data = io.BytesIO()
    imsave(data, zeros((pixels, pixels)))
    return data.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files beside a page: a figure of 300 pixels, larger ones, and ballast."""
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "figure.svg").write_text(SVG.format(width=300), "utf-8")
    (folder / "broad.svg").write_text(SVG.format(width=800), "utf-8")
    (folder / "vast.svg").write_text(SVG.format(width=2500), "utf-8")
    (folder / "raster.png").write_bytes(png(200))
    ballast = base64.b64encode(random.Random(0).randbytes(1_600_000)).decode()
    (folder / "ballast.js").write_text(f"// {ballast}", "utf-8")
    return folder


@pytest.fixture(scope="module")
def toured(used_page, folder):
    """Visit a page with a piece of HTML in it."""
    with serve(folder) as address:

        def visit(html="", axe=False):
            (folder / "page.html").write_text(PAGE.replace("<!-- here -->", html), "utf-8")
            return visits.tour(used_page, address, "page.html", axe=axe)

        yield visit


def all_faults(visit, site, status):
    """What any of the checks finds."""
    found = [
        *checks.console_errors(visit),
        *checks.failed_requests(visit),
        *checks.external_requests(visit),
        *checks.too_heavy(visit),
        *checks.untypeset_maths(visit),
        *checks.disordered_headings(visit),
        *checks.not_dark(visit),
        *checks.spoilt_on_paper(visit),
        *checks.broken_links(visit, site, status, lambda _: visit.facts["light"]["anchors"]),
    ]
    for mode in ("light", "dark", "phone"):
        found += checks.poor_images(visit, mode) + checks.sideways(visit, mode)
    return found + [fault for mode in visit.axe for fault in checks.inaccessible(visit, mode)]


def site_of(visit):
    return visit.url.removesuffix(visit.name)


def test_a_sound_page_has_no_faults(toured, status):
    visit = toured(axe=True)
    assert all_faults(visit, site_of(visit), status) == []


# A piece of HTML and what is to be found of it. All of them stand in one page, which is toured
# once; so what is expected names the piece.
FAULTS = [
    ('<script>console.error("broken")</script>', "broken"),
    ('<script>throw new Error("thrown")</script>', "thrown"),
    ('<script src="gone.js"></script>', "gone.js"),
    ('<script src="https://example.org/far.js"></script>', "https://example.org/far.js"),
    ('<script>fetch("//example.org/near").catch(() => 0)</script>', "example.org/near"),
    ('<script src="ballast.js"></script>', "ballast.js"),
    ("<h4>Too deep</h4>", "a heading of level 4 after one of level 2: Too deep"),
    ("<h1>Again</h1>", "2 titles"),
    ('<span class="math">x</span>', 'not typeset: <span class="math">'),
    (r"<p>The square \(x^2\) of x.</p>", "raw TeX: <p>The square"),
    ("<p>$$x^2$$</p>", "raw TeX: <p>$$"),
    ("<mjx-container><mjx-merror>?</mjx-merror></mjx-container>", "typeset with an error"),
    (f'<img src="gone.svg" {ALT}>', "gone.svg does not show"),
    ('<img src="figure.svg">', "figure.svg has the alt text None"),
    ('<img src="figure.svg" alt="Figure 1.">', "figure.svg has the alt text 'Figure 1.'"),
    ('<img src="figure.svg" alt="a b c d e losses.svg">', "losses.svg"),
    (f'<img src="raster.png" width="150" {ALT}>', "raster.png is blurred: 200 pixels on 150"),
    (f'<img src="vast.svg" {ALT}>', "vast.svg is too small"),
    (f'<img src="figure.svg?1" style="filter: sepia(1)" {ALT}>', "figure.svg?1 is dimmed"),
    (f'<img src="figure.svg?3" style="filter: none" {ALT}>', "figure.svg?3 is light, and the page"),
    (
        f'<img src="figure.svg?4" style="filter: invert(1)" {ALT}>',
        "figure.svg?4 is dark, and the page",
    ),
    (f'<img src="figure.svg?2" style="background: none" {ALT}>', "figure.svg?2 stands on"),
    ('<div style="width: 2000px">wide</div>', "wider than 1280 pixels: <div"),
    ('<style>html[data-theme="dark"] body { background: #fff }</style>', "the ground is"),
    ('<a href="gone.html">on</a>', "gone.html leads nowhere"),
    ('<a href="#gone">up</a>', "#gone leads to an anchor that is not there"),
    ("<nav>Contents</nav>", "on paper: <nav"),
    ('<div class="admonition toggle"><p hidden>Solved.</p></div>', "folded on paper: <p hidden"),
    (f"<pre style='white-space: pre'>{LONG} {LONG}</pre>", "cut off on paper: <pre"),
    ('<p style="color: #ccc">Pale.</p>', 'color-contrast (serious): <p style="color: #ccc"'),
    ("<pre><b>one</b><i>two</i></pre>", "color-contrast (serious): <i>"),
    ('<button class="mute"></button>', 'button-name (critical): <button class="mute"'),
]


@pytest.fixture(scope="module")
def found(toured, status):
    """What the checks find in a page with all faults."""
    visit = toured("\n".join(html for html, _ in FAULTS), axe=True)
    return all_faults(visit, site_of(visit), status)


@pytest.mark.parametrize(("html", "fault"), FAULTS)
def test_a_fault_is_found(found, html, fault):
    assert any(fault in each for each in found)


def test_a_fault_of_the_dark_is_found_in_the_dark_alone(toured):
    visit = toured('<p class="dim">Dim.</p>', axe=True)
    assert checks.inaccessible(visit, "light") == []
    [fault] = checks.inaccessible(visit, "dark")
    assert "dim" in fault


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<div style="width: 400px">wide</div>', "wider than 390 pixels"),
        (f"<p>{LONG[:100]}</p>", "the page is"),
        ('<table style="width: 600px"><tr><td>wide</td></tr></table>', "wider than 390 pixels"),
        (f'<img src="broad.svg" {ALT}>', "too small"),
    ],
)
def test_a_fault_of_a_phone_is_found_there_alone(toured, html, fault):
    visit = toured(html)
    assert checks.sideways(visit, "light") + checks.poor_images(visit, "light") == []
    found = checks.sideways(visit, "phone") + checks.poor_images(visit, "phone")
    assert any(fault in each for each in found)


@pytest.mark.parametrize(
    "html", ["<pre>" + LONG + "</pre>", f'<img src="raster.png" width="50" {ALT}>']
)
def test_what_scrolls_in_its_box_or_is_sharp_is_no_fault(toured, status, html):
    visit = toured(html)
    assert all_faults(visit, site_of(visit), status) == []


def test_a_request_of_the_size_of_its_file_is_counted(toured):
    visit = toured('<script src="ballast.js"></script>')
    assert sum(visit.bytes.values()) > checks.LIMIT
    assert sum(toured().bytes.values()) < 5000
