"""The build's repairs of the theme's pages."""

from types import SimpleNamespace

import page_repairs
import pytest
from docutils import nodes, utils


@pytest.mark.parametrize(
    "empty", ["<th></th>", "<th>&nbsp;</th>", '<th class="blank">\n </th>', "<th><p></p></th>"]
)
def test_an_empty_header_becomes_a_cell(empty):
    repaired = page_repairs.repaired(f"<tr>{empty}<th>rate</th></tr>")
    assert repaired == f"<tr>{empty.replace('th', 'td')}<th>rate</th></tr>"


@pytest.mark.parametrize("sound", ["<th>rate</th>", "<thead><tr><td></td></tr></thead>", "<p></p>"])
def test_what_is_sound_stays(sound):
    assert page_repairs.repaired(sound) == sound


def test_a_list_of_citations_has_items():
    body = '<div role="list" class="citation-list"><div role="doc-biblioentry">A</div></div>'
    assert '<div role="listitem">A</div>' in page_repairs.repaired(body)


def test_a_figure_gets_a_box_and_an_image_in_a_sentence_none():
    document = utils.new_document("page")
    figure = nodes.figure("", nodes.image(uri="a.svg"), nodes.caption("", "A figure."))
    sentence = nodes.paragraph("", "An ", nodes.image(uri="icon.svg"))
    document.extend([figure, sentence])
    page_repairs.BoxedFigures(document).run()
    box, caption = figure.children
    assert box["classes"] == ["figure-box", page_repairs.SCROLL_BOX]
    assert [image["uri"] for image in box.children] == ["a.svg"]
    assert isinstance(caption, nodes.caption)
    assert isinstance(sentence.children[1], nodes.image)


@pytest.mark.parametrize(("failed", "kept"), [(None, False), (ValueError("no book"), True)])
def test_the_icon_script_is_emptied_after_a_build(tmp_path, failed, kept):
    script = tmp_path / page_repairs.ICON_SCRIPT
    script.parent.mkdir(parents=True)
    script.write_text("x" * 1000, "utf-8")
    page_repairs._empty_icon_script(SimpleNamespace(outdir=tmp_path), failed)
    assert (script.stat().st_size == 1000) is kept


def test_a_builder_without_the_script_is_no_error(tmp_path):
    page_repairs._empty_icon_script(SimpleNamespace(outdir=tmp_path), None)
