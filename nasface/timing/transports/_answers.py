"""What a runner answers, believed only as far as it can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nasface.devices.measurements import Sample
from nasface.errors import TransportError

LONGEST: Final = 1000
"""Characters of one thing that a device says about itself."""


def description(answer: object, device: str) -> dict[str, str]:
    """What the device and its runtime are; raises `TransportError` if the answer does not say."""
    said = answer if isinstance(answer, dict) else {}
    texts = {k: v for k, v in said.items() if isinstance(k, str) and isinstance(v, str) and len(v) <= LONGEST}
    if len(texts) < len(said) or not texts.get("device") or not texts.get("runtime"):
        raise _refused(device, "what it is", answer)
    return texts


def sample(answer: Mapping[str, object], runs: int, device: str) -> Sample:
    """One block of runs; raises `TransportError` if the answer is none."""
    times, notes = answer.get("times_ms"), answer.get("notes")
    if not isinstance(times, list) or not isinstance(notes, dict):
        raise _refused(device, "times_ms as a list and notes", answer)
    found = Sample(tuple(times), len(times), notes=notes)
    if found.fault or len(times) != runs:
        raise _refused(device, f"the times of {runs} runs", found.fault or f"{len(times)} times")
    return Sample(tuple(map(float, times)), runs, notes=notes)


def _refused(device: str, asked: str, answer: object) -> TransportError:
    return TransportError(
        f"{device} was asked for {asked} and answered {repr(answer)[:80]}: the runner there is not "
        "nasface's, or damaged; nothing of this answer is kept."
    )
