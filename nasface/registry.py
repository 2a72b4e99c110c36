"""One typed registry: components by kind and name, each with its config dataclass and its origin.

`@register("predictor", "lightgbm_nac", config=LightGBMNACConfig)` on a class is the whole act of adding a component:
the dataclass becomes the Hydra option `predictor=lightgbm_nac` (and is the only source of its defaults), `build` makes
an instance from a composed config, `task=list` shows it. A class, or a function, is called as `factory(config,
**context)`, where the context is what its kind documents (see the kind's `_base.py`); without a config, as
`factory(**context)`.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol, TypeVar

from nasface import trust
from nasface.configs import as_declared, as_written, check_config
from nasface.errors import InvalidInput, UnknownName
from nasface.runs import Json

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

KINDS: Final[dict[str, str]] = {
    "operation": "nasface.netspec",
    "space": "nasface.spaces",
    "supernet": "nasface.supernets",
    "latency": "nasface.costs",
    "cost": "nasface.costs",
    "predictor": "nasface.predictors",
    "selector": "nasface.selectors",
    "search": "nasface.strategies",
    "exporter": "nasface.exporters",
    "runtime": "nasface.runtimes",
    "detector": "nasface.recognition.detectors",
    "classifier": "nasface.recognition.classifiers",
    "data": "nasface.data",
    "metric": "nasface.metrics",
    "transport": "nasface.timing.transports",
    "loss": "nasface.training",
    "teacher": "nasface.training",
    "experiment": "nasface.tasks",
    "task": "nasface.tasks",
}
"""Registered kinds and the package whose import registers the components of the core."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_TAKEN: Final = ("null", "true", "false", "nan", "inf")
"""What the command line reads as a value rather than a name, in any case."""


class ComponentConfig(Protocol):
    """Parameters of a component: the dataclass it was registered with."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    name: str


@dataclass(frozen=True)
class Component:
    """A registered component.

    Attributes:
        kind: One of `KINDS`.
        name: What users write: `kind=name`.
        factory: Called as `factory(config, **context)`.
        config: Dataclass of its parameters; every field has a default. None: it has none, and is no option of a group.
        summary: First line of the docstring.
        origin: Distribution that brought it, "nasface" for the core.
    """

    kind: str
    name: str
    factory: Callable[..., Any]
    config: type | None
    summary: str
    origin: str

    def defaults(self) -> dict[str, Json]:
        """The config's values where nobody sets one, its name included, as files have them."""
        return {} if self.config is None else {k: as_written(v) for k, v in dataclasses.asdict(self.config()).items()}


