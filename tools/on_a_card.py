"""The book's studies on a bare machine with a card: Python, JAX, and nothing to download from.

    python tools/on_a_card.py wheels FOLDER                  # where there is a network
    python tools/on_a_card.py run FOLDER OUT [--seconds N]   # on the machine, from this tree

The first command gathers what Keras and this package need besides NumPy, SciPy and JAX (20 MB, for
--python 3.12 on Linux). The second takes them into an environment of its own, measures how many
networks a minute `study` trains (benchmarks/study_throughput.py --card), has two processes train
the same block and compares them to the last digit, and records studies with 200 seeds, the
shortest first, until the time is over. Everything in OUT is written as it is made: log.txt, and one
file a study. The same command goes on where it was.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
NEEDED = (
    "keras>=3.9", "absl-py", "rich", "namex", "h5py", "optree", "packaging", "pygments",
    "markdown-it-py", "mdurl", "typing_extensions", "pandas", "python-dateutil", "six", "tzdata",
    "platformdirs", "tqdm",
)  # fmt: skip
TWICE = """
import hashlib, sys
from lstmreg_utils import Run, arm
from lstmreg_utils.lab import engines
run = Run("verses", arm=arm("dropout+recurrent_dropout", 0.5), units=64, epochs=3, batch_size=32)
epochs, _, seconds = engines.load_engine("jax").train_block(run, range(int(sys.argv[1])))
print(hashlib.sha256(epochs.tobytes()).hexdigest(), epochs[2, :3, -1].tolist())
"""


def gather(folder, python):
    """Download the wheels."""
    where = ("--only-binary", ":all:", "--python-version", python, "--dest", folder)
    platform = ("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", *where, *platform, *NEEDED]
    subprocess.run(command, check=True)


class Machine:
    """Runs commands with the wheels in the path, and keeps what they say."""

    def __init__(self, wheels, out, seconds):
        self.out, self.end = Path(out).absolute(), time.monotonic() + seconds
        self.out.mkdir(parents=True, exist_ok=True)
        site = self.out / "site"
        if not site.exists():
            names = [name.split(">")[0] for name in NEEDED]
            install = ["--no-index", "--no-deps", "--find-links", wheels, "--target", site, *names]
            subprocess.run([sys.executable, "-m", "pip", "install", "-q", *install], check=True)
        path = os.pathsep.join([str(ROOT), str(site)])
        self.environment = {**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": "jax"}

    @property
    def left(self):
        """Seconds."""
        return self.end - time.monotonic()

    def run(self, *arguments):
        """Run Python until the time is over; what it printed, also added to the log."""
        start, said = time.monotonic(), ""
        try:
            done = subprocess.run(
                [sys.executable, *map(str, arguments)], cwd=ROOT, env=self.environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=max(1, self.left),
            )  # fmt: skip
            said = done.stdout
        except subprocess.TimeoutExpired as error:
            said = (error.stdout or b"").decode() + "\nthe time is over"
        shown = " ".join(map(str, arguments[:4])).replace("\n", " ")[:80]
        entry = f"$ python {shown}  # {time.monotonic() - start:.1f} s\n{said}\n"
        with open(self.out / "log.txt", "a", encoding="utf-8") as log:
            log.write(entry)
        print(entry, flush=True)
        return said


def measure_and_record(machine, studies, seeds, workers, card):
    """Everything, in the order of its worth."""
    sizes = ["--card"] if card else ["--quick", "--sides", "C"]
    machine.run("benchmarks/study_throughput.py", *sizes)
    twice = {machine.run("-c", TWICE, min(seeds, 40)).strip() for _ in range(2)}
    machine.run("-c", f"print('the same block twice, equal to the last digit: {len(twice) == 1}')")
    # Several processes: while one block has the card, others are compiled.
    how = ("--folder", machine.out / "records", "--seeds", seeds, "--engine", "jax")
    machine.run("-m", "lstmreg_utils", "record", *studies, *how, "--workers", workers)


def shortest_first():
    """Names of the studies, by the number of their networks and epochs."""
    sys.path.insert(0, str(ROOT))
    from lstmreg_utils.lab import STUDIES, named_study

    work = {name: sum(run.epochs * run.units for run in named_study(name, 1)) for name in STUDIES}
    return sorted(work, key=work.get)


def main():
    """Gather, or run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    wheels = commands.add_parser("wheels", help="download what the machine lacks")
    wheels.add_argument("folder")
    wheels.add_argument("--python", default="3.12", help="version there (default: 3.12)")
    run = commands.add_parser("run", help="measure and record")
    run.add_argument("folder", help="of the wheels")
    run.add_argument("out", help="for what comes back")
    run.add_argument("--seconds", type=float, default=540, help="in all (default: 540)")
    run.add_argument("--studies", nargs="*", help="which (default: all, the shortest first)")
    run.add_argument("--seeds", type=int, default=200)
    run.add_argument("--workers", type=int, default=4, help="processes that share the card")
    run.add_argument("--no-card", action="store_true", help="a trial without one: tiny sizes")
    options = parser.parse_args()
    if options.command == "wheels":
        return gather(options.folder, options.python)
    machine = Machine(options.folder, options.out, options.seconds)
    sys.path.insert(0, str(machine.out / "site"))
    studies = options.studies or shortest_first()
    card = not options.no_card
    return measure_and_record(machine, studies, options.seeds, options.workers, card)


if __name__ == "__main__":
    sys.exit(main())
