"""Experiments: grids of cells that are measured one by one, kept as CSV, and shown as a page with pictures."""

from nasface.analysis import Row
from nasface.experiments._base import Cell, Experiment, Report
from nasface.experiments.frame import Conducted, conduct, write_report
from nasface.experiments.results import Results

__all__ = ["Cell", "Conducted", "Experiment", "Report", "Results", "Row", "conduct", "write_report"]
