"""The server of a page: files of a bundle and answers to its questions, to whom the address was given.

It binds to one stated address, and everything lies under a random token: who does not know the whole address gets
nothing. Requests are bounded in size, rate and time, and the server stops by itself when nobody has asked for long.
"""

from __future__ import annotations

import gzip
import secrets
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self

from nasface.demo.bundle import VERSION, Bundle
from nasface.errors import InvalidInput

MOST_BYTES: Final = 1 << 20
"""Of a request's body."""

MOST_A_SECOND: Final = 200
"""Requests that are answered in a second, from all addresses together."""

MOST_AT_ONCE: Final = 32
"""Connections at one time."""

PATIENCE_S: Final = 30.0
"""Of a connection that sends nothing."""

EVERYWHERE: Final = ("0.0.0.0", "::")

KINDS: Final = {
    "css": "text/css",
    "gz": "application/gzip",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript",
    "json": "application/json",
}
"""Media types by suffix."""

HEADERS: Final = {
    # Both together make a page "isolated", which gives it a fine clock.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Address:
    """Where a server listens.

    Attributes:
        host: Address or name of this machine, as the device reaches it; 0.0.0.0 for all of them.
        port: 0 for any that is free.
        tls: Whether it speaks https, with a certificate of its own that browsers warn of.
    """

    host: str = "127.0.0.1"
    port: int = 8017
    tls: bool = False

    def __post_init__(self) -> None:
        if not self.host or not 0 <= self.port < 1 << 16:
            raise InvalidInput(
                f"A page cannot be served at '{self.host}' port {self.port}: give the address of this machine, e.g. "
                "127.0.0.1 or 0.0.0.0, and a port from 0 (any) to 65535."
            )

    @cached_property
    def reached_at(self) -> str:
        """The address to open: for all addresses of this machine, the one that its network knows."""
        return lan_address() if self.host in EVERYWHERE else self.host


@dataclass(frozen=True)
class Request:
    """What a page asks.

    Attributes:
        path: Below the token, without the question mark.
        body: Of a POST; None of a GET.
    """

    path: str
    body: bytes | None


@dataclass(frozen=True)
class Answer:
    """What it is told.

    Attributes:
        content: The body.
        status: Of HTTP.
        kind: Media type.
    """

    content: bytes = b""
    status: int = 200
    kind: str = "application/json"


Connection = socket.socket | tuple[bytes, socket.socket]
"""What the base class hands around."""

Ask = Callable[[Request], Answer | None]
"""Answers what is no file of the bundle; None where it does not know either."""


@dataclass
class PageServer:
    """Serves a bundle while the context is open, in threads of its own.

    Attributes:
        bundle: The page's files.
        address: Where to listen.
        ask: Answers the page's questions, from several threads at once.
        idle_s: Seconds without a request after which it stops.
        token: The secret part of the address.
    """

    bundle: Bundle
    address: Address
    ask: Ask = lambda request: None
    idle_s: float = 1800.0
    token: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            InvalidInput: The address is not this machine's, or the port is taken.
            MissingDependency: https needs a package.
        """
        self._last = time.monotonic()
        self._recent: deque[float] = deque(maxlen=MOST_A_SECOND)
        self._lock = threading.Lock()
        self._packed: dict[str, bytes] = {}
        self._stopped = threading.Event()
        self._http = self._listen()
        threading.Thread(target=self._http.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        """What to open."""
        scheme, host = ("https" if self.address.tls else "http"), self.address.reached_at
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._http.server_address[1]}/{self.token}/"

    @property
    def idle(self) -> bool:
        """Whether nobody has asked for so long that it is time to stop."""
        return time.monotonic() - self._last > self.idle_s

    def wait(self) -> None:
        """Until nobody has asked for `idle_s`."""
        while not self.idle and not self._stopped.wait(0.2):
            pass

    def answer(self, path: str, body: bytes | None) -> Answer:
        """The answer to a request by its path with the token."""
        if not self._in_time():
            return Answer(b"too many requests, wait a second", 429, "text/plain")
        token, _, name = path.lstrip("/").partition("?")[0].partition("/")
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return Answer(b"open the whole address that nasface printed", 404, "text/plain")
        self._last = time.monotonic()
        file = self.bundle.files.get(name or "index.html") if body is None else None
        if file is not None:
            return Answer(file, kind=_kind(name or "index.html"))
        return self.ask(Request(name, body)) or Answer(b"there is nothing here", 404, "text/plain")

    def packed(self, answer: Answer, path: str) -> bytes | None:
        """The answer gzipped, if that helps; files once."""
        if answer.kind == "application/gzip" or len(answer.content) < 1000:
            return None
        if path not in self._packed:
            self._packed[path] = gzip.compress(answer.content, 6, mtime=0)
        return self._packed[path]

    def _in_time(self) -> bool:
        now = time.monotonic()
        with self._lock:
            full = len(self._recent) == MOST_A_SECOND and now - self._recent[0] < 1.0
            if not full:
                self._recent.append(now)
        return not full

    def _listen(self) -> ThreadingHTTPServer:
        host, port = self.address.host, self.address.port
        certificate = None
        if self.address.tls:
            from nasface.demo.certificate import self_signed

            certificate = self_signed(self.address.reached_at)
        try:
            return _Http(self, host, port, certificate)
        except OSError as error:
            raise InvalidInput(
                f"The page cannot be served at {host} port {port} ({error.strerror or error}); give another port, or "
                "port 0 for any that is free, and an address of this machine."
            ) from None


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False  # two servers on one port would take turns

    def __init__(self, pages: PageServer, host: str, port: int, certificate: ssl.SSLContext | None) -> None:
        self.pages, self._certificate = pages, certificate
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def process_request(self, request: Connection, client_address: object) -> None:
        """In a thread of its own, if there is a place."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Connection, client_address: object) -> None:
        """With the handshake in the thread, so that a client that hangs there stops nobody."""
        try:
            if isinstance(request, socket.socket):  # always, of a server for streams
                request.settimeout(PATIENCE_S)
                if self._certificate is not None:
                    request = self._certificate.wrap_socket(request, server_side=True)
            super().process_request_thread(request, client_address)
        except OSError:
            self.shutdown_request(request)
        finally:
            self._places.release()

    def handle_error(self, request: Connection, client_address: object) -> None:
        """A connection that breaks is the client's affair."""


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    server_version = f"nasface/{VERSION}"
    sys_version = ""
    timeout = PATIENCE_S

    def do_GET(self) -> None:
        """A file, or a question."""
        self._send(self.server.pages.answer(self.path, None))

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """A question with a body."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            self.close_connection = True
            self._send(Answer(f"send at most {MOST_BYTES} bytes".encode(), 413, "text/plain"))
            return
        self._send(self.server.pages.answer(self.path, self.rfile.read(int(length))))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: addresses of people's devices are nobody's business."""

    def _send(self, answer: Answer) -> None:
        packed = None
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            packed = self.server.pages.packed(answer, self.path)
        content = answer.content if packed is None else packed
        self.send_response(answer.status)
        headers = {"Content-Type": answer.kind, "Content-Length": str(len(content)), **HEADERS}
        for name, value in (headers | ({} if packed is None else {"Content-Encoding": "gzip"})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def lan_address() -> str:
    """This machine's address in its network, as far as there is one; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation: only the route is looked up
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _kind(name: str) -> str:
    return KINDS.get(name.rpartition(".")[2], "application/octet-stream")
