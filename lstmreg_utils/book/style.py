"""How the book's figures look: type, background, a line a loss. Of arms `lab.places` says it."""

from ..diagnosis import TWIN
from ..lab import look

# A line's meaning: what is measured with dropout off is solid or dashed, with it on dotted.
LINES = {
    "train": ("-", "training, dropout off"),
    "noisy": (":", "training, dropout on"),
    "reported": ("-.", "training, as Keras reports it"),
    "validation": ((0, (4, 2)), "validation"),
    "test": ("--", "test"),
}

LONGEST_LINE = 22  # characters of a label beside a row

# Opaque and light, so that a figure reads the same on a light and on a dark page.
RC = {
    "figure.facecolor": "#FFFFFF",
    "savefig.facecolor": "#FFFFFF",
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "legend.frameon": False,
    "svg.hashsalt": "lstmreg_utils",  # the same figure is the same file
}


def draw_as(scheme):
    """Colour and marker of a scheme, for a figure of your own.

    Examples
    --------
    >>> draw_as("none")
    {'color': '#000000', 'marker': 'o'}
    """
    return {"color": look(scheme).color, "marker": look(scheme).marker}


def draw_lines(ax, effects, across, value):
    """Draw a value with its intervals over a column such as the rate: a line a scheme."""
    for scheme, line in effects.groupby("scheme", sort=False):
        line = line.sort_values(across)
        ax.errorbar(
            line[across], line[value], error_bars(line, value), label=look(scheme).label,
            elinewidth=1, capsize=2, **draw_as(scheme),
        )  # fmt: skip


def error_bars(effects, value):
    """Lengths of error bars, to both sides."""
    return [effects[value] - effects[f"{value}_low"], effects[f"{value}_high"] - effects[value]]


def title_of(arm):
    """How a figure writes the label of an arm: as it is, but for the twin's.

    Examples
    --------
    >>> title_of("none"), title_of("zoneout c 0.5, zoneout h 0.05")
    ('no dropout', 'zoneout c 0.5, zoneout h 0.05')
    """
    return look(arm).label if arm == TWIN else arm


def in_lines(name):
    """A label in lines that leave room for the figure beside them, broken where it lists.

    Examples
    --------
    >>> print(in_lines("zoneout c 0.5, zoneout h 0.05"))
    zoneout c 0.5,
    zoneout h 0.05
    """
    return name.replace(", ", ",\n") if len(name) > LONGEST_LINE else name
