"""The chapters: their form, and that they train as well as they read."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
# The rules of a chapter, written as one: it is held to them itself.
TEMPLATE = ROOT / "contributing" / "template.ipynb"
NOTEBOOKS = [*sorted((ROOT / "chapters").glob("*.ipynb")), TEMPLATE]
EVIDENCE = [path for path in NOTEBOOKS if path.stem.endswith("_evidence")]
# A chapter that leaves its tables and checks to an evidence page has a budget.
ANSWERING = [path.with_name(path.name.replace("_evidence", "")) for path in EVIDENCE]
CHAPTERS = [
    path
    for path in NOTEBOOKS
    if re.match(r"0[1-9]|[1-9]\d|template", path.name) and path not in EVIDENCE
]
CHECKED = [path for path in CHAPTERS if path not in ANSWERING] + EVIDENCE
ORDER = ("seeds", "epochs", "rates", "recorded")
PARAMETERS = set(ORDER)
SMALL = {"recorded": False, "seeds": 2, "epochs": 2, "rates": 1}
LONGEST_CELL = 20
LONGEST_TO_COPY = 15  # of the cells that a chapter of the new form shows
SHOWN_CELLS = 12
SHORTEST_ALT = 60
UNSHOWN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
TOC = (ROOT / "_toc.yml").read_text("utf-8")

# What the first code cell of every notebook is, whatever the address of the repository.
# In a chapter it says first what a GPU is good for: only readers of the notebook see the cell.
INSTALL = re.compile(
    r"""(?P<gpu># On Colab: a GPU [^\n]+\n)?import sys

if "google\.colab" in sys\.modules:
    %pip install -q --no-deps git\+https://github\.com/[\w.-]+/[\w.-]+"""
)
INSTALLING = """import sys

if "google.colab" in sys.modules:
    %pip install -q --no-deps git+https://github.com/a/b"""  # says nothing of a GPU
ON_COLAB = "# On Colab"


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def text(path):
    return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)


def tags(cell):
    return set(cell.metadata.get("tags", ()))


def tree(path):
    """The code of a notebook, without the install cell, which is not Python alone."""
    return ast.parse("\n".join(cell.source for cell in code_cells(path)[1:]))


def calls(path, name):
    """Calls of a function, by its bare name or as an attribute of something."""
    return [
        node
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name
    ]


def draws(cell):
    """Whether a cell makes a figure, by what it calls."""
    called = [
        ast.unparse(n.func) for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Call)
    ]
    return any(
        re.match(r"(plt|plots)\.\w+$|kernel_panels$|across\.forest_across$", name)
        and name != "plots.stack"
        for name in called
    )


def parameters(path):
    """The parameters of a notebook, by name, with the comment of each."""
    cells = code_cells(path)
    marked = [place for place, cell in enumerate(cells) if "parameters" in tags(cell)]
    assert marked == [2], "the third code cell, and no other"
    lines = [re.fullmatch(r"(\w+) = \S+  # (\S.*)", line) for line in cells[2].source.splitlines()]
    assert all(lines), "a parameter a line, with a comment"
    return {line[1]: line[2] for line in lines}


# ---------------------------------------------------------------- form


def test_table_of_contents_names_every_page_and_no_other():
    named = re.findall(r"(?:root|file): chapters/(\S+)", TOC)
    pages = [path for path in (ROOT / "chapters").iterdir() if path.suffix in (".ipynb", ".md")]
    assert yaml.safe_load(TOC)["format"] == "jb-book"
    assert sorted(named) == sorted(path.stem for path in pages)


@each(NOTEBOOKS)
def test_notebook_is_stored_stripped_and_in_one_layout(path):
    written = path.read_text("utf-8")
    notebook = json.loads(written)
    assert written == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    nbformat.validate(notebook)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    identities = [cell["id"] for cell in notebook["cells"]]
    assert len(set(identities)) == len(identities)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@each(NOTEBOOKS)
def test_notebook_begins_with_its_only_title(path):
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    prose = re.sub(r"(?ms)^(`{3,}|~{3,}).*?^\1", "", prose)
    assert cells[0].source.startswith("# ")
    assert len(re.findall(r"(?m)^# ", prose)) == 1


@each(NOTEBOOKS)
def test_first_code_cell_installs_the_package_on_colab(path):
    assert (found := INSTALL.fullmatch(code_cells(path)[0].source))
    assert bool(found["gpu"]) == (path.name in {chapter.name for chapter in CHAPTERS})


