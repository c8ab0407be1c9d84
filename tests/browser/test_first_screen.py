"""A chapter with an evidence page answers on its first screen, and is no longer than its budget."""

import pytest

from . import checks
from .equipment import CHAPTERS
from .visits import Visit

# Each such chapter, and the page that holds what its numbers rest on.
EVIDENCE = {
    name.replace("_evidence", ""): name for name in CHAPTERS if name.endswith("_evidence.html")
}
each = pytest.mark.parametrize("name", EVIDENCE)


@each
def test_the_first_screen_answers(name, visited):
    assert checks.unanswered(visited(name)) == []


@each
def test_every_number_of_the_answer_is_on_the_evidence_page(name, visited):
    assert checks.unproven(visited(name), visited(EVIDENCE[name])) == []


@each
def test_a_chapter_keeps_its_budget(name, visited):
    assert checks.over_budget(visited(name)) == []


SOUND = {
    "answer": "Yes: 0.25 less.", "ends": [300, 800], "numbers": ["0.25"], "words": 1500,
    "exhibits": 5, "height": 9000,
}  # fmt: skip


def seen(**changed):
    return Visit("page", "", facts={"light": SOUND | changed})


def test_a_sound_chapter_has_no_faults():
    assert checks.unanswered(seen()) + checks.over_budget(seen()) == []
    assert checks.unproven(seen(), seen()) == []


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"answer": None}, "no answer"),
        ({"answer": "Yes."}, "without a number"),
        ({"answer": "so 1 " * 31}, "62 words"),
        ({"ends": [300, 901]}, "the figure ends at 901"),
        ({"ends": [300, None]}, "the figure ends at None"),
        ({"words": 1501}, "1501 words"),
        ({"exhibits": 6}, "6 exhibits"),
        ({"height": 9001}, "9001 height"),
    ],
)
def test_a_fault_of_a_chapter_is_found(changed, fault):
    [found] = checks.unanswered(seen(**changed)) + checks.over_budget(seen(**changed))
    assert fault in found


def test_a_number_without_evidence_is_found():
    assert checks.unproven(seen(), seen(numbers=["0.2"])) == ["0.25 is not on page"]
