"""The core does not believe components: what breaks a rule is one sentence that names component, distribution, rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pytest

from nasface.costs import Macs
from nasface.data import load_data
from nasface.errors import ComponentError, InvalidInput, UnknownName
from nasface.metrics import Direction, curve_metric
from nasface.predictors import Ridge, RidgeConfig
from nasface.recognition.faces import Face
from nasface.registry import REGISTRY, Component, Registry
from nasface.runtimes import Model, Runtime
from nasface.selectors import FullSort
from nasface.spaces import Population
from nasface.strategies import Constraint, Problem, RandomSearch, RandomSearchConfig, SearchResult
from nasface.testing.synthetic import OracleScorer, face_space, oracle
from nasface.trust import CHECKS, REQUIRED


@dataclass
class PartConfig:
    """Parameters."""

    name: str = "part"
    weight: float = 1.0


def made(kind: str, factory: Callable[..., object], **context: object) -> object:
    """What a plug-in's component becomes."""
    registry = Registry()
    registry.load_plugin("nasface-foreign", lambda: registry.register(kind, "part", config=PartConfig)(factory))
    assert registry.failures == {}
    return registry.build(kind, {"name": "part"}, **context)


@pytest.mark.parametrize("name", ["a/b", "null", "TRUE", "123", "a,b", "", "a b", "a.b", "nan"])
def test_names_that_cannot_be_typed_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be called"):
        Registry().register("predictor", name, config=PartConfig)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Inner:
    size: int = 3


@dataclass
class RichConfig:
    """Parameters."""

    name: str = "rich"
    colour: Colour = Colour.RED
    inner: Inner = field(default_factory=Inner)
    sizes: tuple[int, ...] = (1, 2)
    parts: list[Inner] = field(default_factory=list)
    most: int | None = None


def test_values_arrive_as_they_were_declared() -> None:
    registry = Registry()
    registry.register("task", "rich", config=RichConfig)(lambda config: config)
    given = {"colour": "BLUE", "inner": {"size": 5}, "sizes": [4, 5], "parts": [{"size": 1}], "most": 7}
    found = registry.build("task", {"name": "rich", **given})
    assert found == RichConfig(colour=Colour.BLUE, inner=Inner(5), sizes=(4, 5), parts=[Inner(1)], most=7)


def test_defaults_are_said_as_files_and_the_command_line_have_them() -> None:
    registry = Registry()
    registry.register("task", "rich", config=RichConfig)(lambda config: config)
    defaults = registry.get("task", "rich").defaults()
    assert defaults == json.loads(json.dumps(defaults)), "JSON has no tuples and no enums"
    assert defaults == {
        "name": "rich",
        "colour": "RED",
        "inner": {"size": 3},
        "sizes": [1, 2],
        "parts": [],
        "most": None,
    }
    assert registry.build("task", defaults) == RichConfig()


def test_defaults_of_all_components_are_what_json_gives_back() -> None:
    said = {f"{component.kind} {component.name}": component.defaults() for component in REGISTRY}
    assert said == json.loads(json.dumps(said))


@pytest.mark.parametrize(
    "kind",
    [Literal["a", "b"], set, bytes, Path, Callable[[], int], np.ndarray, tuple[int, str], dict[int, str], int | str],
)
def test_types_that_options_cannot_hold_are_refused(kind: object) -> None:
    config = dataclass(type("Odd", (), {"__annotations__": {"name": str, "odd": kind}, "name": "odd", "odd": None}))
    with pytest.raises(InvalidInput, match=r"Parameter 'odd' of predictor 'odd' is a .* options can be bool"):
        Registry().register("predictor", "odd", config=config)


