"""Accuracy tables that others made: OFA's JSON of configurations, DyNAS-T's CSV, or two columns from a spreadsheet.

What such a table does not say (which supernet, photos, resolution) is taken to be what it is used with, and said so.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.accuracy.table._table import NOTES, SHARED, AccuracyTable
from nasface.errors import InvalidGenotype, TableError, listing
from nasface.reading import json_object, parse_json, parse_literal
from nasface.spaces import SearchSpace

logger = logging.getLogger(__name__)

GENOTYPE_COLUMNS: Final = ("genotype", "genes", "sub-network", "subnet", "subnetwork", "config", "arch", "architecture")
"""Names of the column of networks, in whatever case."""

FOREIGN: Final = "foreign"
"""Origin of the rows."""

Rows = Sequence[Mapping[str, str]]


def separator(header: str) -> str:
    """Of the cells of a table, by its first line."""
    return ";" if ";" in header and "," not in header else ","


def is_json_table(path: Path) -> bool:
    """Whether a file is to be read as JSON."""
    return path.suffix.lower() == ".json"


def json_rows(path: Path, text: str) -> list[dict[str, str]]:
    """Rows of OFA's `{configuration: accuracy}`."""
    try:
        content = parse_json(text)
    except ValueError as error:
        raise TableError(f"{path} is not JSON ({error}); give {{configuration: accuracy}}, or a CSV file.") from None
    if not isinstance(content, dict) or not all(isinstance(value, int | float) for value in content.values()):
        raise TableError(f"{path} is no table of accuracies; give JSON {{configuration: accuracy}}, or a CSV file.")
    return [{"genotype": key, "accuracy": repr(value)} for key, value in content.items()]


def foreign_table(path: Path, rows: Rows, space: SearchSpace) -> AccuracyTable:
    """The table of rows that lack some of nasface's columns.

    Raises:
        TableError: No column holds networks, or none has numbers in every row.
        InvalidGenotype: A row is no network of the space.
    """
    names = list(rows[0]) if rows else []
    column = next((name for name in names if name.strip().lower() in GENOTYPE_COLUMNS), None)
    if column is None:
        raise TableError(
            f"{path} has no column of networks ({listing(names)}); call it 'genotype': {space.n_genes} whole numbers, "
            "or {'ks': [...], 'e': [...], 'd': [...]}."
        )
    others = [name for name in names if name and name not in (column, *SHARED, *NOTES)]
    metrics = {_slug(name): values for name in others if (values := _numbers(rows, name)) is not None}
    ignored = [name for name in others if _slug(name) not in metrics]
    if not metrics:
        raise TableError(
            f"{path} has no column with a number in every row ({listing(others)}); there is nothing to learn."
        )
    if ignored:
        logger.info("%s: columns that are not numbers in every row are ignored: %s", path, listing(ignored))
    genotypes = [_genotype(path, number, row[column], space) for number, row in enumerate(rows, 2)]
    unsaid = [name for name in ("supernet", "data", "resolution") if name not in names]
    logger.info("%s does not say its %s; it is taken to be of what it is used with", path, listing(unsaid))
    shared = {"space": space.fingerprint(), "resolution": str(space.resolution), "supernet": "", "data": ""}
    notes = {"seed": "", "calibration": "", "origin": FOREIGN}
    return AccuracyTable(np.stack(genotypes), metrics, shared, {name: (notes[name],) * len(rows) for name in NOTES})


def _slug(name: str) -> str:
    """A column's name as options can write it; "Top-1 Acc (%)" is top1."""
    text = re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
    return "top1" if re.match(r"top_?1", text) else text


def _numbers(rows: Rows, name: str) -> npt.NDArray[np.float64] | None:
    """A column as numbers, with decimal points or commas; None if a cell is none."""
    found = np.empty(len(rows))
    for i, row in enumerate(rows):
        try:
            found[i] = float((row[name] or "").strip().rstrip("%").replace(",", "."))
        except ValueError:
            return None
        if not math.isfinite(found[i]):
            return None
    return found


def _genotype(path: Path, number: int, text: str, space: SearchSpace) -> npt.NDArray[np.int8]:
    try:
        if not text.lstrip().startswith("{"):
            return space.from_text(text)
        return space.from_dict(json_object(parse_literal(text.replace("null", "None"))))
    except (InvalidGenotype, ValueError) as error:
        raise TableError(f"{path}, line {number}: {error}") from None