class Registry:
    """Components by (kind, name). There is one instance, `REGISTRY`; tests make their own.

    Args:
        packages: By kind, the one whose import registers the core's components; imported when it is first asked for.
    """

    def __init__(self, packages: Mapping[str, str] | None = None) -> None:
        self._packages = dict(packages or {})
        self._components: dict[tuple[str, str], Component] = {}
        self._failed: dict[str, str] = {}
        self._origin = "nasface"

    def register(self, kind: str, name: str, *, config: type | None = None) -> Callable[[F], F]:
        """Decorator that registers a class or function; refuses unknown kinds, bad or taken names, unusable configs."""
        if kind not in KINDS:
            raise UnknownName("component kind", kind, KINDS)
        _check_name(kind, name)
        if config is not None:
            check_config(f"{kind} '{name}'", name, config)

        def decorate(factory: F) -> F:
            taken = self._components.get((kind, name))
            if taken is not None and taken.factory is not factory:
                raise InvalidInput(
                    f"{kind} '{name}' is already registered by {taken.origin} ({_path(taken.factory)}); "
                    f"{self._origin} ({_path(factory)}) must use another name."
                )
            summary = (inspect.getdoc(factory) or "").split("\n", 1)[0]
            self._components[kind, name] = Component(kind, name, factory, config, summary, self._origin)
            return factory

        return decorate

    def get(self, kind: str, name: str) -> Component:
        """The component, or `UnknownName` with close matches and the plug-ins that failed to load."""
        if kind not in KINDS:
            raise UnknownName("component kind", kind, KINDS)
        self.load_core(kind)
        if (kind, name) not in self._components:
            raise UnknownName(kind, name, self.names(kind), self.failure_hint())
        return self._components[kind, name]

    def names(self, kind: str) -> list[str]:
        """Sorted names of one kind."""
        self.load_core(kind)
        return sorted(name for k, name in self._components if k == kind)

    def __iter__(self) -> Iterator[Component]:
        self.load_core()
        return iter(sorted(self._components.values(), key=lambda c: (list(KINDS).index(c.kind), c.name)))

    def build(self, kind: str, settings: Mapping[str, object], **context: object) -> Any:
        """Make the component that `settings["name"]` names, the other entries being its parameters.

        Raises:
            UnknownName: The component, or one of the parameters, does not exist.
        """
        parameters = dict(settings)
        component = self.get(kind, str(parameters.pop("name", "")))
        given = () if component.config is None and not parameters else (_configured(component, parameters),)
        with trust.blaming(component):
            made = component.factory(*given, **context)
        return trust.guarded(component, made)

    def load_core(self, kind: str | None = None) -> None:
        """Import the core's components of a kind, or of all, once; their modules import no heavy package."""
        for package in {self._packages.pop(name, None) for name in ([kind] if kind else list(self._packages))}:
            if package is not None:
                importlib.import_module(package)

    def note_failure(self, origin: str, reason: str) -> None:
        """Remember that the plug-in distribution `origin` could not be loaded."""
        self._failed[origin] = reason

    @property
    def failures(self) -> Mapping[str, str]:
        """Plug-in distributions that failed to load, with the reason."""
        return self._failed

    def failure_hint(self) -> str:
        """A sentence for messages about unknown names, empty if every plug-in could be loaded."""
        failed = "; ".join(f"{origin} ({why})" for origin, why in self._failed.items())
        return f"Plug-ins that failed to load: {failed}." if failed else ""

    def blamed(self, error: Exception) -> Exception:
        """The error itself, or a `ComponentError` in its place if a plug-in's code raised it, or led to it."""
        own = [component for component in self._components.values() if component.origin != "nasface"]
        found = trust.blamed(error, {component.factory.__module__.split(".")[0]: component.origin for component in own})
        if found is not None:
            found.__cause__ = error
        return error if found is None else found

    def load_plugin(self, origin: str, load: Callable[[], T]) -> T | None:
        """Run `load` with `origin` noted on what it registers; a failure is remembered, undone, and never fatal."""
        self.load_core()
        before, self._origin = dict(self._components), origin
        try:
            return load()
        except (Exception, SystemExit) as error:  # a plug-in may fail in any way, and must not take the program down
            self._components = before
            self.note_failure(origin, f"{type(error).__name__}: {error}")
            return None
        finally:
            self._origin = "nasface"


def _configured(component: Component, parameters: Mapping[str, object]) -> object:
    """The config with these parameters; raises `UnknownName` for one that it does not have."""
    fields = set() if component.config is None else {field.name for field in dataclasses.fields(component.config)}
    for key in parameters:
        if key not in fields - {"name"}:
            raise UnknownName(f"parameter of {component.kind} {component.name}", key, fields - {"name"})
    return None if component.config is None else as_declared(component.config, parameters)


def _check_name(kind: str, name: str) -> None:
    """Refuse names that cannot be typed as kind=name."""
    if not _NAME.fullmatch(name) or name.lower() in _TAKEN:
        raise InvalidInput(
            f"A {kind} cannot be called '{name}': a name begins with a letter, goes on with letters, digits, "
            f"underscores and hyphens, and is none of {', '.join(_TAKEN)}, so that {kind}=NAME can be typed."
        )


def _path(obj: Callable[..., object]) -> str:
    return f"{obj.__module__}.{getattr(obj, '__qualname__', obj)}"


REGISTRY: Final = Registry(KINDS)
register = REGISTRY.register
build = REGISTRY.build
