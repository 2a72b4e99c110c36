"""The house is as docs/architecture.md draws it: rooms in order, no circles, private names stay in their rooms."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "nasface"

pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs a checkout, not an installation")


class Import(NamedTuple):
    """`importer` takes `name` (empty: the module) from `module`; `deferred`: inside a function or for types only."""

    importer: str
    module: str
    name: str
    deferred: bool


def test_every_room_is_in_the_table_and_every_row_is_a_room() -> None:
    assert sorted(rooms()) == sorted({room(name) for name in modules()} - {"__main__", "nasface", "conf"})


def test_rooms_import_only_from_rooms_above_them() -> None:
    place = {name: i for i, name in enumerate(rooms())}
    wrong = {
        f"{i.importer} imports {i.module}"
        for i in imports()
        if room(i.importer) in place and place.get(room(i.module), -1) > place[room(i.importer)]
    }
    assert not wrong, "\n".join(sorted(wrong))


def test_modules_do_not_import_each_other_in_circles() -> None:
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for i in imports():
        if i.importer != i.module and not is_own_package(i):
            graph[i.importer].add(i.module)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_private_names_stay_in_their_room() -> None:
    wrong = {
        f"{i.importer} takes {i.name or i.module} of {i.module}"
        for i in imports()
        if room(i.importer) != room(i.module) and any(part.startswith("_") for part in [*i.module.split("."), i.name])
    }
    assert not wrong, "\n".join(sorted(wrong))


OPENING = re.compile(
    r"\.read_(?:text|bytes)\(|json\.loads?\(|np\.load\(|loadtxt\(|csv\.(?:Dict)?[rR]eader\(|literal_eval\(|yaml\.\w*load\("
    r"|pickle\.loads?\(|torch\.load\(|jit\.load\(|export\.load\(|load_file\(|onnx\.load\w*\(|tarfile\.open\(|ZipFile\("
)
"""Ways to open or to parse a file."""

OPENS = {
    "own": "usage tasks.list_components supernets.synthetic reports.page reports.svg reports.snippets spaces.published "
    "demo.bundle",
    "built from sources by developers": "devices.estimate demo.vendoring recognition.detectors.yunet_network",
    "just written here": "predictors._catboost timing.transports.ssh timing.transports.files exporters.onnx",
    "JSON makes lists of tuples": "training.state supernets.supernet",
    "runs elsewhere, alone": "timing.transports.runner",
    "checks of its own": "supernets.checkpoint data.sources data.record_file devices.time_csv devices.time_tree "
    "predictors._mlp recognition.gallery_file recognition.detectors.mtcnn_networks "
    "exporters.torch_export runtimes._pt2 runtimes.torch_export "
    "runtimes.torchscript timing.torch_timing",
}
"""Modules that may open files by themselves, and why; who reads what others bring goes through `nasface.reading`."""


def test_foreign_files_are_read_in_one_place() -> None:
    allowed = {f"nasface.{name}" for names in OPENS.values() for name in names.split()} | {"nasface.reading"}
    opening = {name for name, path in modules().items() if OPENING.search(path.read_text(encoding="utf-8"))}
    wrong = {name for name in opening - allowed if not name.startswith("nasface.testing.")}
    assert not wrong, f"read foreign files with nasface.reading, or say in OPENS why not: {sorted(wrong)}"
    assert not allowed - opening, f"no longer open files: {sorted(allowed - opening)}"


def test_tflite_is_prepared_without_its_notices() -> None:
    """But by the runner, a program of its own whose errors alone are shown, and by snippets for other people."""
    texts = {name: path.read_text("utf-8") for name, path in modules().items()}
    prepare = {name for name, text in texts.items() if "ai_edge_litert" in text and "allocate_tensors()" in text}
    loud = {name for name in prepare if "with without_notices():" not in texts[name]}
    assert loud == {"nasface.timing.transports.runner", "nasface.reports.snippets"}


def test_pillow_opens_only_formats_that_are_named() -> None:
    """Left to itself it tries all that it knows, and of one of them it starts another program on the file."""
    places = (
        path for folder in ("nasface", "plugins", "benchmarks", "docs", "tests") for path in (ROOT / folder).rglob("*")
    )
    texts = {
        path: path.read_text("utf-8") for path in places if path.suffix in (".py", ".txt", ".md") and path.is_file()
    }
    calls = [(path, call) for path, text in texts.items() for call in re.findall(r"\b[Ii]mage\.open\(.*", text)]
    assert len(calls) > 5
    assert not [(path, call) for path, call in calls if "formats=" not in call]


ANY = 225
"""Mentions of `Any` in the package at most."""

UNTYPED = 24
"""Parameters and results of functions that are `dict[str, Any]`, at most."""


def test_types_flow_rather_than_dictionaries() -> None:
    """Where one of these must grow, something is passed on without a type; give it one instead."""
    sources = [path.read_text(encoding="utf-8") for path in modules().values()]
    assert sum(len(re.findall(r"\bAny\b", source)) for source in sources) <= ANY
    signatures = [
        ast.unparse(annotation)
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for annotation in (*(a.annotation for a in _arguments(node)), node.returns)
        if annotation is not None
    ]
    assert sum(text.count("dict[str, Any]") for text in signatures) <= UNTYPED


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


@cache
def rooms() -> tuple[str, ...]:
    """Rooms in the order of the table under "## Rooms"."""
    section = (
        (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## Rooms")[2].partition("\n## ")[0]
    )
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section, re.MULTILINE)
    return tuple(name for row in rows for name in re.findall(r"`(\w+)`", row))


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    names = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


@cache
def imports() -> tuple[Import, ...]:
    """All imports of modules of the package by modules of the package."""
    return tuple(
        found for name, path in modules().items() for found in _imports(name, ast.parse(path.read_text("utf-8")))
    )


def room(module: str) -> str:
    """The first part below the package."""
    return module.partition(".")[2].partition(".")[0] or "nasface"


def is_own_package(i: Import) -> bool:
    """A package's `__init__` may re-export its modules, which is no circle unless they import it back."""
    return i.importer.startswith(i.module + ".") and i.deferred


def _imports(importer: str, tree: ast.Module) -> Iterator[Import]:
    immediate = {node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)} - {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef) or _for_types(outer)
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in modules():
                    yield Import(importer, alias.name, "", node not in immediate)
        elif isinstance(node, ast.ImportFrom) and node.module in modules():
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                target, name = (whole, "") if whole in modules() else (node.module, alias.name)
                yield Import(importer, target, name, node not in immediate)


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
