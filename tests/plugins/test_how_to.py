"""The how-to quotes the two plug-ins: its code is put into them and run; every kind and every kit has its section."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import pytest

import nasface.testing
from nasface.registry import KINDS, REGISTRY

from .conftest import ROOT

PLUGINS = [ROOT / "plugins" / name for name in ("nasface-example", "nasface-resnet")]
TEXT = (ROOT / "docs" / "how-to" / "write-a-plugin.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python|yaml|toml)\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def sources() -> list[str]:
    files = [path for plugin in PLUGINS for path in plugin.rglob("*") if path.suffix in (".py", ".yaml", ".toml")]
    return [path.read_text(encoding="utf-8") for path in files]


def places(block: str, source: str) -> list[int]:
    """Numbers of the source's lines that the block's lines are, in their order and all indented alike; [] if none."""
    lines, of = [line for line in block.splitlines() if line.strip()], source.splitlines()
    for first in range(len(of)):
        shift, found = of[first].removesuffix(lines[0]), list[int]()
        rest = iter(range(first, len(of)))
        for line in lines:
            found += itertools.islice((at for at in rest if _same(of[at], shift + line)), 1)
        if not shift.strip() and len(found) == len(lines):
            return found
    return []


def _same(line: str, shown: str) -> bool:
    """A block may leave out the comment at the end of a line."""
    return line == shown or line.split("  #")[0] == shown


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=lambda block: block.split("\n", 1)[0][:30])
def test_every_block_stands_in_one_file_of_a_plugin(block: str, sources: list[str]) -> None:
    assert any(places(block, source) for source in sources), "its lines, in their order, stand in no file"


CHECKED: Final = (
    "TestKnnScorer and (test_answers or test_saved)",
    "TestTraffic and (test_predict or test_decompose)",
    "TestTinyResnet and test_stages and not OtherSizes",
    "TestBrood and test_tight_bounds and no and Macs",
    "TestResnetSupernet and (read_again or are_copies or is_the_supernet)",
    "TestDepth and test_predict",
    "TestGini",
    "TestCurious and test_k_is_checked",
    "TestCurious and test_same_seed",
    "TestTwoSteps and test_tight_bounds and no and Macs",
    "TestNnz and (test_equal_arguments or test_a_file_is_opened)",
    "TestLeakyRelu",
    "TestInProcess and test_only_what_was_sent",
    "TestStudio and test_people_and_photos",
    "TestMiddle and test_faces",
    "TestMeanCosine",
    "TestNormFace",
    "TestUniform",
)
"""The cheapest checks of each component's kit that run all that the page shows of it."""


def test_the_code_of_the_page_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks are put into copies of the plug-ins; these pass their kits, which come by every line of a block."""
    shown = dict[tuple[str, int], str]()
    for plugin in PLUGINS:
        for file in shutil.copytree(plugin, tmp_path / plugin.name).rglob("*.py"):
            lines = file.read_text(encoding="utf-8").splitlines()
            for _, block in BLOCKS:
                for at, line in zip(
                    places(block, "\n".join(lines)), filter(str.strip, block.splitlines()), strict=False
                ):
                    lines[at] = lines[at][: len(lines[at]) - len(lines[at].lstrip())] + line.lstrip()
                    shown[str(file), at + 1] = line
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, *(str(tmp_path / plugin.name) for plugin in PLUGINS)])
    with forgotten("nasface_example", "nasface_resnet"):
        passed, ran = kits(tmp_path)
    assert passed == 0
    executable = {place for place in shown if place[1] in statements(Path(place[0]))}
    assert len(executable) > 80
    assert {shown[place] for place in executable - ran} == set()


def kits(folder: Path) -> tuple[int, set[tuple[str, int]]]:
    """Run `CHECKED` of the plug-ins in a folder; how it ended, and which lines of their files were run."""
    ran = set[tuple[str, int]]()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(str(folder)):
            return None
        ran.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    tests = [str(path) for plugin in PLUGINS for path in (folder / plugin.name / "tests").glob("test_*.py")]
    chosen = " or ".join(f"({name})" for name in CHECKED)
    options = [
        "-c",
        os.devnull,
        f"--rootdir={folder}",
        "-q",
        "-s",
        "--import-mode=importlib",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
    ]
    pytest.importorskip("torch")  # before the trace, which makes an import of it slow
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return int(pytest.main([*tests, "-k", f"({chosen}) and not command_line", *options])), ran
    finally:
        sys.settrace(before)


@contextlib.contextmanager
def forgotten(*packages: str) -> Iterator[None]:
    """Within the block these packages are imported anew; after it, they and what they registered are gone."""
    components = dict(REGISTRY._components)
    own = [name for name in sys.modules if name.split(".")[0] in packages]
    kept = {name: sys.modules.pop(name) for name in own}
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in packages]:
            del sys.modules[name]
        sys.modules.update(kept)
        REGISTRY._components.clear()
        REGISTRY._components.update(components)


def statements(file: Path) -> set[int]:
    """Lines of a file on which something is done."""
    codes, found = [compile(file.read_text(encoding="utf-8"), str(file), "exec")], set[int]()
    for code in codes:
        found |= {line for _, _, line in code.co_lines() if line}
        codes += [const for const in code.co_consts if isinstance(const, CodeType)]
    return found


def test_there_are_blocks_of_every_language() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "yaml", "toml"}


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:nasface|tests|plugins)/[\w/.-]+)`", TEXT))))
def test_every_file_it_names_exists(path: str) -> None:
    assert any((folder / path).exists() for folder in (ROOT, *PLUGINS))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_shown_and_tested(kind: str, sources: list[str]) -> None:
    assert f"`{kind}`" in TEXT, "the tables of kinds lack it"
    registration = f'@register("{kind}", '
    assert any(registration in block for _, block in BLOCKS) or kind in ("latency", "space"), "no example of it"
    assert any(registration in source for source in sources), "no plug-in brings one"


@pytest.mark.parametrize("kit", nasface.testing.__all__)
def test_every_kit_is_told_and_used(kit: str, sources: list[str]) -> None:
    assert f"`{kit}`" in TEXT
    assert any(f"({kit}):" in source for source in sources), "no plug-in's test uses it"


def test_nasface_resnet_brings_every_kind_that_nasface_example_does_not() -> None:
    brought = {
        plugin.name: {kind for kind in KINDS if any(f'@register("{kind}", ' in text for text in texts(plugin))}
        for plugin in PLUGINS
    }
    assert brought["nasface-resnet"] == set(KINDS) - {"predictor", "latency"}
    assert brought["nasface-example"] >= {"predictor", "latency"}


def test_nothing_in_nasface_knows_their_names() -> None:
    files = [*(ROOT / "nasface").rglob("*.py"), *(ROOT / "conf").rglob("*.yaml")]
    known = [
        file.name
        for file in files
        if re.search(r"nasface[_-](resnet|example)|resnet_small|knn_scorer", file.read_text())
    ]
    assert known == []


def texts(plugin: Path) -> list[str]:
    """Sources of a plug-in's package."""
    return [file.read_text(encoding="utf-8") for file in plugin.rglob("*.py")]
