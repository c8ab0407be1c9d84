"""The kernel timings: what is measured, recorded, read and drawn; not how fast anything is."""

import copy
import itertools
import json
import math
import re
from importlib import resources

import keras
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from test_plots import EYES, lab, linear_rgb

mpl.use("agg")
import matplotlib.pyplot as plt
from matplotlib.container import ErrorbarContainer

from lstmreg_utils.book.kernel_figures import WAYS, kernel_panels
from lstmreg_utils.kernels import (
    devices,
    kernel_times,
    load_times,
    recorded_times,
    save_times,
    tidy,
    times,
)
from lstmreg_utils.kernels.costs import cost_of, kernel_costs
from lstmreg_utils.kernels.graphs import Trace, tell_error
from lstmreg_utils.kernels.pretend import pretend_gpu
from lstmreg_utils.kernels.steps import count_step_operations
from lstmreg_utils.kernels.time_files import REFERENCE
from lstmreg_utils.kernels.times import ARMS

SHIPPED = [*(resources.files("lstmreg_utils") / "records" / "kernel_times").iterdir()]
LENGTHS = (4, 5)
TINY = {"lengths": LENGTHS, "batch": 2, "units": 3, "rounds": 2, "progress": False}


@pytest.fixture(scope="module", autouse=True)
def untraced():
    """Compile nothing; that compiled steps are right, tests/test_benchmarks.py shows.

    A card is left aside where there is one.
    """
    tf.config.run_functions_eagerly(True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "cards", list)
        patch.setattr(devices, "cards", list)
        yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def measured(untraced):
    return kernel_times(**TINY)


@pytest.fixture
def record(measured):
    return copy.deepcopy(measured)


@pytest.fixture
def three_arms(monkeypatch):
    """The first is the reference; its steps count, so that a test can make any of them fail."""
    monkeypatch.setattr(
        times, "ARMS", dict.fromkeys((REFERENCE, "sound", "broken"), ("loop", lambda units: None))
    )
    monkeypatch.setattr(times, "_find_kernel", lambda *_: "loop")

    def fail(arm, at):
        made, names = itertools.count(), [*times.ARMS]

        def step_of(*_):
            name, calls = names[next(made) % 3], itertools.count(1)

            def step():
                if name == arm and next(calls) == at:
                    raise tf.errors.ResourceExhaustedError(None, None, "OOM\nwhen allocating")

            if name == arm and at == 0:
                raise RuntimeError("no such layer")
            return step

        monkeypatch.setattr(times, "MODES", {"graph": step_of})

    return fail


# What is measured.


def test_there_is_a_row_for_every_arm_and_length(measured):
    rows = measured["rows"]
    assert [(row["T"], row["arm"]) for row in rows] == [*itertools.product(LENGTHS, ARMS)]
    assert all(row["error"] is None and row["milliseconds"] > 0 for row in rows)
    assert all(0 < row["q1"] <= row["ratio"] <= row["q3"] for row in rows)
    assert {row["mode"] for row in rows if row["arm"].endswith("XLA")} == {"XLA"}
    assert {row["mode"] for row in rows if not row["arm"].endswith("XLA")} == {"graph"}
    header = measured["header"]
    assert {name: header[name] for name in ("batch", "units", "rounds")} == {
        "batch": 2, "units": 3, "rounds": 2,
    }  # fmt: skip
    assert "no fused kernel" in header["reference"]
    assert measured["left_out"] == {}


def test_ratios_of_the_reference_are_one(measured):
    own = [row for row in measured["rows"] if row["arm"] == REFERENCE]
    assert [(row["q1"], row["ratio"], row["q3"]) for row in own] == [(1, 1, 1)] * len(LENGTHS)


