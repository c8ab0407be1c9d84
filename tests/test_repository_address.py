"""The repository's address: written once, shown in many places, and set by one command."""

import json
import re
import shutil
import sys
from pathlib import Path

import pin_notebooks
import pytest
import set_repository
import yaml

ROOT = Path(__file__).resolve().parent.parent
FORK = "https://github.com/some-one/my.fork"


def shown(root):
    """The files, besides ``_config.yml``, that may show the address."""
    return [path for pattern in set_repository.SHOWN_IN for path in sorted(root.glob(pattern))]


@pytest.fixture
def copy(tmp_path):
    """The files that show the address, to be changed."""
    for path in [ROOT / "_config.yml", *shown(ROOT)]:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
    return tmp_path


def content(root):
    return {path: path.read_bytes() for path in sorted(root.rglob("*.*"))}


def check_address(root):
    """Everything that shows the address shows the one of ``_config.yml``."""
    address = yaml.safe_load((root / "_config.yml").read_text("utf-8"))["repository"]["url"]
    assert set_repository.current(root) == address
    owner, name = set_repository.parse(address)
    readme = (root / "README.md").read_text("utf-8")
    for badge in (
        f"{address}/actions/workflows/ci.yml/badge.svg",
        f"https://colab.research.google.com/github/{owner}/{name}/blob/main/chapters/",
        set_repository.pages_address(address),
        f"git clone {address}",
    ):
        assert badge in readme
    assert f"git clone {address}" in (root / "CONTRIBUTING.md").read_text("utf-8")
    citation = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    assert citation["repository-code"] == address
    assert citation["url"] == set_repository.pages_address(address)
    notebooks = [*sorted(root.glob("chapters/*.ipynb")), root / "contributing" / "template.ipynb"]
    for path in notebooks:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        install = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert install.splitlines()[-1].endswith(f" git+{address}"), path
    # Nothing shows another repository in the place of this one.
    for path in shown(root):
        urls = re.findall(r"(?:git\+|git clone )(https://\S+)", path.read_text("utf-8"))
        assert {url.strip('",\\n') for url in urls} <= {address}, path


def test_everything_shows_the_address_of_the_configuration():
    check_address(ROOT)


def test_an_address_that_is_not_set_can_be_registered_by_nobody():
    """GitHub's accounts hold letters, digits and hyphens."""
    assert "_" in set_repository.UNSET
    assert set_repository.parse(f"https://github.com/{set_repository.UNSET}/book")
    owner, _ = set_repository.parse(set_repository.current())
    assert owner == set_repository.UNSET or re.fullmatch(r"[A-Za-z0-9-]+", owner)


def test_launch_buttons_lead_to_the_address():
    """Jupyter Book makes them of these entries; the branch it would assume is an old one."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    assert config["launch_buttons"] == {"colab_url": "https://colab.research.google.com"}
    assert config["repository"]["branch"] == "main"
    assert config["repository"]["path_to_book"] == ""
    assert config["sphinx"]["recursive_update"] is True, "or the theme loses its buttons"


def test_one_command_sets_it_everywhere(copy):
    old = "/".join(set_repository.parse(set_repository.current(copy)))
    changed = set_repository.set_repository(FORK + "/", copy)
    check_address(copy)
    assert set_repository.current(copy) == FORK
    assert copy / "_config.yml" in changed
    assert [path for path, data in content(copy).items() if old.encode() in data] == []


def test_nothing_but_the_address_changes(copy):
    before, address = content(copy), set_repository.current(copy)
    set_repository.set_repository(FORK, copy)
    assert content(copy) != before
    set_repository.set_repository(address, copy)
    assert content(copy) == before


def test_an_address_of_a_longer_name_is_another_one(copy):
    address = set_repository.current(copy)
    readme = copy / "README.md"
    readme.write_text(readme.read_text("utf-8") + f"\n{address}-data {address}.\n", "utf-8")
    set_repository.set_repository(FORK, copy)
    assert readme.read_text("utf-8").endswith(f"\n{address}-data {FORK}.\n")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "me/my-fork",
        "http://github.com/me/my-fork",
        "https://gitlab.com/me/my-fork",
        "https://github.com/me",
        "https://github.com/me/my-fork/tree/main",
        "https://github.com/me/my fork",
        "https://github.com/-me/my-fork",
        "https://github.com/me/..",
        "https://github.com/my_self/my-fork",
    ],
)
def test_another_kind_of_address_is_refused_and_nothing_changes(copy, address):
    before = content(copy)
    with pytest.raises(ValueError, match="must look like https://github"):
        set_repository.set_repository(address, copy)
    assert content(copy) == before


def test_the_command_says_what_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["set_repository.py", "me/my-fork"])
    with pytest.raises(SystemExit, match="2"):
        set_repository.main()
    assert "got 'me/my-fork'" in capsys.readouterr().err


COMMIT = "0123456789abcdef" * 2 + "01234567"


def test_published_notebooks_install_the_package_of_their_commit(copy):
    before = content(copy)
    notebooks = pin_notebooks.pin_notebooks(COMMIT, copy)
    assert len(notebooks) > 15
    for path in notebooks:
        lines = path.read_text("utf-8").splitlines()
        [line] = [line for line in lines if "git+" in line]
        assert line.rstrip('",\n').endswith(f"{set_repository.current(copy)}@{COMMIT}")
        assert line.replace(f"@{COMMIT}", "") in before[path].decode().splitlines()
    config = yaml.safe_load((copy / "_config.yml").read_text("utf-8"))
    assert config["repository"]["branch"] == pin_notebooks.BRANCH


def test_branch_of_the_buttons_is_the_one_that_is_pushed():
    workflow = (ROOT / ".github/workflows/book.yml").read_text("utf-8")
    assert f"HEAD:refs/heads/{pin_notebooks.BRANCH}\n" in workflow
    assert workflow.count('tools/pin_notebooks.py "$GITHUB_SHA"') == 2  # built, and pushed


@pytest.mark.parametrize(
    ("commit", "spoil", "told"),
    [
        ("main", None, "40 hexadecimal digits, got 'main'"),
        (COMMIT, "git+https://example.org/other", "must install .* once, and does 0 times"),
        (COMMIT, f"git+{set_repository.current()}@abc", "0 times"),
    ],
)
def test_what_cannot_be_pinned_is_refused_and_nothing_changes(commit, spoil, told, copy):
    if spoil:
        path = copy / "chapters" / "08_verdicts.ipynb"
        text = path.read_text("utf-8")
        path.write_text(text.replace(f"git+{set_repository.current(copy)}", spoil), "utf-8")
    before = content(copy)
    with pytest.raises(ValueError, match=told):
        pin_notebooks.pin_notebooks(commit, copy)
    assert content(copy) == before
