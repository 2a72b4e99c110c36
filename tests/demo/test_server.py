"""The page's server: what it hands out, to whom, and its limits."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import pytest

from nasface.demo import Address, Answer, Bundle, PageServer, Request
from nasface.demo import server as module
from nasface.errors import InvalidInput

SMALL = Bundle({"index.html": b"<p>here</p>" * 200, "a.js": b"1", "data.gz": gzip.compress(b"packed")})


def ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def echo(request: Request) -> Answer | None:
    return Answer(request.body or b"") if request.path == "echo" else None


def test_files_come_with_the_headers_that_isolate_a_page_and_gzipped() -> None:
    with PageServer(SMALL, Address(port=0)) as server:
        status, headers, content = ask(server.url, None, **{"Accept-Encoding": "gzip"})
        assert (status, gzip.decompress(content)) == (200, SMALL.files["index.html"])
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert headers["Content-Type"].startswith("text/html")
        assert ask(server.url + "a.js")[1]["Content-Type"] == "text/javascript"
        status, headers, content = ask(server.url + "data.gz", None, **{"Accept-Encoding": "gzip"})
        assert (content, headers.get("Content-Encoding")) == (SMALL.files["data.gz"], None)  # not packed twice


@pytest.mark.parametrize("path", ["", "wrong/", "wrong/a.js", "../a.js", "%2e%2e/a.js", "index.html"])
def test_nothing_is_handed_out_without_the_token(path: str) -> None:
    with PageServer(SMALL, Address(port=0)) as server:
        status, _, content = ask(server.url.removesuffix(f"{server.token}/") + path)
        assert (status, content) == (404, b"open the whole address that nasface printed")
        assert ask(f"{server.url}../../{server.token}x/a.js")[0] == 404


def test_questions_are_answered_and_others_are_not() -> None:
    with PageServer(SMALL, Address(port=0), ask=echo) as server:
        assert ask(server.url + "echo", b"hello")[::2] == (200, b"hello")
        assert ask(server.url + "other", b"hello")[0] == 404
        assert ask(server.url + "a.js", b"hello")[0] == 404


def test_a_large_body_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    with PageServer(SMALL, Address(port=0), ask=echo) as server:
        assert ask(server.url + "echo", b"0123456789")[0] == 200
        connection = HTTPConnection(urlsplit(server.url).netloc)
        connection.putrequest("POST", f"/{server.token}/echo")
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()


def test_too_many_requests_have_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_A_SECOND", 3)
    with PageServer(SMALL, Address(port=0)) as server:
        assert [server.answer(f"/{server.token}/a.js", None).status for _ in range(4)] == [200, 200, 200, 429]


def test_connections_beyond_the_limit_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 1)
    with PageServer(SMALL, Address(port=0)) as server:
        place = urlsplit(server.url).hostname, urlsplit(server.url).port
        with socket.create_connection(place) as idle:  # takes the place
            idle.sendall(b"GET")
            time.sleep(0.2)
            with socket.create_connection(place) as other:
                other.settimeout(10)
                assert other.recv(1) == b""
        for _ in range(100):  # the place is free again once the first connection is gone
            time.sleep(0.05)
            try:
                assert ask(server.url)[0] == 200
                break
            except (urllib.error.URLError, ConnectionError):
                pass
        else:
            pytest.fail("the place was not freed")


def test_it_stops_by_itself() -> None:
    with PageServer(SMALL, Address(port=0), idle_s=0.5) as server:
        waiting = threading.Thread(target=server.wait, daemon=True)
        waiting.start()
        waiting.join(10)
        assert not waiting.is_alive()
        assert server.idle


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with PageServer(SMALL, Address(port=0)) as server:
        port = urlsplit(server.url).port
        assert port is not None
        with pytest.raises(InvalidInput, match=f"port {port} .*in use.*port 0"), PageServer(SMALL, Address(port=port)):
            pass


@pytest.mark.parametrize("address", [{"host": ""}, {"port": -1}, {"port": 70000}])
def test_addresses_that_cannot_be(address: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=r"127\.0\.0\.1"):
        Address(**address)  # type: ignore[arg-type]


def test_https_with_a_certificate_of_its_own() -> None:
    pytest.importorskip("cryptography")
    with PageServer(SMALL, Address(port=0, tls=True)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        place = urlsplit(server.url)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((place.hostname, place.port)) as plain,
            context.wrap_socket(plain, server_hostname=place.hostname) as secure,
        ):
            secure.sendall(f"GET {place.path}a.js HTTP/1.0\r\n\r\n".encode())
            answer = HTTPResponse(secure)
            answer.begin()
            assert (answer.status, answer.read()) == (200, b"1")
