"""Every error nasface raises on purpose, under one root.

A message is one sentence (or two) that says what was given, what is allowed and what to do next. The command line
prints it without a traceback and exits with `exit_code`; anything that is not a `NasfaceError` is a defect of ours
(exit code 1).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata

EXIT_OK = 0
EXIT_DEFECT = 1
EXIT_INVALID = 2
EXIT_INFEASIBLE = 3
EXIT_INTERRUPTED = 130


MOST_SAID = 2000
"""Characters of a message; what is left out of a longer one is its middle: a component may quote a whole file."""


class NasfaceError(Exception):
    """Root of all expected errors; `exit_code` is what the command line returns."""

    exit_code: int = EXIT_INVALID

    def __init__(self, message: str = "") -> None:
        half = MOST_SAID // 2
        super().__init__(message if len(message) <= MOST_SAID else f"{message[:half]} ... {message[-half:]}")


class InvalidInput(NasfaceError):
    """A value given by the user is outside what is allowed."""


class ImplausibleTimes(InvalidInput):
    """Times that no device can have, or not one device alone."""


class UnknownName(NasfaceError):
    """A name that is looked up in a closed list does not exist there.

    Args:
        what: What kind of thing was looked up, e.g. "predictor".
        given: The name that was asked for.
        known: The names that exist.
        hint: One more sentence, e.g. about a plug-in that failed to load.
    """

    def __init__(self, what: str, given: str, known: Iterable[str], hint: str = "") -> None:
        self.what, self.given, self.known = what, given, sorted(known)
        close = difflib.get_close_matches(given, self.known, n=3)
        meant = f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
        allowed = ", ".join(self.known) or "none"
        super().__init__(f"Unknown {what} '{given}'.{meant} Known: {allowed}.{' ' + hint if hint else ''}")


class InvalidGenotype(NasfaceError):
    """A genotype lies outside its search space."""


class InfeasibleConstraint(NasfaceError):
    """No network of the space meets a constraint.

    Attributes:
        metric: Name of the cost, e.g. "latency_ms".
        bound: What was asked for, in the cost's unit.
        reachable: The smallest value any network of the space reaches, in the cost's unit.
    """

    exit_code = EXIT_INFEASIBLE

    def __init__(self, message: str, *, metric: str, bound: float, reachable: float | None) -> None:
        self.metric, self.bound, self.reachable = metric, bound, reachable
        super().__init__(message)


class ComponentError(NasfaceError):
    """A component, mostly a plug-in's, broke the contract of its kind or failed inside."""


class LookupTableError(NasfaceError):
    """A latency table cannot be read, lacks rows, or lacks a reference."""


class TransportError(NasfaceError):
    """A device cannot be reached, or does not do what is asked."""


class DeviceLost(TransportError):
    """The connection to a device broke; what was measured before stays."""


class ModelRefused(TransportError):
    """The runtime on a device does not run a model; others can still be measured."""


class NotMeasuredYet(TransportError):
    """A user measures elsewhere, and the results are not there yet; the message says what to run and where."""


class CheckpointError(NasfaceError):
    """A checkpoint is truncated, hostile, or does not fit the network."""


class TableError(NasfaceError):
    """An accuracy table cannot be read or belongs to another space, supernet or data set."""


class DataError(NasfaceError):
    """Photos, pairs or lists of people cannot be used."""


class GalleryError(NasfaceError):
    """A gallery of faces is damaged, locked, or was made with another model."""


class ExportError(NasfaceError):
    """A network cannot be written, or the written file does not compute the same as the network."""


class NotFitted(NasfaceError):
    """A predictor was asked before `fit` or `load`."""


class MissingDependency(NasfaceError):
    """An optional package is needed and not installed.

    Args:
        package: The package as pip knows it.
        extra: The extra of nasface that brings it.
        purpose: What it is needed for, e.g. "exporter tflite_keras".
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{purpose} needs the package {package}: run pip install 'nasface[{extra}]'.")

    @classmethod
    def behind(cls, error: Exception, purpose: str) -> MissingDependency | None:
        """What a failed import means if an extra of nasface brings the package; None if it is something else."""
        if not isinstance(error, ModuleNotFoundError) or not error.name:
            return None
        module = error.name.partition(".")[0]
        package = _IMPORTED_AS.get(module, module.replace("_", "-"))
        for requirement in metadata.requires("nasface") or ():
            extra = re.search(r"extra == ['\"](\w+)", requirement)
            if extra and re.match(rf"{re.escape(package)}(-cpu)?(?![\w\[-])", requirement):
                return cls(package, extra[1], purpose)
        return None


_IMPORTED_AS = {"PIL": "pillow", "sklearn": "scikit-learn"}
"""Packages whose module has another name."""


def listing(names: Sequence[str], most: int = 5) -> str:
    """The first `most` names joined by commas, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


@contextmanager
def requires(package: str, extra: str, purpose: str) -> Iterator[None]:
    """Turn a failed import inside the block into `MissingDependency`."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("nasface"):
            raise
        raise MissingDependency(package, extra, purpose) from error
