"""Telling people where a page is: the address, and its QR code for a phone's camera."""

from __future__ import annotations

import io
from importlib.util import find_spec

from rich.console import Console

from nasface.demo.server import EVERYWHERE, Address


def announce(console: Console, url: str, address: Address) -> None:
    """Print the address, how a phone reaches it, and its QR code where one can."""
    console.print(f"open: {url}", soft_wrap=True, markup=False)
    if address.reached_at in ("127.0.0.1", "localhost", "::1"):
        port = url.rsplit(":", 1)[1].partition("/")[0]
        console.print(
            f"(on this machine, or on a phone on a cable after `adb reverse tcp:{port} tcp:{port}`; over the network "
            "with the option host=0.0.0.0, and tls=true for the camera)",
            soft_wrap=True,
            markup=False,
        )
        return
    if address.host in EVERYWHERE:
        console.print("everybody in this network who knows the address can open it", soft_wrap=True)
    if address.tls:
        console.print("the browser warns of the certificate, which this machine made itself: go on", soft_wrap=True)
    if find_spec("segno") is None:
        console.print("(a QR code needs the package segno: pip install 'nasface[demo]')", soft_wrap=True, markup=False)
    else:
        console.print(qr_code(url), soft_wrap=True, markup=False, highlight=False)


def qr_code(text: str) -> str:
    """A QR code in half blocks, for terminals of any colour."""
    import segno

    drawn = io.StringIO()
    segno.make(text, error="l").terminal(drawn, compact=True)
    return drawn.getvalue()
