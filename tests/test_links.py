"""The weekly check of links finds what is gone, and passes over what the configuration excepts."""

import functools
import re
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = (ROOT / "_config.yml").read_text("utf-8")
IGNORED = yaml.safe_load(CONFIGURATION)["sphinx"]["config"]["linkcheck_ignore"]
# Not asked for, or the test would fail where there is no network.
EXCEPTED = "https://stackoverflow.com/questions/1"


@pytest.fixture
def address(tmp_path):
    """A web site of one page."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "there.html").write_text("there", "utf-8")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=site)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def check(folder, links):
    """Check a book of one page, with the configuration of this one."""
    folder.mkdir()
    shutil.copy(ROOT / "_config.yml", folder)
    for name in ("_ext", "_static", "vendor"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("requirements.txt", "chapters/references.bib"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "_toc.yml").write_text("{format: jb-book, root: page}\n", "utf-8")
    (folder / "page.md").write_text("# Page\n\n" + "\n".join(links) + "\n", "utf-8")
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", ".", "--builder", "linkcheck"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.rare
def test_a_link_that_leads_nowhere_fails_the_check_and_is_named(address, tmp_path):
    good = [f"<{address}/there.html>", f"<{EXCEPTED}>"]
    code, log = check(tmp_path / "good", good)
    assert code == 0, log
    code, log = check(tmp_path / "bad", [*good, f"<{address}/gone.html>"])
    assert code != 0
    assert re.search(r"broken.*/gone\.html", log)


@pytest.mark.parametrize("ignored", IGNORED)
def test_an_exception_has_a_reason_and_is_of_use(ignored):
    lines = [line.strip() for line in CONFIGURATION.splitlines()]
    [line] = [line for line in lines if line.startswith(f"- {ignored}")]
    assert len(line.partition(" # ")[2]) > 10, "no reason"
    pages = [path for path in (ROOT / "chapters").iterdir() if path.is_file()]
    written = "\n".join(path.read_text("utf-8") for path in pages)
    dois = re.findall(r"doi *= *\{(.+)\}", written)  # in the list of references they are links
    addresses = written + "".join(f"\nhttps://doi.org/{doi}" for doi in dois)
    assert re.search(ignored, addresses), "no page names such an address"
