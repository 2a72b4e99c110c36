"""A page made of a few lines of Python: it says what a test wants it to say."""

from __future__ import annotations

import gzip
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nasface.demo.bundle import VERSION

Reply = Callable[[dict[str, Any], bytes], dict[str, Any]]
"""From a request and the file that it names to an answer."""


def three(request: dict[str, Any], file: bytes) -> dict[str, Any]:
    """Three batches of as many runs as asked for, or a refusal of what is no model."""
    if file[4:8] != b"TFL3":
        return {"refused": "not a model"}
    return {"times_ms": [1.0, 1.25, 1.5], "batch": request["runs"], "notes": {"clock_step_ms": "0.1"}}


@dataclass
class FakePage:
    """Opens an address in a thread of its own.

    Attributes:
        reply: What it answers.
        device: What it says it is.
        version: Of nasface, that it was loaded from.
        requests: After so many it is closed without an answer.
        said: What it was told: refusals and last words.
        fetched: Names of the files it fetched.
    """

    reply: Reply = three
    device: str = "Toy phone, 8 cores"
    version: str = VERSION
    requests: int = 10**6
    said: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def open(self, url: str) -> None:
        threading.Thread(target=self._work, args=(url,), daemon=True).start()

    def _work(self, url: str) -> None:
        try:
            self._talk(url)
        except (urllib.error.URLError, ConnectionError):
            self.said.append("the computer does not answer")
        self.over.set()

    def _talk(self, url: str) -> None:
        about = {"device": self.device, "runtime": "litert.js wasm in Toy 1"}
        hello = post(url + "hello", {"version": self.version, "about": about})
        if "refused" in hello:
            self.said.append(hello["refused"])
            return
        for _ in range(self.requests):
            request = post(url + "next", {"page": hello["page"]})
            if request["do"] == "end":
                self.said.append(request["words"])
                return
            if request["do"] == "time":
                answer = self.reply(request, self._file(url + request["file"]))
                post(url + "answer", {"page": hello["page"], "number": request["number"], **answer})

    def _file(self, url: str) -> bytes:
        self.fetched.append(Path(url).name)
        with urllib.request.urlopen(url, timeout=20) as answer:
            return gzip.decompress(answer.read())


def post(url: str, message: object) -> dict[str, Any]:
    with urllib.request.urlopen(url, json.dumps(message).encode(), timeout=30) as answer:
        content: dict[str, Any] = json.load(answer)
        return content
