"""The changelog of the repository as a page of the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Called by mkdocs for every page: `changelog.md` becomes CHANGELOG.md, with links as they are below docs/."""
    if page.file.src_uri != "changelog.md":
        return markdown
    return Path("CHANGELOG.md").read_text(encoding="utf-8").replace("](docs/", "](")
