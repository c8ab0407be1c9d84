"""The check that every task makes of its options."""

import numbers


def check_integers(least=1, most=None, **values):
    """Raise a ValueError that names the first of `values` which is no integer of the range.

    NumPy integers are welcome, True and False are not.
    """
    allowed = f"of at least {least}" if most is None else f"of {least} to {most}"
    for name, value in values.items():
        integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if not integer or value < least or (most is not None and value > most):
            raise ValueError(f"{name} must be an integer {allowed}, got {value!r}")
