"""The command line: ``python -m lstmreg_utils COMMAND``."""

import argparse
import importlib
import os
import sys
import time

PARAMETERS = {
    "seeds": "pairs of networks behind every comparison",
    "epochs": "instead of each study's own number",
    "rates": "how many rates of each sweep",
}
ENGINES = ("auto", "tensorflow", "jax")
ABOUT = "Tools of the book 'Dropout in LSTMs: overfitting or over-regularization?'"
MORE = """In Python: diagnose and compare (is it overfitting or over-regularized?), study (paired
runs), explain_kernel, and the layers of lstmreg_utils.layers. Each has a docstring: help(NAME)."""


def main(arguments=None):
    """Run a command, and return its exit status."""
    parser = argparse.ArgumentParser("python -m lstmreg_utils", description=ABOUT, epilog=MORE)
    commands = parser.add_subparsers(dest="command", title="commands, each with --help")
    told = "which recurrent layers run on the fused kernel, and what costs the others theirs"
    exits = "Exits 1 if one falls off the kernel, 2 if it cannot be told."
    explain = commands.add_parser(
        "explain-kernel", aliases=["explain-cudnn"], help=told, epilog=exits
    )
    explain.add_argument("model", help="a .keras or .h5 file, JSON, or a folder; nothing is run")
    explain.add_argument("--module", help="to import, with layers of your own")
    whose = "whose verdict: a machine with a GPU (default), this one, one without"
    explain.add_argument("--device", choices=("gpu", "auto", "cpu"), default="gpu", help=whose)
    told = "train the networks of a chapter, and execute its page on them"
    exits = "Ctrl-C keeps the blocks that are finished; the same command goes on."
    chapter = commands.add_parser("study", help=told, epilog=exits)
    chapter.add_argument("chapter", help="a number, a name, or a notebook")
    for name, meaning in PARAMETERS.items():
        chapter.add_argument(f"--{name}", type=int, help=meaning)
    chapter.add_argument("--first", type=int, default=0, help="the first of the seeds (default: 0)")
    chapter.add_argument("--output", help="for the executed notebook (CHAPTER.out.ipynb)")
    chapter.add_argument("--workers", type=int, help="blocks at a time (all processors)")
    chapter.add_argument("--scheduler", help="train on a Dask cluster, say tcp://host:8786")
    told, exits = "train recorded runs again, and compare", "Exits 1 if one differs."
    again = commands.add_parser("audit", help=told, epilog=exits)
    again.add_argument("--sample", type=int, default=3, help="how many (default: 3)")
    again.add_argument("--seed", type=int, help="which ones; others each time unless given")
    again.add_argument("--workers", type=int, help="processes (all processors)")
    again.add_argument("--engine", default="auto", choices=ENGINES, help="what trains")
    told = "train studies of the book anew, each into one file, FOLDER/STUDY.study"
    exits = "Ctrl-C keeps the blocks that are finished; the same command goes on."
    record = commands.add_parser("record", help=told, epilog=exits)
    record.add_argument("studies", nargs="+", metavar="STUDY", help="names; 'all' is every one")
    record.add_argument("--folder", required=True, help="for the files, and for runs meanwhile")
    record.add_argument("--seeds", type=int, default=20, help="how many seeds (default: 20)")
    record.add_argument("--first", type=int, default=0, help="the first of them (default: 0)")
    record.add_argument("--engine", default="auto", choices=ENGINES, help="what trains")
    record.add_argument("--workers", type=int, help="processes (all processors, or one card)")
    told = "train a model of yours and its twin without noise, and say what the noise does"
    exits = "Exits 1 if it hurts or a run diverged, 2 if it cannot be told."
    mine = commands.add_parser("diagnose", help=told, epilog=exits)
    mine.add_argument("experiment", metavar="module:function", help="returns what diagnose takes")
    mine.add_argument("--seeds", type=int, help="pairs of networks (default: 5)")
    mine.add_argument("--folder", help="for finished runs: the same command goes on from there")
    mine.add_argument("--json", action="store_true", help="all numbers, for another program")
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    if options.command == "diagnose":
        return diagnose_experiment(options)
    if options.command == "audit":
        return audit_records(options.sample, options.seed, options.workers, options.engine)
    if options.command == "record":
        return record_studies(options)
    if options.command == "study":
        return study_chapter(options)
    return explain_file(options.model, options.device, options.module)


def diagnose_experiment(options):
    """Print what noise does: 0 if none hurts, 1 if one does or a run diverged, 2 if it failed."""
    module, _, function = options.experiment.partition(":")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, os.getcwd())  # where the command is typed, as `python module.py` has it
    from .diagnosis.experiment import diagnose

    given = {name: getattr(options, name) for name in ("seeds", "folder")}
    given = {name: value for name, value in given.items() if value is not None}
    try:
        what = getattr(importlib.import_module(module), function)()
        found = diagnose(**{"progress": not options.json, **what, **given})
    except Exception as error:  # whatever the user's own module raises
        return _refused(f"{options.experiment}: {type(error).__name__}: {error}")
    print(found.to_json() if options.json else found)
    return found.exit_status


