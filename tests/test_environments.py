"""The environments of readers as files: they pin what the package and the chapters need."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NEEDED = PROJECT["dependencies"]
COLAB, OLDEST = (
    (ROOT / "environments" / f"{name}.txt").read_text("utf-8") for name in ("colab", "oldest")
)
PUBLISHED, PROGRAMS = (
    (ROOT / "environments" / f"published.{ending}").read_text("utf-8") for ending in ("txt", "in")
)
NOXFILE = (ROOT / "noxfile.py").read_text("utf-8")
REQUIREMENTS = (ROOT / "requirements.txt").read_text("utf-8")
LINUX = {"sys_platform": "linux", "platform_machine": "x86_64"}
PROGRAM = "jupyter-book"
DAILY = {
    "apart", "audit", "book", "clean", "colab", "hooks", "install", "jax", "lint", "lock", "newest",
    "notebooks", "oldest", "pdf", "record", "serve", "tests",
}  # fmt: skip


def pins(text):
    """Versions by name of a file of pins."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return dict(line.split("==") for line in lines if line)


def lower_bounds(needed):
    """Versions by name of requirements that have a lower bound, and nothing else."""
    bounds = {}
    for requirement in map(Requirement, needed):
        (bound,) = requirement.specifier
        assert bound.operator == ">=", f"{requirement} must have a lower bound only"
        bounds[requirement.name] = bound.version
    return bounds


def untried(text, needed):
    """Requirements whose lower bound is not what the file pins."""
    pinned = {name: Version(version) for name, version in pins(text).items()}
    return [
        f"{name}>={bound}"
        for name, bound in lower_bounds(needed).items()
        if pinned.get(name) != Version(bound)
    ]


def unmet(text, needed):
    """Requirements that a file of pins does not meet: what pip would install on top of it."""
    pinned = pins(text)
    return [
        str(requirement)
        for requirement in map(Requirement, needed)
        if not requirement.specifier.contains(pinned.get(requirement.name, "0"))
    ]


def locked(text):
    """Versions by name of a lock file, and the names that have no hash."""
    entries = re.findall(r"(?m)^([\w.-]+)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})*)", text)
    versions = {canonicalize_name(name): version for name, version, _ in entries}
    return versions, [name for name, _, hashes in entries if not hashes]


def not_locked(text, *needed):
    """Lines of requirements files that a lock file does not hold to, for Linux."""
    versions, without = locked(text)
    lines = [line.partition("#")[0].strip() for part in needed for line in part.splitlines()]
    wanted = [Requirement(line) for line in lines if line and not line.startswith("-")]
    found = {each: versions.get(canonicalize_name(each.name)) for each in wanted}
    return without + [
        str(each) for each in wanted
        if (each.marker is None or each.marker.evaluate(LINUX))
        and not (found[each] and each.specifier.contains(found[each]))
    ]  # fmt: skip


def imported(nodes):
    """The packages that statements import."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module)
    return {name.partition(".")[0] for name in found}


def not_on_colab(names):
    """Those of the names that are neither Python's, nor the package, nor pinned for Colab."""
    known = {canonicalize_name(name) for name in pins(COLAB)}
    others = names - sys.stdlib_module_names - {"lstmreg_utils"}
    of = packages_distributions()  # scikit-learn is imported as sklearn
    return sorted(
        name
        for name in others
        if known.isdisjoint(canonicalize_name(each) for each in (name, *of.get(name, [])))
    )


