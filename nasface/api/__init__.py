"""The main job from Python: `nasface.search`, `nasface.create_study`, `nasface.export`."""

from nasface.api._export import export
from nasface.api._search import Found, open_workbench, search
from nasface.api._study import create_study

__all__ = ["Found", "create_study", "export", "open_workbench", "search"]
