"""The pages about Python name everything that is public, and their code runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nasface
from nasface.strategies import Study

DOCS = Path(__file__).resolve().parents[1] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs a checkout, not an installation")


def test_the_page_names_all_that_is_public() -> None:
    text = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)", text)) | set(re.findall(r"→ `(\w+)`", text))
    members = [name for name in vars(Study) if not name.startswith("_")]
    assert not sorted({*nasface.__all__, *members} - named)


def test_asking_and_telling_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DOCS / "how-to" / "ask-and-tell.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    exec(compile(code.replace("range(3)", "range(2)"), "ask-and-tell.md", "exec"), found)
    study = found["study"]
    assert isinstance(study, Study)
    assert len(study.trials) == 16
    assert max(trial.value or 0.0 for trial in study.trials[10:]) == study.best.value, "what was learned is used"
