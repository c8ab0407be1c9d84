"""The ledger: nothing in it without evidence, no verdict that the records do not give."""

import ast
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lstmreg_utils.claims import LedgerError, Ruling, ledger, page, rule, rule_all
from lstmreg_utils.claims import evidence as evidence_module
from lstmreg_utils.claims.evidence import TWIN, Case, Evidence, ends, said
from lstmreg_utils.claims.ledger import IDS, parse
from lstmreg_utils.claims.outcomes import (
    DEPENDS,
    FAILS,
    HOLDS,
    UNDECIDED,
    VERDICTS,
    Finding,
    Part,
    combine,
    gains,
    harms,
    inside,
    named_verdict,
    told,
)
from lstmreg_utils.claims.rules_first import holm, worse_finding
from lstmreg_utils.claims.rules_second import epochs_needed, share_of_place
from lstmreg_utils.claims.rulings import RULES
from lstmreg_utils.tables import TABLES

ROOT = Path(__file__).resolve().parent.parent
LEDGER = (ROOT / "lstmreg_utils" / "claims" / "ledger.toml").read_text("utf-8")
# What a record holds of every epoch: `lstmreg_utils.training` says so, at the price of TensorFlow.
COLUMNS = ["noisy", "train", "validation", "test", "train_metric", "test_metric"]
CITED = re.compile(r"\{claim\}`(\w+)`")


@pytest.fixture(scope="module")
def rulings():
    """All verdicts, from the records that ship."""
    return rule_all()


# ---------------------------------------------------------------- evidence


def missing_evidence(claims, root=ROOT):
    """What a claim rests on and the repository does not have."""
    keys = set(
        re.findall(r"@\w+\{(\w+),", (root / "chapters" / "references.bib").read_text("utf-8"))
    )
    for claim in claims.values():
        for test in claim.named("test"):
            file, _, name = test.partition("::")
            path = root / file
            if not path.is_file() or name not in functions(path):
                yield f"{claim.id}: {test}"
        for key in claim.named("source"):
            if key not in keys:
                yield f"{claim.id}: {key}"
        if not (root / "chapters" / f"{claim.chapter}.ipynb").is_file():
            yield f"{claim.id}: {claim.chapter}"


def functions(path):
    return {
        n.name for n in ast.parse(path.read_text("utf-8")).body if isinstance(n, ast.FunctionDef)
    }


def test_every_test_source_and_chapter_of_the_ledger_exists():
    assert list(missing_evidence(ledger())) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("evidence", ("test:tests/test_claims.py::test_that_is_not_there",)),
        ("evidence", ("test:tests/test_nothing.py::test_it",)),
        ("evidence", ("source:nobody1999",)),
        ("chapter", "09_nowhere"),
    ],
)
def test_evidence_that_does_not_exist_is_found(field, value):
    [problem] = missing_evidence({"A12": replace(ledger()["A12"], **{field: value})})
    assert problem.startswith("A12: ")


def entry(id, text=LEDGER):
    start = text.index(f'[[claim]]\nid = "{id}"')
    return text[start : text.find("[[claim]]", start + 1)]


@pytest.mark.parametrize(
    ("id", "old", "new", "problem"),
    [
        ("A12", r"evidence = \[.*\]", "evidence = []", "A12: it has no evidence"),
        ("A12", r"evidence = .*", "", "A12: .*evidence"),
        ("A12", r"test:", "rumour:", "A12: evidence must be"),
        ("A2", r"study:speakers_inside", "study:speakers_nothing", "A2: evidence must be a study"),
        ("A2", r"study:speakers_inside", "study:weather", "A2: evidence must be a study"),
        ("A12", r'verdict = "holds"', 'verdict = "true"', "A12: verdict must be one of"),
        ("A12", r"rule.margin = .*", "", "A12: rule must have"),
        ("A12", r"rule.threshold = .*", 'rule.threshold = ""', "A12: rule must have"),
        ("A12", r'article = "first"', 'article = "second"', "A12: article must be 'first'"),
        ("A12", r"claim = .*", 'claim = " "', "A12: claim is empty"),
        ("A12", r'id = "A12"', 'id = "A99"', r"missing: \['A12'\], unknown: \['A99'\]"),
        ("A12", r"chapter = ", "chaptre = ", "A12: .*chaptre"),
        ("A3", r"reason = .*", "", "A3: it cannot be tested, but the reason is missing"),
        ("B6", r"condition = .*", "", "B6: its verdict depends, but the condition is missing"),
        ("A12", r"reason = .*", "", "A12: it rests on no study, but the reason"),
        ("A12", r"claim = ", "claim ", "the ledger cannot be read"),
    ],
)
def test_a_fault_of_the_ledger_is_named(id, old, new, problem):
    changed, count = re.subn(old, new, entry(id), count=1)
    assert count
    with pytest.raises(LedgerError, match=problem):
        parse(LEDGER.replace(entry(id), changed))


