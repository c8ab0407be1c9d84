"""One version in all files, and a release that refuses any other tag."""

import re
import shutil
import sys
from pathlib import Path

import pytest
import release
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILES = ("pyproject.toml", "lstmreg_utils/__init__.py", "CITATION.cff", "CHANGELOG.md")
VERSION = release.versions()["pyproject.toml"]


@pytest.fixture
def copy(tmp_path):
    """The files that state the version, as on the day of a release."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    dated(tmp_path, "2026-12-01")
    return tmp_path


def change(root, name, old, new):
    path = root / name
    changed, count = re.subn(old, new, path.read_text("utf-8"), count=1)
    assert count
    path.write_text(changed, "utf-8")


def dated(root, day):
    change(root, "CHANGELOG.md", r"(?m)^(## \[[^\]]+\] -) .*$", rf"\1 {day}")
    citation = (root / "CITATION.cff").read_text("utf-8")
    citation = re.sub(r"(?m)^date-released: .*\n", "", citation)
    (root / "CITATION.cff").write_text(f"{citation}date-released: {day}\n", "utf-8")


def test_version_is_the_same_in_all_files():
    assert set(release.versions()) == set(FILES)
    assert release.problems() == []


def test_version_of_the_installed_package_is_the_one_that_is_written():
    import lstmreg_utils

    assert lstmreg_utils.__version__ == VERSION


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pyproject.toml", '\nversion = "', '\nversion = "9.'),
        ("lstmreg_utils/__init__.py", '__version__ = "', '__version__ = "9.'),
        ("CITATION.cff", "\nversion: ", "\nversion: 9."),
        ("CHANGELOG.md", r"\n## \[", "\n## [9."),
    ],
)
def test_another_version_in_one_file_is_found(copy, name, old, new):
    assert release.problems(copy) == []
    change(copy, name, old, new)
    [problem] = release.problems(copy)
    assert name in problem
    assert "9." in problem


def test_tag_of_the_version_may_be_released(copy):
    assert release.problems(copy, f"v{VERSION}") == []


@pytest.mark.parametrize("tag", [VERSION, f"v{VERSION}.1", "v9", ""])
def test_another_tag_is_refused(copy, tag):
    [problem] = release.problems(copy, tag)
    assert f"must be v{VERSION}, got {tag!r}" in problem


def test_version_without_a_date_is_not_released(copy):
    change(copy, "CHANGELOG.md", "- 2026-12-01", "- unreleased")
    change(copy, "CITATION.cff", "date-released: .*\n", "")
    assert release.problems(copy) == []
    assert release.problems(copy, f"v{VERSION}") == [f"CHANGELOG.md must have a date for {VERSION}"]


def test_date_of_the_citation_is_that_of_the_changelog(copy):
    change(copy, "CITATION.cff", "2026-12-01", "2026-12-02")
    assert "must be 2026-12-01, got 2026-12-02" in release.problems(copy)[0]
    change(copy, "CHANGELOG.md", "- 2026-12-01", "- unreleased")
    assert "says unreleased" in release.problems(copy)[0]


def test_notes_are_the_newest_entry_alone(copy):
    older = "\n## [0.0.1] - 2025-01-01\n\n- Older.\n"
    with (copy / "CHANGELOG.md").open("a", encoding="utf-8") as file:
        file.write(older)
    said = release.notes(copy)
    assert said.startswith("### ")
    assert "Older" not in said
    assert "[0.0.1]" not in said


def test_file_without_a_version_is_named(copy):
    change(copy, "lstmreg_utils/__init__.py", "__version__", "version")
    with pytest.raises(ValueError, match=r"__init__\.py must assign __version__"):
        release.versions(copy)


def test_changelog_without_an_entry_is_named(copy):
    (copy / "CHANGELOG.md").write_text("# Changelog\n", "utf-8")
    with pytest.raises(ValueError, match=r"CHANGELOG\.md must have an entry"):
        release.problems(copy)


def test_command_exits_with_1_and_says_why(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["release.py", "--tag", "v9"])
    assert release.main() == 1
    assert "got 'v9'" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["release.py"])
    assert release.main() == 0
    assert capsys.readouterr().out == f"version {VERSION} everywhere\n"


def test_citation_names_the_book_and_its_authors():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    book = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == book["title"]
    assert citation["authors"] == [{"name": book["author"]}]
    assert {"message", "abstract", "version", "license", "repository-code"} <= set(citation)


def test_licences_cover_code_text_and_data():
    code, text = ((ROOT / name).read_text("utf-8") for name in ("LICENSE", "LICENSE-TEXT"))
    assert code.startswith("MIT License")
    assert "Creative Commons Attribution 4.0 International Public License" in text
    assert "Section 8 – Interpretation." in text
    for named in re.findall(r"see ([\w/.]+\w)", text.partition("word for word")[0]):
        assert (ROOT / named).is_file()
