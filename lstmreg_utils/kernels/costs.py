"""What a reader types and what a training step then costs, looked up in the recorded times."""

import functools

import pandas as pd

from .time_files import recorded_times

T = 200  # the length that is spoken of, the middle one of the recorded three
# What is typed, and its arms: where the step is compiled, and where it is not.
TYPED = {
    "LSTM()": ("LSTM", "LSTM"),
    "LSTM(dropout=0.3)": ("dropout", "dropout"),
    "WeightDropLSTM(weight_drop=0.3)": ("weight drop", "weight drop"),
    "LSTM(use_cudnn=False)": ("LSTM, no cuDNN, XLA", "LSTM, no cuDNN"),
    "ZoneoutLSTM()": ("zoneout, XLA", "zoneout"),
    "LSTM(recurrent_dropout=0.3, use_cudnn=False)": ("recurrent_dropout, XLA", "recurrent_dropout"),
    "LSTM(recurrent_dropout=0.3)": ("recurrent_dropout, XLA", "recurrent_dropout"),
}
# The one that Keras does not compile on TensorFlow, though it has lost the fused kernel.
NEITHER = "LSTM(recurrent_dropout=0.3)"


def kernel_costs(table=None, T=T):
    """What `fit` costs by default, for what a reader types: a row a case and record.

    On TensorFlow with a card, `fit` compiles every layer that has left the fused kernel but
    ``recurrent_dropout`` without ``use_cudnn=False``; without a card it compiles none. JAX compiles
    every step, and Keras on torch none.

    Parameters
    ----------
    table : pandas.DataFrame, optional
        From `recorded_times` or `tidy`; the package's own records unless given.
    T : int, default=200
        Length of the sequences.

    Returns
    -------
    pandas.DataFrame
        Of `table` the rows that answer, with ``typed``, and ``way``: 'fused kernel', 'compiled
        loop' or 'loop'. Without a row is what was not measured.

    Examples
    --------
    >>> costs = kernel_costs().set_index(["record", "typed"])["ratio"]
    >>> costs["nvidia_h200_tensorflow", "LSTM(recurrent_dropout=0.3)"].round()
    np.float64(27.0)
    """
    table = recorded_times() if table is None else table
    table, rows = table[(table["T"] == T) & table["ratio"].notna()], []
    for record, of_record in table.groupby("record", sort=False):
        arms = of_record.set_index("arm", drop=False)
        for typed, (compiled, plain) in TYPED.items():
            arm = compiled if _compiles(of_record.iloc[0], typed) else plain
            if arm in arms.index:
                rows.append({**arms.loc[arm], "record": record, "typed": typed})
    found = pd.DataFrame(rows, columns=["typed", "way", *table.columns])
    found["way"] = [
        "fused kernel" if row.kernel == "fused"
        else "compiled loop" if row.mode in ("XLA", "jit") else "loop" for row in found.itertuples()
    ]  # fmt: skip
    return found


def _compiles(row, typed):
    backend, on_card = row["backend"].partition(" ")[0], not row["machine"].startswith("CPU")
    return backend == "jax" or (backend == "tensorflow" and on_card and typed != NEITHER)


@functools.cache
def cost_of(arm, backend):
    """The ratio of an arm to the fused kernel on the recorded card, and where it was measured.

    Returns
    -------
    tuple of (float, str) or None
        None where nothing is on record.
    """
    table = recorded_times()
    of_card = ~table["machine"].str.startswith("CPU") & table["backend"].str.startswith(backend)
    found = table[of_card & (table["arm"] == arm) & (table["T"] == T)]
    if not len(found):
        return None
    row = found.iloc[0]
    where = f"{row['machine']}, T = {row['T']}, batch {row['batch']}, {row['units']} units"
    return float(row["ratio"]), where


def price_in_words():
    """What `recurrent_dropout` costs on the recorded card, compiled and not: part of a sentence.

    Examples
    --------
    >>> price_in_words()[:52]
    '`recurrent_dropout` costs 27 times the fused kernel '
    """
    slow, compiled = "recurrent_dropout", "recurrent_dropout, XLA"
    in_fit, cured, on_jax, on_torch = (
        written(cost_of(arm, backend)[0])
        for arm, backend in (
            (slow, "tensorflow"), (compiled, "tensorflow"), (compiled, "jax"), (slow, "torch"),
        )
    )  # fmt: skip
    return (
        f"`recurrent_dropout` costs {in_fit} times the fused kernel in TensorFlow's `fit`, "
        f"{cured} with `use_cudnn=False`, {on_jax} on JAX and {on_torch} on torch"
    )


def written(ratio):
    """A ratio with two digits or three.

    >>> written(3.09), written(104.3)
    ('3.1', '104')
    """
    return f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
