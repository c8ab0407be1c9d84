"""The book's studies by name: every run behind every number that a chapter prints.

Sizes were chosen with a pilot on seeds 100 to 105, by what the network without noise does: it
must learn the task, and it must memorize the training split. The studies use seeds from 0 on.
"""

from .arms import arm
from .runs import grid

# One LSTM on the speakers, and two: 270 sequences, memorized within 60 epochs.
VOWELS = {"task": "japanese_vowels", "epochs": 60, "batch_size": 30}
# Trading volume: 2400 days, fitted far below the noise within 40 epochs.
VOLUME = {"task": "nyse_volume", "epochs": 40, "batch_size": 60}
# The first article's network and data: 800 sequences to fit, Adam's default rate, 50 epochs.
LISTING = {
    "task": "noise_targets", "units": 32, "head": (32,), "epochs": 50, "batch_size": 32,
    "learning_rate": 0.001,
}  # fmt: skip

# One bit to be kept: learned without noise at every lag within ten epochs.
RECALL = {"task": "lag_recall", "epochs": 30, "batch_size": 50}
LAGS = {"recall_short": (5, 10), "recall_long": (20, 40)}
# Noise inside the recurrence, at equal rates.
INSIDE = ["h", "h:sequence", "g", "g:sequence", "c", "c:sequence", "zoneout_c",
          "zoneout_c+zoneout_h"]  # fmt: skip
# Krueger et al. (2017) keep c often and h seldom.
ZONEOUT = [
    arm("zoneout_c", c) + arm("zoneout_h", h)
    for c in (0, 0.25, 0.5) for h in (0, 0.05, 0.25) if c or h
]  # fmt: skip

# Eight books, 800 verses, an embedding of 256,000 weights: memorized within 10 epochs.
VERSES = {"task": "verses", "units": 64, "epochs": 20, "batch_size": 32}
# Kept for confirmation: the sizes are those of the volume, and no run was made before the
# predictions were written down (lstmreg_utils/claims).
WEATHER = {**VOLUME, "task": "nyc_weather"}

# How the trained networks of chapter 3 are tested with damaged inputs.
PROBES = tuple(("noise", level) for level in (0.25, 0.5, 1.0)) + tuple(
    ("missing", level) for level in (0.1, 0.25, 0.5)
)

# What chapter 7 measures on trained networks.
SAMPLES = (("samples", 1), ("samples", 10), ("samples", 100))
UNITS = (("unit", 1.0), ("unit", 0.5), ("cut", 0.5))

