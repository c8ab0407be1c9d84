"""Records without training, for tests of what is done with records."""

from lstmreg_utils.fingerprint import fingerprint


def made_up(run):
    """What `train_record` gives, without training: numbers that tell the runs apart."""
    loss = run["seed"] + 0.1 * len(run["arm"])
    return {
        "run": run,
        "epochs": {name: [loss, loss / 2] for name in ("train", "validation", "test")},
        "probes": {},
        "made": {"fingerprint": fingerprint(run["task"]), "seconds": 0.1},
    }
