"""What the pages tell a reader to type, as a shell gives it to programs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md")) if path.is_file())
_BLOCK = re.compile(r"^( *)```bash\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_PROGRAM = re.compile(r"(?:^|&& |; )(?:\w+=\S+ )*(?:[\w./-]*python3? -m |torchrun .*-m )?nasface (?P<words>.*)")
_PROGRAMS = ("python", "python3", "nasface", "pip", "torchrun", "ssh", ".venv/bin/python", ".venv/bin/pip")
_RECORDER = '#!/bin/sh\nprintf "%s\\0" "$#" "$0" "$@" >> "$RECORD"\n'


class Block(NamedTuple):
    """Commands of a page, one after another."""

    page: str
    text: str

    def commands(self) -> Iterator[str]:
        """The words behind `nasface`, of every line that starts it."""
        for line in self.text.replace("\\\n", " ").splitlines():
            found = _PROGRAM.search(line.strip())
            if found is not None:
                yield found["words"]


BLOCKS = [
    Block(str(path.relative_to(ROOT)), match[2])
    for path in PAGES
    for match in _BLOCK.finditer(path.read_text(encoding="utf-8"))
]
COMMANDS = {words: block.page for block in BLOCKS for words in block.commands()}


def started(shell: str, page: str, folder: Path) -> list[list[str]]:
    """Program and words of every program that a shell starts for a page's commands; none of them is run.

    Args:
        shell: Its program.
        page: One of `PAGES`, as blocks name it.
        folder: Empty, the reader's home and working folder; `~` in the words.
    """
    programs = folder / "programs"
    for name in _PROGRAMS:
        path = folder / name if "/" in name else programs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_RECORDER)
        path.chmod(0o755)
    (folder / ".venv" / "bin" / "activate").touch()
    script = "set -e\n" + "".join(block.text for block in BLOCKS if block.page == page)
    record = folder / "record"
    record.touch()
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder), "RECORD": str(record)}
    command = [shell, *(["-f"] if shell == "zsh" else []), "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), page
    written = record.read_text(encoding="utf-8").replace(f"{programs}/", "").replace(f"{folder}/", "~/")
    fields = iter(written.split("\0")[:-1])
    return [[next(fields), *(next(fields) for _ in range(int(count)))] for count in fields]


def nasface_words(command: list[str]) -> list[str] | None:
    """What nasface gets of a command; None if it starts another program."""
    program, *words = command
    if program == "nasface":
        return words
    place = next((at for at, pair in enumerate(pairwise(words)) if pair == ("-m", "nasface")), None)
    return None if place is None else words[place + 2 :]
