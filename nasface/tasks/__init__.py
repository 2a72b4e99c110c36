"""What a user can ask for: one file per task, looked up by `task=NAME`."""

from nasface.tasks._run import TASKS, Outcome, Run, execute

__all__ = ["TASKS", "Outcome", "Run", "execute"]
