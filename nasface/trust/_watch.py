"""What components return is checked where it enters the core, and what goes wrong inside one names it.

A plug-in that returns nonsense must not become a normal-looking report. So `guarded` puts a check behind each method
that the core asks: shape, kind of number, length, what is not a number, indices. `blaming` turns whatever a plug-in
raises into one sentence with its name and its distribution.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Protocol

from nasface.errors import ComponentError, NasfaceError
from nasface.trust._answers import Check, Part, anything
from nasface.trust._checks import CHECKS, MADE, REQUIRED, RESULTS, STATED


class Named(Protocol):
    """A registered component, as far as messages go."""

    @property
    def kind(self) -> str:
        """E.g. "predictor"."""

    @property
    def name(self) -> str:
        """Registered name."""

    @property
    def origin(self) -> str:
        """Distribution."""


@contextmanager
def blaming(component: Named, method: str = "") -> Iterator[None]:
    """Within the block, an unexpected exception of a plug-in becomes a `ComponentError` that names it."""
    try:
        yield
    except NasfaceError:
        raise
    except Exception as error:
        if component.origin == "nasface":
            raise
        where = method or MADE.get(component.kind, "its construction")
        raise ComponentError(
            f"{_title(component)} failed in {where} ({type(error).__name__}: {error}); report it to the author of "
            f"{component.origin}."
        ) from error


def blamed(error: Exception, origins: Mapping[str, str]) -> ComponentError | None:
    """What to say of an exception that a plug-in's code raised, or led to, where nothing watched it; None: it did not.

    Args:
        error: With its traceback.
        origins: Distribution by top-level package of plug-ins.
    """
    for frame, _ in reversed([*traceback.walk_tb(error.__traceback__)]):
        module = str(frame.f_globals.get("__name__"))
        if (origin := origins.get(module.split(".")[0])) is not None:
            return ComponentError(
                f"The plug-in {origin} failed in {module}.{frame.f_code.co_qualname} ({type(error).__name__}: "
                f"{error}); report it to the author of {origin}."
            )
    return None


def broken(component: Named, method: str, wrong: str) -> ComponentError:
    """The error for an answer that breaks a rule; `wrong` is the rest of its sentence."""
    return ComponentError(f"{_title(component)} broke the rules of {method}: {wrong}.")


def guarded(component: Named, made: Part) -> Part:
    """The object, with a check behind each method that the core asks; of a function, one that is checked."""
    for method in REQUIRED.get(component.kind, ()):
        if component.origin != "nasface" and getattr(made, method, None) is None:
            raise ComponentError(
                f"{_title(component)} has no method {method}; a {component.kind} must have one, see its protocol."
            )
    for name, check in STATED.get(component.kind, {}).items() if component.origin != "nasface" else ():
        with blaming(component, name):
            stated = getattr(made, name, None)
        if (wrong := check(made, stated)) is not None:
            raise broken(component, name, wrong)
    return _watched(_Identity.of(component), made, CHECKS.get(component.kind, {}))


def _watched(component: _Identity, made: Part, checks: Mapping[str, Check]) -> Part:
    for method, check in checks.items():
        asked = getattr(made, method, None)
        if asked is None or _is_watched(asked) or (component.origin == "nasface" and check is anything):
            continue
        watched = functools.partial(_asked, component, method, asked, check, made)
        if method != "__call__":
            object.__setattr__(made, method, watched)
        elif isinstance(made, FunctionType | MethodType):
            return watched
        else:  # Python looks for __call__ in the class
            kind = type(made)
            object.__setattr__(made, "__class__", type(kind.__name__, (kind,), {"__call__": staticmethod(watched)}))
    return made


def _is_watched(asked: object) -> bool:
    """Whether it was seen before: a component may hand out one object many times."""
    return isinstance(asked, functools.partial) and asked.func is _asked


class _Identity:
    """Name and origin alone: components refer to code that cannot be sent to other processes."""

    def __init__(self, kind: str, name: str, origin: str) -> None:
        self.kind, self.name, self.origin = kind, name, origin

    @classmethod
    def of(cls, component: Named) -> _Identity:
        return cls(component.kind, component.name, component.origin)


def _asked(
    component: _Identity, method: str, ask: Callable[..., object], check: Check, made: Part, *args: object, **kw: object
) -> object:
    with blaming(component, method):
        result = ask(*args, **kw)
    wrong = check(made, result, *args, *kw.values())
    if wrong is not None:
        raise broken(component, method, wrong)
    return _watched(component, result, RESULTS.get((component.kind, method), {}))


def _title(component: Named) -> str:
    return f"The {component.kind} {component.name} of {component.origin}"