@pytest.mark.parametrize(
    ("kind", "default", "why"),
    [
        (int, None, "Incompatible value 'None' for field of type 'int'"),
        (int, "many", "Value 'many' of type 'str' could not be converted to Integer"),
        (int, "???", "Missing mandatory value"),
        (list[tuple[int, ...]], [(1,)], "Unsupported value type"),
        (dict[str, tuple[int, ...]], {"a": (1,)}, "Unsupported value type"),
        (float, [1.0], "could not be converted to Float"),
    ],
)
def test_defaults_that_options_cannot_hold_are_refused(kind: object, default: object, why: str) -> None:
    given = {
        "__annotations__": {"name": str, "odd": kind},
        "name": "odd",
        "odd": field(default_factory=lambda: default),
    }
    with pytest.raises(InvalidInput, match=rf"Parameter 'odd' of predictor 'odd' cannot be an option \(.*{why}"):
        Registry().register("predictor", "odd", config=dataclass(type("Odd", (), given)))


def test_defaults_that_cannot_be_made_are_refused() -> None:
    given = {"__annotations__": {"name": str, "odd": float}, "name": "odd", "odd": field(default_factory=lambda: 1 / 0)}
    with pytest.raises(InvalidInput, match=r"defaults of predictor 'odd' cannot be made \(ZeroDivisionError"):
        Registry().register("predictor", "odd", config=dataclass(type("Odd", (), given)))


def test_fields_nobody_can_set_are_refused() -> None:
    @dataclass
    class Hidden:
        name: str = "hidden"
        inside: int = field(default=1, init=False)

    with pytest.raises(InvalidInput, match="init=False"):
        Registry().register("predictor", "hidden", config=Hidden)


class Wrong(Ridge):
    """A ridge whose score can be anything."""

    answer: Callable[[int], object] = staticmethod(lambda n: np.zeros(n))

    def __init__(self, config: PartConfig) -> None:
        super().__init__(RidgeConfig())

    def score(self, x: np.ndarray) -> np.ndarray:
        return self.answer(len(x))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (lambda n: np.full(n, np.nan), "is not finite"),
        (lambda n: np.zeros(n, np.float32), r"it gave float32\[3\] as score; one float64 for each of 3 networks"),
        (lambda n: np.zeros(n + 1), r"it gave float64\[4\]"),
        (lambda n: [0.0] * n, "it gave a list"),
    ],
)
def test_scores(answer: Callable[[int], object], rule: str) -> None:
    predictor = made("predictor", type("Odd", (Wrong,), {"answer": staticmethod(answer)}))
    with pytest.raises(ComponentError, match=f"predictor part of nasface-foreign broke the rules of score: .*{rule}"):
        predictor.score(np.zeros((3, 2), np.float32))


def test_a_fit_that_returns_nothing() -> None:
    class Forgetful(Wrong):
        def fit(self, *arguments: object) -> None:  # type: ignore[override]
            return None

    predictor = made("predictor", Forgetful)
    with pytest.raises(ComponentError, match="it returned a NoneType instead of itself"):
        predictor.fit(np.zeros((3, 2)), np.zeros(3), [[0, 1]], np.random.default_rng(0))


@pytest.mark.parametrize(
    ("indices", "rule"),
    [([0, 0], "repeated"), ([0, 9], "index 9 is none of 5 rows"), ([-1, 0], "index -1"), ([0], "2 indices")],
)
def test_indices_of_a_selector(indices: list[int], rule: str) -> None:
    class Odd(FullSort):
        def __init__(self, config: PartConfig) -> None:
            super().__init__()

        def top_k(self, population: Population, k: int, *others: object) -> np.ndarray:  # type: ignore[override]
            return np.array(indices, np.intp)

    space, rng = face_space(), np.random.default_rng(0)
    selector = made("selector", Odd)
    with pytest.raises(ComponentError, match=f"selector part of nasface-foreign broke the rules of top_k: .*{rule}"):
        selector.top_k(space.sample(rng, 5), 2, oracle(space, OracleScorer, rng), rng)


def test_costs_below_zero() -> None:
    class Negative(Macs):
        def __init__(self, config: PartConfig, *, space: object) -> None:
            super().__init__(face_space())

        def predict(self, population: Population) -> np.ndarray:
            return -super().predict(population)

    cost = made("cost", Negative, space=None)
    with pytest.raises(ComponentError, match=r"cost -.* lies outside 0 to inf"):
        cost.predict(face_space().sample(np.random.default_rng(0), 2))


