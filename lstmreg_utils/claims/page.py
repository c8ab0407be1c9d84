"""The ledger as a table for a page: sortable and filterable, and plain where scripts are off."""

import html
import sys

import pandas as pd
from IPython.display import HTML, display

from .ledger import RULE, ledger

STUDIES_PAGE = "provenance.html#the-studies"
SOURCES_PAGE = "bibliography.html"
TABLE = "table-of-claims"
# Cells wrap; on a narrow screen a row is a card, its cells one below the other.
CSS = """
.dt-container td, .dt-container th { white-space: normal; vertical-align: top; text-align: left; }
.dt-container { font-size: 0.85em; }
.dt-container details { margin-top: 0.4em; font-size: 0.92em; }
.dt-container td:nth-child(1), .dt-container td:nth-child(4) { font-weight: bold; }
.dt-container thead input { width: 100%; min-width: 3.5em; box-sizing: border-box; }
@media (max-width: 760px) {
  .dt-container table, .dt-container tbody, .dt-container tr, .dt-container td { display: block; }
  .dt-container thead { display: none; }
  .dt-container tr { border-bottom: 2px solid #888; padding: 0.5em 0; }
  .dt-container td { border: 0; padding: 0.15em 0.3em; width: auto; max-width: 88vw; }
  .dt-container td { white-space: normal !important; overflow-wrap: anywhere; }
}
"""
# The table is drawn after the page has been scrolled to the claim that a link names.
SCROLL = """
<script>
window.addEventListener("load", () => setTimeout(() => {
  const name = location.hash.slice(1);
  if (name.startsWith("claim-")) document.getElementById(name)?.scrollIntoView();
}, 800));
</script>
"""


def table(rulings, repository=""):
    """The ledger with its rulings, a row a claim, in HTML where a cell holds links.

    Parameters
    ----------
    rulings : dict of str to Ruling
        From `rule_all`.
    repository : str, default=''
        Address of the repository, for links to the tests; without it they are named only.

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> from lstmreg_utils.claims import Ruling, ledger
    >>> shown = table({id: Ruling(id, "holds", "") for id in ledger()})
    >>> shown["claim"].iloc[1]
    '<span hidden>A02</span><a id="claim-A2" href="#claim-A2">A2</a>'
    """
    rows = [_row(claim, rulings[claim.id], repository) for claim in ledger().values()]
    return pd.DataFrame(rows)


def show(rulings, repository=""):
    """Display the table with DataTables, if itables is there, and as plain HTML otherwise.

    On Colab, where a page cannot keep a script from cell to cell, DataTables comes from the net;
    everywhere else it is part of the page.
    """
    rows = table(rulings, repository)
    try:
        import itables
    except ImportError:
        display(HTML(rows.to_html(index=False, escape=False, border=0)))
        return
    itables.init_notebook_mode(all_interactive=False, connected="google.colab" in sys.modules)
    text = itables.to_html_datatable(
        rows,
        connected="google.colab" in sys.modules,
        allow_html=True,
        maxBytes=0,
        paging=False,
        showIndex=False,
        column_filters="header",
        classes="display compact",
        style="width:100%",
        css=CSS,
        columnDefs=[{"targets": [2, 4], "width": "30%"}],
        table_id=TABLE,
        layout={"topStart": "info", "topEnd": "search", "bottomStart": None, "bottomEnd": None},
    )
    display(HTML(text + SCROLL))


def _row(claim, ruling, repository):
    letter, number = claim.id[0], int(claim.id[1:])
    anchor = f'<a id="claim-{claim.id}" href="#claim-{claim.id}">{claim.id}</a>'
    chapter = f'<a href="{claim.chapter}.html">chapter {int(claim.chapter[:2])}</a>'
    return {
        # Sorted as A01 to B25, shown as A1 to B25.
        "claim": f"<span hidden>{letter}{number:02}</span>{anchor}",
        "article": claim.article,
        "what it says": f"{_text(claim.claim)}{_details(claim)}",
        "verdict": ruling.verdict,
        "what was found": _text(ruling.sentence),
        "where": f"{chapter}: {_links(claim, repository)}",
    }


def _details(claim):
    """The rule, folded."""
    parts = {name: claim.rule[name] for name in RULE} | {"seen": claim.seen}
    lines = [f"<b>{name}</b>: {_text(said)}" for name, said in parts.items() if said]
    return f"<details><summary>the rule</summary>{'<br>'.join(lines)}</details>"


def _links(claim, repository):
    """The evidence, linked to where it can be looked up."""
    studies = [f'<a href="{STUDIES_PAGE}">{name}</a>' for name in claim.named("study")]
    sources = [f'<a href="{SOURCES_PAGE}">{name}</a>' for name in claim.named("source")]
    tests = []
    for test in claim.named("test"):
        file, _, name = test.partition("::")
        said = name.removeprefix("test_").replace("_", " ")
        tests.append(f'<a href="{repository}/blob/main/{file}">{said}</a>' if repository else said)
    kinds = {"study": studies, "test": tests, "source": sources}
    return "; ".join(f"{kind} {', '.join(found)}" for kind, found in kinds.items() if found)


def _text(said):
    """Plain text as HTML, with `code` in backticks."""
    pieces = html.escape(said, quote=False).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))