def test_a_claim_that_is_left_out_or_told_twice_is_missed():
    with pytest.raises(LedgerError, match=r"missing: \['B25'\]"):
        parse(LEDGER.replace(entry("B25"), ""))
    with pytest.raises(LedgerError, match="once each"):
        parse(LEDGER + entry("A1"))


def test_every_claim_with_a_study_has_a_rule_and_no_other():
    assert set(RULES) == {claim.id for claim in ledger().values() if claim.computed}


# ---------------------------------------------------------------- verdicts


def disagreements(claims, rulings):
    """Claims whose stated verdict is not the computed one."""
    return {
        id: (claim.verdict, rulings[id].verdict)
        for id, claim in claims.items()
        if claim.verdict != rulings[id].verdict
    }


def test_the_stated_verdicts_are_those_that_the_records_give(rulings):
    assert disagreements(ledger(), rulings) == {}


def test_a_stated_verdict_that_the_records_do_not_give_is_found(rulings):
    wrong = {**ledger(), "A8": replace(ledger()["A8"], verdict="fails")}
    assert disagreements(wrong, rulings) == {"A8": ("fails", "holds")}


def test_every_computed_verdict_has_its_numbers_and_every_other_its_words(rulings):
    for id, claim in ledger().items():
        assert rulings[id].id == id
        if claim.computed:
            assert rulings[id].sentence, id
            assert rulings[id].parts or rulings[id].verdict in (FAILS, UNDECIDED), id
        else:
            assert rulings[id].sentence == (claim.condition or claim.reason) != ""
            assert rulings[id].parts == ()


def test_other_records_give_another_verdict(monkeypatch):
    """Nothing is typed in: noise on c that does no harm turns A8 from holds to fails."""
    read = evidence_module.study

    def harmless(runs, **options):
        table = read(runs, **options)
        twin = table[table["arm"] == "none"].set_index(["seed", "epoch", "options"])["test"]
        keys = pd.MultiIndex.from_frame(table[["seed", "epoch", "options"]])
        return table.assign(test=twin[~twin.index.duplicated()].reindex(keys).to_numpy())

    monkeypatch.setattr(evidence_module, "study", harmless)
    last = [p for p in RULES["A8"](Evidence()).parts if p.where["epoch"] == "last epoch"]
    assert {part.outcome for part in last} == {FAILS}


def test_a_rule_reads_the_studies_that_the_ledger_names(rulings, monkeypatch):
    """All opened studies are in memory by now, so that this reads nothing from disk."""
    tables = {}
    kept = evidence_module.named_study
    opened = set()

    def watched(name, *sizes):
        opened.add(name)
        return kept(name, *sizes)

    def read(runs, table="epochs", **_):
        key = (tuple(runs), table)
        if key not in tables:
            tables[key] = study(runs, table=table)
        return tables[key]

    study = evidence_module.study
    monkeypatch.setattr(evidence_module, "named_study", watched)
    monkeypatch.setattr(evidence_module, "study", read)
    for id in ("A7", "A14", "A18", "B3", "B10", "B11", "B18"):
        claim = ledger()[id]
        opened.clear()
        RULES[id](Evidence())
        assert opened == set(claim.named("study")), id


def test_one_claim_is_ruled_on_as_among_all(rulings):
    assert rule("A14") == rulings["A14"]
    assert rule("B15") == rulings["B15"] == Ruling("B15", "fails", ledger()["B15"].reason)