def odd_search(change: Callable[[SearchResult], SearchResult]) -> type:
    class Odd(RandomSearch):
        def __init__(self, config: PartConfig, **context: object) -> None:
            super().__init__(RandomSearchConfig(samples=50), selector=FullSort())

        def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
            return change(super().run(problem, rng))

    return Odd


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda r: _with(r, counters={"calls": 1}), "its counters lack distinct, generations, pairs"),
        (lambda r: _with(r, best=r.finalists[-1]), "its first finalist is not its winner"),
        (lambda r: _with(r, finalists=_largest(), best=_largest()[0]), "finalist 0 does not meet the bounds"),
        (lambda r: _with(r, finalists=r.finalists[:, :4], best=r.best[:4]), "a finalist is no network of the space"),
    ],
)
def test_results_of_a_search(change: Callable[[SearchResult], SearchResult], rule: str) -> None:
    space, rng = face_space(), np.random.default_rng(0)
    macs = Macs(space)
    bound = float(np.median(macs.predict(space.sample(rng, 100))))
    problem = Problem(space, oracle(space, OracleScorer, rng), [Constraint(macs, bound, "MACs")])
    with pytest.raises(ComponentError, match=f"The search part of nasface-foreign broke the rules of run: .*{rule}"):
        made("search", odd_search(change)).run(problem, rng)


def _with(result: SearchResult, **changes: object) -> SearchResult:
    import dataclasses

    return dataclasses.replace(result, **changes)  # type: ignore[arg-type]


def _largest() -> Population:
    space = face_space()
    return space.from_dict({"ks": 7, "e": 6, "d": 4})[None]


def test_an_exception_inside_names_the_plugin() -> None:
    def fails(config: PartConfig) -> None:
        raise ZeroDivisionError("division by zero")

    with pytest.raises(ComponentError, match=r"predictor part of nasface-foreign failed in its construction \(Zero"):
        made("predictor", fails)


def test_what_a_plugin_refuses_stays_as_it_said_it() -> None:
    def refuses(config: PartConfig) -> None:
        raise InvalidInput("predictor.depth is 0; give 1.")

    with pytest.raises(InvalidInput, match=r"^predictor.depth is 0; give 1\.$"):
        made("predictor", refuses)


def test_a_part_without_its_methods() -> None:
    with pytest.raises(ComponentError, match="has no method fit"):
        made("predictor", lambda config: object())


def test_parameters_of_a_component_without_any() -> None:
    registry = Registry()
    registry.register("metric", "plain")(lambda: 3)
    with pytest.raises(UnknownName, match="parameter of metric plain 'odd'"):
        registry.build("metric", {"name": "plain", "odd": 1})


def test_additive_scores_that_are_not_sums_prove_nothing() -> None:
    class Untrue(OracleScorer):
        additive = True

        def score(self, x: np.ndarray) -> np.ndarray:
            return np.prod(0.5 + x.astype(np.float64) / 20, axis=1)

    space, rng = face_space(), np.random.default_rng(0)
    with pytest.raises(ComponentError, match=r"says that its scores are sums over the stages \(additive\)"):
        oracle(space, Untrue, rng).decompose()


def test_a_file_that_a_runtime_cannot_open_names_the_plugin(tmp_path: Path) -> None:
    def runtime() -> Runtime:
        return Runtime((".part",), lambda path, *others: path.read_text()[1000])  # type: ignore[arg-type, return-value]

    (tmp_path / "model.part").write_text("short")
    opened = without_config("runtime", runtime)
    with pytest.raises(ComponentError, match=r"runtime part of nasface-foreign failed in open \(IndexError"):
        opened.open(tmp_path / "model.part", None, 1, None)


@pytest.mark.parametrize(
    ("embed", "message"),
    [
        (lambda images: 1 / 0, r"failed in embed \(ZeroDivisionError"),
        (lambda images: images[0], r"broke the rules of embed: it gave float32\[8, 8, 3\]; float32 descriptors of 2"),
    ],
)
def test_an_opened_model_is_watched_too(embed: Callable[[np.ndarray], np.ndarray], message: str) -> None:
    runtime = without_config("runtime", lambda: Runtime((".part",), lambda *arguments: Model(8, embed)))
    model = runtime.open(Path("model.part"), None, 1, None)
    with pytest.raises(ComponentError, match=f"runtime part of nasface-foreign {message}"):
        model.embed(np.zeros((2, 8, 8, 3), np.float32))


