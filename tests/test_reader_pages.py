"""The pages around the chapters: glossary, symbols, troubleshooting, reference, bibliography."""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from code_links import home, names_in
from sphinx.pycode import ModuleAnalyzer

import lstmreg_utils

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "chapters"
PACKAGE = ROOT / "lstmreg_utils"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if re.match(r"\d\d_", path.name)]
PAGES = [*NOTEBOOKS, *sorted(FOLDER.glob("*.md"))]
# Each imports only from those before it.
FOLDERS = ("tasks", "layers", "kernels", "diagnosis", "lab", "claims", "book")
USED_A_CHAPTER = 2  # terms, at least
QUESTIONS = 18  # that users ask again and again


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def cells(path, kind):
    notebook = nbformat.read(path, as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def prose(path):
    """A page's Markdown."""
    if path.suffix == ".ipynb":
        return "\n".join(cells(path, "markdown"))
    return path.read_text("utf-8")


def page(name):
    return (FOLDER / name).read_text("utf-8")


# ---------------------------------------------------------------- glossary


def glossary(text):
    """Each entry's terms, in lower case: several words may share an explanation."""
    entries = []
    for block in re.findall(r"(?ms)^```\{glossary\}\n(.*?)^```", text):
        before = ":"
        for line in filter(None, block.split("\n")):
            if line[0] not in " :":
                if before[0] in " :":
                    entries.append(set())
                entries[-1].add(line.lower())
            before = line
    return entries


def terms_used(text):
    """What `{term}` roles name, also in the form ``words <term>``."""
    roles = re.findall(r"\{term\}`(?:[^`<]*<([^`>]+)>|([^`<]+))`", text)
    return {(target or plain).lower() for target, plain in roles}


def unused(entries, used):
    return [entry for entry in entries if not entry & used]


def test_every_explained_word_is_used_on_another_page():
    others = [path for path in PAGES if path.name != "glossary.md"]
    used = set.union(*(terms_used(prose(path)) for path in others))
    assert unused(glossary(page("glossary.md")), used) == []


def test_an_unused_word_is_found():
    text = (
        "```{glossary}\n:sorted:\n\nMC dropout\nMonte Carlo dropout\n  Mean.\n\nidle\n  None.\n```"
    )
    assert glossary(text) == [{"mc dropout", "monte carlo dropout"}, {"idle"}]
    used = terms_used("{term}`Monte Carlo dropout` and {term}`words <other>`")
    assert used == {"monte carlo dropout", "other"}
    assert unused(glossary(text), used) == [{"idle"}]


@each(CHAPTERS)
def test_chapter_uses_explained_words(path):
    known = set.union(*glossary(page("glossary.md")))
    used = terms_used(prose(path))
    assert used <= known
    assert len(used) >= USED_A_CHAPTER


def test_no_word_is_explained_twice():
    words = [word for entry in glossary(page("glossary.md")) for word in entry]
    assert sorted(words) == sorted(set(words))


def test_every_effect_and_cause_is_explained_by_its_name():
    from lstmreg_utils.diagnosis import CAUSES, EFFECTS

    assert {*EFFECTS, *CAUSES} <= set.union(*glossary(page("glossary.md")))


# ---------------------------------------------------------------- symbols


def math(path):
    """All mathematics of a page."""
    text = prose(path)
    found = re.findall(r"(?s)\$\$(.*?)\$\$", text)
    found += re.findall(r"(?<![$\\])\$([^$\n]+)\$(?!\$)", re.sub(r"(?s)\$\$.*?\$\$", "", text))
    found += re.findall(r"\{math\}`([^`]+)`", text)
    return "\n".join(found)


def stands_in(symbol, path):
    """Whether a page has a symbol in its mathematics, or in its words if it is one like Δ."""
    if symbol.isalpha() and not symbol.isascii():
        return bool(re.search(rf"(?<!\w){symbol}(?!\w)", prose(path)))
    letter = symbol[0].isalpha()
    before = r"(?<![A-Za-z\\_^])" if letter else ""
    # With a subscript or an argument a letter may be another symbol; weights have many subscripts.
    after = r"(?![A-Za-z(])" if letter else r"(?![A-Za-z])"
    after += "" if "_" in symbol or symbol in "WUb" else "(?!_)"
    return bool(re.search(before + re.escape(symbol) + after, math(path)))


def test_symbols_are_told_apart(tmp_path):
    path = tmp_path / "page.md"
    text = "U, g: $\\max U(0, 1)$, {math}`h_{t-1} + W_i`\n$$\ng_t\n$$\nΔtrain"
    path.write_text(text, "utf-8")
    here = {
        name
        for name in ("U", "W", "x", "i", "g", "g_t", "h_t", "Δtrain", "δ")
        if stands_in(name, path)
    }
    assert here == {"W", "g_t", "Δtrain"}


SYMBOLS = re.findall(
    r"(?m)^\| (.+?) \| .+ \| \{doc\}`chapter \d <(\w+)>`(?:, \{eq\}`([\w-]+)`)? \|$",
    page("glossary.md"),
)


def test_every_row_of_the_table_of_symbols_is_read():
    table = page("glossary.md").partition("(symbols)=")[2]
    assert len(SYMBOLS) == len(re.findall(r"(?m)^\|", table)) - 2


@pytest.mark.parametrize(("shown", "chapter", "equation"), SYMBOLS, ids=lambda value: value or "-")
def test_symbol_stands_first_where_the_table_says(shown, chapter, equation):
    named = re.findall(r"\{math\}`([^`]+)`", shown) or shown.split(", ")
    for symbol in named:
        pages = [path.stem for path in CHAPTERS if stands_in(symbol, path)]
        assert pages[:1] == [chapter], symbol
    if equation:
        # Labelled $$...$$ (eq-name), the symbols in it.
        labelled = re.findall(
            r"(?s)\$\$((?:(?!\$\$).)*)\$\$ \((eq-\w+)\)", prose(FOLDER / f"{chapter}.ipynb")
        )
        [body] = [body for body, name in labelled if name == equation]
        assert all(symbol in body for symbol in named)


# ---------------------------------------------------------------- troubleshooting


TROUBLE = page("troubleshooting.md")
ENTRIES = re.split(r"(?m)^### ", TROUBLE.partition("## Three that nobody")[0])[1:]
THREAD = re.compile(r"\]\(https://\S+\)")


def test_every_recurring_question_has_an_answer_and_its_threads():
    assert len(ENTRIES) == QUESTIONS
    for entry in ENTRIES:
        title, _, answer = entry.partition("\n")
        asked = re.search(r"(?m)^(?:Asked|Reported) in .*", answer)
        assert asked, title
        assert THREAD.search(asked[0]), title
        elsewhere = r"\{(?:doc|ref|func|class|term)\}`"
        assert re.search(elsewhere, answer), f"{title}: leads nowhere in the book"


def test_no_thread_is_named_twice():
    threads = re.findall(r"\((https://[^)]+)\)", TROUBLE)
    assert sorted(threads) == sorted(set(threads))


def test_code_of_the_troubleshooting_page_runs():
    """From top to bottom, in a process of its own: it begins with its imports."""
    code = "\n".join(re.findall(r"(?ms)^```python\n(.*?)^```", TROUBLE))
    command = [sys.executable, "-W", "error::SyntaxWarning", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "0 of 1 recurrent layer on the fused kernel" in done.stdout


def test_commands_of_the_troubleshooting_page_are_those_of_the_tools():
    """The chapters that it names, and the parameters that they have."""
    commands = "\n".join(re.findall(r"(?ms)^```bash\n(.*?)^```", TROUBLE))
    for name in re.findall(r"chapters/\w+\.ipynb", commands):
        assert (ROOT / name).is_file()
    given = {*re.findall(r"-p (\w+)", commands), *re.findall(r"--(seeds|epochs|rates)", commands)}
    assert given
    first = next(code for code in cells(CHAPTERS[0], "code") if "recorded = True" in code)
    assert given <= {*re.findall(r"(?m)^(\w+) =", first)}


# ---------------------------------------------------------------- reference


def members(module, options):
    """What `automodule` lists of a module: with ``:members:`` its ``__all__``, but for some."""
    if ":members:" not in options:
        return []
    [excluded] = re.findall(r":exclude-members: (.*)", options) or [""]
    names = importlib.import_module(module).__all__
    return [f"{module}.{name}" for name in names if name not in excluded.split(", ")]


def listed(text):
    """The full names of the entries in a text, in their order; constants are another kind."""
    found = []
    for kind, name, options in re.findall(r"(?m)^\.\. auto(\w+):: (\S+)\n((?: {3}:.*\n)*)", text):
        found += [name, *(members(name, options) if kind == "module" else [])]
    return found


def entries():
    """The full names that the reference has entries for, modules among them."""
    text = page("reference.md")
    data = re.findall(r"(?m)^\.\. py:data:: ((?:\w+\s+)+):module: (\S+)", text)
    constants = [f"{at}.{name}" for names, at in data for name in names.split()]
    return listed(text) + constants


def documented():
    """Where the objects are defined that the reference has entries for."""
    names = entries()
    assert len(names) == len(set(names))
    return {home(name, PACKAGE) for name in names}


def named_in_chapters():
    """The functions and classes of the package that the chapters' code names."""
    found = {}
    for path in NOTEBOOKS:
        aliases = {}
        for source in cells(path, "code"):
            for *_, full in names_in(source, aliases):
                found.setdefault(full, path.stem)
    return found


def exists(full):
    """Whether it is a function or a class, and not of a library that a module imports."""
    module, _, name = full.rpartition(".")
    try:
        return callable(getattr(importlib.import_module(module), name, None))
    except ModuleNotFoundError:
        return False


def test_public_names_are_on_the_reference_page():
    packages = [lstmreg_utils] + [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(lstmreg_utils.__path__, "lstmreg_utils.")
        if found.ispkg
    ]
    public = [
        f"{package.__name__}.{name}"
        for package in packages
        for name in getattr(package, "__all__", ())
    ]
    assert "lstmreg_utils.compare" in public
    missing = {name for name in public if home(name, PACKAGE) not in documented()}
    assert missing == set()


def functions_of(folder):
    """What the reference lists under a folder, and what that lists itself, by where it is defined.

    Constants are left out: several may share an entry.
    """
    text = page("reference.md").partition(f"\n## `{folder}`: ")[2].partition("\n## ")[0]
    package = importlib.import_module(f"lstmreg_utils.{folder}")
    public = [f"{package.__name__}.{name}" for name in package.__all__]
    public = [name for name in public if callable(getattr(package, name.rpartition(".")[2]))]
    there = [home(name, PACKAGE) for name in listed(text)]
    wanted = [home(name, PACKAGE) for name in public]
    # What a module lists by itself comes last.
    by_hand = {home(name, PACKAGE) for name in re.findall(r"(?m)^\.\. auto\w+:: (\S+)", text)}
    wanted.sort(key=lambda name: name not in by_hand)
    return [name for name in there if name in wanted], wanted


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_is_listed_in_the_order_of_its_own_list(folder):
    there, wanted = functions_of(folder)
    assert there == wanted


def test_folders_are_listed_in_the_order_in_which_they_import():
    assert tuple(re.findall(r"(?m)^## `(\w+)`: ", page("reference.md"))) == FOLDERS
    assert f"`{' → '.join(FOLDERS)}`" in page("reference.md")


def test_what_the_chapters_use_is_on_the_reference_page():
    used = {name: path for name, path in named_in_chapters().items() if exists(name)}
    assert used["lstmreg_utils.book.plots.plane"]
    known = documented()
    missing = {n: path for n, path in used.items() if home(n, PACKAGE) not in known}
    assert missing == {}


def test_entries_of_the_reference_exist():
    modules = {
        found.name for found in pkgutil.walk_packages(lstmreg_utils.__path__, "lstmreg_utils.")
    }
    for name in entries():
        module, _, last = name.rpartition(".")
        assert name in modules or hasattr(importlib.import_module(module), last), name


def classes(text):
    """The classes that a text has entries for, by name, each with the options of its entry."""
    for name, options in re.findall(r"(?m)^\.\. autoclass:: (\S+)\n((?: {3}:.*\n)*)", text):
        module, _, last = name.rpartition(".")
        yield name, getattr(importlib.import_module(module), last), options


def comments(kind):
    """What stands beside the attributes of a class, after `#:`."""
    found = ModuleAnalyzer.for_module(kind.__module__).find_attr_docs()
    return {name: " ".join(said) for (at, name), said in found.items() if at == kind.__name__}


def untold(text):
    """Fields that are shown without a word, neither as a parameter nor by a comment."""
    for name, kind, options in classes(text):
        fields = getattr(kind, "__dataclass_fields__", getattr(kind, "_fields", ()))
        told = re.findall(r"\w+", " ".join(re.findall(r"(?m)^ *([\w, ]+) : ", kind.__doc__)))
        told += comments(kind) if ":members:\n" in options else ()
        yield from (f"{name}.{field}" for field in fields if field not in told)


def torn(kind):
    """Attributes whose words have a colon: napoleon takes what stands before it for a type."""
    words = comments(kind)
    for name, found in vars(kind).items():
        if not callable(found) and not name.startswith("_") and name not in words:
            words[name] = (found.__doc__ or "").partition("\n")[0]
    return [name for name, said in words.items() if ":" in re.sub(r"`+[^`]*`+", "", said)]


def test_every_field_is_told_on_the_reference_page():
    text = page("reference.md")
    assert list(untold(text)) == []
    assert "lstmreg_utils.Task.floor" in untold(text.replace("   :members:\n", ""))


def test_words_on_attributes_are_shown_whole():
    found = {name: torn(kind) for name, kind, _ in classes(page("reference.md"))}
    assert {name: attributes for name, attributes in found.items() if attributes} == {}


class Torn:
    whole = ""  #: ``a:b``, and `c: d`
    half = ""  #: first: then

    @property
    def other(self):
        """First: then."""


def test_a_colon_in_words_on_an_attribute_is_noticed():
    assert torn(Torn) == ["half", "other"]


def test_what_has_no_entry_is_missed():
    known = documented()
    assert home("lstmreg_utils.book.plots.draw_as", PACKAGE) in known  # of another module
    assert home("lstmreg_utils.diagnosis.decomposition._beyond", PACKAGE) not in known


@each(PAGES)
def test_links_in_prose_lead_to_the_reference(path):
    """Sphinx would pass over a wrong one: it is told to, for the types in docstrings."""
    targets = re.findall(r"\{(?:func|class|exc|data|mod)\}`~?(?:[^`<]*<)?([\w.]+)>?`", prose(path))
    known = set(entries())
    assert [name for name in targets if name not in known] == []


# ---------------------------------------------------------------- bibliography


def cited(texts):
    roles = re.findall(r"\{cite:\w+\}`([^`]+)`", "\n".join(texts))
    return {key.strip() for role in roles for key in role.split(",")}


def test_every_entry_of_the_bibliography_is_cited_and_every_citation_has_one():
    entries = re.findall(r"(?m)^@\w+\{(\w+),", page("references.bib"))
    assert len(entries) == len(set(entries))
    assert cited(map(prose, PAGES)) == {*entries}


def test_the_bibliography_stands_on_one_page():
    assert [p.name for p in PAGES if "```{bibliography}" in prose(p)] == ["bibliography.md"]
