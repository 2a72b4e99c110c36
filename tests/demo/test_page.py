"""The page in a browser: it computes what Python computes, and shows it."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from demo.conftest import SIZE, asked, opened
from nasface.demo import Bundle, PageServer
from nasface.demo.bundle import VERSION
from nasface.preprocessing import ARCFACE, Preprocessing
from nasface.recognition.alignment import aligned, similarity
from nasface.recognition.detectors.yunet import YuNet, YuNetConfig
from nasface.recognition.faces import Face
from nasface.runtimes import run_tflite

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from demo.conftest import Pictures


@pytest.fixture(scope="module")
def page(browser: Browser, bundle: Bundle) -> Any:
    """The page on its server, with nothing done on it."""
    from nasface.demo import Address

    with PageServer(bundle, Address(port=0)) as server:
        page = opened(browser, server.url)
        yield page
        page.close()


def picture(photo: Pictures) -> dict[str, Any]:
    """For `PICTURE`, the page's side of it; numbers would take minutes."""
    height, width = photo.shape[:2]
    return {"width": width, "height": height, "data": base64.b64encode(photo.tobytes()).decode()}


PICTURE = "{ ...a, data: Uint8Array.from(atob(a.data), (c) => c.charCodeAt(0)) }"


def test_descriptors_are_those_of_the_python_runtime(page: Page, model: Path, faces: Pictures) -> None:
    photo = np.asarray(Image.fromarray(faces[0]).resize((SIZE, SIZE)))
    expected = run_tflite(model, Preprocessing(SIZE).normalise(photo[None]))[0]
    found = asked(page, f"Array.from(await n.state.describer.raw({PICTURE}))", picture(photo))
    if page.evaluate("nasface.then((n) => n.runtime)") == "litert.js wasm":
        np.testing.assert_array_equal(np.float32(found), expected)
    else:  # without relaxed SIMD sums are rounded otherwise
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["left", "right"])  # of the detector's size, and larger
def test_boxes_points_and_crops_are_those_of_python(page: Page, photos: dict[str, Path], name: str) -> None:
    photo = np.asarray(Image.open(photos[name], formats=("JPEG", "PNG")).convert("RGB"))
    expected = YuNet(YuNetConfig()).detect(photo)
    found = asked(
        page,
        f"(await n.faces({PICTURE})).map(({{box, points, score, square}}) => "
        "({box, points, score, square: btoa(String.fromCharCode(...square.data))}))",
        picture(photo),
    )
    assert len(found) == len(expected) == 2
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours["box"], theirs.box, atol=1e-3)
        np.testing.assert_allclose(ours["points"], theirs.points, atol=1e-3)
        assert ours["score"] == pytest.approx(theirs.score, abs=1e-6)
        same = Face(theirs.box, theirs.score, np.array(ours["points"]))
        square = np.frombuffer(base64.b64decode(ours["square"]), np.uint8).reshape(SIZE, SIZE, 3)
        difference = np.abs(square.astype(int) - aligned(photo, same, ARCFACE, SIZE))
        assert difference.max() <= 1  # a value half-way between two
        assert (difference > 0).mean() < 1e-3


def test_similarities_are_those_of_python(page: Page, rng: np.random.Generator) -> None:
    for _ in range(5):
        points, target = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
        found = asked(page, "n.similarity(...a)", [points.tolist(), target.tolist()])
        np.testing.assert_allclose(found, similarity(points, target), atol=1e-12)


@pytest.fixture
def compared(browser: Browser, server: PageServer, photos: dict[str, Path]) -> Any:
    """The page after both photos were chosen."""
    page = opened(browser, server.url)
    for side, name in enumerate(("left", "right")):
        page.locator("#pair input[type=file]").nth(side).set_input_files(photos[name])
        page.wait_for_selector(f'.drop[data-side="{side}"][data-faces="2"]')
    yield page
    page.close()


