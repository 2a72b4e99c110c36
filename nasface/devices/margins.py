"""How much longer than predicted a network may take: margins from networks whose time is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nasface.errors import InvalidInput


def margin(errors: Sequence[float], confidence: float, remedy: str) -> float:
    """The m >= 0 such that a further network takes more than (1 + m) times its prediction with chance 1 - confidence.

    At most with that chance, whatever the distribution, if it is drawn like the networks checked: m is the
    ceil((n + 1) * confidence)-th smallest error (split conformal prediction; Vovk et al. 2005). A device that is faster
    than predicted does not loosen a bound.

    Args:
        errors: Measured / predicted - 1 of n networks that nothing was fitted to.
        confidence: At least 0.5, below 1.
        remedy: What to do if there are too few networks; the number is put for {fewest}.

    Raises:
        InvalidInput: Another confidence, or too few networks for this one.
    """
    if not 0.5 <= confidence < 1.0:
        raise InvalidInput(f"constraints.latency_ms.confidence is {confidence:g}; give 0.5 or more and less than 1.")
    rank = math.ceil((len(errors) + 1) * confidence - 1e-9)
    if rank > len(errors):
        fewest = math.ceil(confidence / (1.0 - confidence) - 1e-9)
        raise InvalidInput(
            f"A confidence of {confidence:g} needs {fewest} networks whose time is known; there are {len(errors)}: "
            f"{remedy.format(fewest=fewest)}."
        )
    return max(0.0, sorted(errors)[rank - 1])