def chapter_code(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    return "\n".join(cell.source for cell in cells[1:])  # the first holds a magic


def sessions(text):
    """The docstrings of nox's sessions, by name."""
    found = {}
    for function in ast.parse(text).body:
        for decorator in getattr(function, "decorator_list", ()):
            assert ast.unparse(decorator.func) == "nox.session"
            named = {keyword.arg: keyword.value for keyword in decorator.keywords}
            name = named["name"].value if "name" in named else function.name
            found[name] = ast.get_docstring(function) or ""
    return found


def of_the_book(text):
    """Whether a test imports what only the book's environment has, or runs its program."""
    extensions = "|".join(path.stem for path in (ROOT / "_ext").glob("*.py"))
    needs = rf"(?m)^\s*(?:import|from) (?:{extensions}|sphinx|docutils|jupyter_book)\b"
    return bool(re.search(needs, text) or f'with_name("{PROGRAM}")' in text)


def test_oldest_versions_are_the_lower_bounds():
    assert untried(OLDEST, NEEDED) == []
    assert set(pins(OLDEST)) - set(lower_bounds(NEEDED)) == {"tensorflow-cpu"}


@pytest.mark.parametrize(
    ("old", "new"), [("numpy==", "numpy==2."), ("keras==3.9.0", "keras==3.9.1"), ("tqdm", "# tqdm")]
)
def test_a_bound_that_is_not_tried_is_noticed(old, new):
    assert len(untried(OLDEST.replace(old, new), NEEDED)) == 1


def test_what_is_published_is_built_of_versions_with_hashes_that_meet_the_requirements():
    assert not_locked(PUBLISHED, REQUIREMENTS, PROGRAMS, "\n".join(NEEDED)) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (r"(?m)^nox==", "nix==", "nox"),
        (r"(?m)^keras==.*", r"keras==2.15 \\", "keras"),
        (r"(?m)^(tqdm\S+) \\\n(.*--hash.*\n)+", r"\1\n", "tqdm"),
    ],
)
def test_a_lock_that_does_not_hold_is_noticed(old, new, told):
    changed, count = re.subn(old, new, PUBLISHED)
    assert count
    assert any(found.startswith(told) for found in not_locked(changed, REQUIREMENTS, PROGRAMS))


def test_an_upper_bound_is_refused():
    """On Colab it would move a package of the image, sooner or later."""
    with pytest.raises(AssertionError, match="lower bound only"):
        lower_bounds(["numpy==2.0"])


def test_colab_has_all_that_the_package_needs():
    assert unmet(COLAB, NEEDED) == []


@pytest.mark.parametrize("needed", ["numpy>=2.2", "orjson>=3.10"])
def test_a_need_that_colab_does_not_meet_is_noticed(needed):
    assert unmet(COLAB, [*NEEDED, needed]) == [needed]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "chapters").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_chapters_import_what_colab_has(path):
    assert not_on_colab(imported(ast.walk(ast.parse(chapter_code(path))))) == []


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "lstmreg_utils").rglob("*.py")),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_modules_import_what_colab_has(path):
    """What a module cannot do without; the rest is imported where it may be missing."""
    assert not_on_colab(imported(ast.parse(path.read_text("utf-8")).body)) == []


def test_an_import_that_colab_lacks_is_noticed():
    assert not_on_colab({"numpy", "myst_nb", "json", "lstmreg_utils"}) == ["myst_nb"]


def test_every_daily_command_is_a_session_of_one_line():
    found = sessions(NOXFILE)
    assert set(found) >= DAILY
    for name, said in found.items():
        assert re.fullmatch(r"[^\n]{10,90}\.", said), f"{name} must say in one line what it does"


def test_a_session_that_is_gone_or_says_nothing_is_noticed():
    assert "audit" not in sessions(NOXFILE.replace("def audit", "def check"))
    silent = re.sub(r'(def audit.*\n    )"""[^"]*"""', r"\1pass", NOXFILE)
    assert sessions(silent)["audit"] == ""


def usual(text):
    """The sessions that `nox` runs without a name, in their order."""
    return ast.literal_eval(re.search(r"(?m)^nox\.options\.sessions = (.*)$", text)[1])


def built_before_tested(text):
    return usual(text).index("book") < usual(text).index("tests")


def test_the_book_is_built_before_the_tests_that_look_at_it():
    assert set(usual(NOXFILE)) <= set(sessions(NOXFILE))
    assert built_before_tested(NOXFILE)
    assert not built_before_tested(NOXFILE.replace('"book", "tests"', '"tests", "book"'))


def test_sessions_name_files_that_exist():
    named = re.findall(r"(?:tools|tests|environments|benchmarks)/[\w./]+|\.ci/\w+", NOXFILE)
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert "environments/oldest.txt" in named


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").glob("test_*.py")), ids=lambda path: path.stem
)
def test_sessions_without_the_book_leave_out_its_tests(path):
    if of_the_book(path.read_text("utf-8")):
        assert f'"--ignore=tests/{path.name}"' in NOXFILE


@pytest.mark.parametrize(
    "text",
    ["import page_repairs\n", "from docutils import nodes\n", f'x.with_name("{PROGRAM}")\n'],
)
def test_a_test_of_the_book_is_known_by_what_it_needs(text):
    assert of_the_book(f"import re\n{text}")
    assert not of_the_book(f"import re\n# {text}".replace("with_name", "name"))
