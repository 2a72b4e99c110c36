"""Every command of README, tutorial, how-tos and references: shells read it, its options exist and have those types."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from nasface.arguments import to_hydra
from nasface.devices.device import EMBEDDED
from nasface.options import config_directory, register_options
from nasface.settings import Settings

from ._command import restored_hydra
from .test_options import GOLDEN

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md")) if path.is_file())
BLOCK = re.compile(r"^( *)```bash\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
PROGRAM = re.compile(r"(?:^|&& |; )(?:\w+=\S+ )*(?:[\w./-]*python3? -m |torchrun .*-m )?nasface (?P<words>.*)")

pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs a checkout, not an installation")


class Block(NamedTuple):
    """Commands of a page, one after another."""

    page: str
    text: str

    def commands(self) -> Iterator[str]:
        """The words behind `nasface`, of every line that starts it."""
        for line in self.text.replace("\\\n", " ").splitlines():
            found = PROGRAM.search(line.strip())
            if found is not None:
                yield found["words"]


BLOCKS = [
    Block(str(path.relative_to(ROOT)), match[2])
    for path in PAGES
    for match in BLOCK.finditer(path.read_text(encoding="utf-8"))
]
COMMANDS = {words: block.page for block in BLOCKS for words in block.commands()}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_read_all_blocks(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = "\n".join(f": {block.page}\n{block.text}" for block in BLOCKS)
    done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_shell_takes_a_list_for_a_pattern() -> None:
    """Zsh ends a command whose brackets match no file, bash takes them as they are until one does."""
    assert len(COMMANDS) > 80
    bare = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+|\s+""")
    for words, page in COMMANDS.items():
        for word in bare.findall(words.partition(" #")[0]):
            plain = re.sub(r"""'[^']*'|"[^"]*\"""", "", word)
            assert not set(plain) & set("[]{}*?()"), f"{page}: quote {word}"
            assert "..." not in plain.split("/"), f"{page}: {words} runs only with what stands there in place of ..."


@pytest.fixture
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With tables of the devices that pages speak of."""
    names = {name for words in COMMANDS for name in re.findall(r"lut\.name=(\w+)|check\.table=(\w+)", words)}
    (tmp_path / "luts").mkdir()
    for name in filter(None, (name for pair in names for name in pair)):
        shutil.copy(EMBEDDED / "sd865.json", tmp_path / "luts" / f"{name}.json")
    monkeypatch.setenv("NASFACE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_every_option_is_among_the_frozen_ones() -> None:
    known = {line.strip().partition("=")[0] for line in GOLDEN.read_text(encoding="utf-8").splitlines()}
    parents = {name.rpartition(".")[0] for name in known} | {"device", "task", "experiment"}
    for words, page in COMMANDS.items():
        for key in re.findall(r"(?:^|[ '\"])([a-z_][\w.]*)=", words.partition(" #")[0]):
            missing = key not in known | parents and not key.startswith(("hydra.", "training.plan.", "experiment."))
            assert not missing, f"{page}: nasface {words} gives {key}, which is no option"


@pytest.mark.slow
@pytest.mark.usefixtures("_home")
def test_every_option_exists_and_has_its_type() -> None:
    with restored_hydra():
        register_options()
        with initialize_config_dir(str(config_directory()), version_base="1.3"):
            for words, page in COMMANDS.items():
                given = to_hydra(shlex.split(words, comments=True))
                if "--config-dir" in given or "-sc" in given:
                    continue
                options = OverridesParser.create().parse_overrides([word for word in given if "=" in word])
                single = [
                    f"{option.key_or_group}={next(option.sweep_string_iterator())}"
                    if option.is_sweep_override()
                    else str(option.input_line)
                    for option in options
                ]
                try:
                    Settings.of(compose("config", [word for word in single if not word.startswith("hydra")]))
                except Exception as error:
                    pytest.fail(f"{page}: nasface {words}\n{error}")
