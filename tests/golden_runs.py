"""Small runs that between them use every task, place, mask and probe: see test_golden.py.

Two or three epochs of a few batches, so that the rounding of another processor stays small; what
takes time is to compile them, so a run has more than one purpose. None needs to learn anything.
A task or a place that is in no run which is written here gets one by itself.
"""

from lstmreg_utils import Run, arm, load_task
from lstmreg_utils.lab import PLACES
from lstmreg_utils.tasks import TASKS

SIZES = {"n_train": 24, "n_validation": 16, "n_test": 24}
UNEQUAL = arm("h", 0.1) + arm("g", 0.2) + arm("c", 0.3)  # rates that show which is which
HELD = arm("h:sequence", 0.1) + arm("g:sequence", 0.2) + arm("c:sequence", 0.3)


def tiny(task, noises=(), options=None, **changed):
    """Three batches an epoch, at the learning rate that a run has by itself."""
    fields = {"units": 4, "epochs": 2, "batch_size": 8}
    return Run(task, arm=noises, options={**SIZES, **(options or {})}, **{**fields, **changed})


def ar1(noises=(), options=None, **changed):
    return tiny("hidden_ar1", noises, {"steps": 5, **(options or {})}, **changed)


def verses(noises=(), **changed):
    """Words, padded and masked."""
    return tiny("verses", noises, {"steps": 16, "vocabulary": 60}, **changed)


def vowels(noises=(), **changed):
    """Utterances, padded and masked; 18 train, and the other splits are as long as ever."""
    fields = {"units": 3, "epochs": 2, "batch_size": 9}
    return Run("japanese_vowels", arm=noises, options={"per_speaker": 2}, **{**fields, **changed})


WRITTEN = {
    "twin": ar1(),
    # Gradients come near the epsilon of Adam, which else hides the scale of a loss.
    "tiny values": ar1(options={"q": 1e-4, "s": 1e-4}),
    "weight decay": ar1(arm("weight_decay", 0.5)),
    # Noise around the LSTMs.
    "input, between": ar1(arm("input", 0.2) + arm("between", 0.4), layers=2),
    "input, between:sequence": ar1(
        arm("input:sequence", 0.2) + arm("between:sequence", 0.4), layers=2
    ),
    "output of noise_targets": tiny(
        "noise_targets", arm("output", 0.3), {"steps": 4, "features": 3, "outputs": 2}
    ),
    "head of lag_recall": tiny("lag_recall", arm("head", 0.3), {"lag": 4}, head=(5, 3)),
    "embedding of verses": verses(arm("embedding", 0.3)),
    "perceptron of japanese_vowels": vowels(
        arm("input", 0.2) + arm("head", 0.3), layers=0, head=(6,), probes=[("unit", 1.0)]
    ),
    # Noise inside.
    "dropout of nyse_volume": tiny("nyse_volume", arm("dropout", 0.3), {"lags": 5}),
    "recurrent_dropout of japanese_vowels": vowels(
        arm("dropout", 0.2) + arm("recurrent_dropout", 0.4)
    ),
    "h, g, c": ar1(UNEQUAL),
    "h, g, c:sequence": ar1(HELD),
    "zoneout": ar1(arm("zoneout_c", 0.4) + arm("zoneout_h", 0.1)),
    "zoneout of verses": verses(arm("zoneout_h", 0.3)),  # a layer of our own meets padding
    "weight_drop of nyc_weather": tiny(
        "nyc_weather", arm("weight_drop", 0.3), {"lags": 5, "ahead": 2}
    ),
    # The best epoch is neither the last nor the one of the lowest test loss: a test says so.
    "probes of values": ar1(
        arm("output", 0.3),
        head=(3,),
        seed=64,
        epochs=3,
        learning_rate=0.05,
        probes=[
            ("noise", 0.5), ("missing", 0.5), ("gradient", 0.5), ("samples", 3), ("ensemble", 2),
            ("unit", 0.5), ("cut", 0.5),
        ],
    ),
    "probes of classes": verses(
        arm("output", 0.3), probes=[("samples", 2), ("ensemble", 2), ("calibration", 5)]
    ),
}  # fmt: skip


def of_task(name):
    """Three batches an epoch, of the task as it is: without noise, since it may be held out."""
    third = max(1, len(load_task(name).train) // 3)
    return Run(name, units=4, epochs=2, batch_size=third)


def of_place(place):
    """A network that has every place: one between two LSTMs, a head, and an embedding if asked."""
    data = verses if place.place == "embedding" else ar1
    return data(arm(place.name, 0.3), layers=2, head=(3,))


def completed(written):
    """The runs that are written, and one for each task and each place that none of them has."""
    tasks = {run.task for run in written.values()}
    places = {(noise.place, noise.mask) for run in written.values() for noise in run.arm}
    return {
        **written,
        **{f"twin of {name}": of_task(name) for name in TASKS if name not in tasks},
        **{
            f"{name} alone": of_place(place)
            for name, place in PLACES.items()
            if (place.place, place.mask) not in places
        },
    }


RUNS = completed(WRITTEN)
