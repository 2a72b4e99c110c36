"""A JSON value with one thing wrong, again and again: what readers of our own files must refuse or bear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

ODD = (None, True, -1, 1e300, "x", [], {}, [None], {"a": None})
"""What stands where something else belongs."""


def spoilt(value: Any) -> Iterator[Any]:
    """The value with each of its parts replaced by each of `ODD`, and without each of its keys."""
    yield from (odd for odd in ODD if type(odd) is not type(value))
    if isinstance(value, dict):
        for key, part in value.items():
            yield {other: one for other, one in value.items() if other != key}
            yield from (value | {key: other} for other in spoilt(part))
    elif isinstance(value, list) and value:
        yield from ([other, *value[1:]] for other in spoilt(value[0]))
