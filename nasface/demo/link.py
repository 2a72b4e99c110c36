"""The link to an open page: Python asks, the page answers, one question at a time.

The page polls: it says hello, then asks for the next request again and again, and posts an answer to each. A page that
is closed and opened again, or a phone that slept, gets the request that is still open once more. A link belongs to the
first device that says hello; other devices are turned away.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from nasface.demo.bundle import VERSION, Bundle
from nasface.demo.server import Address, Answer, PageServer, Request
from nasface.errors import DeviceLost, NasfaceError
from nasface.reading import json_object, parse_json
from nasface.runs import Json

POLL_S: Final = 15.0
"""How long a page waits for the next request before it asks again."""

GOODBYE_S: Final = 3.0
"""How long the end waits for the page to hear of it."""

MOST_TEXT: Final = 200
"""Characters of what a page says of its device, per field."""

Message = Mapping[str, Any]
"""What came as JSON from a page; whoever reads it checks it."""


class PageLink:
    """A served page and what it says.

    Args:
        bundle: The page.
        address: Where it is served.
        purpose: What the page shows of the work, e.g. the table's name.
        patience: Seconds without a word from the page after which the device counts as lost.

    Attributes:
        files: What the page may fetch besides the bundle's, gzipped, by name.
    """

    def __init__(self, bundle: Bundle, address: Address, purpose: str, patience: float) -> None:
        self.files: dict[str, bytes] = {}
        self._server = PageServer(bundle, address, self._answer, float("inf"))
        self._purpose, self._patience = purpose, patience
        self._changed = threading.Condition()
        self._page = ""
        self._about: dict[str, str] = {}
        self._seen = time.monotonic()
        self._number = 0
        self._request: dict[str, Json] | None = None
        self._reply: Message | None = None
        self._ended = ""
        self._told = threading.Event()

    def __enter__(self) -> Self:
        self._server.__enter__()
        self._seen = time.monotonic()
        return self

    def __exit__(self, kind: object = None, error: object = None, _trace: object = None) -> None:
        """Tell the page, with the reason where it is one for people, and stop serving it."""
        why = f": {error}" if isinstance(error, NasfaceError) else "."
        self.end("This is over; the page may be closed." if kind is None else f"This was ended on the computer{why}")
        self._server.__exit__()

    @property
    def url(self) -> str:
        """What to open."""
        return self._server.url

    def end(self, words: str) -> None:
        """Let the page say its last words."""
        with self._changed:
            self._ended = words
            self._changed.notify_all()
        if self._page:
            self._told.wait(GOODBYE_S)

    def about(self) -> Mapping[str, str]:
        """What the page says of its device, as soon as one is open.

        Raises:
            DeviceLost: None was opened.
        """
        with self._changed:
            self._wait(lambda: bool(self._about), "No page was opened")
            return dict(self._about)

    def ask(self, request: Mapping[str, Json]) -> Message:
        """The page's answer.

        Raises:
            DeviceLost: The page has been silent for too long.
        """
        with self._changed:
            self._number += 1
            self._request, self._reply = {"number": self._number, **request}, None
            self._seen = time.monotonic()
            self._changed.notify_all()
            self._wait(lambda: self._reply is not None, "The page has not answered")
            return self._reply or {}

    def _wait(self, done: Callable[[], bool], words: str) -> None:
        while not done():
            left = self._seen + self._patience - time.monotonic()
            if left <= 0:
                raise DeviceLost(
                    f"{words} for {self._patience:g} s: keep it in front and the screen on; what was measured stays, "
                    "the same command goes on."
                )
            self._changed.wait(min(left, 1.0))

    def _answer(self, request: Request) -> Answer | None:
        """For the server, in one of its threads."""
        if request.body is None:
            return None if (file := self.files.get(request.path)) is None else Answer(file, kind="application/gzip")
        try:
            message = json_object(parse_json(request.body))
            handler = {"hello": self._hello, "next": self._next, "answer": self._take}[request.path]
            return Answer(json.dumps(handler(message)).encode())
        except (ValueError, KeyError, TypeError, AttributeError):
            return Answer(b"this is not the language of the page", 400, "text/plain")

    def _hello(self, message: Message) -> dict[str, Json]:
        """A page introduces itself."""
        if message["version"] != VERSION:
            return {"refused": f"The page is of another version than nasface {VERSION} on the computer: load it anew."}
        about = {str(key)[:MOST_TEXT]: str(value)[:MOST_TEXT] for key, value in message["about"].items()}
        if not (about.get("device") and about.get("runtime")):
            raise ValueError("a page that does not say what it runs on")
        with self._changed:
            if self._about and any(self._about[key] != about[key] for key in ("device", "runtime")):
                known = f"{self._about['device']}, {self._about['runtime']}"
                return {"refused": f"This address belongs to {known}; every device needs a command of its own."}
            self._about, self._page = about, secrets.token_hex(8)
            self._heard()
            return {"page": self._page, "purpose": self._purpose}

    def _next(self, message: Message) -> dict[str, Json]:
        """What to do next, as soon as there is something."""
        end = time.monotonic() + POLL_S
        with self._changed:
            while message["page"] == self._page:
                self._heard()
                if self._ended:
                    self._told.set()
                    return {"do": "end", "words": self._ended}
                if self._request is not None and self._reply is None:
                    return self._request
                if (left := end - time.monotonic()) <= 0:
                    return {"do": "wait"}
                self._changed.wait(min(left, 1.0))
        return {"do": "end", "words": "This device goes on in another window."}

    def _take(self, message: Message) -> dict[str, Json]:
        """An answer; late ones, and those of windows that were left, are passed over."""
        with self._changed:
            if message["page"] == self._page and self._request and message["number"] == self._request["number"]:
                self._reply = message
                self._heard()
        return {}

    def _heard(self) -> None:
        self._seen = time.monotonic()
        self._changed.notify_all()
