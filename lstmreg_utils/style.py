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
    # Inside the recurrence: never in a figure with the placements, so told apart from one another
    # and from the arguments of Keras only.
    "h": ("#882255", "s"),
    "h:sequence": ("#DD44BB", "D"),
    "g": ("#225500", "p"),
    "g:sequence": ("#77BB22", "h"),
    "c": ("#DD6644", "^"),
    "c:sequence": ("#DDAA77", "v"),
    "zoneout_c": ("#0044CC", "P"),
    "zoneout_h": ("#44BBFF", ">"),
    "zoneout_c+zoneout_h": ("#551199", "*"),
    "weight_drop": ("#775544", "d"),
    "weight_decay": ("#0055AA", "h"),
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


NAMES = {
    "none": "no dropout",
    "input": "input, per step",
    "input:sequence": "input, per sequence",
    "between": "between layers",
    "between:sequence": "between layers, per sequence",
    "output": "after the output",
    "dropout+recurrent_dropout": "both arguments",
    **{f"{place}{mask}": f"{place}, per {mask[1:] or 'step'}"
       for place in "hgc" for mask in ("", ":sequence")},
    "zoneout_c": "zoneout c",
    "zoneout_h": "zoneout h",
    "zoneout_c+zoneout_h": "zoneout c and h",
    "weight_drop": "weight drop",
    "weight_decay": "weight decay",
}  # fmt: skip


def label(arm):
    """How figures write an arm's name.

    Examples
    --------
    >>> label("input:sequence"), label("zoneout_c@0.5+zoneout_h@0.05")
    ('input, per sequence', 'zoneout c 0.5, zoneout h 0.05')
    """
    if arm in NAMES or "@" not in arm:
        return NAMES.get(arm, arm)
    parts = (part.split("@") for part in arm.split("+"))
    return ", ".join(f"{NAMES.get(place, place)} {rate}" for place, rate in parts)