def study_chapter(options):
    """Retrain a chapter: 0 if its page came out, 1 if it failed, 2 for no chapter, 130 stopped."""
    from .book.retraining import find_chapter, retrain
    from .lab.executors import connect
    from .lab.store import default_folder

    chosen = {name: getattr(options, name) for name in PARAMETERS}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if options.first:  # other seeds than those on record
        chosen["seeds"] = [*range(options.first, options.first + chosen.get("seeds", 20))]
    try:
        chapter = find_chapter(options.chapter)
    except FileNotFoundError as error:
        return _refused(str(error))
    if options.workers is not None and options.workers < 1:
        return _refused(f"--workers must be at least 1, got {options.workers}")
    output = options.output or f"{chapter.stem}.out.ipynb"
    if os.path.exists(output) and os.path.samefile(output, chapter):
        return _refused(f"--output must be another file than the chapter, got {output}")
    if options.scheduler:
        try:
            connect(options.scheduler).close()
        except (ImportError, OSError, ValueError) as error:
            return _refused(f"--scheduler {options.scheduler}: {_last_line(error)}")
        print(f"trained by the workers of {options.scheduler}")
    print(f"{chapter}: records go to {default_folder()}", flush=True)
    try:
        retrain(chapter, output, options.scheduler, options.workers, **chosen)
    except KeyboardInterrupt:
        print("\nstopped: finished runs are kept, the same command goes on", file=sys.stderr)
        return 130
    except ImportError as error:
        return _refused(f"papermill executes the notebooks: pip install papermill ({error})")
    except Exception as error:  # a cell that failed, whatever it raised
        print(f"{chapter} failed, see {output}: {_last_line(error)}", file=sys.stderr)
        return 1
    print(f"executed: {output}")
    return 0


def _last_line(error):
    """Where an error of a notebook says what it is."""
    return [line for line in str(error).splitlines() if line.strip()][-1].strip()


def record_studies(options):
    """Train studies: 0 if they are packed, 1 if one failed, 2 for a name or number, 130 stopped."""
    from .lab import STUDIES
    from .lab.catalogue import record_study
    from .lab.executors import open_executor

    names = sorted(STUDIES) if options.studies == ["all"] else options.studies
    if unknown := sorted({*names} - {*STUDIES}):
        return _refused(f"STUDY must be of {sorted(STUDIES)} or 'all', got {unknown}")
    for option, least in {"seeds": 1, "first": 0, "workers": 1}.items():
        if (given := getattr(options, option)) is not None and given < least:
            return _refused(f"--{option} must be at least {least}, got {given}")
    how = {
        "seeds": range(options.first, options.first + options.seeds),
        **{name: getattr(options, name) for name in ("folder", "engine", "workers")},
    }
    try:
        with open_executor(workers=options.workers) as (executor, _):  # once for all studies
            for name in names:
                start = time.monotonic()
                made = record_study(name, **how, executor=executor)
                seconds = time.monotonic() - start
                devices = " and ".join(sorted({*(made["engine"] + " on " + made["device"])}))
                rate = f"{60 * len(made) / seconds:.0f} a minute"
                told = f"{name}: {len(made)} networks by {devices}, {seconds:.1f} s, {rate}"
                print(told, flush=True)
    except KeyboardInterrupt:
        print("\nstopped: finished runs are kept, the same command goes on", file=sys.stderr)
        return 130
    except (OSError, RuntimeError, ValueError) as error:
        print(f"{name} failed: {_last_line(error)}", file=sys.stderr)
        return 1
    return 0


def audit_records(sample, seed, workers, engine="auto"):
    """Print what the audit finds: 0 if every run agrees, 1 if one differs, 2 if none was made."""
    from .lab import audit

    try:
        table = audit(sample, seed, workers=workers, engine=engine)
    except (ValueError, RuntimeError) as error:
        return _refused(str(error))
    shown = ["task", "arm", "seed", "other", "early", "limit", "late", "verdict"]
    print(table[shown].to_string(index=False))
    differing = table[table["verdict"] == "differs"]
    for row in differing.itertuples():
        print(f"{row.key} differs\n  recorded with {row.recorded}\n  here with     {row.here}")
    print(f"{len(table) - len(differing)} of {len(table)} agree")
    return 1 if len(differing) else 0


def explain_file(path, device, module=None):
    """Print the report on a saved model: 0 if all is fused, 1 if not, 2 if it cannot be told."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, os.getcwd())  # where the module is, as for `python module.py`
    status = 0
    try:
        from .kernels import explain_kernel
        from .kernels.files import configurations, stand_in

        reports = {
            name: explain_kernel(stand_in(config, module), device=device)
            for name, config in configurations(path).items()
        }
    except Exception as error:  # whatever a damaged file, or a module of the user, raises
        return _refused(f"{path}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
    for name, report in reports.items():
        print(_plain(f"{name}: {report}"))
        off = any(layer.kernel not in ("fused", None) for layer in report.layers)
        status = max(status, 0 if report else 1 if off else 2)
    print("Files do not hold use_cudnn of Keras' own layers: they are judged with 'auto'.")
    return status


def _plain(text):
    """Text of a file as any terminal can print it, without what would steer one."""
    text = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
    return text.encode(sys.stdout.encoding or "ascii", "backslashreplace").decode(
        sys.stdout.encoding or "ascii"
    )


def _refused(line):
    print(line, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