def test_unknown_claim_is_refused_by_name():
    with pytest.raises(KeyError, match="C1"):
        rule("C1")


def random_study(runs, table="epochs", **_):
    """Tables of runs that nobody trained."""
    rng = np.random.default_rng(0)
    records = []
    for run in runs:
        epochs = {name: rng.uniform(0.1, 1, run.epochs).tolist() for name in COLUMNS}
        probes = {at: rng.uniform(0.1, 1, len(run.probes)).tolist() for at in ("last", "best")}
        records.append((run, {"epochs": epochs, "probes": probes}))
    return TABLES[table](records)


def test_every_rule_comes_to_a_verdict_on_any_records(monkeypatch):
    monkeypatch.setattr(evidence_module, "study", random_study)
    quick = lambda values: (np.mean(values), np.min(values), np.max(values))  # noqa: E731
    monkeypatch.setattr(evidence_module, "interval", quick)
    found = rule_all(seeds=2, epochs=2, rates=1, recorded=False)
    assert list(found) == list(IDS)
    assert {ruling.verdict for ruling in found.values()} <= set(VERDICTS)
    assert all("nan" not in ruling.sentence for ruling in found.values())


# ---------------------------------------------------------------- citations


def citations(root=ROOT):
    """Which claims each notebook cites, by its name."""
    found = {}
    for path in sorted((root / "chapters").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        found[path.stem] = CITED.findall("\n".join("".join(cell["source"]) for cell in cells))
    return found


def citation_problems(claims, cited):
    """Citations of no claim, and claims that their chapter does not cite."""
    for chapter, ids in cited.items():
        for id in sorted(set(ids) - set(claims)):
            yield f"{chapter} cites {id}, which is not in the ledger"
    for id, claim in claims.items():
        if not any(id in ids for ids in cited.values()):
            yield f"{id} is cited nowhere"
        elif id not in cited.get(claim.chapter, ()):
            yield f"{id} is not cited in {claim.chapter}, which treats it"


def test_every_claim_is_cited_in_its_chapter_and_no_other_is_cited():
    assert list(citation_problems(ledger(), citations())) == []


def test_a_citation_of_no_claim_and_a_claim_without_citation_are_found():
    cited = {claim.chapter: [] for claim in ledger().values()}
    for id, claim in ledger().items():
        cited[claim.chapter].append(id)
    assert list(citation_problems(ledger(), cited)) == []
    cited["04_inside_the_cell"].append("A99")
    cited["02_reading_the_curves"].remove("B23")
    cited["03_three_placements"].remove("B14")
    cited["02_reading_the_curves"].append("B14")
    assert list(citation_problems(ledger(), cited)) == [
        "04_inside_the_cell cites A99, which is not in the ledger",
        "B14 is not cited in 03_three_placements, which treats it",
        "B23 is cited nowhere",
    ]


# ---------------------------------------------------------------- outcomes


@pytest.mark.parametrize(
    ("low", "high", "gain", "harm", "same"),
    [
        (-0.08, -0.03, HOLDS, FAILS, FAILS),
        (-0.05, -0.01, HOLDS, FAILS, UNDECIDED),
        (-0.01, -0.001, FAILS, FAILS, HOLDS),
        (-0.01, 0.01, FAILS, FAILS, HOLDS),
        (-0.05, 0.01, UNDECIDED, FAILS, UNDECIDED),
        (-0.05, 0.05, UNDECIDED, UNDECIDED, UNDECIDED),
        (0.01, 0.05, FAILS, HOLDS, UNDECIDED),
        (0.03, 0.08, FAILS, HOLDS, FAILS),
    ],
)
def test_outcome_follows_from_the_interval(low, high, gain, harm, same):
    found = ((low + high) / 2, low, high)
    outcomes = gains(found, 0.02), harms(found, 0.02), inside(found, 0.02)
    assert outcomes == (gain, harm, same)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([HOLDS], HOLDS),
        ([FAILS, FAILS], FAILS),
        ([HOLDS, FAILS, UNDECIDED], DEPENDS),
        ([HOLDS, UNDECIDED], UNDECIDED),
        ([FAILS, UNDECIDED], UNDECIDED),
        ([], UNDECIDED),
    ],
)
def test_parts_are_combined(outcomes, verdict):
    assert combine(outcomes) == verdict


