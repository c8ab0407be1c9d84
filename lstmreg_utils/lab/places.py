"""Where noise can go: the one table of places, a row for each with all that is known of it.

A new place is a new row. `build_model` reads from it what to build, `arm` what may be asked for,
figures how to draw it. Okabe and Ito's colours, which people with any colour vision can tell apart;
the same place at another mask is a lighter or darker kin. Markers repeat the distinction for print.
"""

from typing import NamedTuple


class Place(NamedTuple):
    """A place, with one kind of mask. Several rows may share it: the usual mask comes first."""

    place: str  #: as in `Noise`
    mask: str  #: drawn at every 'step', held over the 'sequence', drawn for the 'batch', or 'none'
    label: str  #: in tables and figures
    color: str  #: in figures
    marker: str  #: in figures
    argument: str = ""  #: of the recurrent layer, for the rate; empty outside of that layer
    #: the class that has it, of `lstmreg_utils.layers` or `lab.listing`; empty for Keras' own
    layer: str = ""
    #: further arguments of that class; never changed
    given: dict = {}  # noqa: RUF012
    needs_lstm: bool = True  #: whether it reads a sequence step by step

    @property
    def name(self):
        """What `arm` calls it, the place and its mask unless that is the usual one."""
        usual = next(row for row in ROWS if row.place == self.place)
        return self.place if self is usual else f"{self.place}:{self.mask}"


def _inside(place, mask, color, marker):
    """A point inside the recurrence that `RecurrentDropoutLSTM` reaches."""
    label, given = f"{place}, per {mask}", {"mask_per": mask}
    argument = f"dropout_{place}"
    return Place(place, mask, label, color, marker, argument, "RecurrentDropoutLSTM", given)


ROWS = (
    Place("embedding", "sequence", "embedding", "#666666", "h", needs_lstm=False),
    Place("input", "step", "input, per step", "#0072B2", "s", needs_lstm=False),
    Place("input", "sequence", "input, per sequence", "#56B4E9", "D", needs_lstm=False),
    Place("between", "step", "between layers", "#E69F00", "^"),
    Place("between", "sequence", "between layers, per sequence", "#5C4400", "v"),
    Place("output", "sequence", "after the output", "#D55E00", "P"),
    Place("head", "sequence", "head", "#A6761D", "p", needs_lstm=False),
    # The arguments of `keras.layers.LSTM`.
    Place("dropout", "sequence", "dropout", "#009E73", "X", "dropout"),
    Place(
        "recurrent_dropout", "sequence", "recurrent_dropout", "#CC79A7", "<", "recurrent_dropout"
    ),
    # Inside the recurrence: never in a figure with the placements, so told apart from one another
    # and from the arguments of Keras only.
    _inside("h", "step", "#882255", "s"),
    _inside("h", "sequence", "#DD44BB", "D"),
    _inside("g", "step", "#225500", "p"),
    _inside("g", "sequence", "#77BB22", "h"),
    _inside("c", "step", "#DD6644", "^"),
    _inside("c", "sequence", "#DDAA77", "v"),
    Place("zoneout_c", "step", "zoneout c", "#0044CC", "P", "zoneout_c", "ZoneoutLSTM"),
    Place("zoneout_h", "step", "zoneout h", "#44BBFF", ">", "zoneout_h", "ZoneoutLSTM"),
    Place("listing", "step", "zoneout of the listing", "#221100", "8", "zoneout_c", "ListingLSTM"),
    Place("weight_drop", "batch", "weight drop", "#775544", "d", "weight_drop", "WeightDropLSTM"),
    Place("weight_decay", "none", "weight decay", "#0055AA", "h", needs_lstm=False),
)
PLACES = {row.name: row for row in ROWS}


class Look(NamedTuple):
    """How a figure names and draws a scheme that is no single place."""

    label: str
    color: str
    marker: str


LOOKS = {
    "none": Look("no dropout", "#000000", "o"),
    "dropout+recurrent_dropout": Look("both arguments", "#332288", ">"),
    "zoneout_c+zoneout_h": Look("zoneout c and h", "#551199", "*"),
}
SPARE = (("#1B9E77", "*"), ("#7570B3", "d"), ("#888800", "h"), ("#AA4466", "p"))


def look(scheme):
    """The label, colour and marker of a scheme: of a place, of places joined by '+', or any text.

    Examples
    --------
    >>> look("input:sequence").label, look("dropout+recurrent_dropout").label, look("mine").label
    ('input, per sequence', 'both arguments', 'mine')
    """
    if known := LOOKS.get(scheme) or PLACES.get(scheme):
        return Look(known.label, known.color, known.marker)
    return Look(scheme, *SPARE[sum(map(ord, scheme)) % len(SPARE)])


def find_place(place, mask=None):
    """The row of a place with a mask, its usual one unless given; a KeyError if there is none."""
    rows = {row.mask: row for row in ROWS if row.place == place}
    if not rows:
        places = sorted({row.place for row in ROWS})
        raise KeyError(f"arm must be 'none' or use the places {places}, got {place!r}")
    if mask is None:
        return next(iter(rows.values()))
    if mask not in rows:
        raise KeyError(f"the mask of {place!r} must be one of {tuple(rows)}, got {mask!r}")
    return rows[mask]
