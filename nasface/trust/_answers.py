"""Rules of components' answers: each says of one what is wrong with it, as the rest of a sentence, or None."""

from __future__ import annotations

from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nasface.errors import NasfaceError
from nasface.reading import files_of

Check = Callable[..., str | None]
"""Of (the component's object, result, *arguments): what is wrong, as the rest of a sentence, or None."""

Part = Any
"""An object of a room below, of which a check asks what it is about to use."""

Array = npt.NDArray[Any]


def numbers(what: str, low: float = -np.inf, high: float = np.inf) -> Check:
    """A check that a result is float64[n] for n rows of the first argument, finite, within a range."""

    def check(_: object, found: object, rows: Sized, *others: object) -> str | None:
        return _float64(what, found, len(rows), low, high)

    return check


def _float64(what: str, found: object, n: int, low: float, high: float) -> str | None:
    if not isinstance(found, np.ndarray) or found.dtype != np.float64 or found.shape != (n,):
        return f"it gave {_said(found)} as {what}; one float64 for each of {n} networks is asked for"
    if not np.isfinite(found).all():
        return f"{what} {_first(found, ~np.isfinite(found))} is not finite"
    outside = (found < low) | (found > high)
    return f"{what} {_first(found, outside)} lies outside {low:g} to {high:g}" if outside.any() else None


def pairs(_: object, found: object, a: Sized, b: Sized) -> str | None:
    return _float64("probability", found, max(len(a), len(b)), 0.0, 1.0)


def maybe(check: Check) -> Check:
    """The same check, but None is an answer, too."""
    return lambda made, found, *args: None if found is None else check(made, found, *args)


def itself(made: object, found: object, *args: object) -> str | None:
    return None if found is made else f"it returned {_said(found)} instead of itself"


def indices(_: object, found: object, population: Sized, k: int, *others: object) -> str | None:
    if not isinstance(found, np.ndarray) or found.dtype != np.intp or found.shape != (k,):
        return f"it gave {_said(found)}; {k} indices (intp) are asked for"
    if ((found < 0) | (found >= len(population))).any():
        return f"index {_first(found, (found < 0) | (found >= len(population)))} is none of {len(population)} rows"
    return "an index is repeated" if len(np.unique(found)) != k else None


def tables(made: Part, found: Part) -> str | None:
    choices = made.space.stage_choices()
    if found is None or choices is None:
        return None if found is None else "it gave stage tables for a space without stages"
    if [len(table) for table in found.tables] != [len(stage) for stage in choices]:
        return "its tables do not have one entry for each choice of each stage"
    finite = all(np.isfinite(table).all() for table in found.tables) and np.isfinite(found.constant)
    return None if finite else "a table holds what is not a finite number"


def reference(_: object, found: Part, *args: object) -> str | None:
    value = getattr(found, "value", None)
    if value is None:
        return f"it gave {_said(found)}; a ReferenceCost is asked for"
    return None if np.isfinite(value) and value > 0 else f"the reference network's cost {value} is not positive"


def rows(space: Part, found: object, rng: object, given: int | Sized, *others: object) -> str | None:
    n = given if isinstance(given, int | np.integer) else len(given)
    if not isinstance(found, np.ndarray) or found.dtype != np.int8 or found.shape != (n, space.n_genes):
        return f"it gave {_said(found)}; int8[{n}, {space.n_genes}] is asked for"
    return None


def features(_: object, found: object, population: Sized, *others: object) -> str | None:
    shaped = isinstance(found, np.ndarray) and found.ndim == 2 and len(found) == len(population)
    if not isinstance(found, np.ndarray) or not shaped or found.dtype != np.float32:
        return f"it gave {_said(found)}; float32 features of {len(population)} networks are asked for"
    return None if np.isfinite(found).all() else "a feature is not finite"


