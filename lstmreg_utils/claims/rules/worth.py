"""What dropout is worth: against nothing, other networks, other regularizers, and in training."""

from ...diagnosis import TWIN, epochs_needed, share_saved
from ..evidence import at_both_epochs, noises, speakers_and_volume
from ..outcomes import gains, harms
from ..registry import Finding, better, by_difference, by_interval, claim, together
from ..sentences import write


def real_tasks(evidence):
    """Of each real task the arms among which validation may choose."""
    speakers, volume = evidence.study("speakers"), evidence.study("volume")
    verses = evidence.study("verses_schemes", "verses_embedding")
    return {"speakers": speakers, "volume": volume, "verses": verses}


@claim("B1", "Δtest of the setting that validation chooses, better by loss and metric")
def gain_on_real_tasks(evidence):
    """Whether dropout, chosen by validation, gains on every task."""
    for task, comparison, at, epoch in at_both_epochs(real_tasks(evidence)):
        arm = comparison.choose(at, noises(comparison))
        yield better(comparison, arm, at, task=task, epoch=epoch, setting=arm)


@claim("B10", "Relative gain of the LSTM minus that of the perceptron, larger")
def gain_of_recurrent_networks(evidence):
    """Whether the relative gain of an LSTM is larger than that of a perceptron."""
    schemes = {"speakers": ("dropout", "output"), "volume": ("dropout", "recurrent_dropout")}
    perceptrons = speakers_and_volume(evidence, "perceptron")
    for task, lstm, at, epoch in at_both_epochs({task: evidence.study(task) for task in schemes}):
        _, saved = share_saved(lstm, at, lstm.of(*schemes[task]))
        _, saved_without = share_saved(perceptrons[task], at)
        yield by_interval(harms, saved - saved_without, task=task, epoch=epoch)


def factorial(evidence):
    """The studies of dropout and weight decay: dropout, decay, and both."""
    for task, comparison in speakers_and_volume(evidence, "factorial").items():
        [dropout], [decay] = noises(comparison), comparison.of("weight_decay")
        [both] = {*comparison.of()} - {dropout, decay}
        yield task, comparison, dropout, decay, both


@claim("B11", "Test loss without dropout minus with it, both stopped early, harm")
def vitality(evidence):
    """Whether it is harmful to do without dropout, if all else may be used."""
    for task, comparison, dropout, decay, both in factorial(evidence):
        without = comparison.choose("best", [TWIN, decay])
        with_it = comparison.choose("best", [dropout, both])
        yield by_difference(harms, comparison, without, "best", with_it, task=task)


@claim("B24", "Difference of test losses by what is added, a gain")
def additions(evidence):
    """Whether each of three regularizers adds to another."""
    for task, comparison, dropout, decay, both in factorial(evidence):
        minus = comparison.paired
        found = {
            "dropout to early stopping": minus(dropout, "best"),
            "early stopping to dropout": minus(dropout, "best", other=dropout, other_at="last"),
            "dropout to weight decay": minus(both, other=decay),
            "weight decay to dropout": minus(both, other=dropout),
        }
        for what, differences in found.items():
            yield by_interval(gains, differences, comparison.margin, added=what, task=task)


@claim("B25")
def training(evidence):
    """Whether the training loss is lower, and the twin's best validation loss is met sooner."""
    parts, texts = [], []
    for task, comparison in real_tasks(evidence).items():
        arm = comparison.choose("best", noises(comparison))
        where = {"task": task, "setting": arm}
        less = comparison.paired(arm, "last", "train")
        loss = by_interval(gains, less)
        later = epochs_needed(comparison, arm) - epochs_needed(comparison, TWIN)
        epochs = by_interval(gains, later, 1.0)
        parts.append(together(loss, epochs, **where))
        numbers = f"training loss {write(loss.ends)}, epochs needed {write(epochs.ends, 1)}"
        texts.append(f"{task}, {arm}: {numbers}")
    return Finding("", parts, more=f"Against the twin, in training: {'; '.join(texts)}.")
