"""What the chapters share: set-up, computed sentences, tables, and the closing claims check."""

import os
import platform
import re
from importlib.util import find_spec

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from ..diagnosis import HELPS, HURTS, REPEATS, UNDECIDED, in_words, interval, repeat_rates
from ..diagnosis.decomposition import WITHHELD
from ..diagnosis.repeats import effect_again
from ..machine import installed_version, processor
from .style import RC

MINIMUM_KERAS = (3, 9)  # 3.4 to 3.8 drop inputs at inference on a GPU (keras-team/keras#20983)
ENOUGH_SEEDS = 20
WORDS_OF_ANSWER = 60
ROLE = re.compile(r"\{[a-z:-]+\}`([^`<]+?)(?: <[^`>]*>)?`")  # {claim}`A4`, {doc}`title <page>`


def setup():
    """Prepare a chapter: figure style, log level, and one line that says what runs here.

    A RuntimeError if Keras is older than 3.9.
    """
    import matplotlib as mpl
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # `study` needs the card as well
    version = installed_version("keras")
    if tuple(int(part) for part in version.split(".")[:2]) < MINIMUM_KERAS:
        raise RuntimeError(
            f"This book needs Keras 3.9 or newer, found {version}: "
            "Keras 3.4 to 3.8 drop inputs at inference on a GPU, which spoils every comparison."
        )
    mpl.rcParams.update(RC)
    set_matplotlib_formats("svg")
    print(
        f"Keras {version}, TensorFlow {installed_version('tensorflow')}, "
        f"Python {platform.python_version()}, {os.cpu_count()} x {processor()}"
    )


def say(text):
    """Show a sentence with computed numbers as Markdown, in the book and on Colab alike.

    Colab knows no roles, such as the links to claims of chapter 8: their text is shown there.
    """
    display(Markdown(text if find_spec("myst_nb") else ROLE.sub(r"\1", text)))


def answer(text):
    """Show what a page answers, in the box of its first screen: a number and 60 words at most.

    Outside the book it is a quotation. A ValueError if the text is longer, or has no number.

    Examples
    --------
    >>> try:
    ...     answer("It depends.")
    ... except ValueError as error:
    ...     print(error)
    text must have a number and at most 60 words, got 2 words: 'It depends.'
    """
    plain = ROLE.sub(r"\1", text)
    count = sum(any(map(str.isalnum, word)) for word in plain.split())
    if count > WORDS_OF_ANSWER or not re.search(r"\d", plain):
        wanted = f"a number and at most {WORDS_OF_ANSWER} words"
        raise ValueError(f"text must have {wanted}, got {count} words: {plain!r}")
    say(f":::{{container}} answer\n{text}\n:::" if find_spec("myst_nb") else f"> {text}")


def number(value, low=None, high=None, digits=3):
    """A number as prose writes it, with its interval if it has one.

    Examples
    --------
    >>> number(-0.0823, -0.1, -0.06)
    '−0.082 (95 % interval −0.100 to −0.060)'
    """
    written = [f"{x:.{digits}f}".replace("-", "−") for x in (value, low, high) if x is not None]
    return written[0] if low is None else "{} (95 % interval {} to {})".format(*written)


def effect(row, value="d_test", digits=3):
    """The effect of a row of `compare`, with its interval, as prose writes it."""
    return number(row[value], row[f"{value}_low"], row[f"{value}_high"], digits)


def words(comparison, arm, at="last"):
    """Effect and cause of an arm as prose writes them, with how often each would come again."""
    return in_words(repeat_rates(comparison, at, [arm]).iloc[0])


def judged(comparison, at="last", arms=None):
    """The rows of `Comparison.effects` in words that a page may use, with the metric's.

    An effect or a cause that less than 95 % of fresh studies would repeat reads 'undecided', and
    an undecided effect has no cause; why none is named is said as it stands. ``words`` says both
    as prose has them; ``effect_repeats`` and ``cause_repeats`` are of what the seeds at hand said.
    Fewer than 20 cannot tell what others would say, and their words stand as they are.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> judged(compare_study("volume"))["words"].iloc[0]
    'helps (100 %), regularization works (100 %)'
    """
    rows = comparison.effects(at, arms)
    again = repeat_rates(comparison, at, arms)[["effect_repeats", "cause_repeats"]]
    enough = rows["n"] >= ENOUGH_SEEDS
    rows = rows.assign(**again.where(enough))
    plain = rows["effect"] + (", " + rows["cause"]).where(rows["cause"] != "", "")
    rows["words"] = rows.apply(in_words, axis=1).where(enough, plain)
    rows["effect"] = rows["effect"].mask(rows["effect_repeats"] < REPEATS, UNDECIDED)
    seldom = (rows["cause_repeats"] < REPEATS) & ~rows["cause"].isin(("", *WITHHELD))
    rows["cause"] = rows["cause"].mask(seldom, UNDECIDED).mask(rows["effect"] == UNDECIDED, "")
    return rows