def test_ratios_are_paired_within_a_round(monkeypatch, three_arms):
    three_arms(arm=None, at=None)
    taken = {REFERENCE: [1.0, 2.0, 6.0], "sound": [1.0, 8.0, 6.0], "broken": [2.0, 4.0, 12.0]}
    monkeypatch.setattr(times, "time_rounds", lambda *_: taken)
    rows = {row["arm"]: row for row in kernel_times(**{**TINY, "lengths": [4]})["rows"]}
    assert [rows["sound"][name] for name in ("q1", "ratio", "q3")] == [1, 1, 2.5]
    assert [rows["broken"][name] for name in ("q1", "ratio", "q3")] == [2, 2, 2]
    assert rows["sound"]["milliseconds"] == 6000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lengths", 50), ("lengths", []), ("lengths", [4, 0]), ("lengths", [4, 4]),
        ("lengths", [4.0]), ("lengths", "50"), ("batch", 0), ("batch", True), ("units", 1.5),
        ("units", "3"), ("rounds", 0), ("rounds", None),
    ],
)  # fmt: skip
def test_wrong_argument_is_named_with_what_came(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be .* integers? of at least 1") as caught:
        kernel_times(**{**TINY, name: value})
    assert str(caught.value).endswith(f", got {value!r}")


@pytest.mark.parametrize("at", [0, 1, times.WARM_UP + 2], ids=["made", "first", "last round"])
def test_failing_arm_is_reported_and_the_others_stay(three_arms, at):
    three_arms("broken", at)
    record = kernel_times(**TINY)
    for T in LENGTHS:
        rows = {row["arm"]: row for row in record["rows"] if row["T"] == T}
        assert rows["broken"]["error"] == (
            "ResourceExhaustedError: OOM" if at else "RuntimeError: no such layer"
        )
        assert rows["broken"]["milliseconds"] is rows["broken"]["ratio"] is None
        assert rows["sound"]["error"] is None
        assert rows["sound"]["ratio"] > 0
    tidy(record)


def test_without_the_reference_times_stay_and_ratios_do_not(three_arms):
    three_arms(REFERENCE, 1)
    record = kernel_times(**TINY)
    sound = [row for row in record["rows"] if row["arm"] == "sound"]
    assert all(row["milliseconds"] > 0 and row["ratio"] is row["q1"] is None for row in sound)
    tidy(record)


def test_an_interruption_is_no_failing_arm(monkeypatch, three_arms):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(times, "MODES", {"graph": interrupted})
    with pytest.raises(KeyboardInterrupt):
        kernel_times(**TINY)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Graph execution error:\n\nDetected at node A defined at (most recent call last):\n"
         '  File "a.py", line 9, in <module>\n\n  File "a.py", line 5, in f\n\n'
         "OOM when allocating\n\t [[{{node A}}]]\n", "OOM when allocating"),
        ('in user code:\n\n    File "a.py", line 7, in g  *\n        return x\n\n    wrong rank\n',
         "wrong rank"),
        ("", ""),
    ],
)  # fmt: skip
def test_error_is_told_in_one_line_without_files(message, told):
    assert tell_error(RuntimeError(message)) == f"RuntimeError: {told}"


@pytest.mark.parametrize(
    ("backend", "mode", "lacking"), [("jax", "jit", "loop"), ("torch", "eager", "XLA")]
)
def test_arms_that_a_backend_lacks_are_left_out_and_said_so(
    backend, mode, lacking, measured, monkeypatch
):
    header = {**measured["header"], "card": "some card", "backend": backend}
    monkeypatch.setattr(keras.config, "backend", lambda: backend)
    monkeypatch.setattr(times, "MODES", {mode: lambda *_: int})
    monkeypatch.setattr(times, "describe_machine", lambda: header)
    monkeypatch.setattr(times, "cards", lambda: ["some card"])
    monkeypatch.setattr(times, "kernel_trace", lambda *_, **__: Trace("fused"))
    record = kernel_times(**TINY)
    assert {*record["left_out"]} == {name for name, arm in ARMS.items() if arm[0] == lacking}
    assert {row["arm"] for row in record["rows"]} == {*ARMS} - {*record["left_out"]}
    assert times.SEEN[backend] in record["header"]["reference"]
    tidy(record)


