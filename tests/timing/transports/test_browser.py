"""`transport=browser`: the link to a page, whatever the page does; and the page itself, in Chromium."""

from __future__ import annotations

import math
import threading
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from nasface import demo
from nasface.errors import DeviceLost, InvalidInput, TransportError
from nasface.testing.transports import TransportConformance, write_model
from nasface.timing.journal import Journal
from nasface.timing.protocol import TimingOptions, measure_networks
from nasface.timing.transports import BrowserConfig, BrowserTransport, Transport

from .fake_page import FakePage, post, three

Open = Callable[[str], None]


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> Callable[[Open], list[str]]:
    """`opening(open)`: whoever announces an address has it opened; the addresses so far."""
    urls: list[str] = []

    def install(open_it: Open) -> list[str]:
        monkeypatch.setattr(demo, "announce", lambda console, url, address: (urls.append(url), open_it(url)))
        return urls

    return install


def transport_of(**options: Any) -> BrowserTransport:
    return BrowserTransport(BrowserConfig(**({"port": 0, "timeout": 20.0} | options)))


class TestConformance(TransportConformance):
    @pytest.fixture
    def transport(self, opening: Callable[[Open], list[str]]) -> Transport:
        opening(lambda url: FakePage().open(url))
        return transport_of()


@pytest.mark.slow
class TestConformanceInChromium(TransportConformance):
    @pytest.fixture
    def transport(self, opening: Callable[[Open], list[str]], open_in_chromium: Open) -> Transport:
        opening(open_in_chromium)
        return transport_of()


def test_batches_count_as_the_runs_that_they_stand_for(opening: Callable[[Open], list[str]], tmp_path: Path) -> None:
    opening(FakePage().open)
    model = write_model(tmp_path / "one", 16)
    with transport_of() as transport:
        transport.send({"one": model})
        sample = transport.time("one", runs=10, warmup=1, threads=1)
    assert sample.times_ms == (1.0, 1.25, 1.5)
    assert sample.runs == 30
    assert sample.notes == {"clock_step_ms": "0.1"}


def test_the_page_hears_that_it_is_over(opening: Callable[[Open], list[str]]) -> None:
    page = FakePage()
    opening(page.open)
    with transport_of():
        pass
    assert page.over.wait(10)
    assert page.said == ["This is over; the page may be closed."]


def test_the_page_hears_why_it_was_ended(opening: Callable[[Open], list[str]]) -> None:
    page = FakePage()
    opening(page.open)
    with pytest.raises(InvalidInput), transport_of():
        raise InvalidInput("These times cannot come from one device.")
    assert page.over.wait(10)
    assert page.said == ["This was ended on the computer: These times cannot come from one device."]


def test_a_page_that_was_closed_and_opened_again_goes_on(opening: Callable[[Open], list[str]], tmp_path: Path) -> None:
    """The first page leaves with a request unanswered; the second gets it."""
    urls = opening(FakePage(requests=3).open)
    models = {name: write_model(tmp_path / name, 16) for name in ("one", "two")}
    options = TimingOptions(runs=3, blocks=2, max_blocks=2)
    with transport_of() as transport:
        threading.Timer(1.0, lambda: FakePage().open(urls[0])).start()
        results = measure_networks(transport, models, options, np.random.default_rng(0), Journal(tmp_path / "j.jsonl"))
    assert {name: timed.blocks for name, timed in results.timed.items()} == {"one": 2, "two": 2}


def test_a_page_that_stays_away_is_lost_and_what_was_measured_stays(
    opening: Callable[[Open], list[str]], tmp_path: Path
) -> None:
    opening(FakePage(requests=2).open)
    models = {name: write_model(tmp_path / name, 16) for name in ("one", "two")}
    options = TimingOptions(runs=3, blocks=2, max_blocks=2)
    journal = tmp_path / "j.jsonl"
    with pytest.raises(DeviceLost, match="the same command goes on"), transport_of(timeout=1.0) as transport:
        measure_networks(transport, models, options, np.random.default_rng(0), Journal(journal))
    before = len(journal.read_text().splitlines())
    assert before > 1
    page = FakePage()
    opening(page.open)
    with transport_of() as transport:
        measure_networks(transport, models, options, np.random.default_rng(0), Journal(journal))
    assert len(journal.read_text().splitlines()) == 5  # the heading, and four blocks in all