STUDIES = {
    # Chapter 1. The first article's set-up as it stands.
    "noise_listing": (
        {**LISTING, "arms": [arm("dropout", 0.5), arm("dropout+recurrent_dropout", 0.2)]},
    ),
    # The same noise, with a network and a time that suffice to memorize it.
    "noise_memory": (
        {
            **LISTING, "units": 64, "epochs": 200, "batch_size": 30, "learning_rate": 0.003,
            "options": {"n_train": 240, "n_test": 400},
            "arms": [arm("dropout", 0.5), arm("dropout+recurrent_dropout", 0.2)],
        },
    ),
    # A task of the same size whose best possible loss is known, and can be approached.
    "known_floor": (
        {
            "task": "hidden_ar1", "epochs": 60, "batch_size": 32,
            "options": {"n_validation": 500, "n_test": 500},
            "arms": ["dropout", "recurrent_dropout"], "rates": [0.2, 0.5],
        },
    ),
    # Chapter 2.
    "speakers": (
        {
            **VOWELS, "units": 64, "arms": ["dropout", "dropout+recurrent_dropout", "output"],
            "rates": [0.2, 0.5, 0.8],
        },
    ),
    "volume": (
        {**VOLUME, "arms": ["dropout", "recurrent_dropout"], "rates": [0.1, 0.3, 0.6]},
    ),
    # Chapter 3. Four placements of the Dropout layer in the same two-layer network.
    "speakers_placements": (
        {
            **VOWELS, "layers": 2, "probes": PROBES,
            "arms": ["input", "input:sequence", "between", "output"],
            "rates": [0.1, 0.3, 0.5, 0.7, 0.9],
        },
    ),
    "volume_placements": (
        {
            **VOLUME, "layers": 2, "epochs": 30,
            "arms": ["input", "input:sequence", "between", "output"], "rates": [0.1, 0.4, 0.8],
        },
    ),
    # The rates between those, for the rate explorer: a slider needs more than a table.
    "speakers_rates": (
        {
            **VOWELS, "layers": 2, "probes": PROBES,
            "arms": ["input", "input:sequence", "between", "output"],
            "rates": [0.2, 0.4, 0.6, 0.8],
        },
    ),
    "volume_rates": (
        {
            **VOLUME, "layers": 2, "epochs": 30,
            "arms": ["input", "input:sequence", "between", "output"],
            "rates": [0.2, 0.3, 0.5, 0.6, 0.7, 0.9],
        },
    ),
    # The second article's three models at its own sizes and rates.
    "second_article": (
        {**VOWELS, "units": 64, "layers": 2, "arms": [arm("between", 0.3)]},
        {**VOWELS, "units": 64, "arms": [arm("output", 0.4), arm("input", 0.1)]},
    ),
    # Chapter 4. Memory against lag, and how far a gradient reaches after one epoch.
    **{
        name: tuple(
            {
                **RECALL, "options": {"lag": lag, "n_validation": 250, "n_test": 500},
                "arms": INSIDE, "rates": [0.25, 0.5],
            }
            for lag in lags
        )
        for name, lags in LAGS.items()
    },
    "recall_gradients": (
        {
            **RECALL, "options": {"lag": 20}, "epochs": 1, "arms": INSIDE, "rates": [0.5],
            "probes": [("gradient", 0.25), ("gradient", 0.5)],
        },
    ),
    "speakers_inside": (
        {
            **VOWELS, "units": 64, "arms": [name for name in INSIDE if "zoneout" not in name],
            "rates": [0.25, 0.5],
        },
    ),
    # Chapter 5. What regularizes without noise, beside what chapters 2, 3 and 6 have measured.
    "speakers_decay": (
        {**VOWELS, "units": 64, "arms": ["weight_decay"], "rates": [0.1, 0.3, 0.9]},
    ),
    "volume_decay": ({**VOLUME, "arms": ["weight_decay"], "rates": [0.1, 0.3, 0.9]},),
    # Chapter 6. Zoneout's two rates, and the other schemes beside it.
    "speakers_zoneout": ({**VOWELS, "units": 64, "arms": ZONEOUT},),
    "volume_zoneout": ({**VOLUME, "arms": ZONEOUT},),
    "speakers_schemes": (
        {
            **VOWELS, "units": 64, "arms": ["dropout", "recurrent_dropout", "g", "weight_drop"],
            "rates": [0.25, 0.5],
        },
    ),
    "volume_schemes": (
        {
            **VOLUME, "arms": ["dropout", "recurrent_dropout", "g", "weight_drop"],
            "rates": [0.25, 0.5],
        },
    ),
    # Chapter 7. The rate that is best, at two sizes of one data set, trained for as many steps.
    "speakers_sizes": tuple(
        {
            **VOWELS, "units": 64, "epochs": epochs, "options": {"per_speaker": utterances},
            "arms": ["dropout"], "rates": [0.1, 0.3, 0.5, 0.7, 0.9],
        }
        for utterances, epochs in ((10, 180), (30, 60))
    ),
    # Dropout and weight decay, apart and together; early stopping is read from the same runs. Of
    # each the setting with the lowest validation loss at the last epoch in chapters 2 and 5.
    "speakers_factorial": (
        {
            **VOWELS, "units": 64,
            "arms": [
                arm("dropout", 0.2), arm("weight_decay", 0.9),
                arm("dropout", 0.2) + arm("weight_decay", 0.9),
            ],
        },
    ),
    "volume_factorial": (
        {
            **VOLUME,
            "arms": [
                arm("recurrent_dropout", 0.6), arm("weight_decay", 0.9),
                arm("recurrent_dropout", 0.6) + arm("weight_decay", 0.9),
            ],
        },
    ),
    # One pass, the mean of many noisy passes, and ensembles of networks without noise; what a
    # network loses with one unit or with half of them; calibration.
    "speakers_inference": (
        {
            **VOWELS, "units": 64, "probes": (*SAMPLES, *UNITS, ("calibration", 10)),
            "arms": ["dropout", "recurrent_dropout", "dropout+recurrent_dropout", "output"],
            "rates": [0.2, 0.5],
        },
    ),
    "speakers_ensembles": (
        {**VOWELS, "units": 64, "arms": [], "probes": [("ensemble", 5), ("ensemble", 10)]},
    ),
    "volume_inference": (
        {
            **VOLUME, "probes": (*SAMPLES, *UNITS),
            "arms": ["dropout", "recurrent_dropout"], "rates": [0.3],
        },
    ),
    "volume_ensembles": ({**VOLUME, "arms": [], "probes": [("ensemble", 5), ("ensemble", 10)]},),
    # Units of the lower layer, under dropout between the layers.
    "speakers_between_units": (
        {**VOWELS, "layers": 2, "arms": ["between"], "rates": [0.3, 0.5], "probes": UNITS},
    ),
    # No LSTM: a hidden layer over the flattened sequence, with as many weights as the LSTM has.
    "speakers_perceptron": (
        {
            **VOWELS, "layers": 0, "head": (57,), "arms": ["input", "head"],
            "rates": [0.2, 0.5, 0.8],
        },
    ),
    "volume_perceptron": (
        {**VOLUME, "layers": 0, "head": (64,), "arms": ["input", "head"], "rates": [0.2, 0.5, 0.8]},
    ),
    # Gal and Ghahramani's counter-example: recurrent dropout with and without embedding dropout.
    "verses_embedding": (
        {
            **VERSES,
            "arms": [
                arm("embedding", e) + arm("recurrent_dropout", h)
                for e in (0, 0.25, 0.5) for h in (0, 0.25, 0.5) if e or h
            ],
        },
    ),
    "verses_schemes": (
        {**VERSES, "arms": ["dropout", "output"], "rates": [0.25, 0.5]},
        {**VERSES, "arms": ["weight_decay"], "rates": [0.3, 0.9]},
    ),
    # The recipe on data that it was not made from.
    "weather": (
        {
            **WEATHER, "arms": ["dropout", "recurrent_dropout", "g", "weight_drop", "output"],
            "rates": [0.25, 0.5],
        },
        {
            **WEATHER,
            "arms": [
                arm("weight_decay", 0.9), arm("zoneout_c", 0.5) + arm("zoneout_h", 0.05),
                arm("c", 0.5),
            ],
        },
    ),
    # What solutions of exercises train, on record so that a page opens in seconds.
    "recall_exercise": (
        {
            **RECALL, "arms": ["c"], "rates": [0.35, 0.45],
            "options": {"lag": 20, "n_validation": 250, "n_test": 500},
        },
    ),
    "decay_exercise": ({**VOLUME, "arms": ["weight_decay"], "rates": [0.6, 0.95]},),
    "zoneout_exercise": ({**VOLUME, "arms": [arm("zoneout_c", 0.8), arm("zoneout_c", 0.95)]},),
}  # fmt: skip


