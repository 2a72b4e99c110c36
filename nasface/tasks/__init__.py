"""What a user can ask for: one file per task, looked up by `task=NAME`; `frame` runs them."""

from nasface.tasks.catalogue import all_tasks

__all__ = ["all_tasks"]
