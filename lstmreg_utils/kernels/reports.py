"""What `explain_kernel` answers: true or false, a text for a terminal, a table for a notebook."""

from dataclasses import dataclass, replace
from html import escape
from typing import NamedTuple

MEANING = {
    "fused": "fused kernel", "loop": "loop", "unrolled": "unrolled loop",
    "error": "raises an error", None: "not judged",
}  # fmt: skip
XLA = {True: "yes", False: "no", None: "not judged"}


class Finding(NamedTuple):
    """One thing about a layer that a reader should know."""

    #: 'kernel', 'XLA', 'mask', 'result', 'time', 'note' or 'unjudged', for what is lost (the fused
    #: kernel, compilation by XLA, some masks, right outputs, time, nothing, or a verdict)
    costs: str
    what: str  #: the argument as it stands, such as ``recurrent_dropout=0.3``
    effect: str  #: what follows from it
    remedy: str = ""  #: what to change; empty where there is nothing to change


@dataclass(frozen=True)
class LayerReport:
    """One recurrent layer. A kernel is 'fused', 'loop', 'unrolled', 'error'; None if not judged."""

    path: str  #: names of the layers around it, below the model itself, and its own, joined by /
    kind: str  #: its class
    kernel: str | None = None  #: on the device that was asked for
    on_gpu: str | None = None  #: what it would be on a GPU
    xla: bool | None = None  #: Keras lets XLA compile a model that holds it, on that device
    findings: tuple = ()  #: of `Finding`

    def with_finding(self, finding):
        """The same with one more, unless it is None."""
        return self if finding is None else replace(self, findings=(*self.findings, finding))

    def cells(self):
        """The layer, its kernel and what becomes of XLA, in words."""
        kernel = MEANING[self.kernel]
        if self.kernel != self.on_gpu:
            kernel += f" (on a GPU: {MEANING[self.on_gpu]})"
        return f"{self.path} ({self.kind})", kernel, XLA[self.xla]


@dataclass(frozen=True)
class CudnnReport:
    """True if all is seen, and recurrent layers all run on the fused kernel with right outputs."""

    title: str  #: version, backend and device that the report is about
    layers: tuple = ()  #: of `LayerReport`
    notes: tuple = ()  #: texts on what concerns the whole model, or could not be judged
    whole: bool = True  #: every part of the model could be looked into

    def __bool__(self):
        wrong = any(each.costs == "result" for layer in self.layers for each in layer.findings)
        fused = all(layer.kernel == "fused" for layer in self.layers)
        return bool(self.layers) and self.whole and fused and not wrong

    def rows(self):
        """A row a finding, tuples of str: layer, kernel, XLA, costs, what, effect, remedy.

        A layer without findings has one row, with the last four entries empty.
        """
        none = [("",) * 4]
        return [(*layer.cells(), *each) for layer in self.layers for each in layer.findings or none]

    def summary(self):
        """One line: how many layers are on the fused kernel."""
        if not self.layers:
            seen = "nothing to judge" if self.whole else "but a part of the model is not seen"
            return f"no recurrent layer: {seen}"
        fused = sum(layer.kernel == "fused" for layer in self.layers)
        many = "layer" if len(self.layers) == 1 else "layers"
        told = f"{fused} of {len(self.layers)} recurrent {many} on the fused kernel"
        return told if self.whole else f"{told}, but a part of the model is not seen"

    def __str__(self):
        lines = [self.title]
        for layer in self.layers:
            name, kernel, xla = layer.cells()
            lines.append(f"{name}, kernel: {kernel}, XLA: {xla}")
            for costs, what, effect, remedy in layer.findings:
                lines.append(f"  [{costs}] {what}: {effect}" + (remedy and f" -> {remedy}"))
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes), self.summary()])

    __repr__ = __str__

    def _repr_html_(self):
        """For a notebook: the same, as a table with a row a layer."""
        body = ""
        for layer in self.layers:
            row = "".join(f"<td>{escape(cell)}</td>" for cell in layer.cells())
            told = "<br>".join(
                f"<b>{costs}: {what}</b> {effect}" + (remedy and f" → <i>{remedy}</i>")
                for costs, what, effect, remedy in (map(escape, each) for each in layer.findings)
            )
            body += f"<tr>{row}<td style='text-align:left'>{told}</td></tr>"
        names = ("layer", "kernel", "XLA", "why, and what to change")
        head = "".join(f"<th scope='col'>{name}</th>" for name in names)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        title, summary = escape(self.title), escape(self.summary())
        return f"<p>{title}</p>{table if body else ''}{notes}<p><b>{summary}</b></p>"
