"""Every command of README, tutorial, how-tos and references: shells read it, its options exist.

`test_pages_run` runs them.
"""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from ._pages import BLOCKS, COMMANDS, ROOT
from .test_options import GOLDEN

pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs a checkout, not an installation")


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


def test_every_option_is_among_the_frozen_ones() -> None:
    known = {line.strip().partition("=")[0] for line in GOLDEN.read_text(encoding="utf-8").splitlines()}
    parents = {name.rpartition(".")[0] for name in known} | {"device", "task", "experiment"}
    for words, page in COMMANDS.items():
        for key in re.findall(r"(?:^|[ '\"])([a-z_][\w.]*)=", words.partition(" #")[0]):
            missing = key not in known | parents and not key.startswith(("hydra.", "training.plan.", "experiment."))
            assert not missing, f"{page}: nasface {words} gives {key}, which is no option"
