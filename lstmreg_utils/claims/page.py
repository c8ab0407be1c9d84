"""The ledger as a table for a page: sortable and filterable, and plain where scripts are off."""

import html
import sys
from importlib import resources

import pandas as pd

from .entries import RULE, ledger

STUDIES_PAGE = "provenance.html#the-studies"
SOURCES_PAGE = "bibliography.html"
TABLE = "table-of-claims"


def table(rulings, repository=""):
    """The ledger with its rulings, a row a claim, in HTML where a cell holds links."""
    rows = [_row(claim, rulings[claim.id], repository) for claim in ledger().values()]
    return pd.DataFrame(rows)


def show(rulings, repository=""):
    """Display the ledger with its rulings, as a table to sort and filter if itables is there.

    On Colab, where a page cannot keep a script from cell to cell, DataTables comes from the net;
    everywhere else it is part of the page. Without itables the table is plain HTML.

    Parameters
    ----------
    rulings : dict of str to Ruling
        From `rule_all`.
    repository : str, default=''
        Address of the repository, for links to the tests; without it they are named only.
    """
    from IPython.display import HTML, display  # rulings are made without it, too

    rows = table(rulings, repository)
    try:
        import itables
    except ImportError:
        display(HTML(rows.to_html(index=False, escape=False, border=0)))
        return
    connected = "google.colab" in sys.modules
    beside = resources.files(__package__)
    style, script = ((beside / f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    itables.init_notebook_mode(all_interactive=False, connected=connected)
    layout = {"topStart": "info", "topEnd": "search", "bottomStart": None, "bottomEnd": None}
    parts = {"paging": False, "showIndex": False, "column_filters": "header", "layout": layout}
    looks = {"classes": "display compact", "style": "width:100%", "css": style}
    looks["columnDefs"] = [{"targets": [2, 4], "width": "30%"}]
    text = itables.to_html_datatable(
        rows, connected=connected, allow_html=True, maxBytes=0, table_id=TABLE, **parts, **looks
    )
    display(HTML(f"{text}\n<script>\n{script}</script>\n"))


def _row(claim, ruling, repository):
    letter, number = claim.id[0], int(claim.id[1:])
    anchor = f'<a id="claim-{claim.id}" href="#claim-{claim.id}">{claim.id}</a>'
    chapter = f'<a href="{claim.chapter}.html">chapter {int(claim.chapter[:2])}</a>'
    rule = {name: claim.rule[name] for name in RULE}
    rule |= {"reading": claim.reading, "ruling": claim.kind, "seen": claim.seen}
    lines = [f"<b>{name}</b>: {_text(words)}" for name, words in rule.items() if words]
    folded = f"<details><summary>the rule</summary>{'<br>'.join(lines)}</details>"
    return {
        # Sorted as A01 to B25, shown as A1 to B25.
        "claim": f"<span hidden>{letter}{number:02}</span>{anchor}",
        "article": claim.article,
        "what it says": f"{_text(claim.claim)}{folded}",
        "verdict": ruling.verdict,
        "what was found": _text(ruling.sentence),
        "where": f"{chapter}: {_links(claim, repository)}",
    }


def _links(claim, repository):
    """The evidence, linked to where it can be looked up."""
    studies = [f'<a href="{STUDIES_PAGE}">{name}</a>' for name in claim.named("study")]
    sources = [f'<a href="{SOURCES_PAGE}">{name}</a>' for name in claim.named("source")]
    tests = []
    for test in claim.named("test"):
        file, _, name = test.partition("::")
        words = name.removeprefix("test_").replace("_", " ")
        link = f'<a href="{repository}/blob/main/{file}">{words}</a>'
        tests.append(link if repository else words)
    kinds = {"study": studies, "test": tests, "source": sources}
    return "; ".join(f"{kind} {', '.join(found)}" for kind, found in kinds.items() if found)


def _text(words):
    """Plain text as HTML, with `code` in backticks."""
    pieces = html.escape(words, quote=False).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))
