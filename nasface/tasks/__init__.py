"""What a user can ask for: one file per task, looked up by `task=NAME`."""

from nasface.tasks._execute import TASKS, execute

__all__ = ["TASKS", "execute"]
