"""The sessions of the noxfile, read without nox."""

import ast
from pathlib import Path

NOXFILE = Path(__file__).resolve().parent.parent / "noxfile.py"


def sessions(text):
    """The sessions of a noxfile by name, each with its Python, or None."""
    found = {}
    for function in ast.parse(text).body:
        for decorator in getattr(function, "decorator_list", ()):
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "nox.session":
                given = {keyword.arg: keyword.value for keyword in decorator.keywords}
                name, python = (
                    given[key].value if key in given else None for key in ("name", "python")
                )
                found[name or function.name] = python
    return found


SESSIONS = sessions(NOXFILE.read_text("utf-8"))