def test_a_verdict_is_wanted_or_another_or_undecided():
    wanted = "over-regularization"
    found = [named_verdict(v, wanted) for v in (wanted, "no difference", "undecided")]
    assert found == [HOLDS, FAILS, UNDECIDED]


def parts(*outcomes):
    return [
        Part({"task": task, "epoch": epoch}, outcome, (0.1, 0.0, 0.2))
        for outcome, (task, epoch) in zip(
            outcomes, [(t, e) for t in "ab" for e in ("last epoch", "best epoch")], strict=False
        )
    ]


def test_sentence_names_what_tells_holding_from_failing():
    text = told(Finding("Δ", parts(HOLDS, FAILS, HOLDS, FAILS)))
    assert text == "Δ: holds for last epoch (0.100); fails for best epoch (0.100)."


def test_sentence_puts_the_two_epochs_together():
    text = told(Finding("Δ", [*parts(FAILS, FAILS, HOLDS), *parts(FAILS)[:0]]))
    assert text == "Δ: holds for b (0.100 [0.000, 0.200]); fails for a (0.100)."


def test_sentence_spares_the_list_of_the_largest_group():
    many = [Part({"arm": str(n)}, FAILS, (0.1 * n, 0, 1)) for n in range(8)]
    one = Part({"arm": "x"}, HOLDS, (1.0, 0.5, 2.0))
    text = told(Finding("Δ", [*many, one], digits=1))
    assert (
        text == "Δ: holds for x (1.0 [0.5, 2.0]); fails for the other 8 comparisons (0.0 to 0.7)."
    )


# ---------------------------------------------------------------- rules on synthetic tables


def made(setting, test, train=0.0, seeds=20, spread=0.01, **columns):
    """Two epochs of every seed of an arm, whose last one has the losses given."""
    arm, rate = setting
    rng = np.random.default_rng(zlib.crc32(repr(setting).encode()) if setting != TWIN else 0)
    rows = []
    for seed in range(seeds):
        noise = spread * rng.standard_normal()
        last = {"test": test + noise, "validation": test + noise, "train": train + abs(noise) / 10}
        first = {**last, "validation": 9.0}
        for epoch, values in ((1, first), (2, last)):
            values = {"noisy": values["train"], "test_metric": 1 - values["test"], **values}
            rows.append(
                {"arm": arm, "rate": rate, "seed": seed, "epoch": epoch, **values, **columns}
            )
    return pd.DataFrame(rows)


def case(*arms, task="japanese_vowels"):
    settings = {"task": task, "options": "", "units": 8, "layers": 1, "head": "", "epochs": 2}
    return Case(
        pd.concat([made(TWIN, 0.5), *arms]).assign(**settings, batch_size=1, learning_rate=1)
    )


def evidence(**cases):
    """A stand-in that has one case for each name of a study, whatever else is asked with it."""
    return SimpleNamespace(case=lambda *names, options="": cases[names[0]])


OUTPUTS = {"better": (0.3, HOLDS), "worse": (0.9, FAILS), "equal": (0.5, FAILS)}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_after_the_output_wins_or_loses(kind):
    loss, outcome = OUTPUTS[kind]
    arms = [made(("output", 0.5), loss), made(("input", 0.5), 0.5), made(("between", 0.5), 0.7)]
    one = case(*arms, made(("dropout", 0.5), 0.5))
    names = ("speakers_placements", "volume_placements", "verses_schemes")
    finding = RULES["B14"](evidence(**dict.fromkeys(names, one)))
    assert {part.outcome for part in finding.parts} == {outcome}


def test_after_the_output_may_stay_undecided():
    arms = [made(("output", 0.5), 0.5, spread=0.3), made(("input", 0.5), 0.5, spread=0.3)]
    one = case(*arms, made(("dropout", 0.5), 0.5, spread=0.3))
    names = ("speakers_placements", "volume_placements", "verses_schemes")
    finding = RULES["B14"](evidence(**dict.fromkeys(names, one)))
    assert combine(part.outcome for part in finding.parts) == UNDECIDED


