"""What components return is checked where it enters the core, and what goes wrong inside one names it."""

from nasface.trust._checks import CHECKS
from nasface.trust._watch import blaming, broken, guarded

__all__ = ["CHECKS", "blaming", "broken", "guarded"]
