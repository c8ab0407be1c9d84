"""Rules of the second article: whether dropout helps, where it should be, what the gap says."""

import numpy as np

from ..effects import CONFIDENCE, OVER
from .evidence import TWIN, ends, said
from .outcomes import HOLDS, Finding, Part, decided, gains, harms, written
from .rules_cell import EPOCHS
from .rules_first import by_verdict, networks

PERFECT = 0.95
POINT = 0.01  # the margin of an accuracy and of a calibration error
RESAMPLES = 2000
USUAL = (0.1, 0.5)


def judged(evidence):
    """Of each real task the settings of dropout among which validation may choose."""
    return {
        "speakers": evidence.case("speakers"),
        "volume": evidence.case("volume"),
        "verses": evidence.case("verses_schemes", "verses_embedding"),
    }


def dropouts(case):
    """All settings but weight decay."""
    return [setting for setting in case.settings() if setting[0] != "weight_decay"]


def helps(evidence):
    """B1: whether dropout, chosen by validation, gains on every task."""
    parts = []
    for task, case in judged(evidence).items():
        for at, epoch in EPOCHS.items():
            setting = case.chosen(at, dropouts(case))
            found = case.difference(setting, at)
            where = {"task": task, "epoch": epoch, "setting": said(setting)}
            parts.append(Part(where, gains(found, case.margin), found))
    return Finding("Δtest of the setting that validation chooses, a gain", parts)


def memorizes(evidence):
    """B3: whether the network without noise fits its training data and fails on new ones."""
    parts = []
    cases = {"speakers": "speakers", "volume": "volume", "verses": "verses_embedding"}
    for task, name in cases.items():
        case = evidence.case(name)
        metric = ends(case.values(TWIN, "last", "train_metric"))
        gap = ends(case.values(TWIN, "last", "test") - case.values(TWIN, "last", "train"))
        outcome = decided(
            metric[1] > PERFECT and gap[1] > case.margin,
            metric[2] < PERFECT or gap[2] < case.margin,
        )
        parts.append(Part({"task": task}, outcome, metric))
    return Finding("Training accuracy or R² without dropout, near-perfect with a gap", parts)


def low_rate(evidence):
    """B4: whether a rate of 0.2 lowers the loss and raises the accuracy."""
    cases = {"speakers": evidence.case("speakers"), "verses": evidence.case("verses_schemes")}
    parts = []
    for task, case in cases.items():
        for arm in ("dropout", "output"):
            setting = case.near(arm, 0.2)
            for at, epoch in EPOCHS.items():
                where = {"task": task, "setting": said(setting), "epoch": epoch}
                loss = case.difference(setting, at)
                outcome = gains(loss, case.margin)
                parts.append(Part({"measure": "test loss", **where}, outcome, loss))
                accuracy = case.difference(setting, at, column="test_metric")
                outcome = harms(accuracy, POINT)  # more of it is better
                parts.append(Part({"measure": "accuracy", **where}, outcome, accuracy))
    return Finding("Low rates against the twin, better", parts)


def place_or_rate(evidence):
    """B12: whether the place explains as much of Δtest as the rate."""
    cases = {task: evidence.case(f"{task}_placements") for task in ("speakers", "volume")}
    parts = []
    for task, case in cases.items():
        for at, epoch in EPOCHS.items():
            found = share_of_place(effects_by_place(case, at))
            outcome = decided(found[1] > 0, found[2] < 0)
            parts.append(Part({"task": task, "epoch": epoch}, outcome, found))
    return Finding("Share of the variation with the place minus with the rate, not less", parts)


def effects_by_place(case, at):
    """Δtest of every seed, place and usual rate, (seeds, places, rates)."""
    settings = [s for s in case.settings() if s[1] <= USUAL[1]]
    names = list(dict.fromkeys(arm for arm, _ in settings))
    rates = sorted({rate for _, rate in settings})
    twin = case.values(TWIN, at)
    grid = [[case.values((arm, rate), at) - twin for rate in rates] for arm in names]
    return np.moveaxis(np.array(grid), -1, 0)


def share_of_place(effects):
    """Share of the variation of the mean effect with the place minus with the rate, and interval.

    Parameters
    ----------
    effects : ndarray of shape (seeds, places, rates)

    Examples
    --------
    >>> by_place = np.array([[[1.0, 1.0], [0.0, 0.0]]] * 3)
    >>> [float(share) for share in share_of_place(by_place)]
    [1.0, 1.0, 1.0]
    """

    def share(grid):
        centred = grid - grid.mean()
        place = (centred.mean(axis=1) ** 2).sum() * grid.shape[1]
        rate = (centred.mean(axis=0) ** 2).sum() * grid.shape[0]
        return (place - rate) / (centred**2).sum()

    rng = np.random.default_rng(0)
    drawn = rng.integers(len(effects), size=(RESAMPLES, len(effects)))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile([share(effects[d].mean(axis=0)) for d in drawn], [tail, 100 - tail])
    return share(effects.mean(axis=0)), low, high


