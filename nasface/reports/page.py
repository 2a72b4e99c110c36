"""One self-contained HTML page from sections: headings, tables, pictures, cards."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import NamedTuple

from nasface.reports.cells import cell_text
from nasface.runs import write_text


class Card(NamedTuple):
    """A big number."""

    label: str
    value: str
    small_print: str


class Page:
    """Collects sections and writes the page; everything given as text is escaped."""

    def __init__(self, title: str, subtitle: str = "") -> None:
        self.title, self.subtitle = title, subtitle
        self._parts: list[str] = []

    def heading(self, text: str) -> None:
        """A section heading."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text: str, css: str = "") -> None:
        """A paragraph; `css` may be "note" or "command"."""
        self._parts.append(f'<p class="{css}">{html.escape(text)}</p>')

    def cards(self, values: Sequence[Card]) -> None:
        """Big numbers."""
        parts = []
        for card in values:
            words = zip(("small", "b", "i"), card, strict=True)
            inner = "".join(f"<{tag}>{html.escape(text)}</{tag}>" for tag, text in words)
            parts.append(f'<div class="card">{inner}</div>')
        self._parts.append(f'<div class="cards">{"".join(parts)}</div>')

    def table(
        self,
        header: Sequence[str],
        rows: Sequence[Sequence[object]],
        highlight: int | None = None,
        links: Sequence[str] = (),
    ) -> None:
        """A table; row `highlight` stands out; numbers are aligned right; `links` are where first cells lead, or ""."""
        head = "".join(f"<th>{html.escape(str(cell))}</th>" for cell in header)
        body = []
        for i, row in enumerate(rows):
            css = ' class="found"' if i == highlight else ""
            cells = [html.escape(cell_text(cell)) for cell in row]
            if i < len(links) and links[i]:
                cells[0] = f'<a href="{html.escape(links[i])}">{cells[0]}</a>'
            body.append(f"<tr{css}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
        self._parts.append(f'<div class="scroll"><table><tr>{head}</tr>{"".join(body)}</table></div>')

    def picture(self, svg: str, caption: str) -> None:
        """A picture made by `nasface.reports.svg`."""
        self._parts.append(f"<figure>{svg}<figcaption>{html.escape(caption)}</figcaption></figure>")

    def facts(self, values: Mapping[str, object]) -> None:
        """Name and value pairs."""
        rows = [
            f"<dt>{html.escape(name)}</dt><dd>{html.escape(cell_text(value))}</dd>" for name, value in values.items()
        ]
        self._parts.append(f"<dl>{''.join(rows)}</dl>")

    def write(self, path: Path) -> None:
        """Write the page atomically."""
        folder = resources.files("nasface.reports")
        template = Template((folder / "page.html").read_text(encoding="utf-8"))
        style = (folder / "page.css").read_text(encoding="utf-8")
        body = "\n".join(self._parts)
        page = template.substitute(
            title=html.escape(self.title), subtitle=html.escape(self.subtitle), style=style, body=body
        )
        write_text(path, page)
