"""What Keras did differently about cuDNN and dropout, release by release."""

import re
from typing import NamedTuple

import keras


class Behaviour(NamedTuple):
    """What holds from one release to another, both included; None where it has no end.

    ``argument`` is what of a layer it concerns: a report on a layer that has it says so. ``faulty``
    marks releases whose results on a GPU cannot be trusted.
    """

    first: tuple
    last: tuple | None
    what: str
    source: str
    argument: str = ""
    faulty: bool = False


LISTED_STATE = (3, 11, 2)  # the last whose GRU gives back its state as a list

BEHAVIOURS = (
    Behaviour(
        (3, 0), (3, 1),
        "recurrent_dropout takes the rate of dropout, and dropout loses the fused kernel",
        "keras-team/keras#19395",
    ),
    Behaviour(
        (3, 2), (3, 3),
        "dropout loses the fused kernel in training",
        "keras-team/keras#19644",
    ),
    Behaviour(
        (3, 4), (3, 8),
        "dropout drops inputs at inference too, on the fused kernel: predict and evaluate on a "
        "GPU are noisy",
        "keras-team/keras#20983",
        faulty=True,
    ),
    Behaviour(
        (3, 8), None,
        "with recurrent_dropout each gate has masks of its own, of the input as well",
        "keras-team/keras#20656",
        "recurrent_dropout",
    ),
    Behaviour(
        (3, 8), None,
        "implementation=1 with dropout crashes in training",
        "measured; no report known",
    ),
    Behaviour(
        (3, 9), LISTED_STATE,
        "GRU(return_state=True) raises an error on the fused kernel",
        "keras-team/keras#20173",
    ),
    Behaviour(
        (3, 3), (3, 11),
        "a layer inside Bidirectional forgets the use_cudnn that it was given",
        "keras-team/keras#21534",
        "Bidirectional",
    ),
)  # fmt: skip


def release(version=None):
    """The three numbers of a version of Keras, the installed one by default.

    Examples
    --------
    >>> release("3.15.1")
    (3, 15, 1)
    """
    parts = (keras.__version__ if version is None else version).split(".")[:3]
    # "1rc0" counts as 1.
    return tuple(int(re.match(r"\d+", part)[0]) for part in parts)


def behaviours(version=None):
    """What is on record of a release, as a list of `Behaviour`.

    Examples
    --------
    >>> any(behaviour.faulty for behaviour in behaviours("3.5.0"))
    True
    """
    now = release(version)
    return [
        behaviour
        for behaviour in BEHAVIOURS
        if behaviour.first <= now
        and (behaviour.last is None or now[: len(behaviour.last)] <= behaviour.last)
    ]


def refusal(version=None):
    """Why no verdict about a GPU is given on this release, or None where one is.

    Examples
    --------
    >>> refusal("3.9.0") is None
    True
    """
    version = keras.__version__ if version is None else version
    for behaviour in behaviours(version):
        if behaviour.faulty:
            return (
                f"Keras {version}: {behaviour.what} ({behaviour.source}). No verdict for a GPU; "
                "use Keras 3.9 or later."
            )
    return None
