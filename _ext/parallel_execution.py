"""Run the notebooks that have changed side by side, before the pages are read one by one.

Jupyter Book runs one notebook after the other. This puts the outputs into its cache first, with
jupyter-cache's own parallel executor; what fails here is run again there, and reported.
"""

from logging import WARNING, getLogger
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
# What processes say of their own start and end is nobody's news.
QUIET = getLogger("notebooks side by side")
QUIET.setLevel(WARNING)


def setup(app):
    """Connect to Sphinx; named in ``_config.yml`` under ``local_extensions``."""
    app.connect("env-before-read-docs", _execute)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _execute(app, env, names):
    """Run what is about to be read and not in the cache."""
    if app.config.nb_execution_mode != "cache":
        return
    pages = [str(env.doc2path(name)) for name in names]
    pages = {page for page in pages if page.endswith(".ipynb")}
    cache = get_cache(app.config.nb_execution_cache_path)
    # They run in this order. The longest first: one that begins last would run alone at the end.
    for page in sorted(pages, key=lambda page: Path(page).stat().st_size, reverse=True):
        cache.add_nb_to_project(page)
    waiting = {record.uri for record in cache.list_unexecuted()} & pages
    if len(waiting) < 2:
        return  # one at a time is Jupyter Book's own way
    LOGGER.info("running %d notebooks side by side", len(waiting))
    executor = load_executor("local-parallel", cache, logger=QUIET)
    done = executor.run_and_cache(
        filter_uris=sorted(waiting), timeout=app.config.nb_execution_timeout
    )
    for page in done.succeeded:
        LOGGER.info("executed %s", Path(page).name)
