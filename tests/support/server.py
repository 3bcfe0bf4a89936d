"""A small HTTP server on loopback, for downloads."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Serves `content` under the path of `url`; what else it does is in `fault`: "404", "500" or "truncate"."""

    def __init__(self, content: bytes, name: str) -> None:
        self.content = content
        self.fault = ""
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                if self.path != f"/{name}" or outer.fault == "500":
                    self.send_error(500 if outer.fault == "500" else 404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(outer.content)))
                self.end_headers()
                end = len(outer.content) // 2 if outer.fault == "truncate" else None
                self.wfile.write(outer.content[:end])

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/{name}"
        self.sha256 = hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def serving(content: bytes, name: str) -> Iterator[Server]:
    """A server that runs until the block ends. NO_PROXY must name 127.0.0.1."""
    made = Server(content, name)
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.http.shutdown()
        thread.join()
        made.http.server_close()