def output_best(evidence):
    """B14: whether after the output is better than the best rival place."""
    cases = {
        "speakers": (evidence.case("speakers_placements"), ("input", "input:sequence", "between")),
        "volume": (evidence.case("volume_placements"), ("input", "input:sequence", "between")),
        "verses": (evidence.case("verses_schemes"), ("dropout",)),
    }
    parts = []
    for task, (case, rivals) in cases.items():
        for at, epoch in EPOCHS.items():
            rival = case.chosen(at, case.settings(*rivals))
            own = case.chosen(at, case.settings("output"))
            found = case.difference(own, at, rival)
            where = {"task": task, "epoch": epoch, "rival": f"against {said(rival)}"}
            parts.append(Part(where, gains(found, case.margin), found))
    return Finding("Test loss after the output minus the best rival place, better", parts)


def head_protected(evidence):
    """B17: whether dropout after a single LSTM lowers the loss or the overconfidence."""
    case = evidence.case("speakers_inference")
    parts = []
    for setting in case.settings("output"):
        for at, epoch in EPOCHS.items():
            where = {"setting": said(setting), "epoch": epoch}
            loss = case.difference(setting, at)
            outcome = gains(loss, case.margin)
            parts.append(Part({"measure": "test loss", **where}, outcome, loss))
            own, twin = (case.probe(s, "calibration", 10, at) for s in (setting, TWIN))
            error = ends(own - twin)
            outcome = gains(error, POINT)
            parts.append(Part({"measure": "calibration error", **where}, outcome, error))
    return Finding("After the output against the twin, better", parts)


def robust(evidence):
    """B18: whether input dropout makes the loss rise less under damaged inputs."""
    case = evidence.case("speakers_placements")
    parts = []
    for at, epoch in EPOCHS.items():
        setting = case.chosen(at, case.settings("input"))
        for kind, name in (("noise", "added noise"), ("missing", "missing values")):
            rises = [mean_rise(case, s, kind, at) for s in (setting, TWIN)]
            found = ends(rises[0] - rises[1])
            where = {"damage": name, "epoch": epoch, "setting": said(setting)}
            parts.append(Part(where, gains(found, case.margin), found))
    return Finding("Rise of the test loss under damage, arm minus twin, smaller", parts)


def mean_rise(case, setting, kind, at):
    """How much damaged inputs raise the test loss, mean over the levels, by seed."""
    levels = case.probes(kind)["level"].unique()
    damaged = sum(case.probe(setting, kind, level, at) for level in levels) / len(levels)
    return damaged - case.values(setting, at)


def high_rates(evidence):
    """B21: whether the highest rates over-regularize."""
    settings = []
    for task in ("speakers", "volume"):
        case = evidence.case(f"{task}_placements")
        for arm in dict.fromkeys(arm for arm, _ in case.settings()):
            settings.append((f"{task}, two layers", case, case.near(arm, 1)))
    one = evidence.case("speakers")
    for arm in ("dropout", "dropout+recurrent_dropout"):
        settings.append(("speakers, one layer", one, one.near(arm, 1)))
    return by_verdict("Over-regularization at the highest rate", OVER, settings)


def smaller_gap(evidence, studies):
    """B23: whether there is a gain where the gap is smaller than the twin's."""
    parts, seen = [], set()
    for case in networks(evidence, studies):
        layers = case.table["layers"].iloc[0]
        twin = case.values(TWIN, "last", "test") - case.values(TWIN, "last", "train")
        for setting in case.settings():
            own = case.values(setting, "last", "test") - case.values(setting, "last", "train")
            if (case.task, layers, setting) in seen or gains(ends(own - twin)) != HOLDS:
                continue
            seen.add((case.task, layers, setting))
            found = case.difference(setting, "last")
            where = {
                "network": f"{case.name}, {'one layer' if layers == 1 else 'two layers'}",
                "setting": said(setting),
            }
            parts.append(Part(where, gains(found, case.margin), found))
    if not parts:
        return Finding("Gap smaller than the twin's", parts)
    works = sum(part.outcome == HOLDS for part in parts)
    harmful = sum(part.ends[1] > 0 for part in parts)
    worst = max(parts, key=lambda part: part.ends[0])
    more = (
        f"Of {len(parts)} settings with a smaller gap than their twin's {works} gain, and "
        f"{harmful} have a higher test loss; the highest: {worst.label}, Δtest "
        f"{written(worst.ends)}."
    )
    return Finding("", parts, more=more)


def title(evidence):
    """B25: whether the training loss is lower, or the twin's best validation loss is met sooner."""
    parts, told = [], []
    for task, case in judged(evidence).items():
        setting = case.chosen("best", dropouts(case))
        loss = case.difference(setting, "last", column="train")
        where = {"task": task, "setting": said(setting)}
        parts.append(Part({"measure": "training loss", **where}, gains(loss), loss))
        took = ends(epochs_needed(case, setting) - epochs_needed(case, TWIN))
        parts.append(Part({"measure": "epochs needed", **where}, gains(took), took))
        told.append(
            f"{task}, {said(setting)}: training loss {written(loss)}, epochs needed "
            f"{written(took, 1)}"
        )
    return Finding("", parts, more=f"Against the twin, in training: {'; '.join(told)}.")


def epochs_needed(case, setting):
    """Epochs until the validation loss is as low as the twin's lowest; one too many if never."""
    goal = case.values(TWIN, "best", "validation")
    arm, rate = setting
    rows = case.table[(case.table["arm"] == arm) & (case.table["rate"] == rate)]
    rows = rows.drop_duplicates(["seed", "epoch"])
    there = rows[rows["validation"] <= rows["seed"].map(goal)].groupby("seed")["epoch"].min()
    return there.reindex(goal.index).fillna(rows["epoch"].max() + 1)
