"""`task=export network=FOLDER | genotype=... exporter=...`: one network as a file, measured with photos."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.text import Text

from nasface.accuracy.faces import training_photos
from nasface.data import FaceData
from nasface.deploy import Network, cut_out, save_weights
from nasface.errors import DataError, InvalidInput
from nasface.exporters import Exporter
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.registry import build
from nasface.runs import Json
from nasface.tasks._delivery import DESCRIPTOR_USE, calibration_images, write_file
from nasface.tasks._networks import in_stated_space, one_network_folder, open_network, space_of
from nasface.tasks.following import following

OWN: Final = "the network's own"
"""How its batch normalisation was calibrated."""


def run(run: Run) -> Outcome:
    """Export the network of a folder as it is: nothing is re-calibrated."""
    from nasface.spaces.genotype_file import read_genotype
    from nasface.supernets import deployed_weights

    folder, settings = one_network_folder(run), run.settings
    if (folder is None) == (settings.genotype is None) or isinstance(settings.genotype, list):
        raise InvalidInput(
            "task=export needs network=FOLDER, with the net.config and the weights of a network, or genotype= (a name, "
            "a file, or the genes of a front or a table), which is cut out of the supernet."
        )
    if settings.exporter["name"] == "none":
        raise InvalidInput("task=export needs an exporter; exporter=none writes nothing.")
    exporter: Exporter = build("exporter", settings.exporter)
    data = None if settings.data["name"] == "none" else run.open_data()
    if folder is None:
        return _cut_out(run, exporter, data)
    if exporter.precision == "int8" and (data is None or data.training is None):
        raise InvalidInput(
            "exporter.precision=int8 takes the ranges of values from photos like those the network was trained on: add "
            "data=image_folder data.root=FOLDER."
        )
    module = open_network(run, folder)
    network = Network(module.spec, module, deployed_weights(module.state_dict(), module.spec), OWN)
    space = space_of(run, folder)
    metadata: dict[str, Json] = {
        "genotype": dict(space.to_dict(read_genotype(folder / "net.config", space))),
        "calibration": OWN,
        "descriptor": DESCRIPTOR_USE,
    }
    images = None if data is None or data.training is None else _photos(run, data, space.resolution)
    file = write_file(run, exporter, network, images, data, metadata)
    _show(run, file.model.file.path.name, file.model.file.bytes, [check.text for check in file.model.parity.values()])
    path = run.shown(file.model.file.path)
    return replace(file.outcome(), next=following(run, "inspect", {"model": path}, keep=False))


def _cut_out(run: Run, exporter: Exporter, data: FaceData | None) -> Outcome:
    """Export a network of the supernet, calibrated as a search does it."""
    run = in_stated_space(run, run.path(str(run.settings.genotype)))
    bench = run.workbench
    genotype, supernet = bench.genotype(str(run.settings.genotype))[1], bench.source.load(bench.space)
    images, calibration = calibration_images(run, data)
    if images is None and supernet.trained:
        raise DataError(
            f"The networks of {bench.source.name} need photos of its training people to calibrate batch normalisation: "
            "add data=image_folder data.root=FOLDER."
        )
    network = cut_out(supernet, genotype, images if supernet.trained else None, calibration)
    save_weights(network, bench.space.net_config(genotype), run.folder)
    metadata: dict[str, Json] = {
        "genotype": dict(bench.space.to_dict(genotype)),
        "supernet": supernet.fingerprint,
        "calibration": network.calibration,
        "descriptor": DESCRIPTOR_USE,
    }
    template = bench.source.template
    metadata |= {} if template is None else {"template": template.to_dict()}
    file = write_file(run, exporter, network, images, data if supernet.trained else None, metadata)
    _show(run, file.model.file.path.name, file.model.file.bytes, [check.text for check in file.model.parity.values()])
    found = file.outcome()
    stated: dict[str, Json] = {"genotype": metadata["genotype"], "resolution": bench.space.resolution}
    after = following(run, "inspect", {"model": run.shown(file.model.file.path)}, keep=False)
    return replace(found, decision={**stated, **found.decision}, next=after)


def _photos(run: Run, data: FaceData, resolution: int) -> npt.NDArray[np.uint8]:
    """Of training people, for the ranges of an int8 file and for the check."""
    photos = run.settings.accuracy.calibration_photos
    return training_photos(data, resolution, photos, run.rng(Part.CALIBRATION)).images


def _show(run: Run, name: str, size: int, checks: list[str]) -> None:
    check = f", {checks[-1]}" if checks else ""
    where = run.shown(run.folder / name)
    run.console.print(Text.assemble((f"model: {where}", "bold"), f" ({size / 1e6:.2f} MB{check})"), soft_wrap=True)
