import itertools
import math

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

from lstmreg_utils import arm as make_arm
from lstmreg_utils import compare, study
from lstmreg_utils.book import across, draw_as, plots, title_of
from lstmreg_utils.book.style import LINES
from lstmreg_utils.diagnosis import HELPED, OVER, WORKS, WORSE, Comparison, probe_effects
from lstmreg_utils.lab import PLACES, describe, label_of, look
from lstmreg_utils.lab.places import LOOKS


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture
def both(tiny_table):
    return plots.stack({at: compare(tiny_table, at) for at in ("last", "best")})


@pytest.fixture
def own_table(tiny_table):
    """A table without schemes and rates, as a reader's own."""
    return tiny_table[["arm", "seed", "epoch", "train", "noisy", "validation", "test"]]


@pytest.fixture
def own_effects(own_table):
    return compare(own_table, margin=0.01)


def drawn(figure):
    """Render, as saving does: what cannot be drawn fails here."""
    figure.canvas.draw()
    return figure


def texts(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text)]


def loss_lines(ax):
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def test_curves_show_every_arm_and_loss(tiny_table):
    columns = ("train", "noisy", "validation", "test")
    figure = drawn(plots.curves(tiny_table, columns, floor=0.43))
    assert len(figure.axes) == 3
    assert [len(loss_lines(ax)) for ax in figure.axes] == [len(columns)] * 3
    assert [ax.get_title() for ax in figure.axes] == [
        "no dropout\nn = 3", "dropout 0.5\nn = 3", "recurrent_dropout 0.5\nn = 3",
    ]  # fmt: skip
    floors = [line for ax in figure.axes for line in ax.lines if set(line.get_ydata()) == {0.43}]
    assert len(floors) == 3


def test_curves_are_the_median_over_seeds(tiny_table):
    figure = plots.curves(tiny_table, ["test"])
    median = tiny_table[tiny_table["arm"] == "none"].groupby("epoch")["test"].median()
    np.testing.assert_allclose(loss_lines(figure.axes[0])[0].get_ydata(), median)


def test_clean_training_loss_is_solid_and_noisy_dotted(tiny_table):
    figure = plots.curves(tiny_table, ["train", "noisy", "test"])
    for ax, arm in zip(figure.axes, ["none", "dropout", "recurrent_dropout"], strict=True):
        assert [line.get_linestyle() for line in loss_lines(ax)] == ["-", ":", "--"]
        assert {line.get_color() for line in loss_lines(ax)} == {draw_as(arm)["color"]}


def test_no_two_losses_share_a_line_style():
    assert len({str(line) for line, _ in LINES.values()}) == len(LINES)
    assert len({name for _, name in LINES.values()}) == len(LINES)


def test_own_table_without_rates_is_drawn(own_table, own_effects):
    assert len(drawn(plots.curves(own_table)).axes) == 3
    for draw in (plots.plane, plots.rates, plots.forest):
        figure = drawn(draw(own_effects))
        assert not any("nan" in text for text in texts(figure))


def test_own_arm_at_several_rates_has_a_panel_for_each(own_table):
    one = own_table[own_table["arm"] != "none"].drop_duplicates(["seed", "epoch"])
    mine = [one.assign(arm="mine", rate=rate) for rate in (0.1, 0.2)]
    figure = drawn(plots.curves(plots.stack(dict(enumerate(mine)))))
    assert [ax.get_title() for ax in figure.axes] == ["mine 0.1\nn = 3", "mine 0.2\nn = 3"]


def test_plane_names_its_quadrants_where_they_are(tiny_effects):
    figure = drawn(plots.plane(tiny_effects))
    (ax,) = figure.axes
    places = {text.get_text(): text.get_position() for text in ax.texts}
    assert all(places[name][0] > 0.5 for name in (WORKS, OVER))  # training loss up
    assert all(places[name][0] < 0.5 for name in (WORSE, HELPED))
    assert all(places[name][1] > 0.5 for name in (OVER, WORSE))  # test loss up
    assert all(places[name][1] < 0.5 for name in (WORKS, HELPED))
    for low, high in (ax.get_xlim(), ax.get_ylim()):
        assert low == -high
    assert {"dropout", "recurrent_dropout"} <= set(texts(figure))


def test_plane_shows_every_interval(tiny_effects):
    ax = plots.plane(tiny_effects).axes[0]
    for value, (low, high) in {"d_train": ax.get_xlim(), "d_test": ax.get_ylim()}.items():
        assert low < tiny_effects[f"{value}_low"].min()
        assert tiny_effects[f"{value}_high"].max() < high


