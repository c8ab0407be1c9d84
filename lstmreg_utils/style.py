"""How the book's figures look: a colour and a marker an arm, a line a loss."""

# Okabe and Ito's colours, which people with any colour vision can tell apart; the same arm at
# another mask is a lighter or darker kin. Markers repeat the distinction for print.
STYLES = {
    "none": ("#000000", "o"),
    "input": ("#0072B2", "s"),
    "input:sequence": ("#56B4E9", "D"),
    "between": ("#E69F00", "^"),
    "between:sequence": ("#5C4400", "v"),
    "output": ("#D55E00", "P"),
    "dropout": ("#009E73", "X"),
    "recurrent_dropout": ("#CC79A7", "<"),
    "dropout+recurrent_dropout": ("#332288", ">"),
}
SPARE = (("#666666", "h"), ("#A6761D", "p"), ("#1B9E77", "*"), ("#7570B3", "d"))

# A line's meaning: what is measured with dropout off is solid or dashed, with it on dotted.
LINES = {
    "train": ("-", "training, dropout off"),
    "noisy": (":", "training, dropout on"),
    "reported": ("-.", "training, as Keras reports it"),
    "validation": ((0, (4, 2)), "validation"),
    "test": ("--", "test"),
}

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


def style(arm):
    """Colour and marker of an arm, for a figure of your own.

    Examples
    --------
    >>> style("none")
    {'color': '#000000', 'marker': 'o'}
    """
    base = arm.partition("@")[0]
    color, marker = STYLES.get(arm) or STYLES.get(base) or SPARE[sum(map(ord, arm)) % len(SPARE)]
    return {"color": color, "marker": marker}


def label(arm):
    """How figures write an arm's name."""
    names = {"input:sequence": "input, per sequence", "input": "input, per step",
             "between": "between layers", "between:sequence": "between layers, per sequence",
             "output": "after the output", "none": "no dropout",
             "dropout+recurrent_dropout": "both arguments"}  # fmt: skip
    return names.get(arm, arm)
