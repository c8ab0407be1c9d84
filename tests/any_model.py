"""Models, data and options that `fit` takes, drawn by hypothesis, and their loss in plain NumPy.

A case is made of plain words and numbers, so that one that fails can be read and made again.
"""

from dataclasses import dataclass

import keras
import numpy as np
from hypothesis import strategies as st
from keras import layers as kl
from keras import ops

from lstmreg_utils import layers as own

BATCH, SHAPES = 4, {"numbers": (5,), "steps": (3, 2), "image": (4, 4, 1), "tokens": (3,)}
CLASSES = 3
CLASS_WEIGHT = {0: 1.0, 1: 9.0, 2: 0.5}

# By name: what it takes in, and how it is made, of a rate and the arguments of its regularizers.
RECURRENT = {
    "LSTM": lambda p, **k: kl.LSTM(3, dropout=p, **k),
    "LSTM, recurrent_dropout": lambda p, **k: kl.LSTM(3, recurrent_dropout=p, **k),
    "GRU": lambda p, **k: kl.GRU(3, recurrent_dropout=p, **k),
    "SimpleRNN": lambda p, **k: kl.SimpleRNN(3, dropout=p, **k),
    "Zoneout": lambda p, **k: own.ZoneoutLSTM(3, zoneout_h=p, **k),
    "RecurrentDropout": lambda p, **k: own.RecurrentDropoutLSTM(3, dropout_g=p, **k),
    "WeightDrop": lambda p, **k: own.WeightDropLSTM(3, weight_drop=p, **k),
}
PLAIN = {
    "numbers": {"Dense": lambda p, **k: kl.Dense(4, "tanh", **k)},
    "steps": {"Conv1D": lambda p, **k: kl.Conv1D(3, 2, **k)},
    "image": {"Conv2D": lambda p, **k: kl.Conv2D(3, 2, **k)},
    "tokens": {},
}
NOISE = {
    "Dropout": kl.Dropout,
    "GaussianNoise": kl.GaussianNoise,
    "GaussianDropout": kl.GaussianDropout,
    "AlphaDropout": kl.AlphaDropout,
    "SpatialDropout1D": kl.SpatialDropout1D,  # of what has steps
}
EMBEDDINGS = {
    "Embedding": lambda p, **k: kl.Embedding(6, 2, **k),
    "EmbeddingDropout": lambda p, **k: own.EmbeddingDropout(6, 2, embedding_dropout=p, **k),
}


class AddsLoss(kl.Layer):
    """Adds a loss of what passes."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, x):
        self.add_loss(ops.mean(ops.square(x)) + 1.0)
        return x


def mine(y, predicted):
    """A loss of one's own, by row."""
    return ops.mean(ops.abs(y - predicted), axis=-1)


def mine_in_one(y, predicted):
    """A loss of one's own that is one number a batch."""
    return ops.mean(ops.square(y - predicted))


def log_softmax(z):
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def sparse(y, logs):
    return -np.take_along_axis(logs, y.reshape(logs.shape[:-1])[..., None].astype(int), -1)[..., 0]


