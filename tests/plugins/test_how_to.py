"""The how-to quotes the example, so that its code is tested code."""

from __future__ import annotations

import re

import pytest

from .conftest import ROOT

EXAMPLE = ROOT / "plugins" / "nasface-example"
TEXT = (ROOT / "docs" / "how-to" / "write-a-plugin.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python|yaml|toml)\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def sources() -> list[str]:
    files = [path for path in EXAMPLE.rglob("*") if path.suffix in (".py", ".yaml", ".toml")]
    return [path.read_text(encoding="utf-8") for path in files]


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=lambda block: block.split("\n", 1)[0][:30])
def test_every_line_of_a_block_stands_in_one_file_of_the_example(block: str, sources: list[str]) -> None:
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    missing = [[line for line in lines if line not in source] for source in sources]
    assert min(missing, key=len) == []


def test_there_are_blocks_of_every_language() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "yaml", "toml"}


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:nasface|tests|plugins)/[\w/.-]+)`", TEXT))))
def test_every_file_it_names_exists(path: str) -> None:
    assert (ROOT / path).exists() or (EXAMPLE / path).exists()
