"""What the build needs beyond Jupyter Book: fresh outputs, its own address, valid scripts."""

import hashlib
import os
import platform
from importlib import metadata
from pathlib import Path

from sphinx.errors import ExtensionError


def setup(app):
    """Connect to Sphinx; named in ``_config.yml`` under ``local_extensions``."""
    app.connect("config-inited", _choose_cache, priority=100)
    app.connect("config-inited", _choose_repository, priority=100)
    app.connect("env-get-outdated", _read_failed_again)
    app.connect("build-finished", _fail_with_the_chapters)
    app.connect("html-page-context", _drop_repeated_scripts, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def state(root):
    """Hash of all that a chapter's outputs depend on, besides the chapter.

    The package with its data and records, the requirements, and the installed versions.
    """
    files = [root / "requirements.txt"]
    files += sorted(
        path
        for path in (root / "lstmreg_utils").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    digest = hashlib.sha256()
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    installed = {f"{dist.name}=={dist.version}" for dist in metadata.distributions()}
    digest.update("\n".join([platform.python_version(), *sorted(installed)]).encode())
    return digest.hexdigest()[:16]


def repository_url(written):
    """The address for the page's buttons: that of the fork that builds it, else the written one.

    ``BOOK_REPOSITORY=me/my-fork`` sets it; GitHub's own runners set ``GITHUB_REPOSITORY``.
    """
    repository = os.environ.get("BOOK_REPOSITORY") or os.environ.get("GITHUB_REPOSITORY")
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    return f"{server}/{repository}" if repository else written


def _choose_cache(app, config):
    """Give each state of the package its own cache of executed notebooks.

    The cache looks at a notebook's cells alone, and would show the outputs of older code. The
    path is part of Sphinx' configuration, so a new one makes it read every page again as well.
    """
    folder = Path(app.outdir).parent / ".jupyter_cache" / state(Path(app.srcdir))
    config.nb_execution_cache_path = str(folder)


def _choose_repository(app, config):
    options = config.html_theme_options
    options["repository_url"] = repository_url(options["repository_url"])


def _failed(env):
    """Pages whose notebook stopped with an error when it was last run."""
    executed = {
        page: data.get("exec_data") for page, data in getattr(env, "nb_metadata", {}).items()
    }
    return [page for page, outcome in executed.items() if outcome and not outcome["succeeded"]]


def _read_failed_again(app, env, added, changed, removed):
    """Or the next build would find such a page unchanged, and pass over it in silence."""
    return [page for page in _failed(env) if page not in removed]


def _fail_with_the_chapters(app, exception):
    """A book with a failed chapter is not built, whether or not warnings are errors."""
    failed = _failed(app.env) if exception is None else []
    if failed:
        raise ExtensionError(
            f"notebooks failed: {', '.join(sorted(failed))}; their tracebacks are in "
            f"{Path(app.outdir) / 'reports'}"
        )


def _drop_repeated_scripts(app, pagename, templatename, context, doctree):
    """Sphinx-thebe declares its constants twice a page, which is an error in the console."""
    scripts = {}
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body")
        scripts.setdefault((getattr(script, "filename", script) or "", body), script)
    context["script_files"] = list(scripts.values())
