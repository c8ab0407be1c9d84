"""Keep what the book's studies say with other seeds: `python tools/other_seeds.py FOLDER`.

Trains nothing: the folder holds what `python -m lstmreg_utils study 00_the_answer_evidence --first
2000` or `python -m lstmreg_utils record STUDY --first 2000` has left. Writes
lstmreg_utils/records/other_seeds.json. Seeds 0 to 19 and 100 to 105 chose what the book says, and
1000 to 1199 are those of a second implementation.
"""

import argparse
import json
from pathlib import Path

from lstmreg_utils.book.other_seeds import RECORDED, collect

DIGITS = 6


def main():
    """Write the file, and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the records with other seeds")
    parser.add_argument("--first", type=int, default=2000, help="of the seeds (default: 2000)")
    parser.add_argument("--seeds", type=int, default=20, help="how many (default: 20)")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    collected = collect(arguments.folder, seeds)
    lines = [f"{json.dumps(name)}: {_lines(part)}" for name, part in collected.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    print(f"{len(collected['settings']['data'])} settings, {RECORDED}")


def _lines(part):
    """JSON with a row of a table in a line."""
    if isinstance(part, list):
        return json.dumps(part)
    rows = ",\n".join(json.dumps([_short(value) for value in row]) for row in part["data"])
    return f'{{"columns": {json.dumps(part["columns"])}, "data": [\n{rows}\n]}}'


def _short(value):
    """A number as it is kept; what is none, of a single data set, is null."""
    if isinstance(value, float):
        return None if value != value else float(f"{value:.{DIGITS}g}")
    return value


if __name__ == "__main__":
    main()
