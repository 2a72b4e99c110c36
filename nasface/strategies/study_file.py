"""The file of a study: networks that were asked and what was told of them, as JSON."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from nasface.errors import InvalidInput, NasfaceError
from nasface.metrics import Direction
from nasface.reading import read_json
from nasface.runs import Json, locked, write_text
from nasface.spaces import SearchSpace

FORMAT: Final = "nasface study 1"

Values = dict[str, float | None]
"""By genes as in accuracy tables: what was told, or None; in the order of asking."""


def finite(value: object) -> float | None:
    """A number as float; None for what is none: text, truth values, arrays, what is complex or not finite."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


class StudyFile:
    """Reads and writes a study.

    Args:
        path: The file; it need not be there.
        space: Of the networks.
        metric: What is told, a name.
        direction: Which values are better.
    """

    def __init__(self, path: Path, space: SearchSpace, metric: str, direction: Direction) -> None:
        self._path, self._space = path, space
        self._facts: dict[str, Json] = {
            "format": FORMAT,
            "space": space.fingerprint(),
            "metric": metric,
            "direction": direction.value,
        }

    def read(self) -> Values:
        """What it holds; nothing if it is not there.

        Raises:
            InvalidInput: It is no study, damaged, or of another space, metric or direction.
        """
        if not self._path.exists():
            return {}
        try:
            content = read_json(self._path)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{self._path} is not a study ({error}); give another file.") from None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise InvalidInput(f"{self._path} is not a study; give another file.")
        for key, expected in self._facts.items():
            if content.get(key) != expected:
                raise InvalidInput(
                    f"{self._path} is a study whose {key} is {content.get(key)}, not {expected}; give another file."
                )
        return self._checked(content.get("trials"))

    def write(self, values: Values) -> None:
        """Keep it, atomically.

        Raises:
            InvalidInput: The file cannot be written.
        """
        trials = [json.dumps({"genes": text, "value": value}) for text, value in values.items()]
        head = json.dumps(self._facts, indent=1).removesuffix("\n}")
        text = f'{head},\n "trials": [\n  ' + ",\n  ".join(trials) + "\n ]\n}\n"
        try:
            write_text(self._path, text)
        except OSError as error:
            raise InvalidInput(
                f"The study {self._path} cannot be written ({error.strerror or error}); give a place that can be."
            ) from None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block no other process changes it; waits for one that does."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._path.with_name(f".{self._path.name}.lock")):
            yield

    def _checked(self, trials: object) -> Values:
        values: Values = {}
        for number, trial in enumerate(trials if isinstance(trials, list) else []):
            try:
                given, value = trial["value"], finite(trial["value"])
                text = self._space.to_text(self._space.from_text(trial["genes"]))
            except (KeyError, TypeError, ValueError, AttributeError, NasfaceError) as error:
                raise InvalidInput(f"{self._path} is damaged: trial {number} cannot be read ({error}).") from None
            if text in values or (value is None and given is not None):
                raise InvalidInput(
                    f"{self._path} is damaged: trial {number} stands twice, or its value is no finite number."
                )
            values[text] = value
        return values
