import sys

import numpy as np
import pandas as pd
import pytest

from lstmreg_utils import book, load_task
from lstmreg_utils.book import chapter
from lstmreg_utils.book.across import unfinished
from lstmreg_utils.book.linear import _word, linear_models
from lstmreg_utils.diagnosis import Comparison
from lstmreg_utils.diagnosis.decomposition import WITHHELD
from lstmreg_utils.lab import compare_study
from lstmreg_utils.tasks import baselines

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


@pytest.mark.parametrize("seeds", [20, [*range(100, 120)]])
def test_failed_claim_on_the_whole_study_fails_the_chapter(seeds, shown):
    with pytest.raises(AssertionError, match="it does not"):
        book.claims_check(CLAIMS, seeds)
    assert len(shown) == 1  # the table is shown first


@pytest.mark.parametrize(
    "parameters",
    [{"seeds": 19}, {"seeds": [7]}, {"seeds": 20, "epochs": 2}, {"seeds": 20, "rates": 1}],
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


def test_an_answer_is_a_box_in_the_book_and_a_quotation_outside(shown, monkeypatch):
    pytest.importorskip("myst_nb")
    book.answer("By {ref}`0.1 <evidence>`.")
    monkeypatch.setitem(sys.modules, "myst_nb", None)
    book.answer("By {ref}`0.1 <evidence>`.")
    told = [each.data for each in shown]
    assert told == [":::{container} answer\nBy {ref}`0.1 <evidence>`.\n:::", "> By 0.1."]


@pytest.mark.parametrize("text", ["No number.", "1 " * 61])
def test_an_answer_is_short_and_has_a_number(shown, text):
    book.answer("1 " * 60)
    with pytest.raises(ValueError, match=r"text must have a number and at most 60 words"):
        book.answer(text)


@pytest.mark.parametrize(("study", "task"), [("volume", "nyse_volume"), ("weather", "nyc_weather")])
def test_recorded_linear_models_are_what_the_task_gives(study, task):
    recorded = linear_models(compare_study(study, seeds=[7]))
    fitted = baselines(load_task(task, seed=7))
    for model in fitted.index:
        found = recorded.loc[(model, 7)]
        assert found.tolist() == pytest.approx(fitted.loc[model, [*found.index]].tolist(), rel=1e-4)


def test_linear_models_of_seeds_that_are_not_on_record_are_fitted():
    """The front page's evidence is asked again with other seeds: python -m lstmreg_utils study."""
    table = compare_study("volume", seeds=[7]).table
    both = pd.concat([table, table.assign(seed=1007)])
    found = linear_models(Comparison(both))
    assert sorted(found.index) == [(m, s) for m in ("constant", "linear") for s in (7, 1007)]
    fitted = baselines(load_task("nyse_volume", seed=1007))
    for model in fitted.index:
        expected = fitted.loc[model, [*found.columns]]
        assert found.loc[(model, 1007)].tolist() == pytest.approx(expected.tolist())


def test_yardstick_says_which_is_better_by_loss_and_by_metric():
    told = book.yardstick(compare_study("speakers"))
    assert "loss **better**, −0.041" in told
    assert "accuracy **not told apart**" in told
    assert "On the wind a constant" in book.yardstick(compare_study("weather"), "wind")


@pytest.mark.parametrize(
    ("gain", "low", "high", "word"),
    [(-1, -0.2, -0.1, "better"), (-1, 0.1, 0.2, "worse"), (1, 0.1, 0.2, "better"),
     (1, -0.2, -0.1, "worse"), (1, -0.1, 0.1, "not told apart")],
)  # fmt: skip
def test_yardstick_reads_a_gain_by_its_sign(gain, low, high, word):
    assert _word(gain, (low + high) / 2, low, high) == word


@pytest.mark.parametrize(
    ("study", "options", "error", "message"),
    [
        ("recall_long", {"lag": 40}, ValueError, "a task without options, got 'lag=40"),
        ("noise_listing", {}, KeyError, "task must be one of .*'verses'.*, got 'noise_targets'"),
    ],
)
def test_yardstick_of_what_is_not_on_record_is_refused(study, options, error, message):
    with pytest.raises(error, match=message):
        book.yardstick(compare_study(study, **options))


def test_a_word_that_would_not_come_again_reads_undecided():
    speakers = compare_study("speakers")
    rows, said = speakers.effects(), book.judged(speakers)
    again = said["effect_repeats"] >= 0.95
    assert (said["effect"] == rows["effect"].where(again, "undecided")).all()
    assert set(said.loc[said["effect"] == "undecided", "cause"]) == {""}
    seldom = (rows["effect"] != "undecided") & ~again
    named = (rows["cause"] != "") & ~rows["cause"].isin(WITHHELD)
    doubted = again & (said["cause_repeats"] < 0.95) & named
    assert seldom.any()
    assert doubted.any()
    assert set(said.loc[doubted, "cause"]) == {"undecided"}
    assert "not finished" in set(said["cause"])  # though that is less sure to come again


def test_what_is_not_finished_is_named_and_so_is_its_twin():
    named = unfinished(compare_study("speakers"))
    assert "dropout 0.8" in named
    assert not {"none", "dropout 0.2"} & {*named}
    falling = [
        {"arm": arm, "seed": seed, "epoch": epoch, "train": 0.1, "validation": 8 / epoch + seed,
         "test": 1.0 + seed}
        for arm in ("none", "dropout 0.5") for seed in range(5) for epoch in range(1, 9)
    ]  # fmt: skip
    twins = Comparison(pd.DataFrame(falling), margin=0.1)
    assert unfinished(twins) == ["none", "dropout 0.5"]


def test_three_seeds_say_nothing_of_a_fresh_study():
    few = compare_study("volume", seeds=3)
    said = book.judged(few)
    assert said["effect"].tolist() == few.effects()["effect"].tolist()
    assert said[["effect_repeats", "cause_repeats"]].isna().all(axis=None)
    assert (said["words"].str.split(",").str[0] == said["effect"]).all()
    assert "–" in book.effect_table(said).to_html()


def test_two_arms_are_compared_as_an_arm_is_with_its_twin():
    volume = compare_study("volume")
    words = {"helps": "lower", "hurts": "higher"}
    for at in ("last", "best"):
        for row in book.judged(volume, at).itertuples():
            said = book.compared(volume, row.arm, "none", at)
            assert said.startswith(book.number(row.d_test, row.d_test_low, row.d_test_high))
            assert said.partition(": ")[2].split(" (")[0] == words.get(row.effect, row.effect)


def test_two_arms_are_compared_either_way():
    volume = compare_study("volume")
    pair = "recurrent_dropout 0.6", "dropout 0.6"
    assert book.compared(volume, *pair).endswith("): lower (100 %)")
    assert book.compared(volume, *pair[::-1]).endswith("): higher (100 %)")
    assert book.compared(compare_study("volume", seeds=3), *pair).endswith("): lower")


def test_table_of_judged_effects_has_the_metric_and_how_often_words_come_again():
    volume = compare_study("volume")
    html = book.effect_table(book.judged(volume)).to_html()
    assert html.count("regularization works") > 1
    assert "Δmetric" in html
    assert "100%" in html
    assert "Δmetric" not in book.effect_table(volume.effects()).to_html()
