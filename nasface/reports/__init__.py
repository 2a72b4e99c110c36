"""Reports: tables, pictures, HTML pages."""

from nasface.reports.page import Page
from nasface.reports.svg import Series, bars, chart

__all__ = ["Page", "Series", "bars", "chart"]
