"""What the theme's pages lack for readers on phones, with slow lines or with screen readers."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

# The style sheets load these icons as fonts in any case; the script draws them a second time.
ICON_SCRIPT = Path("_static", "scripts", "fontawesome.js")
# The theme lets the keyboard reach a box of this class when its content is wider.
SCROLL_BOX = "pst-scrollable-table-container"
EMPTY_HEADER = re.compile(r"<th\b([^>]*)>((?:\s|&nbsp;|&#160;|\xa0|<p>|</p>)*)</th>")


def setup(app):
    """Connect to Sphinx; named in ``_config.yml`` under ``local_extensions``."""
    app.add_post_transform(BoxedFigures)
    app.connect("html-page-context", _repair_page, priority=900)
    app.connect("build-finished", _empty_icon_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class BoxedFigures(SphinxPostTransform):
    """Put every figure into a box that scrolls, for screens on which it would become illegible."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs):
        """Wrap images, but not those in the middle of a sentence."""
        for image in list(self.document.findall(nodes.image)):
            if isinstance(image.parent, nodes.TextElement):
                continue
            box = nodes.container(classes=["figure-box", SCROLL_BOX])
            image.replace_self(box)
            box += image


def repaired(body):
    """A page's HTML with what screen readers stumble over put right.

    An empty header cell names nothing: it is made a plain cell. A list of citations has items, by
    the role that ARIA knows; docutils gives them one that it has given up.
    """
    body = EMPTY_HEADER.sub(r"<td\1>\2</td>", body)
    return body.replace('role="doc-biblioentry"', 'role="listitem"')


def _repair_page(app, pagename, templatename, context, doctree):
    if "body" in context:
        context["body"] = repaired(context["body"])


def _empty_icon_script(app, exception):
    """A megabyte and a half less for each first visit, and not one icon."""
    script = Path(app.outdir, ICON_SCRIPT)
    if exception is None and script.is_file():
        script.write_text("/* The icons are fonts: see _ext/page_repairs.py. */\n", "utf-8")
