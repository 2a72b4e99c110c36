"""Any device with a browser: a page that it opens runs the models, in WebAssembly.

The times are those of the page's runtime on one thread, not of an app: a table made of them is another device than one
made natively.
"""

from __future__ import annotations

import gzip
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from nasface.devices.measurements import Sample
from nasface.errors import ExportError, InvalidInput, ModelRefused, TransportError
from nasface.reading import read_bytes
from nasface.registry import register
from nasface.runtimes.tflite import with_shape
from nasface.timing.transports._base import Transport, checked_models, checked_timeout, sent

if TYPE_CHECKING:  # servers and pages are loaded when one is opened
    from nasface.demo import Bundle
    from nasface.demo.link import Message, PageLink

PAGE: Final = "device.html"


@dataclass
class BrowserConfig:
    """Any device that opens a page; nothing is installed there.

    Attributes:
        name: What the transport is called.
        host: Address of this machine; 0.0.0.0 for all that it has, so that devices in its network reach it.
        port: 0 for any that is free.
        tls: Whether over https, with a certificate that this machine makes: gives the page a fine clock.
        timeout: Seconds without a word from the page after which it counts as lost.
    """

    name: str = "browser"
    host: str = "127.0.0.1"
    port: int = 8017
    tls: bool = False
    timeout: float = 600.0


class PageTransport(Transport):
    """Has a page run models that is open already."""

    def __init__(self, link: PageLink | None = None) -> None:
        self._link = link
        self._about: Mapping[str, str] = {} if link is None else link.about()
        self._models: dict[str, Path] = {}

    def describe(self) -> Mapping[str, str]:
        """What the browser says of device and runtime."""
        return self._about

    def send(self, models: Mapping[str, Path]) -> None:
        """Models stay where they are until the page fetches them, each once."""
        self._models |= checked_models(models)

    def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
        """Have the page run a model; several runs together where its clock is coarse."""
        if threads != 1:
            raise InvalidInput(f"transport=browser runs on one thread: give timing.threads=1, not {threads}.")
        if self._link is None:
            raise TransportError("transport=browser is not open; use it in a `with` block.")
        return time_in(self._link, sent(self._models, model), runs, warmup)


@register("transport", "browser", config=BrowserConfig)
class BrowserTransport(PageTransport):
    """Serves the page, waits until a device has opened it, and has it run models; see `BrowserConfig`."""

    def __init__(self, config: BrowserConfig) -> None:
        from nasface.demo import Address

        super().__init__()
        self._address = Address(config.host, config.port, config.tls)
        self._timeout = checked_timeout(config.timeout)

    def __enter__(self) -> Self:
        """Serve the page, say where, and wait for it."""
        from nasface.demo import announce
        from nasface.demo.link import PageLink
        from nasface.terminal import Terminal

        link = PageLink(device_page(), self._address, "nasface times networks on this device.", self._timeout)
        self._link = link.__enter__()
        console = Terminal()
        announce(console, link.url, self._address)
        try:
            self._about = link.about()
        except BaseException as error:
            self.__exit__(type(error), error)
            raise
        console.print(f"{self._about['device']}, {self._about['runtime']}", soft_wrap=True)
        return self

    def __exit__(self, *error: object) -> None:
        if self._link is not None:
            self._link.__exit__(*error)
        self._link, self._models = None, {}


def device_page() -> Bundle:
    """The page that only runs models."""
    from nasface.demo import Bundle
    from nasface.demo.bundle import static_files

    files = static_files()
    return Bundle(files | {"index.html": files[PAGE]})


def time_in(link: PageLink, path: Path, runs: int, warmup: int) -> Sample:
    """Have an open page run a model file.

    Raises:
        ModelRefused: Its runtime does not.
        DeviceLost: It does not answer.
        TransportError: Its answer makes no sense.
    """
    name = f"{hashlib.sha256(read_bytes(path)).hexdigest()}.tflite.gz"
    if name not in link.files:
        try:
            link.files[name] = gzip.compress(with_shape(path), 6, mtime=0)
        except ExportError as error:
            raise ModelRefused(str(error)) from error
    answer = link.ask({"do": "time", "file": name, "runs": runs, "warmup": warmup})
    if "refused" in answer:
        raise ModelRefused(f"The page does not run this model: {str(answer['refused'])[:200].rstrip('.')}.")
    return _sample(answer)


def _sample(answer: Message) -> Sample:
    try:
        times = tuple(float(time) for time in answer["times_ms"])
        batch, notes = int(answer["batch"]), {str(k): str(v) for k, v in answer["notes"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        times, batch, notes = (), 0, {}
    if not times or batch < 1 or not all(math.isfinite(time) and time > 0 for time in times):
        raise TransportError("The page sent times that cannot be; load it anew, and give the same command again.")
    return Sample(times, batch * len(times), notes=notes)
