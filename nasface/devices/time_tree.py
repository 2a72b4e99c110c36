"""YAML and JSON of times: `KEY: ms`, or `KEY: {mean, var | std, count, energy_mj}` as OFA and nsganetv2 write it."""

from __future__ import annotations

import math
from typing import Any

from nasface.devices.lut import Row
from nasface.devices.time_rows import Times, TimesFile, UnknownFormat, number
from nasface.errors import LookupTableError
from nasface.reading import parse_json


def read_tree(file: TimesFile) -> Times:
    """Its rows, whatever the text is: the format of files that are of no other.

    Raises:
        UnknownFormat: It is a text without such entries.
        LookupTableError: It cannot be parsed, or an entry is no time.
    """
    try:
        content = parse_json(file.text) if file.text.lstrip().startswith("{") else _parse_yaml(file.text)
    except ValueError as error:
        raise LookupTableError(
            f"{file.path} is not a latency table in a known format: {' '.join(str(error).split())[:160]}."
        ) from None
    if not isinstance(content, dict) or not content or not all(map(_is_time, content.values())):
        raise UnknownFormat(f"{file.path} is in no known format")
    times = Times()
    for key, entry in content.items():
        place = f"{file.path}, {str(key)[:80]}"
        times.add(place, file.key(str(key)), _entry(file, place, entry))
    return times


def _is_time(entry: object) -> bool:
    return isinstance(entry, int | float | str) or (isinstance(entry, dict) and "mean" in entry)


def _entry(file: TimesFile, place: str, entry: object) -> Row:
    if not isinstance(entry, dict):
        return file.row(place, entry)
    std = entry.get("std")
    if std is None and entry.get("var") is not None:
        variance = number(place, entry["var"])
        std = math.sqrt(variance) if variance >= 0 else variance
    return file.row(place, entry["mean"], std, entry.get("count"), entry.get("energy_mj"))


def _parse_yaml(text: str) -> object:
    """Of YAML, what a table needs: no anchors, no key twice; raises `ValueError`."""
    import yaml  # comes with omegaconf

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # both are the safe loader
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=base)):
            raise ValueError("it has aliases (*name), of which a few can stand for gigabytes; write the values out")
        root = yaml.compose(text, Loader=base)
        keys = [key for key, _ in root.value] if isinstance(root, yaml.MappingNode) else []
        names = [str(key.value) for key in keys if isinstance(key, yaml.ScalarNode)]
        if len(set(names)) < len(names):
            raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)[:80]!r} stands there twice")
        value: object = yaml.load(text, Loader=base)
        return value
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from None