def test_lines_join_equal_faces_and_no_others(compared: Page, photos: dict[str, Path]) -> None:
    table = [row.split("\t") for row in compared.inner_text("#distances tbody").split("\n")]
    distances = sorted(float(row[2]) for row in table)
    assert len(distances) == 4
    assert distances[0] < distances[1]
    compared.evaluate(SLIDE, (distances[0] + distances[1]) / 2)
    assert compared.locator("#lines line").count() == 1
    assert compared.locator("rect.box.equal").count() == 2
    assert compared.text_content("#lines line title") == f"squared L2 {distances[0]:.3f}", "said where it is pointed at"
    [equal] = [row for row in compared.inner_text("#distances tbody").split("\n") if row.endswith("equal")]
    places = asked(compared, "n.compare.sides.map(({faces}) => faces.map(({box}) => box[0]))")
    first, second = (int(cell) - 1 for cell in equal.split("\t")[:2])
    assert places[0][first] > 300  # the person in both photos stands right in one and left in the other
    assert places[1][second] < 500
    compared.evaluate(SLIDE, 0)
    assert compared.locator("#lines line").count() == 0
    compared.set_viewport_size({"width": 360, "height": 800})
    assert compared.evaluate(OVERFLOW) <= 0


OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
SHOWN_THOUGH_HIDDEN = (
    "[...document.querySelectorAll('[hidden]')].filter((e) => e.getClientRects().length).map((e) => e.id)"
)

SLIDE = """value => {
    const slider = document.getElementById("threshold");
    [slider.step, slider.value] = ["any", value];
    slider.dispatchEvent(new Event("input"));
}"""


def test_another_network_describes_the_same_photos_and_forgets_the_gallery(compared: Page) -> None:
    before = compared.inner_text("#distances tbody")
    asked(compared, "n.identify.gallery.set('somebody', [])")
    compared.click("#tab-speed")
    compared.click("text=use >> nth=1")
    compared.wait_for_selector("#status:has-text('second recognises now. Enrol everybody again')")
    assert asked(compared, "n.identify.gallery.size") == 0
    compared.click("#tab-compare")
    assert compared.inner_text("#distances tbody") != before
    text = compared.inner_text("#threshold-text")
    assert text.startswith("0.50: false accepts 0.10 %"), "where its file says what was measured"
    compared.evaluate(SLIDE, 0.6)
    assert "0.32 %" in compared.inner_text("#threshold-text"), "between two of them, by logarithms"


DROP = """([name, data]) => {
    const file = new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name);
    const transfer = new DataTransfer();
    transfer.items.add(file);
    document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer }));
}"""


def test_photos_can_be_dropped_and_the_camera_watched(
    browser: Browser, server: PageServer, photos: dict[str, Path]
) -> None:
    page = opened(browser, server.url)
    page.evaluate(DROP, ["left.png", base64.b64encode(photos["left"].read_bytes()).decode()])
    page.wait_for_selector('.drop[data-side="0"][data-faces="2"]')
    page.locator("#pair button:has-text('Camera')").last.click()
    page.wait_for_selector('.drop[data-side="1"][data-faces]')
    page.click("#tab-identify")
    page.click("text=Watch the camera")
    page.wait_for_selector("#live canvas")
    assert page.inner_text("#answer") in ("no face", "nobody is enrolled")  # the pattern has no face at most times
    page.click("text=Stop watching")
    page.wait_for_selector("text=Watch the camera")
    page.close()


@pytest.mark.parametrize(
    ("name", "words"), [("empty", "No face was found in this photo"), ("truncated", "cannot be read as a photo")]
)
def test_photos_that_do_not_do(page: Page, photos: dict[str, Path], name: str, words: str) -> None:
    page.locator("#pair input[type=file]").first.set_input_files(photos[name])
    page.wait_for_selector(f"#status:has-text('{words}')")


