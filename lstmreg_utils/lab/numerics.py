"""The number of the code that computes the records: raised when a run's numbers change.

`tests/golden.json` holds the numbers of some tiny runs, and `pytest -m golden` trains them again.
Where a change of code moves them, the records of the book are no longer what this code computes:
raise `NUMERICS`, record the golden runs anew (`python tools/golden.py --all`), and train the
studies again (`python tools/record.py`). A record of another number is never shown as current.
"""

NUMERICS = 1
