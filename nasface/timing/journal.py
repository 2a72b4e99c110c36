"""The journal of a measurement: every finished block as one line of JSON, so that nothing is measured twice.

The first line says on which device: `{"format": "nasface-measurements/1", "device": {...}}`. Every other line is a
block: `{"key": "...", "times_ms": [...], "runs": 10, "std_ms": null, "notes": {...}, "operators": {...}}`. Lines are
only ever added. What an interruption left behind the last line end is cut off when the journal is opened again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any, Final

from nasface.errors import InvalidInput
from nasface.reading import parse_json
from nasface.runs import AppendLog, is_json
from nasface.timing.transports import Sample

FORMAT: Final = "nasface-measurements/1"

SAME: Final = ("device", "runtime")
"""What must be the same for a journal to be continued."""


def put_aside(path: Path) -> Path | None:
    """Give a journal another name beside it, so that everything is measured anew; None if there is none.

    Args:
        path: Of the journal; nothing may be measuring into it.
    """
    if not path.exists():
        return None
    names = (path.with_suffix(f".{number}{path.suffix}") for number in count(1))
    return path.rename(next(name for name in names if not name.exists()))


class Journal:
    """Blocks by key, kept in a file.

    Args:
        path: The file, continued if it is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = AppendLog(path, is_json)
        self._blocks: dict[str, list[Sample]] = {}

    def open(self, device: Mapping[str, str]) -> None:
        """Read what is there, or begin the file.

        Raises:
            InvalidInput: The file is no journal, damaged, or of another device.
        """
        try:
            self._log.mend()
            lines = self._log.lines()
        except ValueError:
            raise self._damaged(1, "it is not text") from None
        if not lines:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._log.append(json.dumps({"format": FORMAT, "device": dict(device)}, allow_nan=False))
            return
        self._check(self._header(lines[0]), device)
        self._blocks = {}
        for number, line in enumerate(lines[1:], 2):
            key, sample = self._block(number, line)
            self._blocks.setdefault(key, []).append(sample)

    def _header(self, line: str) -> Mapping[str, str]:
        try:
            header = parse_json(line)
        except ValueError:
            header = None
        if not isinstance(header, dict) or header.get("format") != FORMAT or not isinstance(header.get("device"), dict):
            raise InvalidInput(f"{self.path} is not a journal of measurements; move it away.")
        device: Mapping[str, str] = header["device"]
        return device

    def _block(self, number: int, line: str) -> tuple[str, Sample]:
        try:
            entry = parse_json(line)
            if not isinstance(entry, dict) or not isinstance(entry["key"], str):
                raise ValueError("it is no block")
            sample = _sample(entry)
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(number, str(error)) from None
        if sample.fault:
            raise self._damaged(number, f"it says {sample.fault}")
        return entry["key"], sample

    def _damaged(self, number: int, why: str) -> InvalidInput:
        return InvalidInput(
            f"{self.path}, line {number} is damaged ({why[:100]}): delete this line, and its block is measured again, "
            "or move the file away."
        )

    def samples(self, key: str) -> Sequence[Sample]:
        """The blocks under a key, oldest first."""
        return self._blocks.get(key, ())

    def add(self, key: str, sample: Sample) -> None:
        """Keep one block."""
        self._log.append(json.dumps({"key": key} | asdict(sample), allow_nan=False))
        self._blocks.setdefault(key, []).append(sample)

    def _check(self, known: Mapping[str, str], device: Mapping[str, str]) -> None:
        changed = [name for name in SAME if known.get(name) != device.get(name)]
        if changed:
            before, now = (", ".join(str(of.get(name)) for name in changed) for of in (known, device))
            raise InvalidInput(
                f"{self.path} holds measurements of {before}, this is {now}; choose another name for the new "
                "measurements, or remove the file."
            )


def _sample(entry: Mapping[str, Any]) -> Sample:
    return Sample(
        tuple(entry["times_ms"]), entry["runs"], entry["std_ms"], dict(entry["notes"]), dict(entry["operators"])
    )