def result(_: object, found: Part, problem: Part, *others: object) -> str | None:
    for part in ("best", "finalists", "history", "counters"):
        if not hasattr(found, part):
            return f"it gave {_said(found)}; a SearchResult with {part} is asked for"
    missing = sorted({"generations", "calls", "pairs", "distinct"} - set(found.counters))
    if missing:
        return f"its counters lack {', '.join(missing)}"
    best, finalists = np.asarray(found.best), np.asarray(found.finalists)
    if finalists.ndim != 2 or not len(finalists) or not np.array_equal(finalists[0], best):
        return "its first finalist is not its winner"
    try:
        problem.space.validate(finalists)
    except NasfaceError as error:
        return f"a finalist is no network of the space {problem.space.name} ({str(error).rstrip('.')})"
    feasible = problem.feasible(finalists)
    return None if feasible.all() else f"finalist {int(np.argmin(feasible))} does not meet the bounds"


def exported(
    _: object, found: Part, spec: object, weights: object, path: Path, *others: object, **kw: object
) -> str | None:
    if not all(hasattr(found, part) for part in ("path", "bytes", "sha256")):
        return f"it gave {_said(found)}; an Exported is asked for"
    fits = path.exists() and sum(file.stat().st_size for file in files_of(path)) == found.bytes
    return None if fits else f"there is no file {path.name} of that size"


def descriptors(_: object, found: object, images: Sized, *others: object) -> str | None:
    if isinstance(found, np.ndarray) and found.ndim == 2 and len(found) == len(images) and found.dtype == np.float32:
        return None
    return f"it gave {_said(found)}; float32 descriptors of {len(images)} images are asked for"


def figure(_: object, found: object, *others: object) -> str | None:
    number = isinstance(found, float | int | np.floating | np.integer)
    return None if number else f"it gave {_said(found)}; one number is asked for"


def likelihoods(_: object, found: object, probes: Sized, distances: Array, *others: object) -> str | None:
    if isinstance(found, np.ndarray) and found.shape == distances.shape and np.isfinite(found).all():
        return None
    return f"it gave {_said(found)}; one finite number for each of {list(distances.shape)} is asked for"


def stages(space: Part, found: object, population: Sized, *others: object) -> str | None:
    """Choices of a space with stages, None for one without."""
    none = found is None and space.stage_choices() is None
    return None if none else whole(space, found, population)


def positive(what: str) -> Check:
    """A check that a result is a whole number above zero."""

    def check(_: object, found: object, *others: object) -> str | None:
        fits = isinstance(found, int) and not isinstance(found, bool) and found > 0
        given = found if isinstance(found, int) else _said(found)
        return None if fits else f"it gave {given}; {what} is asked for"

    return check


def text(_: object, found: object, *others: object) -> str | None:
    return None if isinstance(found, str) and found else f"it gave {_said(found)}; a text is asked for"


def supernet(_: object, found: object, *others: object) -> str | None:
    missing = [part for part in ("extract", "weights", "fingerprint", "trained") if not hasattr(found, part)]
    return f"it gave {_said(found)} without {', '.join(missing)}; a Supernet is asked for" if missing else None


def faces(_: object, found: Part, *others: object) -> str | None:
    if not isinstance(found, list) or not all(hasattr(face, "box") and hasattr(face, "score") for face in found):
        return f"it gave {_said(found)}; a list of Face is asked for"
    return None if all(np.isfinite([*face.box, face.score]).all() for face in found) else "a box is not finite"


def logits(_: object, found: Part, descriptors: Part, weight: Part, *others: object) -> str | None:
    wanted = (len(descriptors), len(weight))
    shape = tuple(getattr(found, "shape", ()))
    return None if shape == wanted else f"it gave {_said(found)}; logits {list(wanted)} are asked for"


def taught(_: object, found: Part, x: Sized, *others: object) -> str | None:
    shape = tuple(getattr(getattr(found, "logits", None), "shape", ()))
    fits = len(shape) == 2 and shape[0] == len(x)
    return None if fits else f"it gave {_said(found)}; a Taught of {len(x)} photos is asked for"