def test_two_phones_at_once(opening: Callable[[Open], list[str]], tmp_path: Path) -> None:
    """A command each: with an address of its own, into a journal that goes on with no other phone."""

    def slower(request: dict[str, Any], file: bytes) -> dict[str, Any]:
        return three(request, file) | {"times_ms": [10.0, 12.5, 15.0]}

    pages = iter([FakePage(device="Left phone"), FakePage(device="Right phone", reply=slower)])
    urls = opening(lambda url: next(pages).open(url))
    models = {name: write_model(tmp_path / name, 16) for name in ("one", "two")}
    options = TimingOptions(runs=3, blocks=2, max_blocks=2)

    def measured(transport: BrowserTransport) -> dict[str, float]:
        journal = Journal(tmp_path / transport.describe()["device"])
        results = measure_networks(transport, models, options, np.random.default_rng(0), journal)
        return {name: timed.median_ms for name, timed in results.timed.items()}

    with transport_of() as left, transport_of() as right, ThreadPoolExecutor() as pool:
        assert urls[0] != urls[1]
        assert list(pool.map(measured, (left, right))) == [dict.fromkeys(models, ms) for ms in (1.25, 12.5)]
        journal = Journal(tmp_path / "Left phone")
        with pytest.raises(InvalidInput, match="Left phone"):
            measure_networks(right, models, options, np.random.default_rng(0), journal)


def test_a_port_that_another_phone_has_is_said(opening: Callable[[Open], list[str]]) -> None:
    urls = opening(FakePage().open)
    with transport_of():
        port = urlsplit(urls[0]).port
        with pytest.raises(InvalidInput, match=f"port {port} .*port 0 for any that is free"), transport_of(port=port):
            pass


def test_nobody_opens_the_page(opening: Callable[[Open], list[str]]) -> None:
    opening(lambda url: None)
    with pytest.raises(DeviceLost, match="No page was opened"), transport_of(timeout=0.5):
        pass


def test_another_device_and_another_version_are_turned_away(opening: Callable[[Open], list[str]]) -> None:
    urls = opening(FakePage().open)
    with transport_of():
        for page, words in (
            (FakePage(device="Other phone"), "belongs to Toy phone"),
            (FakePage(version="0.0.0"), "another version"),
        ):
            page.open(urls[0])
            assert page.over.wait(10)
            assert words in page.said[0]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"times_ms": [], "batch": 1, "notes": {}},
        {"times_ms": [1.0, -1.0], "batch": 1, "notes": {}},
        {"times_ms": [1.0], "batch": 0, "notes": {}},
        {"times_ms": [1.0], "batch": 1, "notes": []},
        {"times_ms": "1", "batch": None},
    ],
)
def test_times_that_cannot_be(opening: Callable[[Open], list[str]], tmp_path: Path, answer: dict[str, object]) -> None:
    opening(FakePage(reply=lambda request, file: answer).open)
    model = write_model(tmp_path / "one", 16)
    with transport_of() as transport:
        transport.send({"one": model})
        with pytest.raises(TransportError, match="cannot be"):
            transport.time("one", runs=3, warmup=0, threads=1)


@pytest.mark.parametrize(
    "message", [[], {}, {"page": 1}, {"version": None, "about": 3}, "hello", {"number": 1}, {"number": math.nan}]
)
@pytest.mark.parametrize("path", ["hello", "next", "answer"])
def test_what_is_no_message_changes_nothing(opening: Callable[[Open], list[str]], path: str, message: object) -> None:
    page = FakePage()
    urls = opening(page.open)
    with transport_of() as transport:
        with suppress(urllib.error.HTTPError):
            post(urls[0] + path, message)
        assert transport.describe()["device"] == "Toy phone, 8 cores"
    assert page.over.wait(10)
    assert page.said == ["This is over; the page may be closed."]


def test_threads_are_not_to_be_had(opening: Callable[[Open], list[str]], tmp_path: Path) -> None:
    opening(FakePage().open)
    with transport_of() as transport, pytest.raises(InvalidInput, match=r"timing\.threads=1"):
        transport.time("one", runs=3, warmup=0, threads=2)
