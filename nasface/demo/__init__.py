"""The demo: one page that times networks on any device with a browser and recognises the faces in photos.

`page` holds its modules, `vendor` the runtime that they load. A `Bundle` joins both with a detector and networks: as a
folder of static files, as one HTML file, or as what a `PageServer` hands out.
"""

from nasface.demo.announcing import announce
from nasface.demo.bundle import Bundle, DemoModel, demo_bundle
from nasface.demo.server import Address, Answer, PageServer, Request

__all__ = ["Address", "Answer", "Bundle", "DemoModel", "PageServer", "Request", "announce", "demo_bundle"]
