"""A folder as a site, sent as GitHub Pages sends it: compressed, and to be kept for minutes."""

import functools
import gzip
import sys
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

TEXT = {".css", ".html", ".js", ".json", ".svg", ".txt", ".xml"}


@functools.cache
def _compressed(path, changed):
    return gzip.compress(Path(path).read_bytes(), compresslevel=6)


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Silence: a test says what went wrong."""

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file() or path.suffix not in TEXT:
            return super().send_head()
        content = _compressed(str(path), path.stat().st_mtime_ns)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return BytesIO(content)

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A browser that leaves a page hangs up on its files: that is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve(folder):
    """The address, with a slash at its end, at which a folder is served."""
    handler = functools.partial(_Handler, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
