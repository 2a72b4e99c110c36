"""One typed registry: components by kind and name, each with its config dataclass and its origin.

`@register("predictor", "lightgbm_nac", config=LightGBMNACConfig)` on a class is the whole act of adding a component:
the dataclass becomes the Hydra option `predictor=lightgbm_nac` (and is the only source of its defaults), `build` makes
an instance from a composed config, `task=list` shows it. A class is constructed as `cls(config, **context)`, where the
context is what its kind documents (see the kind's `_base.py`).
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol, TypeVar

from nasface.errors import InvalidInput, UnknownName

T = TypeVar("T")

KINDS: Final[dict[str, str]] = {
    "space": "nasface.spaces",
    "latency": "nasface.costs",
    "predictor": "nasface.predictors",
    "selector": "nasface.selectors",
    "search": "nasface.strategies",
    "exporter": "nasface.exporters",
    "detector": "nasface.recognition.detectors",
    "classifier": "nasface.recognition.classifiers",
}
"""Registered kinds and the package whose import registers the components of the core."""


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
        config: Dataclass of its parameters; every field has a default.
        summary: First line of the class's docstring.
        origin: Distribution that brought it, "nasface" for the core.
    """

    kind: str
    name: str
    factory: Callable[..., Any]
    config: type
    summary: str
    origin: str


class Registry:
    """Components by (kind, name). There is one instance, `REGISTRY`; tests make their own.

    Args:
        packages: Those whose import registers the core's components; imported when the registry is first asked.
    """

    def __init__(self, packages: Iterable[str] = ()) -> None:
        self._packages = tuple(packages)
        self._components: dict[tuple[str, str], Component] = {}
        self._failed: dict[str, str] = {}
        self._origin = "nasface"
        self._loaded = False

    def register(self, kind: str, name: str, *, config: type) -> Callable[[type[T]], type[T]]:
        """Class decorator that registers a component; refuses unknown kinds, taken names, missing defaults."""
        if kind not in KINDS:
            raise UnknownName("component kind", kind, KINDS)
        _check_config(kind, name, config)

        def decorate(cls: type[T]) -> type[T]:
            taken = self._components.get((kind, name))
            if taken is not None and taken.factory is not cls:
                raise InvalidInput(
                    f"{kind} '{name}' is already registered by {taken.origin} ({_path(taken.factory)}); "
                    f"{self._origin} ({_path(cls)}) must use another name."
                )
            summary = (inspect.getdoc(cls) or "").split("\n", 1)[0]
            self._components[kind, name] = Component(kind, name, cls, config, summary, self._origin)
            return cls

        return decorate

    def get(self, kind: str, name: str) -> Component:
        """The component, or `UnknownName` with close matches and the plug-ins that failed to load."""
        self.load_core()
        if kind not in KINDS:
            raise UnknownName("component kind", kind, KINDS)
        if (kind, name) not in self._components:
            raise UnknownName(kind, name, self.names(kind), self.failure_hint())
        return self._components[kind, name]

    def names(self, kind: str) -> list[str]:
        """Sorted names of one kind."""
        self.load_core()
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
        config = _configured(f"{kind} {component.name}", component.config, parameters)
        return component.factory(config, **context)

    def load_core(self) -> None:
        """Import the core's components once; their modules import no heavy package."""
        if not self._loaded:
            self._loaded = True
            for package in self._packages:
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


def build_option(
    kind: str, options: Mapping[str, tuple[type, Callable[[Any], T]]], settings: Mapping[str, object]
) -> T:
    """What `settings["name"]` names in a plain table of options, the other entries being its parameters.

    Args:
        kind: Of the options, for messages, e.g. "data".
        options: By name, the dataclass of parameters and what takes one.
        settings: The composed option.

    Raises:
        UnknownName: The option, or one of the parameters, does not exist.
    """
    parameters = dict(settings)
    name = str(parameters.pop("name", ""))
    if name not in options:
        raise UnknownName(kind, name, options)
    config, make = options[name]
    return make(_configured(f"{kind} {name}", config, parameters))


def _configured(what: str, config: type, parameters: Mapping[str, object]) -> Any:
    """The dataclass with these parameters; raises `UnknownName` for one that it does not have."""
    fields = {field.name for field in dataclasses.fields(config)} - {"name"}
    for key in parameters:
        if key not in fields:
            raise UnknownName(f"parameter of {what}", key, fields)
    return config(**parameters)


def _check_config(kind: str, name: str, config: type) -> None:
    if not dataclasses.is_dataclass(config):
        raise InvalidInput(f"The config of {kind} '{name}' must be a dataclass, not {config!r}.")
    for f in dataclasses.fields(config):
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise InvalidInput(f"Parameter '{f.name}' of {kind} '{name}' needs a default value.")
    declared = {f.name: f.default for f in dataclasses.fields(config)}.get("name")
    if declared != name:
        raise InvalidInput(
            f"The config of {kind} '{name}' must have a field `name: str = \"{name}\"`, not {declared!r}."
        )


def _path(obj: Callable[..., object]) -> str:
    return f"{obj.__module__}.{getattr(obj, '__qualname__', obj)}"


REGISTRY: Final = Registry(KINDS.values())
register = REGISTRY.register
build = REGISTRY.build
