"""The pages for contributors are short, and name what is there."""

import ast
import functools
import re
import tomllib
from pathlib import Path

import pytest
from nox_sessions import SESSIONS

from lstmreg_utils.claims import Claim, ledger
from lstmreg_utils.claims.entries import problems

ROOT = Path(__file__).resolve().parent.parent
PAGES = {p.name: p for p in [ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("contributing/*.md"))]}
LONGEST = 60, 520  # lines and words of one page
SUFFIXES = "py|md|ipynb|toml|cff|bib|yml|txt|json|npz"
FILE = re.compile(rf"(?<![\w/.])(?:[\w.-]+/)*[\w.-]+\.(?:{SUFFIXES})\b")
# Where the pages name a file without its folder, or by that of the package alone.
PACKAGE = ("claims", "layers", "tasks")
FOLDERS = ("", "contributing", "lstmreg_utils", *(f"lstmreg_utils/{name}" for name in PACKAGE))
TO_BE_WRITTEN = re.compile(r"my_|rules_\*")  # the contributor's own files, and patterns
NAME = re.compile(r"`([A-Z][A-Za-z]*[a-z]\w*|[A-Z][A-Z_]{2,}|[a-z]+_[a-z_]+)`")
each_page = pytest.mark.parametrize("page", PAGES)


@functools.cache
def defined():
    """The names that are written in the code of the project."""
    names = set()
    for path in [*ROOT.glob("lstmreg_utils/**/*.py"), *ROOT.glob("tests/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names |= {getattr(node, field, None) for field in ("name", "id", "arg")}
    return names


def lost_files(text):
    """Files that a page names, and that are nowhere."""
    named = {name for name in FILE.findall(text) if not TO_BE_WRITTEN.search(name)}
    return {name for name in named if not any((ROOT / f / name).is_file() for f in FOLDERS)}


def lost_sessions(text):
    return set(re.findall(r"nox -s (\w+)", text)) - set(SESSIONS)


def text(page):
    return PAGES[page].read_text("utf-8")


@each_page
def test_a_page_is_a_page(page):
    lines, words = LONGEST
    assert len(text(page).splitlines()) <= lines
    assert len(text(page).split()) <= words


@each_page
def test_files_sessions_and_links_are_there(page):
    assert lost_files(text(page)) == set()
    assert lost_sessions(text(page)) == set()
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text(page)):
        assert (PAGES[page].parent / link).is_file(), link


@each_page
def test_names_are_those_of_the_code(page):
    found = defined()
    named = {name for name in NAME.findall(text(page)) if not TO_BE_WRITTEN.search(name)}
    assert {name for name in named - found if not (ROOT / name).exists()} == set()


def test_what_is_not_there_is_found():
    assert lost_files("see `tools/nothing.py`, `zoneout.py` and `my_data.py`") == {
        "tools/nothing.py"
    }
    assert lost_sessions("`nox -s tests`, `nox -s nothing`") == {"nothing"}
    assert NAME.findall("`STUDIES`, `NoisyLSTM`, `build_model`, `claim`") == [
        "STUDIES", "NoisyLSTM", "build_model",
    ]  # fmt: skip
    assert {"STUDIES", "NoisyLSTM", "build_model", "date_released"} - defined() == {"date_released"}


def test_the_claim_that_is_shown_is_a_whole_one():
    [shown] = re.findall(r"(?ms)^ *```toml\n(.*?)```", text("claim.md"))
    [entry] = tomllib.loads(shown)["claim"]
    claim = Claim(**{**entry, "evidence": tuple(entry["evidence"])})
    assert list(problems(claim)) == []


DIGITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NUMBERS = ["fifty", *(f"fifty-{digit}" for digit in DIGITS)]  # as words, from 50 on


def numbers_told(text):
    """How many claims there are, by the words of a text."""
    return {found.lower() for found in re.findall(r"(?i)\bfifty(?:-\w+)?\b", text)}


def test_no_text_tells_an_old_number_of_claims():
    """A text need not tell it: a new claim then leaves the text as it is."""
    pages = [*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("chapters/*.md"), ROOT / "README.md"]
    told = {page.name: numbers_told(page.read_text("utf-8")) for page in pages}
    now = {NUMBERS[len(ledger()) - 50]}
    assert {name: numbers for name, numbers in told.items() if not numbers <= now} == {}
    head = (ROOT / "lstmreg_utils" / "claims" / "ledger.toml").read_text("utf-8").splitlines()[0]
    assert f" {len(ledger())} claims " in head


def test_an_old_number_of_claims_is_noticed():
    assert numbers_told("Fifty claims; all fifty-one.") == {"fifty", "fifty-one"}


def test_every_kind_of_contribution_has_its_page():
    linked = re.findall(r"\]\(contributing/(\w+)\.md\)", text("CONTRIBUTING.md"))
    assert linked == ["chapter", "arm", "claim", "data_set"]
    assert {f"{name}.md" for name in linked} | {"CONTRIBUTING.md"} == set(PAGES)
