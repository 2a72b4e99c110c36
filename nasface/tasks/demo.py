"""`task=demo model=RUN_FOLDER`: the page that times networks on a device and recognises the faces in photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from nasface.demo import Address, Bundle, DemoModel, PageServer, announce, demo_bundle
from nasface.demo.bundle import CAVEAT
from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.recognition.detectors.yunet import FILE as DETECTOR
from nasface.runs import Json
from nasface.tasks._circle import DEVICE, circle
from nasface.tasks.following import timed

MODEL: Final = "model.tflite"


def run(run: Run) -> Outcome:
    """Write the page as a folder and as one file; serve it until nobody asks any more."""
    options = run.settings.demo
    address = Address(options.host, options.port, options.tls)
    if not options.minutes > 0:
        raise InvalidInput(f"demo.minutes={options.minutes:g} must be more than 0: minutes without a request.")
    if DEVICE in run.settings.device:
        return circle(run, address)
    named = _models(run)
    models = [DemoModel.read(path, name) for path, name in named]
    bundle = demo_bundle(models, DETECTOR, CAVEAT)
    folder, single = run.folder / "demo", run.folder / "demo.html"
    bundle.write_folder(folder)
    bundle.write_single_file(single)
    run.console.print(f"folder for any web server: {run.shown(folder)}", soft_wrap=True)
    run.console.print(f"one file that works without any: {run.shown(single)}", soft_wrap=True)
    if options.serve:
        serve(run, bundle, address)
    decision: dict[str, Json] = {"models": [model.name for model in models], "folder": str(folder)}
    return Outcome(decision | {"file": str(single)}, next=timed(run, [path for path, _ in named]))


def serve(run: Run, bundle: Bundle, address: Address) -> None:
    """Until Ctrl-C, or until nobody has asked for `demo.minutes`."""
    minutes = run.settings.demo.minutes
    with PageServer(bundle, address, idle_s=60 * minutes) as server:
        announce(run.console, server.url, address)
        run.console.print(f"Ctrl-C ends it, or {minutes:g} minutes without a request", soft_wrap=True)
        try:
            server.wait()
        except KeyboardInterrupt:
            run.console.print("ended")


def _models(run: Run) -> list[tuple[Path, str]]:
    """Files and what people call them."""
    given = run.settings.model
    listed: Sequence[str] = [given] if isinstance(given, str) else list(given or ())
    found = [entry for text in listed for entry in _of(run.path(text), text)]
    if not found:
        raise InvalidInput(
            "task=demo needs model=RUN_FOLDER of a search or of task=deploy_family, or model=FILE.tflite; a search is "
            "`nasface search device=sd865`. Or device=browser: then the device that opens the page gets its own."
        )
    return found


def _of(path: Path, text: str) -> Iterator[tuple[Path, str]]:
    """The file itself, that of a run folder, or those of a family's members."""
    if path.is_file():
        yield path, path.stem if path.name != MODEL else path.parent.name
    elif (path / MODEL).is_file():
        yield path / MODEL, path.name
    elif members := sorted(path.glob(f"*/{MODEL}")):
        yield from ((member, member.parent.name) for member in members)
    else:
        raise InvalidInput(f"There is no {MODEL} in {text}; give the run folder of a search, or a .tflite file.")