@pytest.mark.parametrize("value", ["d_test", "d_train", "noise_cost"])
def test_rates_and_forest_draw_every_effect(value, both, tiny_effects):
    drawn(plots.rates(tiny_effects, value, margin=0.01))
    figure = drawn(plots.forest(both, value, margin=0.01))
    assert {"dropout 0.5", "recurrent_dropout 0.5"} <= set(texts(figure))
    assert {"at the last epoch", "at the best epoch"} <= set(texts(figure))


def test_degradation_starts_from_the_loss_on_clean_inputs(tiny_table, tiny_runs, tiny_folder):
    probes = study(tiny_runs, folder=tiny_folder, recorded=False, table="probes")
    found = probe_effects(Comparison(tiny_table, probes), "noise", "missing", above="test")
    figure = drawn(plots.degradation(found))
    assert len(figure.axes) == 2
    clean = tiny_table[tiny_table["epoch"] == 3].groupby("arm")["test"].mean()
    for ax in figure.axes:
        assert len(ax.lines) == 3
        assert ax.lines[0].get_ydata()[0] == pytest.approx(clean["none"])


@pytest.mark.parametrize("draw", [plots.plane, plots.rates])
def test_many_lines_are_named_where_they_end_and_few_in_a_legend(draw, tiny_effects):
    schemes = ("dropout", "h", "g", "c", "output")
    many = [tiny_effects.iloc[:1].assign(scheme=name) for name in schemes]
    few, named = (draw(pd.concat(rows)) for rows in (many[:4], many))
    assert [len(figure.legends) for figure in (few, named)] == [1, 0]
    [ax] = drawn(named).axes
    names = {look(name).label for name in schemes}
    heights = [text.get_window_extent().y0 for text in ax.texts if text.get_text() in names]
    assert len(heights) == 5
    assert min(np.diff(sorted(heights))) > 10  # of one end, but not of one height


@pytest.mark.parametrize("draw", [plots.plane, plots.rates])
def test_figure_can_be_drawn_into_axes_of_ones_own(draw, tiny_effects):
    figure, ax = plt.subplots()
    assert draw(tiny_effects, ax=ax) is figure


def test_figures_are_opaque_and_leave_the_readers_settings_alone(tiny_table, both, tiny_effects):
    before = dict(mpl.rcParams)
    figures = [
        plots.curves(tiny_table), plots.plane(tiny_effects), plots.rates(tiny_effects),
        plots.forest(both),
    ]  # fmt: skip
    for figure in figures:
        assert mpl.colors.to_rgba(figure.get_facecolor()) == (1, 1, 1, 1)
    assert dict(mpl.rcParams) == before


def test_arm_is_written_with_all_its_rates(tiny_effects):
    unequal = describe(make_arm("zoneout_c", 0.5) + make_arm("zoneout_h", 0.05))
    row = tiny_effects.iloc[:1].assign(**unequal._asdict())
    assert "zoneout c 0.5,\nzoneout h 0.05" in texts(drawn(plots.forest(row)))
    drawn(plots.plane(row))  # without a number, since there is no common rate
    assert title_of(unequal.arm) == unequal.arm


# Two rates.


RATES = ([0, 0.5], [0, 0.1])


@pytest.fixture
def over_two_rates():
    both = make_arm("zoneout_c", 0.5) + make_arm("zoneout_h", 0.1)
    rows = {
        label_of("zoneout_c", 0.5): (-0.2, -0.3, -0.1),
        label_of("zoneout_h", 0.1): (0.1, -0.1, 0.3),
        describe(both).arm: (0.3, 0.2, 0.4),
    }
    columns = ["d_test", "d_test_low", "d_test_high"]
    return pd.DataFrame.from_dict(rows, "index", columns=columns).rename_axis("arm").reset_index()


def test_grid_has_each_effect_in_the_field_of_its_rates(over_two_rates):
    [ax] = plots.rate_grid(over_two_rates, "zoneout_c", "zoneout_h", RATES).axes
    fields = {text.get_position(): text.get_text() for text in ax.texts}
    assert fields == {(0, 0): "twin", (1, 0): "−0.200*", (0, 1): "+0.100", (1, 1): "+0.300*"}
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "0.5"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0", "0.1"]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0, -0.2], [0.1, 0.3]])


