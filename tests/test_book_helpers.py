import sys

import numpy as np
import pandas as pd
import pytest

from lstmreg_utils import book
from lstmreg_utils.book import chapter
from lstmreg_utils.diagnosis import Comparison

EFFECTS = pd.DataFrame(
    {
        "arm": ["input, per step 0.1", "input, per step 0.5", "after the output 0.5"],
        "scheme": ["input", "input", "output"], "rate": [0.1, 0.5, 0.5], "at": "last", "n": 20,
        "d_train": [0.01, 0.02, 0.03], "d_train_low": [0.005, 0.01, 0.02],
        "d_train_high": [0.015, 0.03, 0.04], "d_test": [-0.1, -0.2, -0.3],
        "d_test_low": [-0.15, -0.25, -0.35], "d_test_high": [-0.05, -0.15, -0.25],
        "d_gap": [-0.11, -0.22, -0.33], "d_gap_low": [-0.16, -0.27, -0.38],
        "d_gap_high": [-0.06, -0.17, -0.28], "effect": "helps", "cause": "regularization works",
    }
)  # fmt: skip


@pytest.fixture
def shown(monkeypatch):
    """What a chapter would display."""
    everything = []
    monkeypatch.setattr(chapter, "display", everything.append)
    return everything


def test_number_has_a_minus_sign_and_its_digits():
    assert book.number(-0.0823) == "−0.082"
    assert book.number(1.23456, digits=2) == "1.23"
    assert book.number(np.float64(-0.0823), -0.1, 0.06, digits=2) == (
        "−0.08 (95 % interval −0.10 to 0.06)"
    )


def test_effect_is_written_with_its_interval():
    assert book.effect(EFFECTS.iloc[0]) == "−0.100 (95 % interval −0.150 to −0.050)"
    assert book.effect(EFFECTS.iloc[0], "d_train", 2).startswith("0.01 (95 % interval 0.01 to")


@pytest.mark.parametrize(
    ("scheme", "rate", "expected"),
    [("input", 0.5, 0.5), ("input", 0.2, 0.1), ("input", 0.9, 0.5), ("input", None, 0.1),
     ("output", 0.1, 0.5)],
)  # fmt: skip
def test_pick_takes_the_nearest_rate(scheme, rate, expected):
    row = book.pick(EFFECTS, scheme, rate)
    assert (row["scheme"], row["rate"]) == (scheme, expected)


def test_pick_refuses_an_unknown_scheme_by_name():
    with pytest.raises(KeyError, match=r"one of \['input', 'output'\], got 'between'"):
        book.pick(EFFECTS, "between")


def test_effect_table_has_a_row_an_effect():
    html = book.effect_table(EFFECTS).to_html()
    assert html.count("regularization works") == 3
    assert "−0.100 [−0.150, −0.050]" in html
    assert "−0.330 [−0.380, −0.280]" in html
    assert "input, per step 0.1" in html


def test_words_say_how_often_they_come_again():
    rows = [
        {"arm": arm, "seed": seed, "epoch": 1, "train": 0.1, "validation": 1, "test": test}
        for seed in range(20)
        for arm, test in (("none", 1.0), ("sure", 0.5), ("torn", 0.9 + 0.4 * (seed % 2)))
    ]
    mine = Comparison(pd.DataFrame(rows), margin=0.01)
    assert book.words(mine, "sure") == "helps (100 %), regularization works (100 %)"
    assert book.words(mine, "torn").startswith("undecided (hurts in ")


CLAIMS = {"it holds": True, "it does not": np.bool_(False)}


def test_failed_claim_on_the_whole_study_fails_the_chapter(shown):
    with pytest.raises(AssertionError, match="it does not"):
        book.claims_check(CLAIMS, seeds=20)
    assert len(shown) == 1  # the table is shown first


@pytest.mark.parametrize(
    "parameters", [{"seeds": 19}, {"seeds": 20, "epochs": 2}, {"seeds": 20, "rates": 1}]
)
def test_failed_claim_on_a_short_study_is_shown_and_not_asserted(parameters, shown):
    book.claims_check(CLAIMS, **parameters)
    html = shown[0].to_html()
    assert "it does not" in html
    assert ">no<" in html.replace(" ", "")
    assert "Not asserted" in shown[1].data


def test_claims_that_hold_pass(shown):
    book.claims_check({"it holds": True}, seeds=20)
    assert len(shown) == 1


def test_old_keras_is_refused(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "3.8.0")
    with pytest.raises(RuntimeError, match=r"needs Keras 3.9 or newer, found 3.8.0"):
        book.setup()


def test_setup_says_what_runs(monkeypatch, capsys):
    import matplotlib as mpl

    with mpl.rc_context():
        book.setup()
    assert capsys.readouterr().out.startswith("Keras 3.")


@pytest.fixture
def outside_the_book(monkeypatch):
    monkeypatch.setitem(sys.modules, "myst_nb", None)


def test_say_shows_markdown(shown):
    book.say("**0.5**")
    assert shown[0].data == "**0.5**"


ROLES = "- {claim}`A4` **holds**, see {doc}`the chapter <03_three_placements>` and `code`."


def test_roles_are_plain_text_outside_the_book(shown, outside_the_book):
    book.say(ROLES)
    assert shown[0].data == "- A4 **holds**, see the chapter and `code`."


def test_roles_are_kept_in_the_book(shown):
    pytest.importorskip("myst_nb")
    book.say(ROLES)
    assert shown[0].data == ROLES
