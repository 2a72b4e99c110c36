"""The journal of a measurement: every finished block as one line of JSON, so that nothing is measured twice.

The first line says on which device: `{"format": "nasface-measurements/1", "device": {...}}`. Every other line is a
block: `{"key": "...", "times_ms": [...], "runs": 10, "std_ms": null, "notes": {...}, "operators": {...}}`. Lines are
only ever added. What an interruption left behind the last line end is cut off when the journal is opened again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from nasface.errors import InvalidInput
from nasface.runs import AppendLog, is_json
from nasface.timing.transports import Sample

FORMAT: Final = "nasface-measurements/1"

SAME: Final = ("device", "runtime")
"""What must be the same for a journal to be continued."""


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
            InvalidInput: The file is no journal, or of another device.
        """
        self._log.mend()
        lines = self._log.lines()
        if not lines:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._log.append(json.dumps({"format": FORMAT, "device": dict(device)}, allow_nan=False))
            return
        try:
            header, *blocks = [json.loads(line) for line in lines]
            self._blocks = {}
            for block in blocks:
                self._blocks.setdefault(block.pop("key"), []).append(_sample(block))
            known = header["device"] if header.get("format") == FORMAT else None
        except (ValueError, KeyError, TypeError, AttributeError):
            known = None
        if known is None:
            raise InvalidInput(f"{self.path} is not a journal of measurements, or damaged; move it away.")
        self._check(known, device)

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
