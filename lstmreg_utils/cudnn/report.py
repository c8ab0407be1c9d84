"""What `explain_cudnn` answers: true or false, a text for a terminal, a table for a notebook."""

from dataclasses import dataclass
from html import escape

MEANING = {
    "fused": "fused kernel",
    "loop": "loop",
    "unrolled": "unrolled loop",
    "error": "raises an error",
    None: "not judged",
}
XLA = {True: "yes", False: "no", None: "not judged"}


@dataclass(frozen=True)
class LayerReport:
    """One recurrent layer.

    Parameters
    ----------
    path : str
        The names of the layers around it, below the model itself, and its own, joined by ``/``.
    kind : str
        Its class.
    kernel : {'fused', 'loop', 'unrolled', 'error', None}
        On the device that was asked for; None where it cannot be judged.
    on_gpu : {'fused', 'loop', 'unrolled', 'error', None}
        What it would be on a GPU.
    xla : bool or None
        Whether Keras lets XLA compile a model that holds this layer, on that device.
    findings : tuple of Finding
    """

    path: str
    kind: str
    kernel: str | None
    on_gpu: str | None
    xla: bool | None
    findings: tuple = ()


@dataclass(frozen=True)
class CudnnReport:
    """True if there are recurrent layers and all of them run on the fused kernel.

    Parameters
    ----------
    title : str
        Version, backend and device that the report is about.
    layers : tuple of LayerReport
    notes : tuple of str
        What concerns the whole model, or could not be judged.
    """

    title: str
    layers: tuple = ()
    notes: tuple = ()

    def __bool__(self):
        return bool(self.layers) and all(layer.kernel == "fused" for layer in self.layers)

    def rows(self):
        """One row a layer and finding: layer, kernel, XLA, costs, what, effect, remedy.

        Returns
        -------
        list of tuple of str
            A layer without findings has one row, with the last four entries empty.
        """
        return [
            (
                f"{layer.path} ({layer.kind})",
                self._kernel(layer),
                XLA[layer.xla],
                *finding,
            )
            for layer in self.layers
            for finding in layer.findings or (("",) * 4,)
        ]

    def summary(self):
        """One line: how many layers are on the fused kernel."""
        if not self.layers:
            return "no recurrent layer: nothing to judge"
        fused = sum(layer.kernel == "fused" for layer in self.layers)
        many = "layer" if len(self.layers) == 1 else "layers"
        return f"{fused} of {len(self.layers)} recurrent {many} on the fused kernel"

    def __str__(self):
        lines = [self.title]
        for layer in self.layers:
            kernel = f"kernel: {self._kernel(layer)}, XLA: {XLA[layer.xla]}"
            lines.append(f"{layer.path} ({layer.kind}), {kernel}")
            for finding in layer.findings:
                remedy = f" -> {finding.remedy}" if finding.remedy else ""
                lines.append(f"  [{finding.costs}] {finding.what}: {finding.effect}{remedy}")
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join([*lines, self.summary()])

    __repr__ = __str__

    def _repr_html_(self):
        """For a notebook: the same, as a table with a row a layer."""
        body = []
        for layer in self.layers:
            findings = "<br>".join(
                f"<b>{escape(finding.costs)}: {escape(finding.what)}</b> {escape(finding.effect)}"
                + (f" → <i>{escape(finding.remedy)}</i>" if finding.remedy else "")
                for finding in layer.findings
            )
            cells = (f"{layer.path} ({layer.kind})", self._kernel(layer), XLA[layer.xla])
            row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            body.append(f"<tr>{row}<td style='text-align:left'>{findings}</td></tr>")
        names = ("layer", "kernel", "XLA", "why, and what to change")
        head = "".join(f"<th scope='col'>{name}</th>" for name in names)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        title = f"<p>{escape(self.title)}</p>"
        return f"{title}{table if body else ''}{notes}<p><b>{escape(self.summary())}</b></p>"

    @staticmethod
    def _kernel(layer):
        here = MEANING[layer.kernel]
        if layer.kernel == layer.on_gpu:
            return here
        return f"{here} (on a GPU: {MEANING[layer.on_gpu]})"