@each(NOTEBOOKS)
def test_parameters_are_the_usual_ones(path):
    assert set(parameters(path)) == PARAMETERS


@each(NOTEBOOKS)
def test_no_code_cell_is_long(path):
    too_long = {
        cell.id: len(cell.source.splitlines())
        for cell in code_cells(path)
        if len(cell.source.splitlines()) > LONGEST_CELL
    }
    assert too_long == {}


@each(NOTEBOOKS)
def test_prose_stands_before_code(path):
    """At most two visible cells in a row: one that computes, one that says what came out."""
    seen = 0
    for cell in nbformat.read(path, as_version=4).cells:
        hidden = tags(cell) & {"remove-cell", "remove-input"}
        seen = seen + 1 if cell.cell_type == "code" and not hidden else 0
        assert seen <= 2, f"{cell.id} is the third code cell in a row"


@each(NOTEBOOKS)
def test_every_figure_has_a_caption_a_name_and_alt_text(path):
    names = []
    for cell in code_cells(path)[1:]:
        described = cell.metadata.get("mystnb", {})
        assert draws(cell) == bool(described), f"{cell.id} draws and says nothing, or the reverse"
        if described:
            caption, name = described["figure"]["caption"], described["figure"]["name"]
            alt = described["image"]["alt"]
            assert caption.endswith("."), cell.id
            assert len(alt) >= SHORTEST_ALT, cell.id
            assert alt != caption, cell.id
            names.append(name)
    assert len(set(names)) == len(names)


@each(CHAPTERS)
def test_chapter_has_exercises_with_folded_solutions(path):
    exercises = re.findall(r"```\{exercise[^\n]*\n:label: (\S+)", text(path))
    solutions = re.findall(r"```\{solution(?:-start)?\} (\S+)\n(.*)", text(path))
    assert exercises
    assert sorted(name for name, _ in solutions) == sorted(exercises)
    assert [name for name, option in solutions if option != ":class: dropdown"] == []


@each(CHECKED)
def test_chapter_ends_with_a_check_of_its_claims(path):
    """Or its evidence page does."""
    assert "claims_check(" in code_cells(path)[-1].source


@each(ANSWERING)
def test_a_chapter_shows_few_cells_and_those_can_be_copied(path):
    shown = [len(cell.source.splitlines()) for cell in code_cells(path) if not tags(cell) & UNSHOWN]
    assert len(shown) <= SHOWN_CELLS
    assert max(shown, default=0) <= LONGEST_TO_COPY


@each(ANSWERING)
def test_the_answer_and_its_figure_are_what_is_seen_first(path):
    seen = [
        cell for cell in nbformat.read(path, as_version=4).cells if tags(cell) != {"remove-cell"}
    ]
    title, answer, figure = [cell for cell in seen if "parameters" not in tags(cell)][:3]
    assert title.cell_type == "markdown"
    assert len(title.source.split("\n\n")) == 2, "the title and a question"
    assert re.search(r"^(book\.)?answer\(", answer.source, re.MULTILINE)
    assert draws(figure)
    assert tags(answer) == tags(figure) == {"remove-input"}


@each(EVIDENCE)
def test_an_evidence_page_and_its_chapter_lead_to_one_another(path):
    chapter = path.stem.replace("_evidence", "")
    assert f"<{chapter}>" in text(path)
    assert f"<{path.stem}>" in text(path.with_name(f"{chapter}.ipynb"))
    below = rf"file: chapters/{chapter}\n +sections:\n +- file: chapters/{path.stem}\n"
    root = rf"root: chapters/{chapter}\n"  # which has no sections
    assert re.search(f"{below}|{root}", TOC)


@each(EVIDENCE)
def test_an_evidence_page_opens_with_what_is_on_it(path):
    """A reader comes to it by the link of one number."""
    assert "```{contents}" in nbformat.read(path, as_version=4).cells[0].source


@each(NOTEBOOKS)
def test_chance_is_seeded(path):
    """No generator without a seed: the same page twice."""
    code = "\n".join(cell.source for cell in code_cells(path)[1:])
    assert not re.search(r"^\s*(import random|from random import)", code, re.MULTILINE)
    for used in re.findall(r"np\.random\.(\w+\(?\)?)", code):
        assert used == "default_rng(", used
    if ".fit(" in code:
        assert re.search(r"keras\.utils\.set_random_seed\(\d+\)", code)


