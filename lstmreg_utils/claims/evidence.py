"""What a rule is given: the studies of the book, opened when it asks for them, and only once."""

from ..diagnosis import comparisons
from ..lab import PLACES, compare_study, named_study, study

EPOCHS = {"last": "last epoch", "best": "best epoch"}


class Evidence:
    """The studies of the book, all at the sizes that `lstmreg_utils.lab.compare_study` takes."""

    def __init__(self, seeds=20, epochs=None, rates=None, recorded=True):
        self._sizes = {"seeds": seeds, "epochs": epochs, "rates": rates}
        self._recorded = recorded
        self._opened = {}

    def study(self, *names, **options):
        """One network on one task, from one study or several: see `compare_study`."""
        asked = names, tuple(options.items())
        if asked not in self._opened:
            sizes = {**self._sizes, "recorded": self._recorded}
            self._opened[asked] = compare_study(*names, **sizes, **options)
        return self._opened[asked]

    def networks(self, *names):
        """Every network on every task of some studies, a `Comparison` each."""
        runs = [run for name in names for run in named_study(name, **self._sizes)]
        return comparisons(study(runs, recorded=self._recorded))


def speakers_and_volume(evidence, *kinds):
    """The studies of some kinds, such as 'placements', on each of the two tasks."""
    tasks = "speakers", "volume"
    return {task: evidence.study(*(f"{task}_{kind}" for kind in kinds)) for task in tasks}


def at_both_epochs(comparisons):
    """Each of some comparisons twice: its name, itself, the checkpoint, and what that is called."""
    for name, comparison in comparisons.items():
        for at, epoch in EPOCHS.items():
            yield name, comparison, at, epoch


def looks(arms, task="task", arm="setting"):
    """Each (task, comparison, arm) twice: where that is, comparison, arm, and the checkpoint."""
    for name, comparison, label in arms:
        for at, epoch in EPOCHS.items():
            yield {task: name, arm: label, "epoch": epoch}, comparison, label, at


def places_of(scheme):
    """The places of a scheme, which joins them by '+'."""
    return [PLACES[name] for name in scheme.split("+")]


def noises(comparison):
    """All arms but those with weight decay, which is no noise."""
    schemes = comparison.arms["scheme"].items()
    return [arm for arm, scheme in schemes if PLACES["weight_decay"] not in places_of(scheme)]