def test_grid_leaves_empty_what_was_not_tried(over_two_rates):
    figure = drawn(plots.rate_grid(over_two_rates[1:], "zoneout_c", "zoneout_h", RATES))
    [ax] = figure.axes
    assert (1, 0) not in {text.get_position() for text in ax.texts}
    np.testing.assert_allclose(ax.images[0].get_array().filled(np.nan), [[0, np.nan], [0.1, 0.3]])


# Colours.


# Schemes that may share a figure: placements, those of a network without an LSTM, noise inside
# the recurrence, or what acts on the weights, beside Keras' arguments.
SCHEMES = [*LOOKS, *PLACES]
KERAS = ["none", "dropout", "recurrent_dropout"]


def inside(scheme):
    """Whether a layer of this package draws the noise."""
    return any(PLACES[name].layer for name in scheme.split("+") if name in PLACES)


FIGURES = {
    "placements": [
        name for name in SCHEMES if name not in ("head", "weight_decay") and not inside(name)
    ],
    "no LSTM": ["none", "embedding", "input", "input:sequence", "head"],
    "inside": KERAS + [name for name in SCHEMES if inside(name)],
    "weights": [*KERAS, "weight_drop", "weight_decay"],
}


def test_every_scheme_with_a_look_may_be_in_a_figure():
    assert set().union(*FIGURES.values()) == set(SCHEMES)
    assert len({look(name).label for name in SCHEMES}) == len(SCHEMES)


@pytest.mark.parametrize("schemes", FIGURES.values(), ids=FIGURES)
def test_schemes_of_a_figure_have_a_colour_and_a_marker_of_their_own(schemes):
    looks = [draw_as(name) for name in schemes]
    assert len({each["color"] for each in looks}) == len(schemes)
    assert len({each["marker"] for each in looks}) == len(schemes)


def test_colour_depends_on_the_scheme_alone():
    unequal = describe(make_arm("zoneout_c", 0.5) + make_arm("zoneout_h", 0.05))
    assert draw_as(unequal.scheme) == draw_as("zoneout_c+zoneout_h")
    assert draw_as("a scheme of my own") == draw_as("a scheme of my own")


# Linear RGB as eyes without one kind of cone see it (Machado, Oliveira, Fernandes 2009).
EYES = {
    "all cones": np.eye(3),
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
# Linear sRGB to CIE XYZ, relative to the white of a page.
XYZ = np.array([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8728]])


def linear_rgb(color):
    rgb = np.array(mpl.colors.to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(linear):
    """Where a colour is in CIE L*a*b*: two that are 2 apart can just be told apart."""
    x, y, z = np.cbrt(XYZ @ np.clip(linear, 0, 1))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("schemes", FIGURES.values(), ids=FIGURES)
@pytest.mark.parametrize("eye", EYES)
def test_colours_of_schemes_differ_for_every_eye(eye, schemes):
    seen = {name: lab(EYES[eye] @ linear_rgb(draw_as(name)["color"])) for name in schemes}
    for one, other in itertools.combinations(seen, 2):
        assert math.dist(seen[one], seen[other]) > 15, f"{one} looks like {other}"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_colour_of_a_scheme_stands_out_from_the_page(scheme):
    luminance = XYZ[1] @ linear_rgb(draw_as(scheme)["color"])
    assert 1.05 / (luminance + 0.05) > 2  # contrast with white, WCAG 2


# Data sets beside each other.


def across_rows(changes):
    """A summary of one arm, whose data sets have these changes."""
    ends = ("", "_low", "_high")
    return pd.DataFrame(
        {"arm": "dropout 0.5", "part": part, "data": data}
        | {f"{name}{end}": change for name in ("change", "expected") for end in ends}
        for part in ("test", "train", "gap")
        for data, change in {**changes, "all": 0.1}.items()
    )


def test_a_loss_that_more_than_doubles_stands_at_the_frame_with_its_number():
    summary = across_rows({"a": -0.2, "b": 0.3, "c": 1.53})
    kinds = dict.fromkeys("abc", "forecast")
    [ax] = drawn(across.forest_across(summary, kinds)).axes
    [marks] = [line for line in ax.lines if line.get_marker() == "o"]
    assert marks.get_xdata().tolist() == [-0.2, 0.3, 1.0]
    assert ax.get_xlim()[1] < 1.1
    assert [text for text in texts(ax.figure) if "153" in text] == ["+153 % →"]
    assert not any("30 %" in text for text in texts(ax.figure) if "→" in text)
