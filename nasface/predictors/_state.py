"""Fitted states as one text file: a line of JSON with the format and a hash, then the library's own text."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from nasface.errors import InvalidInput
from nasface.reading import json_object, parse_json, read_text
from nasface.runs import write_text


def save_state(path: Path, name: str, text: str) -> None:
    """Write the state of predictor `name`, atomically."""
    write_text(path, json.dumps(_head(name, text)) + "\n" + text)


def load_state(path: Path, name: str) -> str:
    """The text that `save_state` wrote.

    Raises:
        InvalidInput: The file is damaged, or of another predictor.
    """
    try:
        head, text = read_text(path).split("\n", 1)
        found = parse_json(head)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} is not a saved {name} ({error}); fit it again.") from error
    if found != _head(name, text):
        raise InvalidInput(f"{path} is damaged or not a saved {name}; fit the predictor again.")
    return text


def load_values(path: Path, name: str) -> dict[str, Any]:
    """The object that `save_state` wrote as JSON; errors as `load_state`."""
    return json_object(parse_json(load_state(path, name)))


def _head(name: str, text: str) -> dict[str, str]:
    return {"format": f"nasface {name} 1", "sha256": hashlib.sha256(text.encode()).hexdigest()}
