"""Networks that begin alike, as accuracy tables hold them where measuring what neighbours share once saves time.

They are no independent draws. A predictor that has seen one of them knows more about the others than about a new
network, so that who judges a predictor keeps them together: learned from, or judged by.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nasface.spaces._base import Population, SearchSpace

SHARED_STAGES = 2
"""First stages that relatives have in common."""


def relatives(space: SearchSpace, population: Population) -> npt.NDArray[np.intp]:
    """The family of every network, numbered in order of their first networks.

    Where the first stages have no more choices together than there are networks, networks share them by chance; each is
    then a family by itself, as in a space without stages, and where all networks begin alike.

    Args:
        space: Any.
        population: int8[n, n_genes].

    Returns:
        intp[n].
    """
    alone, choices, stages = np.arange(len(population)), space.stage_choices(), space.stage_indices(population)
    if choices is None or stages is None:
        return alone
    if np.prod([float(len(choice)) for choice in choices[:SHARED_STAGES]]) <= len(population):
        return alone
    _, first, codes = np.unique(stages[:, :SHARED_STAGES], axis=0, return_index=True, return_inverse=True)
    if len(first) == 1:
        return alone
    families: npt.NDArray[np.intp] = np.argsort(np.argsort(first))[codes.ravel()]
    return families