def compared(comparison, arm, other, at="last"):
    """The test loss of one arm minus another's, and whether it is said to be lower or higher.

    By the rule of effects, and what less than 95 % of fresh studies would repeat is undecided.

    Examples
    --------
    >>> from lstmreg_utils.lab import compare_study
    >>> compared(compare_study("volume"), "recurrent_dropout 0.6", "dropout 0.6")
    '−0.105 (95 % interval −0.123 to −0.087): lower (100 %)'
    """
    values = comparison.paired(arm, at, other=other)
    said, again = effect_again(values, comparison.margin)
    said = {HELPS: "lower", HURTS: "higher"}.get(said, said)
    if len(values) >= ENOUGH_SEEDS:
        said = in_words({"effect": said, "cause": "", "effect_repeats": again})
    return f"{number(*interval(values))}: {said}"


def pick(effects, scheme, rate=None):
    """The row of a scheme, of its several rates the nearest to `rate`; a KeyError without one."""
    rows = effects[effects["scheme"] == scheme]
    if rows.empty:
        raise KeyError(f"scheme must be one of {sorted({*effects['scheme']})}, got {scheme!r}")
    nearest = 0 if rate is None else int(np.argmin(np.abs(rows["rate"].to_numpy() - rate)))
    return rows.iloc[nearest]


def effect_table(effects, digits=3):
    """The effects of `compare` as a table to be read: a row an arm, rate and checkpoint.

    Those of `judged` are shown with the metric, and how often their words come again.
    """

    def cell(row, value, digits):
        mean, low, high = (number(row[value + end], digits=digits) for end in ("", "_low", "_high"))
        return f"{mean} [{low}, {high}]"

    effects = effects.reset_index(drop=True)
    columns = {"arm": effects["arm"], "epoch": effects["at"]}
    columns |= {word: effects[word] for word in ("effect", "cause")}
    for name, value in {"Δtest": "d_test", "Δtrain": "d_train", "Δgap": "d_gap"}.items():
        # A training loss near zero moves by less than a test loss does.
        finer = digits + (name == "Δtrain")
        columns[name] = effects.apply(cell, axis=1, value=value, digits=finer)
    columns["n"] = effects["n"]
    if "effect_repeats" in effects:
        if "d_metric" in effects:
            columns["Δmetric"] = effects.apply(cell, axis=1, value="d_metric", digits=digits)
        again = effects[["effect_repeats", "cause_repeats"]].min(axis=1)
        columns["again"] = again.map("{:.0%}".format).mask(again.isna(), "–")
    narrow = {"font-size": "0.85em", "padding": "0.25em 0.4em"}
    shown = pd.DataFrame(columns)
    return shown.style.hide(axis="index").set_properties(**narrow)


def claims_check(claims, seeds, epochs=None, rates=None):
    """Show what a chapter claims and whether its evidence carries it; fail if it does not.

    Parameters
    ----------
    claims : dict of str to bool
        A sentence of the chapter, and whether the numbers of this run bear it out.
    seeds, epochs, rates
        The chapter's parameters; seeds are how many, or which. With fewer than 20, or a study cut
        short, the outcome is shown but nothing is asserted: the claims were made of whole studies.

    Raises
    ------
    AssertionError
        The whole studies were used, and a claim does not hold.
    """
    outcomes = ["yes" if holds else "no" for holds in claims.values()]
    table = pd.DataFrame({"claim": list(claims), "holds": outcomes})
    display(table.style.hide(axis="index").set_properties(**{"text-align": "left"}))
    count = seeds if isinstance(seeds, int) else len(seeds)
    whole = count >= ENOUGH_SEEDS and epochs is None and rates is None
    failed = [text for text, holds in claims.items() if not holds]
    if not whole:
        say(f"*Not asserted: {count} seeds or shortened studies are no test of these claims.*")
    elif failed:
        raise AssertionError(f"the records do not bear out: {failed}")