def test_when_the_time_is_over_one_step_is_measured_and_the_rest_named(three_arms):
    three_arms(arm=None, at=None)
    record = kernel_times(**TINY, seconds=0)
    assert [(row["arm"], row["T"]) for row in record["rows"]] == [(REFERENCE, 4)]
    assert record["left_out"] == {
        "sound, T = 4": times.NO_TIME, "broken, T = 4": times.NO_TIME, "T = 5": times.NO_TIME,
        "rounds of T = 4": f"1 of 2: {times.NO_TIME}",
    }  # fmt: skip
    tidy(record)


# Whether the fused kernel is one.


@pytest.fixture
def tensorflow_with_a_card(monkeypatch):
    """Keras takes the fused kernel, which can be traced anywhere, though run on a GPU alone."""
    module = pytest.importorskip("keras.src.backend.tensorflow.rnn")
    monkeypatch.setattr(module, "cudnn_ok", lambda *_, **__: True)
    monkeypatch.setattr(times, "cards", lambda: ["some card"])


BATCH = np.zeros((2, 4, 5)), np.zeros((2, 3))


def kernels_of_arms():
    return {name: times._find_kernel(make(3), BATCH[0]) for name, (_, make) in ARMS.items()}


def test_fused_kernel_is_found_in_the_graph(tensorflow_with_a_card):
    fused = {REFERENCE, "dropout", "weight drop"}
    assert kernels_of_arms() == {name: "fused" if name in fused else "loop" for name in ARMS}
    for name in ("LSTM, no cuDNN", "recurrent_dropout", "zoneout"):
        assert count_step_operations(ARMS[name][1](3), *BATCH)["CudnnRNNV3"] == 0


def test_a_card_alone_makes_no_kernel_fused(monkeypatch):
    monkeypatch.setattr(times, "cards", lambda: ["some card"])
    with pretend_gpu(False):
        assert {*kernels_of_arms().values()} == {"loop"}


def test_fused_kernel_is_found_inside_a_loop_too():
    def fused(x):
        return tf.raw_ops.CudnnRNNV3(
            input=x, input_h=x, input_c=x, params=x[0, 0], sequence_lengths=[1]
        )[0]

    class Looped(keras.layers.Layer):
        def call(self, x, training=False):
            return tf.while_loop(lambda x: True, fused, [x], maximum_iterations=1)

    assert count_step_operations(Looped(), np.zeros((1, 1, 1)), 0.0)["CudnnRNNV3"] == 1


@pytest.mark.parametrize(("kernel", "told"), [("fused", "the fused"), ("loop", "no fused")])
def test_record_says_what_the_reference_is(kernel, told, monkeypatch, three_arms):
    three_arms(arm=None, at=None)
    monkeypatch.setattr(times, "_find_kernel", lambda *_: kernel)
    assert f"{told} kernel" in kernel_times(**TINY)["header"]["reference"]


# Files.


def test_record_survives_its_file(record, tmp_path):
    save_times(record, tmp_path / "mine.json")
    assert load_times(tmp_path / "mine.json") == record
    pd.testing.assert_frame_equal(recorded_times(tmp_path), tidy(record, "mine"))
    assert len(recorded_times(tmp_path)) == len(LENGTHS) * len(ARMS)


def test_records_of_a_folder_are_one_table(record, tmp_path):
    assert recorded_times(tmp_path).empty
    save_times(record, tmp_path / "a.json")
    record["header"]["card"] = "some card"
    save_times(record, tmp_path / "b.json")
    table = recorded_times(tmp_path)
    assert dict(zip(table["record"], table["machine"], strict=True)) == {
        "a": f"CPU: {record['header']['processor']}", "b": "some card",
    }  # fmt: skip


def test_shipped_records_are_sound_and_tell_no_paths():
    table = recorded_times()
    assert {*ARMS} <= {*table["arm"]}
    assert {50, 200, 1000} <= {*table["T"]}
    assert {file.suffix for file in SHIPPED} == {".json"}
    for file in SHIPPED:
        assert not re.search(r"/(tmp|home|root|work|usr|content)\b", file.read_text("utf-8"))


