"""What a user can ask for: one file per task, looked up by `task=NAME`."""

from nasface.tasks._execute import all_tasks, execute

__all__ = ["all_tasks", "execute"]