@pytest.mark.parametrize(
    ("test", "train", "outcome"), [(0.9, 0.9, HOLDS), (0.3, 0.9, FAILS), (0.9, 0.0, FAILS)]
)
def test_noise_on_c_over_regularizes_or_not(test, train, outcome):
    arms = [made((arm, rate), test, train) for arm in ("c", "c:sequence") for rate in (0.25, 0.5)]
    one = case(*arms)
    finding = RULES["A8"](evidence(speakers_inside=one, recall_long=one))
    assert {part.outcome for part in finding.parts} == {outcome}


@pytest.mark.parametrize(("test", "train", "outcome"), [(0.9, 0.9, FAILS), (0.9, -0.5, HOLDS)])
def test_degradation_is_overfitting_only_if_the_training_loss_is_not_up(test, train, outcome):
    arms = [made((arm, rate), test, train) for arm in ("c", "c:sequence") for rate in (0.25, 0.5)]
    one = case(*arms)
    finding = RULES["A9"](evidence(speakers_inside=one, recall_long=one))
    assert {part.outcome for part in finding.parts} == {outcome}


@pytest.mark.parametrize(("without", "outcome"), [(0.5, HOLDS), (0.2, FAILS)])
def test_dropout_is_vital_only_if_nothing_else_does_as_well(without, outcome):
    both = "dropout@0.2+weight_decay@0.9"
    arms = [
        made(("dropout", 0.2), 0.3),
        made(("weight_decay", 0.9), without),
        made((both, -1), 0.2),
    ]
    one = case(*arms)
    finding = RULES["B11"](evidence(speakers_factorial=one, volume_factorial=one))
    assert {part.outcome for part in finding.parts} == {outcome}


@pytest.mark.parametrize(("lstm", "perceptron", "outcome"), [(0.2, 0.4, HOLDS), (0.4, 0.2, FAILS)])
def test_gains_are_compared_between_networks(lstm, perceptron, outcome):
    one = case(made(("dropout", 0.2), lstm))
    other = case(made(("input", 0.2), perceptron))
    cases = {"speakers": one, "volume": one}
    cases |= {f"{task}_perceptron": other for task in ("speakers", "volume")}
    finding = RULES["B10"](evidence(**cases))
    assert {part.outcome for part in finding.parts} == {outcome}


@pytest.mark.parametrize(
    ("start", "outcome"), [({0.3: 0.3, 0.7: 0.6}, HOLDS), ({0.3: 0.6, 0.7: 0.3}, FAILS)]
)
def test_the_starting_rate_costs_something_or_nothing(start, outcome):
    arms = ("dropout", "recurrent_dropout", "input", "between", "output")
    one = case(*[made((arm, rate), loss) for arm in arms for rate, loss in start.items()])
    names = ("speakers_sizes", "speakers_placements", "volume", "verses_schemes")
    finding = RULES["B22"](evidence(**dict.fromkeys(names, one)))
    assert {part.outcome for part in finding.parts} == {outcome}


def blanket(small, large):
    """Three cases of dropout at five rates, with the losses given for the rates 0.1 and 0.9."""
    rates = (0.1, 0.3, 0.5, 0.7, 0.9)
    cases = [
        case(*[made(("dropout", r), np.interp(r, (0.1, 0.9), ends)) for r in rates])
        for ends in (small, large)
    ]
    one = SimpleNamespace(case=lambda *names, options="": cases["30" in options])
    return RULES["A25"](one)


def test_no_blanket_rate_exists_if_the_best_ones_are_apart():
    finding = blanket(small=(0.4, 0.1), large=(0.1, 0.4))
    assert finding.verdict == HOLDS


def test_a_blanket_rate_exists_if_the_best_ones_are_the_same():
    finding = blanket(small=(0.1, 0.4), large=(0.1, 0.4))
    assert finding.verdict == FAILS


def worse(*rows):
    keys = [("speakers", "", 1, arm, 0.5, at) for arm, at, *_ in rows]
    values = [(verdict, p, (0.1, 0.05, 0.2)) for _, _, verdict, p in rows]
    index = pd.Index(keys, tupleize_cols=False)
    return worse_finding(pd.DataFrame(values, index, columns=["verdict", "p", "ends"]))