@dataclass(frozen=True)
class Loss:
    """Can be asked for logits, and called."""

    config: PartConfig

    def logits(self, *arguments: object) -> object:
        raise IndexError("too many people")

    def __call__(self, *arguments: object) -> object:
        raise KeyError("label")


def test_losses_and_teachers_name_the_plugin() -> None:
    loss = made("loss", Loss)
    assert isinstance(loss, Loss)
    assert type(made("loss", lambda config: loss)) is type(loss), "what is watched is not watched twice"
    with pytest.raises(ComponentError, match=r"loss part of nasface-foreign failed in logits \(IndexError"):
        loss.logits()
    with pytest.raises(ComponentError, match=r"loss part of nasface-foreign failed in __call__ \(KeyError"):
        loss()
    teacher = made("teacher", lambda config: lambda photos: photos.absent)
    with pytest.raises(ComponentError, match=r"teacher part of nasface-foreign failed in __call__ \(AttributeError"):
        teacher(3)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kind", "method", "given", "arguments", "rule"),
    [
        ("supernet", "resolution", None, ({},), "it gave a NoneType; a number of pixels is asked for"),
        ("supernet", "load", 3, (None,), "it gave a int without extract, weights, fingerprint, trained"),
        ("supernet", "fingerprint", b"1", (None,), "it gave a bytes; a text is asked for"),
        ("supernet", "save", None, (None, Path("nowhere.safetensors")), "there is no file nowhere.safetensors"),
        ("supernet", "trainable", "x", (None, 2), "it gave a str; a module of torch is asked for"),
        ("supernet", "calibration_images", np.zeros((2, 8, 8, 3)), (), "it gave float64.*; photos, uint8"),
        ("space", "crossover", None, (None, [1, 2], [3, 4]), r"it gave a NoneType; int8\[2, 4\] is asked for"),
        ("space", "canonical", np.zeros((1, 4)), ([1],), r"it gave float64\[1, 4\]; int8\[1, 4\] is asked for"),
        ("space", "build", None, (None,), "it gave a NoneType; a NetSpec is asked for"),
        ("space", "layers", [], (), "it gave a list; a tuple of Layer is asked for"),
        ("space", "layer_indices", None, ([1],), "it gave a NoneType; whole numbers, a row for each of 1 networks"),
        ("space", "stage_choices", [np.zeros((2, 3), np.int8)], (), r"it gave int8\[2, 3\]; int8\[n, 4\] is asked for"),
        ("space", "stage_indices", np.zeros((1, 2)), ([1],), r"it gave float64\[1, 2\]; whole numbers"),
        ("space", "groups", [1], (), "it gave a int; a list of lists is asked for"),
        ("space", "to_dict", None, (None,), "it gave a NoneType; a dict is asked for"),
        ("space", "from_dict", None, (None,), r"it gave a NoneType; int8\[4\] is asked for"),
        ("space", "size", "many", (), "it gave a str; a number is asked for"),
        ("experiment", "cells", None, (), "it gave a NoneType; a list is asked for"),
        ("experiment", "measure", [3], (None,), "it gave a int; a row, a dict, is asked for"),
        ("experiment", "report", "page", ((),), "it gave a str; a Report is asked for"),
        ("transport", "time", 3.0, (), "it gave a float; a Sample is asked for"),
        ("transport", "describe", None, (), "it gave a NoneType; a mapping is asked for"),
        ("detector", "detect", None, (None,), "it gave a NoneType; a list of Face is asked for"),
        ("detector", "detect", [Face((0.0, 0.0, np.nan, 1.0))], (None,), "a box is not finite"),
        (
            "loss",
            "logits",
            np.zeros((2, 4)),
            (np.zeros((2, 8)), np.zeros((5, 8))),
            r"it gave float64\[2, 4\]; logits \[2, 5\] are",
        ),
    ],
)
def test_answers_of_the_other_kinds(kind: str, method: str, given: object, arguments: Any, rule: str) -> None:
    methods = {name: lambda *_: given for name in CHECKS[kind]}
    said = {
        "name": "part",
        "table": None,
        "resolution": 8,
        "n_genes": 4,
        "fingerprint": "of nothing",
        "cell": PartConfig,
    }
    said |= {"config": PartConfig(), "__init__": lambda self, config: None}
    part = type("Odd", (), {**said, **methods})
    with pytest.raises(ComponentError, match=f"The {kind} part of nasface-foreign broke the rules of {method}: {rule}"):
        getattr(made(kind, part), method)(*arguments)