def test_somebody_enrolled_is_recognised_and_can_be_forgotten(
    browser: Browser, server: PageServer, faces: Pictures, tmp_path: Path, photos: dict[str, Path]
) -> None:
    page = opened(browser, server.url)
    page.click("#tab-identify")
    Image.fromarray(faces[9]).save(tmp_path / "one.png")
    page.fill("#name", "Drawn Person")
    page.locator("#enrol input[type=file]").set_input_files(photos["left"])
    page.wait_for_selector("#status:has-text('several faces')")
    page.locator("#enrol input[type=file]").set_input_files(tmp_path / "one.png")
    page.wait_for_selector("#people li:has-text('Drawn Person: 1 photo')")
    page.evaluate(SLIDE, 0.01)
    page.locator("#probe input[type=file]").set_input_files(tmp_path / "one.png")
    page.wait_for_selector("#answer:has-text('Drawn Person (0.00)')")
    page.locator("#probe input[type=file]").set_input_files(photos["left"])
    page.wait_for_selector("#answer:has-text('1: ')")
    assert re.search(r"1: .*\(.*, 2: ", page.inner_text("#answer")), "numbered as the boxes are"
    page.click("#forget")
    page.locator("#probe input[type=file]").set_input_files(tmp_path / "one.png")
    page.wait_for_selector("#answer:has-text('nobody is enrolled')")
    assert page.locator("#people li").count() == 0
    page.close()


def test_networks_are_timed(browser: Browser, server: PageServer) -> None:
    page = opened(browser, server.url)
    page.click("#tab-speed")
    page.click("#measure")
    page.wait_for_selector("#status:has-text('Done.')", timeout=60_000)
    rows = [row.split("\t") for row in page.inner_text("#models tbody").split("\n") if "\t" in row]
    assert len(rows) == 2
    for row in rows:
        median, fast = float(row[-6]), float(row[-5])
        assert 0 < fast <= median
    assert page.locator("#histogram rect").count() > 0
    page.close()


def test_the_single_file_works_without_any_server(
    browser: Browser, bundle: Bundle, photos: dict[str, Path], tmp_path: Path
) -> None:
    bundle.write_single_file(tmp_path / "demo.html")
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((tmp_path / "demo.html").as_uri())
    page.wait_for_selector("body[data-ready=yes]")
    page.locator("#pair input[type=file]").first.set_input_files(photos["left"])
    page.wait_for_selector('.drop[data-side="0"][data-faces="2"]')
    context.close()


def test_the_page_cannot_send_anything_anywhere(browser: Browser, server: PageServer) -> None:
    """Its own content policy refuses every address but its server's."""
    page = opened(browser, server.url)
    failed = page.evaluate("fetch('http://127.0.0.2:9/').then(() => 'sent', (error) => error.name)")
    assert failed == "TypeError"
    assert page.evaluate("document.securityPolicyViolation ?? 'no'") == "no"
    page.close()


def test_a_browser_without_webassembly_is_told_so(browser: Browser, server: PageServer) -> None:
    page = browser.new_page()
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto(server.url)
    page.wait_for_selector("#status.problem:has-text('no WebAssembly')")
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (800, "dark"), (1200, "light")])
def test_it_fits_and_can_be_used_by_keyboard(browser: Browser, server: PageServer, width: int, scheme: Any) -> None:
    page = opened(browser, server.url, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.focus("#tab-compare")
    for tab in ("identify", "speed", "about"):
        page.keyboard.press("ArrowRight")
        assert page.locator(f"#{tab}").is_visible()
        assert page.evaluate(OVERFLOW) <= 0
        assert page.evaluate(SHOWN_THOUGH_HIDDEN) == []
    assert re.search(rf"nasface {re.escape(VERSION)}", page.inner_text("#facts"))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input, select')].filter((e) => "
        "!(e.textContent.trim() || e.labels?.length || e.getAttribute('aria-label'))).length"
    )
    assert unnamed == 0
    page.close()