def anything(_: object, found: object, *args: object) -> str | None:
    """Nothing is wrong."""
    return None


def canonical(space: Part, found: object, given: Sized, *others: object) -> str | None:
    return rows(space, found, None, given)


def layers(_: object, found: Part, *others: object) -> str | None:
    whole = isinstance(found, tuple) and found and all(hasattr(layer, "key") for layer in found)
    return None if whole else f"it gave {_said(found)}; a tuple of Layer is asked for"


def choices(space: Part, found: Part, *others: object) -> str | None:
    if found is None:
        return None
    if not isinstance(found, list) or not found or not all(isinstance(stage, np.ndarray) for stage in found):
        return f"it gave {_said(found)}; a list of int8[n, {space.n_genes}], one a stage, is asked for"
    wrong = [stage for stage in found if stage.dtype != np.int8 or stage.shape[1:] != (space.n_genes,)]
    return f"it gave {_said(wrong[0])}; int8[n, {space.n_genes}] is asked for" if wrong else None


def whole(_: object, found: object, population: Sized, *others: object) -> str | None:
    if isinstance(found, np.ndarray) and found.ndim == 2 and len(found) == len(population) and found.dtype.kind == "i":
        return None
    return f"it gave {_said(found)}; whole numbers, a row for each of {len(population)} networks, are asked for"


def of(kind: type, what: str) -> Check:
    """A check that a result is of a type."""
    return lambda _, found, *others: None if isinstance(found, kind) else f"it gave {_said(found)}; {what} is asked for"


def having(parts: tuple[str, ...], what: str) -> Check:
    """A check that a result has attributes."""

    def check(_: object, found: object, *others: object) -> str | None:
        whole = all(hasattr(found, part) for part in parts)
        return None if whole else f"it gave {_said(found)}; {what} is asked for"

    return check


def several(of_each: Check) -> Check:
    """A check that a result is a list whose entries pass another one; an empty one is an answer."""

    def check(made: object, found: object, *others: object) -> str | None:
        if not isinstance(found, list):
            return f"it gave {_said(found)}; a list is asked for"
        return next((wrong for entry in found if (wrong := of_each(made, entry)) is not None), None)

    return check


def genotype(space: Part, found: object, *others: object) -> str | None:
    """int8[n_genes]."""
    fits = isinstance(found, np.ndarray) and found.dtype == np.int8 and found.shape == (space.n_genes,)
    return None if fits else f"it gave {_said(found)}; int8[{space.n_genes}] is asked for"


def images(_: object, found: object, *others: object) -> str | None:
    """uint8[n, side, side, 3]."""
    square = isinstance(found, np.ndarray) and found.ndim == 4 and found.shape[1] == found.shape[2]
    if isinstance(found, np.ndarray) and square and found.dtype == np.uint8 and found.shape[3] == 3:
        return None
    return f"it gave {_said(found)}; photos, uint8[n, side, side, 3], are asked for"


def arrays(_: object, found: object, *others: object) -> str | None:
    """Weights by name."""
    fits = isinstance(found, dict) and all(isinstance(value, np.ndarray) for value in found.values())
    return None if fits else f"it gave {_said(found)}; weights, a dict of arrays, are asked for"


def saved(_: object, found: object, network: object, path: Path) -> str | None:
    """A file."""
    return None if path.is_file() else f"there is no file {path.name}"


def suffix(_: object, found: object, *others: object) -> str | None:
    """E.g. ".tflite"."""
    fits = isinstance(found, str) and found.startswith(".") and len(found) > 1
    return None if fits else f"it gave {_said(found)}; a suffix, such as '.mine', is asked for"


def _said(found: object) -> str:
    if hasattr(found, "dtype") and hasattr(found, "shape"):  # of numpy or of torch
        return f"{str(found.dtype).removeprefix('torch.')}{list(found.shape)}"
    return f"a {type(found).__name__}"


def _first(found: Array, where: Array) -> str:
    return f"{found[int(np.argmax(where))]:g}"
