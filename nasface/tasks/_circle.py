"""`task=demo device=browser`: what opens the page is measured, and gets a network under a budget that is set there."""

from __future__ import annotations

import gzip
import time
from dataclasses import replace
from typing import Final, NamedTuple

from nasface.costs import LATENCY, sum_of_rows
from nasface.demo import Address, DemoModel, announce, demo_bundle
from nasface.demo.bundle import CAVEAT
from nasface.demo.link import Message, PageLink
from nasface.devices import device_name, find_lut, read_lut
from nasface.errors import DeviceLost, InvalidInput, TransportError
from nasface.jobs import Outcome, Run
from nasface.recognition.detectors.yunet import FILE as DETECTOR
from nasface.runs import Json
from nasface.settings import Bound, Settings
from nasface.strategies.constraints import notes
from nasface.tasks import calibrate_device, search
from nasface.tasks.following import following
from nasface.timing.transports import PageTransport

DEVICE: Final = "browser"
"""What `device=` calls whatever opens the page."""

SUGGESTED: Final = 0.6
"""Budget that the page proposes, relative to EfficientNet-B0."""

SLACK: Final = 1.02
"""The least budget relative to the fastest network."""


class Found(NamedTuple):
    """A network that was handed over.

    Attributes:
        genes: As in accuracy tables.
        budget_ms: What the page asked for.
        predicted_ms: By the table (estimated).
        measured_ms: Median in the page.
        fastest_ms: What 5 % of the runs stayed below there.
        seconds: Since the page was announced.
    """

    genes: str
    budget_ms: float
    predicted_ms: float
    measured_ms: float
    fastest_ms: float
    seconds: float


class Range(NamedTuple):
    """What a budget may be, in milliseconds."""

    least: float
    most: float
    suggested: float
    reference: float


def circle(run: Run, address: Address) -> Outcome:
    """Measure the device, then search as often as its page asks; ends when it is silent for `demo.minutes`."""
    if run.settings.exporter["name"] != "tflite":
        raise InvalidInput("task=demo device=browser hands over .tflite files: leave exporter=tflite.")
    found: list[Found] = []
    bundle, patience = demo_bundle([], DETECTOR, CAVEAT), 60 * run.settings.demo.minutes
    with PageLink(bundle, address, "Timing this device:", patience) as link:
        announce(run.console, link.url, address)
        name = _measured(run, link)
        started = time.perf_counter()
        try:
            _hand_over(run, link, name, started, found)
        except (KeyboardInterrupt, DeviceLost):
            if not found:
                raise
    networks: list[Json] = [entry.genes for entry in found]
    times: dict[str, Json] = {"found": [entry._asdict() for entry in found]}
    goes_on = following(run, "search", {"device": name})
    return Outcome({"device": name, "networks": networks}, times, next=goes_on)


def _measured(run: Run, link: PageLink) -> str:
    """The name of the device's latency table, made from a few networks that the page times."""
    about = link.about()
    name = str(run.settings.lut.name or device_name(f"{about['device']} {about['runtime']}"))
    settings = replace(run.settings, lut=replace(run.settings.lut, name=name, runtime=about["runtime"]))
    calibrate_device.measure(Run(settings, run.folder / "measured", run.cwd), PageTransport(link))
    return name


def _hand_over(run: Run, link: PageLink, name: str, started: float, found: list[Found]) -> None:
    """Budgets from the page, networks to it, until it is closed."""
    first = Run(_within(run.settings, name, None), run.folder, run.cwd)
    task = search.prepare(first)
    ranker, judged = search.learn(first, task)
    limits = _range(task, name)
    while True:
        bound = _budget(link.ask({"do": "budget", **limits._asdict()}), limits)
        number = len(found) + 1
        member = Run(_within(run.settings, name, bound), run.folder / f"found_{number}", run.cwd)
        bounds = task.bench.within(member.settings.constraints)
        own = replace(task, constraints=bounds, notes=tuple(notes(bounds)))
        best = search.find(member, own, ranker, judged, started).facts.result.best
        model = DemoModel.read(member.folder / "model.tflite", f"within {bound:.1f} ms")
        file, predicted = f"found_{number}.tflite.gz", float(task.bench.devices[0].latency.predict(best[None])[0])
        link.files[file] = gzip.compress(model.content, 6, mtime=0)
        answer = link.ask({"do": "take", "model": model.to_dict(file) | {"latency_ms": predicted}})
        median, fast = (_milliseconds(answer, key) for key in ("median_ms", "fast_ms"))
        genes = task.bench.space.to_text(best)
        found.append(Found(genes, bound, predicted, median, fast, time.perf_counter() - started))
        run.console.print(
            f"the page has its network: predicted {predicted:.1f} ms (estimated), there {median:.1f} ms, fastest "
            f"{fast:.1f} ms; it may ask for another budget, Ctrl-C ends",
            soft_wrap=True,
        )


def _within(settings: Settings, name: str, bound: float | None) -> Settings:
    """Of a search for the device under a bound, or under none."""
    bounds = settings.constraints.with_bound(LATENCY, Bound(max=bound))
    constraints = replace(bounds, default_latency_ratio=None)
    return replace(settings, device={name: {"lut": name}}, constraints=constraints)


def _range(task: search.Task, name: str) -> Range:
    """What the page's slider may choose from."""
    table, space = read_lut(find_lut(name)), task.bench.space
    tables = sum_of_rows(table, space).decompose()
    if tables is None:
        raise InvalidInput(f"task=demo device=browser needs a space of independent stages, not {space.name}.")
    least, most = SLACK * tables.minimum().value, tables.maximum().value
    reference = table.references[space.resolution][calibrate_device.REFERENCE].ms
    return Range(least, most, min(max(SUGGESTED * reference, least), most), reference)


def _budget(answer: Message, limits: Range) -> float:
    return min(max(_milliseconds(answer, "ms"), limits.least), limits.most)


def _milliseconds(answer: Message, key: str) -> float:
    try:
        return float(answer[key])
    except (KeyError, TypeError, ValueError):
        raise TransportError("The page sent no time; load it anew, and give the same command again.") from None