WORSE, WORKS = "overfitting made worse", "regularization works"


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([("h:sequence", "last", WORSE, 1e-6), ("input", "last", WORKS, 0.5)], HOLDS),
        ([("output", "last", WORSE, 1e-6), ("input", "last", WORKS, 0.5)], DEPENDS),
        ([("h", "last", WORSE, 0.04), ("input", "last", WORKS, 0.5)], UNDECIDED),
        ([("h", "last", WORKS, 1e-6), ("input", "last", WORKS, 0.5)], FAILS),
    ],
)
def test_worse_overfitting_counts_if_it_survives_correction_and_where_it_is(rows, verdict):
    assert worse(*rows).verdict == verdict


def test_holm_stops_at_the_first_that_fails():
    p = pd.Series({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert holm(p) == ["d", "a"]
    assert holm(pd.Series({"a": float("nan")})) == []


def test_share_of_the_place_against_the_rate():
    rng = np.random.default_rng(0)
    by_rate = np.array([[0.0, 1.0], [0.0, 1.0]]) + 0.01 * rng.standard_normal((20, 2, 2))
    share, low, high = share_of_place(by_rate)
    assert low <= share <= high < 0
    assert share_of_place(by_rate.transpose(0, 2, 1))[1] > 0


def test_epochs_to_the_best_loss_of_the_twin_are_counted_and_censored():
    reached = made(("dropout", 0.5), 0.4)
    never = made(("output", 0.5), 0.9)
    one = case(reached, never)
    assert set(epochs_needed(one, TWIN)) == {2}
    assert set(epochs_needed(one, ("dropout", 0.5))) == {2}
    assert set(epochs_needed(one, ("output", 0.5))) == {3}


def test_setting_is_the_nearest_and_chosen_by_validation():
    one = case(made(("dropout", 0.2), 0.4), made(("dropout", 0.5), 0.3))
    assert one.near("dropout", 0.4) == ("dropout", 0.5)
    assert one.chosen("best") == ("dropout", 0.5)
    mean, low, high = one.difference(("dropout", 0.5), "last")
    assert low < mean < high < 0
    assert one.margin == 0.02
    assert [said(s) for s in one.settings()] == ["dropout 0.2", "dropout 0.5"]


def test_difference_is_paired_by_seed():
    values = ends(pd.Series([1.0, 2.0]) - pd.Series([0.0, 1.0]))
    assert values == (1.0, 1.0, 1.0)


# ---------------------------------------------------------------- the page


def test_every_claim_has_a_row_with_an_anchor_its_rule_and_its_links():
    rows = page.table({id: Ruling(id, HOLDS, "a < b") for id in IDS}, "https://github.com/a/b")
    assert len(rows) == len(IDS) >= 50
    for id, row in zip(IDS, rows.to_dict("records"), strict=True):
        claim = ledger()[id]
        assert f'id="claim-{id}"' in row["claim"]
        assert f'href="{claim.chapter}.html"' in row["where"]
        assert row["where"].count("<a ") == 1 + len(claim.evidence)
        assert "<b>threshold</b>" in row["what it says"]
        assert row["what was found"] == "a &lt; b"
    assert list(rows["claim"]) == sorted(rows["claim"])


def test_table_is_plain_without_itables(monkeypatch):
    shown = []
    monkeypatch.setitem(__import__("sys").modules, "itables", None)
    monkeypatch.setattr(page, "display", lambda found: shown.append(found.data))
    page.show({id: Ruling(id, HOLDS, "") for id in IDS})
    assert shown[0].count("<tr") == 1 + len(IDS)
    assert "<script" not in shown[0]


def test_table_brings_its_scripts_along_and_asks_nobody_for_them(monkeypatch):
    import IPython.display

    shown = []
    for module in (page, IPython.display):
        monkeypatch.setattr(module, "display", lambda found: shown.append(found.data))
    page.show({id: Ruling(id, HOLDS, "") for id in IDS})
    text = "".join(shown)
    assert text.count('id="claim-B25"') >= 1
    assert len(text) < 1_300_000
    assert not re.search(r"""(src|from|import)\s*[=(]?\s*["']https?:""", text)