@pytest.mark.parametrize(
    ("kind", "name", "rule"),
    [
        ("space", "resolution", "a number of pixels is asked for"),
        ("space", "n_genes", "a number of genes is asked for"),
        ("exporter", "suffix", "a suffix, such as '.mine', is asked for"),
        ("latency", "unit", "a text is asked for"),
        ("cost", "name", "a text is asked for"),
        ("supernet", "table", "a Path is asked for"),
        ("experiment", "fingerprint", "a text is asked for"),
        ("loss", "config", "a config with a weight is asked for"),
    ],
)
def test_what_components_say_of_themselves(kind: str, name: str, rule: str) -> None:
    right = {"name": "part", "unit": "ms", "suffix": ".part", "resolution": 8, "n_genes": 4, "table": None}
    right |= {"fingerprint": "of nothing", "cell": PartConfig, "config": PartConfig(), "__call__": lambda *_: None}
    methods = {method: lambda *_: None for method in (*REQUIRED[kind], "__init__")}
    assert made(kind, type("Right", (), right | methods))
    with pytest.raises(ComponentError, match=f"part of nasface-foreign broke the rules of {name}: it gave .*; {rule}"):
        made(kind, type("Odd", (), right | methods | {name: -3}))


def test_a_teacher_that_is_none() -> None:
    with pytest.raises(ComponentError, match="The teacher part of nasface-foreign has no method __call__"):
        made("teacher", lambda config: None)


def test_what_a_plugin_leads_to_where_nothing_watches_names_it() -> None:
    registry, module = Registry(), ModuleType("foreign_parts")
    exec("def part(config): return None\n\ndef divide(): return 1 / 0\n\ndef core(): int('x', divide)", vars(module))
    registry.load_plugin("nasface-foreign", lambda: registry.register("task", "part", config=PartConfig)(module.part))
    for name, kind in (("divide", "ZeroDivisionError: division by zero"), ("core", "TypeError: 'function' object")):
        with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever it is
            vars(module)[name]()
        said = str(registry.blamed(raised.value))
        assert said.startswith(f"The plug-in nasface-foreign failed in foreign_parts.{name} ({kind}")
    own = ValueError("ours")
    assert registry.blamed(own) is own


def test_photos_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    REGISTRY.load_core("data")
    photos = Component("data", "part", lambda config: [], PartConfig, "Made up.", "nasface-foreign")
    monkeypatch.setitem(REGISTRY._components, ("data", "part"), photos)
    with pytest.raises(ComponentError, match="data part of nasface-foreign broke the rules of loading: it gave a list"):
        load_data({"name": "part"})


def test_a_teacher_that_says_nothing() -> None:
    teacher: Any = made("teacher", lambda config: lambda photos: None)
    with pytest.raises(ComponentError, match="it gave a NoneType; a Taught of 2 photos is asked for"):
        teacher(np.zeros((2, 3)))


def test_a_metric_gives_a_number() -> None:
    metric = without_config("metric", lambda: curve_metric("part", Direction.MAX, lambda roc: [roc]))
    with pytest.raises(ComponentError, match="metric part of nasface-foreign broke the rules of curve: it gave a list"):
        metric.curve(None)


def without_config(kind: str, factory: Callable[[], object]) -> Any:
    """What a plug-in's component without parameters becomes."""
    registry = Registry()
    registry.load_plugin("nasface-foreign", lambda: registry.register(kind, "part")(factory))
    return registry.build(kind, {"name": "part"})
