"""The how-to quotes the two plug-ins, so that its code is tested code, and has a section and a kit for every kind."""

from __future__ import annotations

import re

import pytest

import nasface.testing
from nasface.registry import KINDS

from .conftest import ROOT

PLUGINS = [ROOT / "plugins" / name for name in ("nasface-example", "nasface-resnet")]
TEXT = (ROOT / "docs" / "how-to" / "write-a-plugin.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python|yaml|toml)\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def sources() -> list[str]:
    files = [path for plugin in PLUGINS for path in plugin.rglob("*") if path.suffix in (".py", ".yaml", ".toml")]
    return [path.read_text(encoding="utf-8") for path in files]


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=lambda block: block.split("\n", 1)[0][:30])
def test_every_line_of_a_block_stands_in_one_file_of_a_plugin(block: str, sources: list[str]) -> None:
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    missing = [[line for line in lines if line not in source] for source in sources]
    assert min(missing, key=len) == []


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
