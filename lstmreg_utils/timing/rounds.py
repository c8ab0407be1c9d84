"""Paired times: in every round each step runs once, and ratios are taken within a round.

Whatever else the machine does in a round then slows both sides of a ratio.
"""

import time

import numpy as np

WARM_UP = 3


def seconds(step):
    """Wall time of one call."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def time_rounds(steps, rounds, failures=None, tick=lambda: None):
    """Warm up, then time every step once a round, in random order.

    Parameters
    ----------
    steps : dict of str to callable
        Each waits for the device itself.
    rounds : int
    failures : dict, optional
        Where to put the exception of a step that fails, under its name: it is left out from then
        on and the others go on. Not given, the exception is raised.
    tick : callable, optional
        Called after every single step, outside its time.

    Returns
    -------
    dict of str to list of float
        Seconds, an entry a round, of every step that never failed.

    Examples
    --------
    >>> failures = {}
    >>> taken = time_rounds({"one": int, "none": lambda: 1 / 0}, 5, failures)
    >>> {name: len(times) for name, times in taken.items()}, failures
    ({'one': 5}, {'none': ZeroDivisionError('division by zero')})
    """
    rng, taken = np.random.default_rng(0), {name: [] for name in steps}

    def attempt(name, warm):
        try:
            took = seconds(steps[name])
        except Exception as error:
            if failures is None:
                raise
            failures[name] = error
            del taken[name]
        else:
            if warm:
                taken[name].append(took)
        tick()

    for _ in range(WARM_UP):
        for name in [*taken]:
            attempt(name, warm=False)
    for _ in range(rounds):
        for name in rng.permutation([*taken]).tolist():
            attempt(name, warm=True)
    return taken


def quartiles(times, others):
    """Of the ratios within a round: their first quartile, median and third quartile.

    Examples
    --------
    >>> quartiles([1.0, 8.0, 6.0], [1.0, 2.0, 6.0])
    [1.0, 1.0, 2.5]
    """
    return np.quantile(np.divide(times, others), [0.25, 0.5, 0.75]).tolist()


def median(times):
    """In seconds, as a plain number."""
    return float(np.median(times))
