"""Reports: tables, pictures, HTML pages. What they show is computed in `nasface.analysis`."""

from nasface.reports.page import Card, Page
from nasface.reports.svg import Limit, Series, bars, chart, picture

__all__ = ["Card", "Limit", "Page", "Series", "bars", "chart", "picture"]