@each(NOTEBOOKS)
def test_parameters_reach_every_study(path):
    """A page that left one out would look retrained, and show records."""
    own = {
        ast.unparse(node.targets[0])
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("grid(")
    }
    asked = {
        ast.unparse(node.targets[0]): ast.unparse(node.value)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
    }
    everything = ast.unparse(ast.parse(f"{{{', '.join(f'{n!r}: {n}' for n in ORDER)}}}"))
    for call in calls(path, "compare_study"):
        given = {k.arg: ast.unparse(k.value) for k in call.keywords}
        if None in given:
            assert asked[given[None]] == everything
        else:
            assert {name: given.get(name) for name in ORDER} == {name: name for name in ORDER}
    for call in calls(path, "named_study"):
        assert [ast.unparse(argument) for argument in call.args[1:]] == ["seeds", "epochs", "rates"]
    for call in calls(path, "study"):
        if ast.unparse(call.args[0]) not in own:
            assert {k.arg: ast.unparse(k.value) for k in call.keywords}["recorded"] == "recorded"


def test_template_states_the_rules_as_they_are():
    stated = text(TEMPLATE)
    for name in PARAMETERS:
        assert f"`{name}`" in stated
    assert f"none has more than {LONGEST_CELL} lines" in stated
    assert f"at least {SHORTEST_ALT} characters" in stated


def broken(path, cell, of=TEMPLATE, /, **changed):
    """A copy of a notebook in which one cell, found by its first words, is another."""
    notebook = json.loads(of.read_text("utf-8"))
    [found] = [c for c in notebook["cells"] if "".join(c["source"]).startswith(cell)]
    found.update(changed)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


DRAWS = "both = {"
CODE = {"cell_type": "code", "execution_count": None, "outputs": []}
OPEN = "```{exercise}\n:label: ex-a\n\nWhat?\n```\n\n```{solution-start} ex-a\n```"
SHORT = 'asked = {"seeds": seeds}\ncompare_study("known_floor", **asked)'
UNSEEDED = "import random\nrandom.random()\n"


@pytest.mark.parametrize(
    ("check", "cell", "changed"),
    [
        (test_notebook_is_stored_stripped_and_in_one_layout, DRAWS, {"execution_count": 1}),
        (test_notebook_begins_with_its_only_title, "## Say", {"source": "# Another title"}),
        (test_first_code_cell_installs_the_package_on_colab, ON_COLAB, {"source": "1"}),
        (
            test_first_code_cell_installs_the_package_on_colab,
            ON_COLAB,
            {"source": INSTALLING},
        ),
        (test_parameters_are_the_usual_ones, "recorded = ", {"source": "seeds = 20  # pairs"}),
        (test_parameters_are_the_usual_ones, "The second one imports", CODE),
        (test_no_code_cell_is_long, DRAWS, {"source": "1\n" * 21}),
        (test_prose_stands_before_code, "✓ A cell that draws", CODE),
        (test_every_figure_has_a_caption_a_name_and_alt_text, DRAWS, {"metadata": {}}),
        (test_chapter_has_exercises_with_folded_solutions, "No number is", {"source": "None"}),
        (test_chapter_has_exercises_with_folded_solutions, "No number is", {"source": OPEN}),
        (test_chapter_ends_with_a_check_of_its_claims, "claims = {", {"source": "1"}),
        (test_chance_is_seeded, "print(number", {"source": UNSEEDED}),
        (test_parameters_reach_every_study, "task = ", {"source": 'named_study("known_floor")'}),
        (test_parameters_reach_every_study, "task = ", {"source": 'compare_study("known_floor")'}),
        (test_parameters_reach_every_study, "task = ", {"source": SHORT}),
    ],
)
def test_a_chapter_that_breaks_a_rule_is_caught(check, cell, changed, tmp_path):
    check(TEMPLATE)
    with pytest.raises(AssertionError):
        check(broken(tmp_path / "template.ipynb", cell, **changed))


@pytest.mark.parametrize(
    ("check", "cell", "changed"),
    [
        (test_a_chapter_shows_few_cells_and_those_can_be_copied, "import keras", "1\n" * 16),
        (test_the_answer_and_its_figure_are_what_is_seen_first, "def of(", "say(1)"),
        (test_the_answer_and_its_figure_are_what_is_seen_first, "# Where", "# Where\n\nA.\n\nB."),
    ],
)
def test_an_answering_chapter_that_breaks_a_rule_is_caught(check, cell, changed, tmp_path):
    path = ROOT / "chapters" / "03_three_placements.ipynb"
    check(path)
    with pytest.raises(AssertionError):
        check(broken(tmp_path / path.name, cell, path, source=changed))


