"""Train the book's studies and pack their records into the package: `python tools/record.py`.

Runs that the local folder of records already holds are not trained again, so the command can be
stopped and resumed. Takes about 3 hours on two cores from nothing.
"""

import argparse
import time
from pathlib import Path

from lstmreg_utils.lab import STUDIES
from lstmreg_utils.lab.catalogue import record_study
from lstmreg_utils.lab.store import default_folder, shipped_folder


def main():
    """Train what is missing, then write one file a study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", default=sorted(STUDIES), help="all unless named")
    parser.add_argument("--folder", type=Path, default=default_folder(), help="for new records")
    parser.add_argument("--engine", default="tensorflow", help="what trains (default: TensorFlow)")
    parser.add_argument("--workers", type=int, help="processes (all processors)")
    arguments = parser.parse_args()
    for name in arguments.studies:
        start = time.monotonic()
        how = {"target": shipped_folder(), "workers": arguments.workers, "engine": arguments.engine}
        made = record_study(name, arguments.folder, **how)
        print(f"{name}: {len(made)} records, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":  # worker processes import this file anew
    main()
