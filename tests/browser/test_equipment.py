"""The one test that is always collected: it says what is missing, if anything is."""

import pytest

from .equipment import REQUIRED, missing


def test_a_browser_and_a_built_book_are_here():
    lacking = missing()
    if lacking and not REQUIRED:
        pytest.skip(lacking)
    assert not lacking
