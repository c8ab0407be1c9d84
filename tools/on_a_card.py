"""The book's studies on a bare machine with a card: Python, JAX, and nothing to download from.

    python tools/on_a_card.py wheels FOLDER                  # where there is a network
    python tools/on_a_card.py run FOLDER OUT [--seconds N]   # on the machine, from this tree
    python tools/on_a_card.py book OUT [--seconds N]         # where the book's requirements are

The first command gathers what Keras and this package need besides NumPy, SciPy and JAX (20 MB, for
--python 3.12 on Linux). The second takes them into an environment of its own, measures how many
networks a minute `study` trains (benchmarks/study_throughput.py --card), has two processes train
the same block and compares them to the last digit, and records studies with 200 seeds, the
shortest first, until the time is over. Everything in OUT is written as it is made: log.txt, and one
file a study. The same command goes on where it was.

The last command runs what the book has on the machine, on each backend that is installed, and
prints one table: times of kernels and layers, what explains them, a study, tests, the chapters, an
audit.
"""

import argparse
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
NEEDED = (
    "keras>=3.9", "absl-py", "rich", "namex", "h5py", "optree", "packaging", "pygments",
    "markdown-it-py", "mdurl", "typing_extensions", "pandas", "python-dateutil", "six", "tzdata",
    "platformdirs", "tqdm",
)  # fmt: skip
SUM_UP = ("study", "tests", "grid", "audit")  # whose last line says what came out
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


def parts_of_the_book(out, quick):
    """What is run: a name, a backend that it needs, and the arguments of Python."""
    short = ["--lengths", "20", "--rounds", "2"] if quick else []
    few = ["--steps", "10", "--rounds", "2", "--no-listing"] if quick else ["--no-listing"]
    tests = ["tests/test_cudnn.py"] if quick else ["tests"]
    grid = ["tests/test_kernel_grid.py"] + (["-k", "inference or missing"] if quick else [])
    trained = ["volume_ensembles", "--seeds", "2"] if quick else ["speakers", "--seeds", "20"]
    on_jax = [f"tests/test_{name}.py" for name in ("layers", "own_models", "embedding_dropout")]
    for backend in ("tensorflow", "jax", "torch"):
        record = ["benchmarks/kernels.py", *short, "--json", out / f"{backend}.json"]
        yield "kernels", backend, record
        yield "layers", backend, ["benchmarks/recurrent_layers.py", *few]
        yield "grid", backend, ["-m", "pytest", "-q", *grid]
        if backend != "torch":
            where = ["--engine", backend, "--folder", out / f"records_{backend}"]
            yield "study", backend, ["-m", "lstmreg_utils", "record", *trained, *where]
    yield "tests", "jax", ["-m", "pytest", "-q", *(on_jax[1:] if quick else on_jax)]
    yield "tests", "tensorflow", ["-m", "pytest", "-q", *tests]
    chapters = sorted((ROOT / "chapters").glob("*.ipynb"))
    for chapter in chapters[:1] if quick else chapters:
        said = ["-m", "papermill", chapter, out / chapter.name, "--cwd", ROOT, "--no-progress-bar"]
        yield chapter.stem, "tensorflow", said
    yield "audit", "tensorflow", ["-m", "lstmreg_utils", "audit", "--sample", "1" if quick else "3"]


def run_the_book(out, seconds, quick):
    """Run every part for which there is a backend and time; the number of those that failed."""
    out, end, rows = Path(out).absolute(), time.monotonic() + seconds, []
    out.mkdir(parents=True, exist_ok=True)
    for name, backend, arguments in parts_of_the_book(out, quick):
        start, verdict = time.monotonic(), f"left out: {backend} is not installed"
        if find_spec(backend) and start > end:
            verdict = "left out: the time is over"
        elif find_spec(backend):
            environment = {
                **os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend,
                "TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            }  # fmt: skip
            try:
                done = subprocess.run(
                    [sys.executable, *map(str, arguments)], cwd=ROOT, env=environment, text=True,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=end - start,
                )  # fmt: skip
                said, verdict = done.stdout, "FAILED" if done.returncode else "done"
            except subprocess.TimeoutExpired as error:
                said, verdict = (error.stdout or b"").decode(), "FAILED: the time was over"
            (out / f"{name}_{backend}.txt").write_text(said, "utf-8")
            told = [line.strip() for line in said.splitlines() if line.strip()]
            if told and name in SUM_UP:
                verdict += f"  {told[-1][:70]}"
        rows.append(f"{name:22} {backend:11} {time.monotonic() - start:6.0f} s  {verdict}")
        print(rows[-1], flush=True)
    (out / "table.txt").write_text("\n".join(rows) + "\n", "utf-8")
    return sum("FAILED" in row for row in rows)


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
    book = commands.add_parser("book", help="run all that the book has, and print one table")
    book.add_argument("out", help="for what each part says")
    book.add_argument("--seconds", type=float, default=3600, help="in all (default: 3600)")
    book.add_argument("--quick", action="store_true", help="a trial: tiny sizes")
    options = parser.parse_args()
    if options.command == "book":
        return min(run_the_book(options.out, options.seconds, options.quick), 1)
    if options.command == "wheels":
        return gather(options.folder, options.python)
    machine = Machine(options.folder, options.out, options.seconds)
    sys.path.insert(0, str(machine.out / "site"))
    studies = options.studies or shortest_first()
    card = not options.no_card
    return measure_and_record(machine, studies, options.seeds, options.workers, card)


if __name__ == "__main__":
    sys.exit(main())
