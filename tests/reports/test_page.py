"""A page stands alone, explains its words and says how it was made."""

from __future__ import annotations

import re
from pathlib import Path

from nasface.reports import Page, Series, chart, picture
from nasface.reports.page import write_markdown_page
from nasface.reports.terms import TERMS

GLOSSARY = Path(__file__).parents[2] / "docs/glossary.md"


def written(page: Page, folder: Path) -> str:
    page.write(folder / "page.html")
    return (folder / "page.html").read_text()


def test_a_page_explains_the_words_that_stand_on_it_and_no_others(tmp_path: Path) -> None:
    page = Page("title")
    page.text("Kendall tau 0.9")
    html = written(page, tmp_path)
    assert TERMS["Kendall tau"] in html
    assert TERMS["CMC"] not in html


def test_terms_of_pages_stand_in_the_glossary_of_the_site() -> None:
    told = GLOSSARY.read_text().lower()
    assert not [name for name in TERMS if name.lower().removeprefix("kendall ") not in told]


def test_a_page_needs_nothing_from_elsewhere_and_says_how_to_make_it_again(tmp_path: Path) -> None:
    page = Page("title", command="nasface search 'device=[a,b]' <x>")
    page.picture(chart([Series("a", [(1, 2), (2, 3)], "other")], "x", "y"), "caption")
    html = written(page, tmp_path)
    assert not re.search(r"(src|href)=", html)
    assert "nasface search &#x27;device=[a,b]&#x27; &lt;x&gt;" in html
    assert re.search(r"nasface \d+\.\d+\.\d+, \d{4}-\d\d-\d\d", html)


def test_a_page_of_markdown_holds_its_pictures(tmp_path: Path) -> None:
    svg = picture([Series("a", [(1, 2), (2, 3)], "line0", line=True)], "x", "y")
    text = "# How good\n\n| a | b |\n| --- | --- |\n| 1 | <2> |\n\n![a curve](one_auc.svg)\n"
    write_markdown_page(tmp_path / "one.html", text, {"one_auc.svg": svg})
    html = (tmp_path / "one.html").read_text()
    assert "<title>How good</title>" in html
    assert "<td>&lt;2&gt;</td>" in html
    assert '<polyline class="line0"' in html
    assert "<figcaption>a curve</figcaption>" in html
    assert "<img" not in html
    assert html.count("<style>") == 1, "a picture brings no colours of its own into a page"
