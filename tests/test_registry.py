"""The registry: what it refuses to register, what it says about names, and that a failing plug-in leaves no trace."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from nasface.errors import InvalidInput, UnknownName
from nasface.registry import KINDS, REGISTRY, Registry


@dataclass
class GiniConfig:
    """Parameters."""

    name: str = "gini"
    trees: int = 10
    seeds: list[int] = field(default_factory=list)


class Gini:
    """Ranks by wealth.

    More about it.
    """

    def __init__(self, config: GiniConfig, **context: object) -> None:
        self.config, self.context = config, context


@pytest.fixture
def registry() -> Registry:
    """An empty one that does not load the core."""
    return Registry()


class TestRegister:
    def test_component_is_what_its_class_says(self, registry: Registry) -> None:
        assert registry.register("predictor", "gini", config=GiniConfig)(Gini) is Gini
        component = registry.get("predictor", "gini")
        assert (component.kind, component.name, component.origin) == ("predictor", "gini", "nasface")
        assert (component.factory, component.config) == (Gini, GiniConfig)
        assert component.summary == "Ranks by wealth."
        assert registry.names("predictor") == ["gini"]
        assert registry.names("selector") == []
        assert list(registry) == [component]

    def test_taken_name(self, registry: Registry) -> None:
        registry.register("predictor", "gini", config=GiniConfig)(Gini)
        registry.register("predictor", "gini", config=GiniConfig)(Gini)  # the same class again, by a second import
        with pytest.raises(InvalidInput, match=r"predictor 'gini' is already registered by nasface \(.*\.Gini\)"):
            registry.register("predictor", "gini", config=GiniConfig)(type("Other", (), {}))
        assert registry.get("predictor", "gini").factory is Gini

    def test_unknown_kind(self, registry: Registry) -> None:
        with pytest.raises(UnknownName, match=r"Unknown component kind 'predictr'\. Did you mean 'predictor'"):
            registry.register("predictr", "gini", config=GiniConfig)

    def test_config_must_be_a_dataclass(self, registry: Registry) -> None:
        with pytest.raises(InvalidInput, match="must be a dataclass"):
            registry.register("predictor", "gini", config=dict)

    def test_config_must_have_defaults(self, registry: Registry) -> None:
        @dataclass
        class Incomplete:
            trees: int
            name: str = "gini"

        with pytest.raises(InvalidInput, match="Parameter 'trees' of predictor 'gini' needs a default"):
            registry.register("predictor", "gini", config=Incomplete)

    def test_config_must_bear_the_name(self, registry: Registry) -> None:
        with pytest.raises(InvalidInput, match="name: str = \"lorenz\"`, not 'gini'"):
            registry.register("predictor", "lorenz", config=GiniConfig)
        assert registry.names("predictor") == []


class TestBuild:
    @pytest.fixture(autouse=True)
    def registered(self, registry: Registry) -> None:
        registry.register("predictor", "gini", config=GiniConfig)(Gini)

    def test_parameters_and_context(self, registry: Registry) -> None:
        built = registry.build("predictor", {"name": "gini", "trees": 3}, device="sd865")
        assert built.config == GiniConfig(trees=3)
        assert built.context == {"device": "sd865"}

    def test_unknown_parameter(self, registry: Registry) -> None:
        with pytest.raises(UnknownName, match=r"parameter of predictor gini 'tree'\. Did you mean 'trees'") as caught:
            registry.build("predictor", {"name": "gini", "tree": 3})
        assert caught.value.known == ["seeds", "trees"]

    @pytest.mark.parametrize("name", ["ginni", "", None])
    def test_unknown_component(self, registry: Registry, name: str | None) -> None:
        with pytest.raises(UnknownName, match="Known: gini"):
            registry.build("predictor", {} if name is None else {"name": name})

    def test_unknown_kind(self, registry: Registry) -> None:
        with pytest.raises(UnknownName, match="Unknown component kind"):
            registry.build("colour", {"name": "gini"})


class TestPlugins:
    def test_origin_is_noted(self, registry: Registry) -> None:
        registry.load_plugin("nasface-gini", lambda: registry.register("predictor", "gini", config=GiniConfig)(Gini))
        assert registry.get("predictor", "gini").origin == "nasface-gini"

    def test_failure_is_undone_and_remembered(self, registry: Registry) -> None:
        def load() -> None:
            registry.register("predictor", "gini", config=GiniConfig)(Gini)
            raise ImportError("no module named wealth")

        assert registry.load_plugin("nasface-gini", load) is None
        assert registry.names("predictor") == []
        assert registry.failures == {"nasface-gini": "ImportError: no module named wealth"}
        with pytest.raises(UnknownName, match=r"failed to load: nasface-gini \(ImportError: no module named wealth\)"):
            registry.get("predictor", "gini")
        registry.register("predictor", "gini", config=GiniConfig)(Gini)
        assert registry.get("predictor", "gini").origin == "nasface", "the failed plug-in's origin must not linger"

    def test_interruption_is_not_a_failure(self, registry: Registry) -> None:
        def load() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            registry.load_plugin("nasface-gini", load)
        assert registry.failures == {}


def test_core_has_every_kind_and_documents_it() -> None:
    for kind in KINDS:
        assert REGISTRY.names(kind)
    for component in REGISTRY:
        assert component.summary.endswith("."), f"{component.kind} {component.name} has no one-line summary"
        if component.config is not None:
            assert component.config.__doc__, f"{component.config.__name__} has no docstring"
