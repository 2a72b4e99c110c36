"""The page that only runs models, in Chromium: a phone that sleeps, a connection that stops, another version."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nasface.demo import Address
from nasface.demo.link import PageLink
from nasface.devices.measurements import Sample
from nasface.timing.transports.browser import device_page, time_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

ASLEEP = """() => {
    globalThis.shown = "visible";
    Object.defineProperty(document, "visibilityState", { get: () => shown });
    globalThis.turn = (state) => {
        document.body.dataset.shown = shown = state;
        document.dispatchEvent(new Event("visibilitychange"));
    };
    const now = performance.now.bind(performance);
    globalThis.locks = 0;
    navigator.wakeLock.request = async () => (locks++, { release: async () => {} });
    performance.now = () => { // the first look at the clock belongs to a block that began
        performance.now = now;
        setTimeout(() => turn("hidden"));
        return now();
    };
}"""
"""The next block is one during which the phone goes to sleep."""


@pytest.fixture
def link() -> Iterator[PageLink]:
    with PageLink(device_page(), Address(port=0), "Timing:", 30.0) as link:
        yield link


@pytest.fixture
def page(browser: Browser, link: PageLink) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(link.url)
    yield page
    page.close()


class Asked:
    """A block of runs that the page is asked for, in a thread: the test's own drives the browser."""

    def __init__(self, link: PageLink, model: Path) -> None:
        self.answers: list[Sample] = []
        self._thread = threading.Thread(target=lambda: self.answers.append(time_in(link, model, 3, 1)), daemon=True)
        self._thread.start()

    def answer(self, page: Page) -> Sample:
        for _ in range(300):
            if self.answers:
                return self.answers[0]
            page.wait_for_timeout(50)
        pytest.fail("the page did not answer")


def test_a_block_during_which_the_phone_slept_is_run_again(link: PageLink, page: Page, model: Path) -> None:
    link.about()
    page.evaluate(ASLEEP)
    asked = Asked(link, model)
    page.wait_for_selector("body[data-shown=hidden]")
    page.wait_for_timeout(300)
    assert not asked.answers, "times of a page that was hidden are not told"
    before = page.evaluate("locks")
    page.evaluate("turn('visible')")
    assert asked.answer(page).times_ms
    assert page.evaluate("locks") > before, "the screen is kept on again"


def test_a_connection_that_stops_is_tried_again(link: PageLink, page: Page, model: Path) -> None:
    link.about()
    stopped: list[str] = []

    def once(route: Route) -> None:
        """Loses the model's file the first time."""
        stopped.append(route.request.url)
        route.abort() if len(stopped) == 1 else route.continue_()

    page.route("**/*.tflite.gz", once)
    asked = Asked(link, model)
    page.wait_for_selector("#status:has-text('trying again')")
    assert asked.answer(page).times_ms
    assert len(stopped) == 2
    page.context.set_offline(True)
    asked = Asked(link, model)
    page.wait_for_selector("#status:has-text('trying again')")
    page.context.set_offline(False)
    assert asked.answer(page).times_ms


def test_an_answer_that_is_lost_is_told_again(link: PageLink, page: Page, model: Path) -> None:
    """What was answered is not asked anew: it may be what a person chose."""
    link.about()
    lost, fetched = [], []

    def once(route: Route) -> None:
        lost.append(route.request.post_data)
        route.abort() if len(lost) == 1 else route.continue_()

    page.route("**/answer", once)
    page.on("request", lambda request: fetched.append(request.url) if request.url.endswith("/next") else None)
    asked = Asked(link, model)
    page.wait_for_selector("#status:has-text('trying again')")
    before = len(fetched)
    assert asked.answer(page).times_ms
    assert len(lost) == 2
    assert lost[0] == lost[1], "the same answer"
    assert len(fetched) <= before + 1, "the next question comes after it"


def test_a_page_of_another_version_says_so(browser: Browser, link: PageLink) -> None:
    page = browser.new_page()
    facts: dict[str, Any] = {"version": "0.0.0"}
    page.route("**/demo.json", lambda route: route.fulfill(body=json.dumps(facts)))
    page.goto(link.url)
    page.wait_for_selector("#status.problem:has-text('another version than nasface')")
    page.close()