# By name: what is compiled, the last activation, the kind of target, and the losses of rows.
LOSSES = {
    "mse": ("mse", None, "number", lambda y, p: ((y - p) ** 2).mean(-1)),
    "mine": (mine, None, "number", lambda y, p: np.abs(y - p).mean(-1)),
    "mine in one": (mine_in_one, None, "number", lambda y, p: ((y - p) ** 2).mean()),
    "binary": ("binary_crossentropy", "sigmoid", "truth",
               lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(-1)),
    "sparse": ("sparse_categorical_crossentropy", "softmax", "label",
               lambda y, p: sparse(y, np.log(p))),
    "sparse logits": (keras.losses.SparseCategoricalCrossentropy(from_logits=True), None, "label",
                      lambda y, p: sparse(y, log_softmax(p))),
    "one-hot": ("categorical_crossentropy", "softmax", "one-hot",
                lambda y, p: -(y * np.log(p)).sum(-1)),
    "one-hot logits": (keras.losses.CategoricalCrossentropy(from_logits=True), None, "one-hot",
                       lambda y, p: -(y * log_softmax(p)).sum(-1)),
    "sum": (keras.losses.MeanSquaredError(reduction="sum"), None, "number",
            lambda y, p: ((y - p) ** 2).mean(-1)),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A combination; `Case(**words)` makes it again."""

    kind: str  # sequential, functional, subclass
    shape: str
    layers: tuple  # names
    rate: float
    penalties: frozenset  # kernel, activity, add_loss
    normalized: bool
    per_step: bool
    stateful: bool
    masked: bool
    inputs: str  # one, list, dict
    outputs: str
    losses: tuple  # one an output
    weighted: bool  # the losses, in the sum
    metrics: bool
    eager: bool
    form: str  # of the data
    dtype: str
    rows: int
    weight: str  # none, sample, class
    split: str  # validation: none, share, given
    freq: int
    shuffle: bool
    batch_size: int | None
    epochs: tuple  # the first, the last
    learning: bool


FORMS = ("arrays", "arrays, given", "tensors", "frames", "tf.data", "tf.data, shuffled",
         "tf.data, for ever", "tf.data, by parts", "PyDataset", "PyDataset, by parts", "generator",
         "generator, another given")  # fmt: skip
APART = ("none", "given", "given as a list", "given as batches", "generator")


@st.composite
def cases(draw):
    """All that Keras takes together; what it does not, is not drawn."""

    def of(*choices):
        return draw(st.sampled_from(choices))

    kind, shape = of("sequential", "functional", "subclass"), of(*SHAPES)
    cores = {**PLAIN[shape], **(RECURRENT if shape in ("steps", "tokens") else {})}
    recurrent = (core := of(*cores)) in RECURRENT
    several = kind != "sequential"
    per_step = recurrent and of(True, False)
    one_input = shape == "tokens" or not several
    outputs = of("one", "list", "dict") if several else "one"
    kinds = [name for name in LOSSES if not per_step or name in ("mse", "mine", "sparse", "sum")]
    losses = tuple(of(*kinds) for _ in range(1 if outputs == "one" else 2))
    stateful = recurrent and shape == "steps" and kind != "subclass" and of(False, False, True)
    embedding = (of(*EMBEDDINGS),) if shape == "tokens" else ()
    noises = [name for name in NOISE if "1D" not in name or recurrent]
    inputs = "one" if one_input else of("one", "list", "dict")
    simple = (inputs, outputs, shape) in (("one", "one", "numbers"),)
    by_batch = per_step or {*losses} & {"mine in one", "sum"}
    unfit = {"frames": not simple, "tf.data, shuffled": by_batch}
    form = of(*(name for name in FORMS if not unfit.get(name)))
    arrays = form.startswith(("arrays", "tensors", "frames"))
    weights = ["none", "sample"]
    if outputs == "one" and not per_step and LOSSES[losses[0]][2] in ("truth", "label", "one-hot"):
        weights.append("class")
    split = of(*APART, *(["share"] * 2 if arrays and not stateful else []))
    first = of(0, 0, 1)
    dtypes = ("float32", "float64", *(("int32", "bool") if kind != "subclass" else ()))
    in_order = stateful or "parts" in form
    return Case(
        kind, shape, (*embedding, core, *draw(st.lists(st.sampled_from(noises), max_size=2))),
        rate=of(0.0, 0.3), penalties=draw(st.frozensets(st.sampled_from(PENALTIES), max_size=2)),
        normalized=of(False, False, True), per_step=per_step, stateful=stateful,
        masked=shape == "tokens" and of(True, False), inputs=inputs, outputs=outputs,
        losses=losses, weighted=of(False, True), metrics=of(False, True),
        eager=of(*[True] * 9, False), form=form, dtype=of(*dtypes),
        rows=8 if stateful or "for ever" in form else of(8, 10, 12), weight=of(*weights),
        split=split, freq=of(1, 1, 2), shuffle=not in_order and of(True, False),
        batch_size=BATCH if stateful else of(None, 3, BATCH, 64),
        epochs=(first, first + of(1, 1, 2)), learning=of(True, True, False),
    )  # fmt: skip


PENALTIES = ("kernel", "activity", "add_loss")


class Subclass(keras.Model):
    """A model with a `call` of its own."""

    def __init__(self, case, body, heads):
        super().__init__()
        self.case, self.body, self.heads = case, body, heads

    def call(self, x, training=None):
        return joined(self.case, self.body, self.heads, x)


def joined(case, body, heads, x):
    """What comes out of layers, of one input or two."""
    parts = keras.tree.flatten(x)
    x = parts[0] + parts[1] if len(parts) > 1 else parts[0]
    for layer in body:
        x = layer(x)
    return named(case.outputs, [head(x) for head in heads])


def named(how, parts):
    """One, a list, or a dict of them."""
    return {"one": lambda: parts[0], "list": lambda: parts,
            "dict": lambda: dict(zip("ab", parts, strict=True))}[how]()  # fmt: skip


def made(case, seed=0, rate=None):
    """The model of a case, compiled."""
    keras.utils.set_random_seed(seed)
    rate = case.rate if rate is None else rate
    body = []
    for name in case.layers:
        if name in NOISE:
            body.append(NOISE[name](rate, seed=3))
        elif name in EMBEDDINGS:
            body.append(EMBEDDINGS[name](rate, mask_zero=case.masked))
        else:
            rules = {"kernel_regularizer": "l2"} if "kernel" in case.penalties else {}
            rules |= {"activity_regularizer": "l2"} if "activity" in case.penalties else {}
            if name in RECURRENT:
                rules |= {"return_sequences": True, "stateful": case.stateful}
            body.append({**RECURRENT, **PLAIN[case.shape]}[name](rate, **rules))
    body += [AddsLoss()] if "add_loss" in case.penalties else []
    if any(name in RECURRENT for name in case.layers) and not case.per_step:
        body.append(kl.GlobalAveragePooling1D())
    body += [kl.BatchNormalization()] if case.normalized else []
    body += [] if case.per_step else [kl.Flatten()]
    heads = [kl.Dense(units(loss), LOSSES[loss][1], name=name)
             for loss, name in zip(case.losses, "ab", strict=False)]  # fmt: skip
    model = _put_together(case, body, heads)
    losses = [LOSSES[loss][0] for loss in case.losses]
    options = {"loss": named(case.outputs, losses)}
    if case.weighted and len(losses) > 1:
        options["loss_weights"] = named(case.outputs, [0.5, 2.0])
    if case.metrics:
        right = {"number": ["mae"], "one-hot": ["mae"], "truth": ["mae"], "label": ["accuracy"]}
        options["metrics"] = named(case.outputs, [right[LOSSES[loss][2]] for loss in case.losses])
    options |= {"run_eagerly": True} if case.eager else {"jit_compile": False}
    model.compile(keras.optimizers.SGD(0.1 if case.learning else 0.0), **options)
    return model


def units(loss):
    """How many numbers are predicted."""
    return CLASSES if LOSSES[loss][2] in ("label", "one-hot") else 1


def _put_together(case, body, heads):
    if case.kind == "subclass":
        return Subclass(case, body, heads)
    size = {"batch_size": BATCH} if case.stateful else {}
    inputs = [keras.Input(SHAPES[case.shape], name=name, **size)
              for name in "cd"[: 1 if case.inputs == "one" else 2]]  # fmt: skip
    if case.kind == "sequential":
        return keras.Sequential([*inputs, *body, *heads])
    x = {"one": lambda: inputs[0], "list": lambda: inputs,
         "dict": lambda: dict(zip("cd", inputs, strict=True))}[case.inputs]()  # fmt: skip
    return keras.Model(x, joined(case, body, heads, inputs))


def arrays_of(case, rows, seed=1):
    """Inputs, targets and weights of so many rows."""
    rng = np.random.default_rng(seed)

    def x():
        if case.shape == "tokens":
            tokens = rng.integers(1, 6, (rows, 3))
            tokens[:, 2] *= rng.integers(0, 2, rows)  # some end early
            return tokens.astype("int32")
        numbers = rng.normal(size=(rows, *SHAPES[case.shape]))
        return numbers.astype(case.dtype) if case.dtype.startswith("f") else numbers.round() > 0

    def y(loss):
        outer = (rows, 3) if case.per_step else (rows,)
        kind = LOSSES[loss][2]
        if kind == "number":
            return rng.normal(size=(*outer, 1)).astype("float32")
        if kind == "truth":
            return rng.integers(0, 2, (*outer, 1)).astype("float32")
        labels = rng.integers(0, CLASSES, outer)
        return labels if kind == "label" else np.eye(CLASSES, dtype="float32")[labels]

    xs = [x() for _ in range(1 if case.inputs == "one" else 2)]
    if case.dtype == "int32" and case.shape != "tokens":
        xs = [each.astype("int32") for each in xs]
    given = xs[0] if case.inputs == "one" else xs
    given = dict(zip("cd", xs, strict=True)) if case.inputs == "dict" else given
    ys = named(case.outputs, [y(loss) for loss in case.losses])
    weight = None
    if case.weight == "sample":
        sizes = (rows, 3) if case.per_step else rows  # as Keras asks
        weight = named(case.outputs, [rng.random(sizes).astype("float32") for _ in case.losses])
    return given, ys, weight


def taken(data, these):
    """Some rows."""
    return keras.tree.map_structure(lambda a: None if a is None else a[these], data)


def in_batches(data, size):
    """The rows in their order."""
    rows = len(keras.tree.flatten(data[0])[0])
    return [taken(data, slice(at, at + size)) for at in range(0, rows, size)]


def loss_of(case, model, batches):
    """The loss of data by its formula, noise off: no more than a forward pass is Keras'."""
    total = rows = 0
    for layer in model._flatten_layers():
        if getattr(layer, "stateful", False):
            layer.reset_state()
    for x, y, weight in batches:
        outs = keras.tree.flatten(model(keras.tree.map_structure(ops.convert_to_tensor, x),
                                        training=False))  # fmt: skip
        ys, weights = keras.tree.flatten(y), keras.tree.flatten(weight)
        weights = weights if weight is not None else [None] * len(ys)
        scales = [0.5, 2.0] if case.weighted and len(ys) > 1 else [1.0] * len(ys)
        value = 0.0
        for k, loss in enumerate(case.losses):
            out = ops.convert_to_numpy(outs[k]).astype(float)
            by_row = LOSSES[loss][3](ys[k].astype(float), out)
            value += scales[k] * _reduced(case, loss, by_row, x, _weight(case, ys[k], weights[k]))
        size = len(ys[0])
        total, rows = total + size * value, rows + size
    return total / rows


def _weight(case, y, weight):
    if case.weight != "class":
        return weight
    label = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y))
    return np.array([CLASS_WEIGHT[int(k)] for k in label])


def _reduced(case, loss, by_row, x, weight):
    if weight is not None:
        by_row = by_row * weight
    if case.masked and case.per_step:
        mask = x != 0
        return (by_row * mask).sum() / (1 if loss == "sum" else mask.sum())
    return by_row.sum() if loss == "sum" else by_row.mean()
