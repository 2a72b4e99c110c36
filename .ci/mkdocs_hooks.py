"""The changelog of the repository as a page of the site, and the version in its heading."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


def on_config(config: Any, **_: object) -> None:
    """Called by mkdocs at the start: the site says of which version it is."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    config.site_name = f"{config.site_name} {project['version']}"


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Called by mkdocs for every page: `changelog.md` becomes CHANGELOG.md, with links as they are below docs/."""
    if page.file.src_uri != "changelog.md":
        return markdown
    return Path("CHANGELOG.md").read_text(encoding="utf-8").replace("](docs/", "](")
