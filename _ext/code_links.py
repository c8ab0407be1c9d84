"""Links both ways: names of the package in code lead to the reference, which says who uses them.

sphinx-codeautolink does this for plain Sphinx. It stops at the untitled sections of
sphinx-exercise, and pages that are written again in an incremental build lose its links.
"""

import ast
import re
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

PACKAGE = "lstmreg_utils"
LANGUAGES = {"ipython3", "ipython", "python", "python3"}
MAGIC = re.compile(r"(?m)^(\s*)[%!].*")
PIECE = re.compile(r"<[^>]*>|&[^;\s]+;|.", re.DOTALL)  # of HTML: a tag, or a character
logger = logging.getLogger(__name__)


def setup(app):
    """Connect to Sphinx; named in ``_config.yml`` under ``local_extensions``."""
    app.connect("doctree-read", _read_code)
    app.connect("env-purge-doc", lambda app, env, page: _uses(env).pop(page, None))
    app.connect("env-updated", _write_again)
    app.connect("doctree-resolved", _say_where_used)
    app.add_node(nodes.literal_block, override=True, html=(_visit_code, None))
    return {"parallel_read_safe": False, "parallel_write_safe": True}


def names_in(source, aliases):
    """The names of the package in a block of code: (line, first column, last column, full name).

    `aliases` says what names of earlier blocks stand for. What this block imports is added to it,
    and what it binds to something else is taken out.
    """
    try:
        tree = ast.parse(MAGIC.sub(r"\1pass", source))
    except SyntaxError:
        return []
    found, inside, lines = [], set(), source.split("\n")

    def note(node, written, full):
        line, start = node.lineno, node.col_offset
        first = len(lines[line - 1].encode()[:start].decode(errors="ignore"))  # Python counts bytes
        if lines[line - 1][first:].startswith(written):  # else inside a string, or over two lines
            found.append((line, first, first + len(written), full))

    placed = [node for node in ast.walk(tree) if hasattr(node, "lineno")]
    for node in sorted(placed, key=lambda node: (node.lineno, node.col_offset, -node.end_lineno)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            for name in node.names:
                aliases[name.asname or name.name] = full = f"{node.module}.{name.name}"
                note(name, name.name, full)
        elif isinstance(node, ast.FunctionDef | ast.arg):
            aliases.pop(node.name if isinstance(node, ast.FunctionDef) else node.arg, None)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            aliases.pop(node.id, None)
        elif isinstance(node, ast.Attribute | ast.Name) and node not in inside:
            written = ast.unparse(node)
            name, *rest = written.split(".")
            if name in aliases and all(part.isidentifier() for part in rest):
                inside.update(ast.walk(node))
                note(node, written, ".".join([aliases[name], *rest]))
    return found


@cache
def home(full, folder):
    """The full name of an object where it is defined, whichever module it was imported from.

    `folder` is that of the package: its files are read and not imported, which would take seconds.
    """
    module, _, name = full.rpartition(".")
    path = folder.joinpath(*module.split(".")[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if module.split(".")[0] != PACKAGE or not file.is_file():
        return full
    within = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        for alias in node.names if isinstance(node, ast.ImportFrom) and node.level else ():
            if (alias.asname or alias.name) == name:
                source = [*within[: len(within) + 1 - node.level], node.module, alias.name]
                there = ".".join(filter(None, source))
                return full if there == full else home(there, folder)
    return full


def linked(html, names):
    """Code as Pygments makes it, with a link for each (line, first column, last column, address).

    Raises
    ------
    ValueError
        There is no name of its own at that place.
    """
    pieces, places, line, column = PIECE.findall(html), {}, 1, 0
    for index, piece in enumerate(pieces):
        if not piece.startswith("<"):
            places[line, column] = index
            line, column = (line + 1, 0) if piece == "\n" else (line, column + 1)
    for line, first, last, address in names:
        start, end = places.get((line, first), 0) - 1, places.get((line, last - 1), 0) + 1
        if not (pieces[start].startswith("<span") and pieces[end] == "</span>"):
            raise ValueError(f"code has no name in line {line}, columns {first} to {last}")
        pieces[start] = f'<a class="code-link" href="{escape(address)}">{pieces[start]}'
        pieces[end] += "</a>"
    return "".join(pieces)


def _home(app, full):
    return home(full, Path(app.srcdir) / PACKAGE)


def _uses(env):
    """For each page the objects that its code names, with the section where each comes first."""
    if not hasattr(env, "code_uses"):
        env.code_uses = {}
    return env.code_uses


def _documented(app):
    """The entries of the reference, by where their objects are defined."""
    entries = app.env.domains["py"].objects.items()
    return {_home(app, name): entry for name, entry in entries if entry.objtype != "module"}


def _read_code(app, doctree):
    aliases, uses, section = {}, {}, ""
    for node in doctree.findall():
        if isinstance(node, nodes.section) and isinstance(node.next_node(), nodes.title):
            section = node["ids"][0]
        elif isinstance(node, nodes.literal_block) and node.get("language") in LANGUAGES:
            found = names_in(node.astext(), aliases)
            node["names"] = [(*place, _home(app, full)) for *place, full in found]
            for *_, full in node["names"]:
                uses.setdefault(full, section)
    _uses(app.env)[app.env.docname] = uses


def _write_again(app, env):
    """The reference if a page's code has changed; every page if the reference has other entries."""
    documented, uses = _documented(app), {page: {**used} for page, used in _uses(env).items()}
    known, env.code_links = getattr(env, "code_links", None), ({*documented}, uses)
    if known == env.code_links:
        return []
    pages = {entry.docname for entry in documented.values()}
    return sorted(pages if known and known[0] == {*documented} else pages | {*uses})


def _say_where_used(app, doctree, docname):
    for entry in doctree.findall(addnodes.desc):
        names = [name for signature in entry.findall(addnodes.desc_signature)
                 for name in signature["ids"]][:1]  # fmt: skip
        full = _home(app, names[0]) if names else None
        said = nodes.paragraph("", "Used in ", classes=["code-uses"])
        for page, uses in sorted(_uses(app.env).items()):
            if full in uses and page != docname:
                address = f"{app.builder.get_relative_uri(docname, page)}#{uses[full]}"
                title = app.env.titles[page].astext()
                said += nodes.reference("", title, refuri=address, internal=True)
                said += nodes.Text(", ")
        if len(said) > 1:
            said[-1] = nodes.Text(".")
            content = next(entry.findall(addnodes.desc_content))
            inner = content.first_child_matching_class(addnodes.desc)
            content.insert(len(content) if inner is None else inner, said)


def _visit_code(translator, node):
    """Sphinx' own HTML of a block, and links in it."""
    builder, documented = translator.builder, _documented(translator.builder.app)
    names = []
    for *place, full in node.get("names", ()):
        if full in documented:
            page, anchor = documented[full].docname, documented[full].node_id
            address = f"{builder.get_relative_uri(builder.current_docname, page)}#{anchor}"
            names.append((*place, address))
    try:
        type(translator).visit_literal_block(translator, node)
    except nodes.SkipNode:
        try:
            translator.body[-1] = linked(translator.body[-1], names)
        except ValueError as error:
            logger.warning("%s", error, location=node)
        raise