def named_study(name, seeds=20, epochs=None, rates=None):
    """The runs of one of the book's studies.

    Parameters
    ----------
    name : str
        One of `STUDIES`.
    seeds : int, default=20
        How many seeds. The records that ship hold 20.
    epochs : int, optional
        Fewer or more epochs than the study's own, for a quick look. Such runs have no records.
    rates : int, optional
        How many of the rates of a sweep, taken from its middle, for a quick look as well.

    Returns
    -------
    list of Run

    Raises
    ------
    KeyError
        No study has this name.
    ValueError
        No seeds, epochs below 1, or no rates.

    Examples
    --------
    >>> len(named_study("noise_listing", seeds=2))  # three arms
    6
    """
    if name not in STUDIES:
        raise KeyError(f"study must be one of {sorted(STUDIES)}, got {name!r}")
    runs = []
    for part in STUDIES[name]:
        changed = {} if epochs is None else {"epochs": epochs}
        if rates is not None and "rates" in part:
            changed["rates"] = _middle(part["rates"], rates)
        runs += grid(seeds=seeds, **{**part, **changed})
    return list(dict.fromkeys(runs))


def _middle(values, count):
    """As many values as are wanted, those nearest to the middle, in their order."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"rates must be an integer of at least 1, got {count!r}")
    first = max(0, (len(values) - count) // 2)
    return values[first : first + count]
