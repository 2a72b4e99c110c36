"""One self-contained HTML page from sections: headings, tables, pictures, cards."""

from __future__ import annotations

import datetime
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata, resources
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

from nasface.reports.cells import cell_text
from nasface.reports.svg import inside_page
from nasface.reports.terms import TERMS
from nasface.runs import write_text

SORTED: Final = 4
"""Rows of a table, at least, for headings that sort it."""


class Drawn(NamedTuple):
    """A small picture in a cell of a table."""

    svg: str


class Card(NamedTuple):
    """A big number."""

    label: str
    value: str
    small_print: str


class Page:
    """Collects sections and writes the page; everything given as text is escaped.

    Args:
        title: Of the page.
        subtitle: Below it.
        command: The command line that makes the page again; stands at its end.
    """

    def __init__(self, title: str, subtitle: str = "", command: str = "") -> None:
        self.title, self.subtitle, self.command = title, subtitle, command
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
        *,
        words: bool = False,
    ) -> None:
        """A table; row `highlight` stands out; `links` are where first cells lead, or "".

        With `words` it is of text rather than numbers.
        """
        head = "".join(f"<th>{html.escape(str(cell))}</th>" for cell in header)
        body = []
        for i, row in enumerate(rows):
            css = ' class="found"' if i == highlight else ""
            cells = [cell.svg if isinstance(cell, Drawn) else html.escape(cell_text(cell)) for cell in row]
            if i < len(links) and links[i]:
                cells[0] = f'<a href="{html.escape(links[i])}">{cells[0]}</a>'
            body.append(f"<tr{css}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
        style = "words" if words else "sorts" if len(rows) >= SORTED else ""
        table = f'<table class="{style}"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'
        self._parts.append(_scrolling(table))

    def picture(self, svg: str, caption: str) -> None:
        """A picture made by `nasface.reports.svg`."""
        caption = html.escape(caption)
        self._parts.append(f"<figure>{_scrolling(svg)}<figcaption>{caption}</figcaption></figure>")

    def markdown(self, text: str, pictures: Mapping[str, str] | None = None) -> None:
        """Text in Markdown; `pictures` (SVG by the names of their files) stand where it refers to them."""
        from markdown_it import MarkdownIt

        body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
        body = re.sub(r"<table>.*?</table>", lambda match: _scrolling(match[0]), body, flags=re.DOTALL)
        for name, svg in (pictures or {}).items():
            drawn = _scrolling(inside_page(svg))
            body = re.sub(
                rf'<p><img src="{re.escape(name)}" alt="([^"]*)" /></p>',
                lambda match, drawn=drawn: f"<figure>{drawn}<figcaption>{match[1]}</figcaption></figure>",  # type: ignore[misc]
                body,
            )
        self._parts.append(body)

    def facts(self, values: Mapping[str, object]) -> None:
        """Name and value pairs."""
        rows = [
            f"<dt>{html.escape(name)}</dt><dd>{html.escape(cell_text(value))}</dd>" for name, value in values.items()
        ]
        self._parts.append(f"<dl>{''.join(rows)}</dl>")

    @contextmanager
    def folded(self, summary: str) -> Iterator[None]:
        """What is added inside is shown when somebody asks for it."""
        self._parts.append(f"<details><summary>{html.escape(summary)}</summary>")
        yield
        self._parts.append("</details>")

    def what_next(self, command: str) -> None:
        """A command line to go on with."""
        self.heading("What next")
        self.text(command, "command")

    def _glossary(self) -> None:
        """What the words of the page mean, of those in `TERMS` that stand on it."""
        text = "\n".join((self.title, self.subtitle, *self._parts)).lower()
        found = {name: meaning for name, meaning in TERMS.items() if name.lower() in text}
        if found:
            with self.folded("What the words mean"):
                self.facts(found)

    def write(self, path: Path) -> None:
        """Write the page atomically."""
        folder = resources.files("nasface.reports")
        texts = {name: (folder / f"page.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js")}
        self._glossary()
        page = Template(texts["html"]).substitute(
            title=html.escape(self.title),
            subtitle=html.escape(self.subtitle),
            style=texts["css"],
            body="\n".join((*self._parts, self._footer())),
            script=texts["js"],
        )
        write_text(path, page)

    def _footer(self) -> str:
        """When and by what the page was made, and how to make it again."""
        made = f"nasface {metadata.version('nasface')}, {datetime.datetime.now(datetime.UTC).date().isoformat()}"
        again = f'<p>made by</p><p class="command">{html.escape(self.command)}</p>' if self.command else ""
        return f"<footer>{again}<p>{made}</p></footer>"


def _scrolling(part: str) -> str:
    """What may be wider than the screen."""
    return f'<div class="scroll" tabindex="0">{part}</div>'


def write_markdown_page(path: Path, text: str, pictures: Mapping[str, str]) -> None:
    """Write a page of Markdown as one HTML file; its first line, a heading, is the title."""
    first, _, rest = text.partition("\n")
    page = Page(first.removeprefix("# "))
    page.markdown(rest, pictures)
    page.write(path)