def test_an_evidence_page_without_its_contents_is_caught(tmp_path):
    path = EVIDENCE[0]
    with pytest.raises(AssertionError):
        test_an_evidence_page_opens_with_what_is_on_it(
            broken(tmp_path / path.name, "# Evidence", path, source="# Evidence")
        )


# ---------------------------------------------------------------- on Colab


def run_install_cell(path, monkeypatch, on_colab):
    """What the first cell would install, with IPython's own reading of its magics."""
    from IPython.core.inputtransformer2 import TransformerManager

    installed = []

    class Shell:
        def run_line_magic(self, name, line):
            installed.append((name, line))

    if on_colab:
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    source = TransformerManager().transform_cell(code_cells(path)[0].source)
    exec(source, {"get_ipython": Shell})
    return installed


@each(NOTEBOOKS)
def test_install_happens_on_colab_and_moves_nothing_else(path, monkeypatch):
    [(magic, line)] = run_install_cell(path, monkeypatch, on_colab=True)
    assert magic == "pip"
    assert "--no-deps" in line.split()
    assert not {"-U", "--upgrade", "-r", "tensorflow", "numpy"} & set(line.split())


@each(NOTEBOOKS)
def test_install_happens_nowhere_else(path, monkeypatch):
    assert run_install_cell(path, monkeypatch, on_colab=False) == []


# ---------------------------------------------------------------- retrained, at a tiny size


def python(code):
    """Run code where the kernels of the chapters run, and return what it prints."""
    command = [sys.executable, "-c", code]
    folder = ROOT / "chapters"
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def bare_package(tmp_path_factory):
    """The package without recorded runs, first on the path of the kernels."""
    path = tmp_path_factory.mktemp("path")
    package = path / "lstmreg_utils"
    leave_out = shutil.ignore_patterns("*.study", "__pycache__")
    shutil.copytree(ROOT / "lstmreg_utils", package, ignore=leave_out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(path), str(ROOT / "tests")]))
        yield package


# In place of processes that train: numbers of the right form, at once.
MADE_UP = """
def train_block(run, seeds, engine):
    from made_up_runs import made_up

    return made_up(run, seeds)


def open_executor(executor, workers):
    from concurrent.futures import ThreadPoolExecutor

    return contextlib.nullcontext((ThreadPoolExecutor(1), 1))


def _choose(engine, pool):
    return Engine("tensorflow", CPU)
"""


@pytest.fixture
def made_up_numbers(bare_package):
    """The bare package trains nothing: what training gives is held to the golden runs."""
    studies = bare_package / "lab" / "studies.py"
    code = studies.read_text("utf-8")
    studies.write_text(code + MADE_UP, "utf-8")
    yield
    studies.write_text(code, "utf-8")


@pytest.fixture
def retrain(bare_package, tmp_path, monkeypatch):
    """Execute a notebook at a small size, and return the files of the runs that it made."""
    import papermill

    folder = tmp_path / "records"
    monkeypatch.setenv("LSTMREG_RECORDS", str(folder))

    def made(path):
        assert set(SMALL) <= set(parameters(path)), "papermill passes over what it does not know"
        papermill.execute_notebook(
            path,
            tmp_path / path.name,
            parameters=SMALL,
            cwd=path.parent,
            kernel_name="python3",
            progress_bar=False,
        )
        return [*folder.glob("*.run")]

    return made


@pytest.mark.apart
@each(NOTEBOOKS)
def test_notebook_needs_no_record(path, made_up_numbers, retrain):
    """A page that only works from records fails here: there are none."""
    assert retrain(path)


@pytest.mark.apart
def test_page_retrains(retrain):
    """One of them in earnest: processes train what it shows."""
    assert len(retrain(TEMPLATE)) > 1


def test_kernels_take_the_package_without_records(bare_package):
    asked = "import lstmreg_utils as used; from lstmreg_utils.lab.store import shipped_folder; "
    used = python(f"{asked}print(used.__file__, [*shipped_folder().glob('*.study')])")
    assert used == f"{bare_package / '__init__.py'} []\n"
