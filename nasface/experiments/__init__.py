"""Experiments: grids of cells that are measured one by one, kept as CSV, and shown as a page with pictures."""

from nasface.experiments._base import Cell, Experiment, Report, Row
from nasface.experiments.frame import conduct, write_report
from nasface.experiments.results import Results

__all__ = ["Cell", "Experiment", "Report", "Results", "Row", "conduct", "write_report"]
