"""Accuracy tables: what sub-networks measured, one row each, as CSV. No torch is needed here.

Columns: `genotype` (`SearchSpace.to_text`); any number of metrics; and what the figures belong to: `space`
(fingerprint), `resolution` (pixels), `supernet` (hash), `data` (hash of photos and people), `seed`, `calibration` (e.g.
`photos:512`), `origin` (how the network was drawn, e.g. `uniform`). All rows of a table share space, resolution,
supernet and data.
"""

from nasface.accuracy.table._files import held_table, read_table, write_table
from nasface.accuracy.table._table import (
    DENSE,
    NOTES,
    SHARED,
    STRATIFIED,
    UNIFORM,
    VERIFIED,
    AccuracyTable,
    is_half,
    merge_tables,
)
from nasface.accuracy.table._writer import TableWriter

__all__ = [
    "DENSE",
    "NOTES",
    "SHARED",
    "STRATIFIED",
    "UNIFORM",
    "VERIFIED",
    "AccuracyTable",
    "TableWriter",
    "held_table",
    "is_half",
    "merge_tables",
    "read_table",
    "write_table",
]