def spoil(change):
    """A text of a record that is not as it should be."""

    def spoilt(record):
        change(record)
        return json.dumps(record)

    return spoilt


DAMAGES = {
    "cut short": lambda record: json.dumps(record)[:-20],
    "empty": lambda record: "",
    "no object": lambda record: "[]",
    "code": lambda record: "__import__('os').abort()",
    "no rows": spoil(lambda record: record.update(rows=[])),
    "no header": spoil(lambda record: record.pop("header")),
    "header a text": spoil(lambda record: record.update(header="none")),
    "no card": spoil(lambda record: record["header"].pop("card")),
    "batch a text": spoil(lambda record: record["header"].update(batch="2")),
    "left_out a list": spoil(lambda record: record.update(left_out=[])),
    "no arm": spoil(lambda record: record["rows"][3].pop("arm")),
    "no ratio": spoil(lambda record: record["rows"][3].pop("ratio")),
    "ratio a text": spoil(lambda record: record["rows"][3].update(ratio="2")),
    "not a number": spoil(lambda record: record["rows"][3].update(ratio=math.nan)),
    "negative": spoil(lambda record: record["rows"][3].update(milliseconds=-1)),
    "quartiles swapped": spoil(lambda record: record["rows"][3].update(q1=5e9)),
    "error and number": spoil(lambda record: record["rows"][3].update(error="OOM")),
    "arm twice": spoil(lambda record: record["rows"].append(record["rows"][0])),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_record_is_refused_by_name(damage, record, tmp_path):
    file = tmp_path / "spoilt.json"
    file.write_text(damage(record))
    for read in (load_times, lambda path: recorded_times(path.parent)):
        with pytest.raises(ValueError, match=r"spoilt\.json is damaged: "):
            read(file)


def test_bytes_that_are_no_text_are_refused_by_name(tmp_path):
    file = tmp_path / "spoilt.json"
    file.write_bytes(b"\x80\x04\xff")
    with pytest.raises(ValueError, match=r"spoilt\.json is damaged: "):
        load_times(file)


def test_no_broken_record_is_written(record, tmp_path):
    record["rows"][0].pop("arm")
    with pytest.raises(ValueError, match="row 1 must have arm"):
        save_times(record, tmp_path / "mine.json")
    assert not [*tmp_path.iterdir()]


# What is typed, and the figure of it.


def test_what_is_typed_is_answered_by_the_arm_that_fit_runs():
    costs = kernel_costs().set_index(["backend", "typed"])
    bare, cured = (f"LSTM(recurrent_dropout=0.3{more})" for more in ("", ", use_cudnn=False"))
    for backend, arms in {
        "tensorflow 2.21.0": ["recurrent_dropout", "recurrent_dropout, XLA"],
        "jax 0.11.2": ["recurrent_dropout, XLA"] * 2,
        "torch 2.11.0+cu130": ["recurrent_dropout"] * 2,
    }.items():
        of_card = costs.loc[backend]
        of_card = of_card[of_card["machine"] == "NVIDIA H200"]
        assert [of_card.loc[typed, "arm"] for typed in (bare, cured)] == arms
        assert of_card.loc["LSTM()", "way"] == "fused kernel"
    on_cpu = costs[costs["machine"].str.startswith("CPU")]
    assert {*on_cpu["way"]} == {"loop"}  # fit compiles nothing there
    assert {row.arm for row in on_cpu.itertuples() if "XLA" in row.arm} == set()


def test_the_cost_of_a_case_names_its_card():
    ratio, where = cost_of("recurrent_dropout", "tensorflow")
    assert ratio == pytest.approx(27.2, abs=0.1)
    assert where == "NVIDIA H200, T = 200, batch 64, 128 units"
    assert cost_of("GRU", "tensorflow") is None


def test_the_shared_card_of_torch_is_said_so():
    headers = {file.name: load_times(file)["header"] for file in SHIPPED}
    assert "other work" in headers["nvidia_h200_torch.json"]["note"]
    for name, header in headers.items():
        if header["card"] != "none":
            assert header["date"] == "2026-11-27", name
            assert header["driver"] == "580.159.04"
            assert "the fused kernel" in header["reference"]


@pytest.fixture
def two_machines(record):
    """A processor, and a card that has no zoneout and ran out of memory in one arm."""
    of_card = copy.deepcopy(record)
    of_card["header"]["card"] = "some card"
    of_card["rows"] = [row for row in of_card["rows"] if not row["arm"].startswith("zoneout")]
    of_card["rows"][-1] |= dict.fromkeys(("milliseconds", "ratio", "q1", "q3")) | {"error": "OOM"}
    return pd.concat([tidy(record, "cpu"), tidy(of_card, "card")])


def test_bars_are_the_ratios_of_every_machine(two_machines):
    figure = kernel_panels(two_machines, T=5)
    figure.canvas.draw()
    titles = [ax.get_title(loc="left").replace("\n", " ") for ax in figure.axes]
    assert "some card" in titles[0]  # cards first
    assert all("1 = a plain loop" in title for title in titles)
    costs = kernel_costs(two_machines, T=5).drop_duplicates(["record", "arm"], keep="last")
    costs = costs[costs["typed"] != "LSTM()"]
    for ax, record in zip(figure.axes, ("card", "cpu"), strict=True):
        rows = costs[costs["record"] == record]
        assert [bar.get_width() + 1 for bar in ax.patches] == pytest.approx([*rows["ratio"]])
        bars = [found for found in ax.containers if isinstance(found, ErrorbarContainer)]
        whiskers = [bar.lines[2][0].get_segments()[0][:, 0] for bar in bars]
        np.testing.assert_allclose(whiskers, rows[["q1", "q3"]])
        assert ax.get_xlim()[0] < rows["q1"].min() <= rows["q3"].max() < ax.get_xlim()[1]
        assert [float(text.get_text()) for text in ax.texts] == pytest.approx(
            [*rows["ratio"]], rel=0.06, abs=0.06
        )
    assert len(figure.axes[0].patches) < len(figure.axes[1].patches)  # what failed has no bar


def test_own_record_is_the_first_panel(two_machines, record):
    figure = kernel_panels(two_machines, record, T=4)
    assert [ax.get_title(loc="left")[:5] == "here:" for ax in figure.axes] == [True, False, False]
    assert len(kernel_panels(two_machines.iloc[:0], record, T=4).axes) == 1


def test_nothing_to_draw_is_an_error(two_machines):
    with pytest.raises(ValueError, match="table must have rows of T = 4 and other arms"):
        kernel_panels(two_machines[two_machines["arm"] == REFERENCE], T=4)
    with pytest.raises(ValueError, match="T = 77"):
        kernel_panels(two_machines, T=77)


def test_figure_is_opaque_and_legible_on_a_phone():
    before = dict(mpl.rcParams)
    figure = kernel_panels(recorded_times())
    figure.canvas.draw()
    assert dict(mpl.rcParams) == before
    assert mpl.colors.to_rgba(figure.get_facecolor()) == (1, 1, 1, 1)
    width = figure.get_figwidth() * 96
    shown = [text for text in figure.findobj(mpl.text.Text) if text.get_text()]
    on_a_phone = 358 / width  # 390 pixels less the margins of the page
    assert min(text.get_fontsize() * 96 / 72 for text in shown) * on_a_phone > 9
    drawn = figure.get_tightbbox(figure.canvas.get_renderer())  # in inches
    assert drawn.x0 >= 0
    assert drawn.x1 <= figure.get_figwidth()


def test_ways_have_colours_that_every_eye_tells_apart():
    colors = [color for color, _ in WAYS.values()]
    for eye in EYES.values():
        seen = [lab(eye @ linear_rgb(color)) for color in colors]
        assert min(math.dist(*pair) for pair in itertools.combinations(seen, 2)) > 15
