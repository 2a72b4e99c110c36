"""What components return is checked where it enters the core, and what goes wrong inside one names it."""

from nasface.trust._checks import CHECKS, REQUIRED
from nasface.trust._watch import blamed, blaming, broken, guarded

__all__ = ["CHECKS", "REQUIRED", "blamed", "blaming", "broken", "guarded"]
