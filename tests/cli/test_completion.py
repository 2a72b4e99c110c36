"""The tabulator key goes on with tasks, groups, components and parameters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nasface.arguments import completion
from nasface.tasks import all_tasks


@pytest.mark.parametrize(
    ("line", "tasks", "rest"),
    [
        ("nasface meas", ["measure_latency"], "nasface meas"),
        ("nasface measure_latency timing.ru", [], "nasface task=measure_latency timing.ru"),
        ("nasface predictor=li", [], "nasface predictor=li"),
        ("nasface seed=1 inspec", ["inspect"], "nasface seed=1 inspec"),
        ("nasface search sea", [], "nasface task=search sea"),
    ],
)
def test_tasks_are_completed_as_words(line: str, tasks: list[str], rest: str) -> None:
    assert completion(line) == (tasks, rest)


def test_every_task_is_offered_at_the_beginning() -> None:
    assert set(completion("nasface ").tasks) == set(all_tasks())


ASKED = {
    "nasface insp": "inspect",
    "nasface predictor=ridg": "predictor=ridge",
    "nasface search search.generat": "search.generations=",
}
"""Half-typed lines, and what their last word becomes."""

BASH = """\
eval "$(nasface -sc install=bash)"
for line in "$@"; do
  COMP_LINE=$line; COMP_POINT=${#line}; words=($line); COMP_CWORD=$((${#words[@]} - 1))
  hydra_bash_completion
  echo "${COMPREPLY[*]}"
done
"""
FISH = """\
nasface -sc install=fish | source
for line in $argv
  complete -C $line
end
"""
ZSH = r"""zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'bindkey -e; PS1=; eval "$(nasface -sc install=zsh)"; show() { print -r -- "[[$BUFFER]]"; BUFFER= }
zle -N show; bindkey "^X" show; print REA""DY'
zpty -r shell out '*READY*'
for line in "$@"; do
  zpty -n -w shell "$line"$'\t\x18'
  zpty -r shell out '*\[\[nasface*\]\]*'
  print -r -- "${${out##*\[\[}%%\]\]*}"
done
"""
"""The line of a terminal after its tabulator key, which only an interactive zsh has."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "script"), [("bash", BASH), ("fish", FISH), ("zsh", ZSH)], ids=["bash", "fish", "zsh"]
)
def test_shells_complete_tasks_components_and_parameters(shell: str, script: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"needs {shell}")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "HOME": str(tmp_path)}
    words = [program, *(["-f"] if shell == "zsh" else []), "-c", script, *(["-"] if shell != "fish" else []), *ASKED]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=300)
    found = done.stdout.splitlines()
    assert len(found) == len(ASKED), done
    assert all(word in answer.split() for word, answer in zip(ASKED.values(), found, strict=True)), found
