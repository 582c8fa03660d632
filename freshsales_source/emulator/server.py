"""The emulator on a socket: HTTP/1.1 with keep-alive, one thread a connection, nothing but the standard
library.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, TypeAlias

from freshsales_source.emulator.faults import ConnectionDropped

Head: TypeAlias = tuple[str, list[tuple[str, str]]]


class Served(Protocol):
    """What is served: an object with a WSGI callable, in practice an `Emulator`."""

    @property
    def wsgi(self) -> Callable[..., Any]:
        """The WSGI callable."""
        ...


class RunningServer:
    """A server in a background thread; closes as a context manager too."""

    def __init__(self, server: ThreadingHTTPServer, thread: threading.Thread) -> None:
        self._server = server
        self._thread = thread

    @property
    def url(self) -> str:
        """The address, such as "http://127.0.0.1:8900"."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def close(self) -> None:
        """Stop serving and free the port; open connections end with their current request."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self) -> None:
        """Return when the server has been closed (by another thread or a signal handler)."""
        self._thread.join()

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(emulator: Served, port: int = 0, *, host: str = "127.0.0.1") -> RunningServer:
    """Serve an emulator on a port of this machine (0: any free one) until `close`.

    Raises OSError when the port is taken.
    """

    class Handler(_Handler):
        app = staticmethod(emulator.wsgi)

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(
        target=server.serve_forever, args=(0.05,), name="freshsales-emulator", daemon=True
    )
    thread.start()
    return RunningServer(server, thread)


class _Handler(BaseHTTPRequestHandler):
    app: Callable[..., Any]
    protocol_version = "HTTP/1.1"
    # Head and body leave in separate writes; with Nagle's algorithm each answer would wait 40 ms.
    disable_nagle_algorithm = True
    timeout = 120

    def _answer(self) -> None:
        heads: list[Head] = []
        try:
            chunks = self.app(
                self._environ(), lambda status, headers, error=None: heads.append((status, headers))
            )
            body = b"".join(chunks)
        except ConnectionDropped:
            self.close_connection = True
            return
        status, headers = heads[0]
        code, _, phrase = status.partition(" ")
        # Not send_response: it would add a Date of its own.
        self.send_response_only(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if len(body) < int(dict(headers)["Content-Length"]):
            self.close_connection = True

    def _environ(self) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(length),
            "wsgi.input": io.BytesIO(self.rfile.read(length)),
        }
        for name, value in self.headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, _format: str, /, *args: object) -> None:
        """Stay silent: the emulator keeps a log of its own."""
