"""`task=train_network genotype=... | network=FOLDER training.folder=FOLDER data=...`: fine-tune one network.

It is cut out of the supernet, or read with its own weights; by default it learns the descriptors of the supernet's
largest network. The same command goes on, and at the end the run folder holds the network and its file.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.accuracy.faces import training_photos
from nasface.composition import LARGEST, extreme_genotypes
from nasface.deploy import Network, save_weights
from nasface.errors import InvalidInput
from nasface.exporters import Exporter
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.registry import build
from nasface.runs import Json
from nasface.spaces import SearchSpace
from nasface.spaces.genotype_file import read_genotype
from nasface.tasks._delivery import DESCRIPTOR_USE, write_file
from nasface.tasks._networks import in_stated_space, one_network_folder, open_network, space_of
from nasface.tasks._training import prepare, training_options, write_report
from nasface.tasks.following import following
from nasface.training import LargestTeacherConfig

if TYPE_CHECKING:
    from nasface.data import FaceData
    from nasface.supernets import SpecModule
    from nasface.training.networks import Trainable
    from nasface.training.trainer import Trainer


class _Chosen(NamedTuple):
    """The network that is trained.

    Attributes:
        run: With the options of the network's own space.
        space: At the network's resolution.
        genotype: int8[n_genes].
        module: With the weights to begin with.
        stated: What its supernet says of the photos that it takes, for the file.
    """

    run: Run
    space: SearchSpace
    genotype: npt.NDArray[np.int8]
    module: SpecModule
    stated: dict[str, Json]


def run(run: Run) -> Outcome:
    """Train what is left, then write the network and its file into the run folder."""
    config = training_options(run)
    if config.init is not None:
        raise InvalidInput(
            "training.init is of supernets: task=train_network begins with the weights of network=FOLDER, or of the "
            "supernet (supernet.checkpoint=FILE) that genotype= is cut from."
        )
    chosen = _chosen(run)
    run, space = chosen.run, chosen.space
    with ExitStack() as stack:
        setting, teacher, listener, data = prepare(run, config, space.resolution, _identity(chosen), stack)
        largest = _largest(run, space) if isinstance(teacher, LargestTeacherConfig) else None
        trainer = setting.network_trainer(chosen.module, teacher, largest, listener)
        trained = trainer.run()
    decision: dict[str, Json] = {
        "genotype": dict(space.to_dict(chosen.genotype)),
        "resolution": space.resolution,
        "space": run.settings.space,
        "folder": str(trainer.checkpoints.folder),
        "steps": trainer.total,
    }
    measurements: dict[str, Json] = {"seconds": trainer.at.seconds, "cpu_seconds": trainer.at.cpu_seconds}
    if trainer.fabric.is_global_zero:
        delivered = _deliver(chosen, trained, trainer, data)
        decision = {**decision, **delivered.decision}
        measurements = {**measurements, **delivered.measurements}
    return Outcome(decision, measurements, next=_next(run))


def _next(run: Run) -> str:
    """How good it is."""
    return following(run, "evaluate", {"network": run.shown(run.folder)})


def _chosen(run: Run) -> _Chosen:
    """The network of `network=` or `genotype=`.

    Raises:
        InvalidInput: Neither or both are given, or there are no trained weights.
    """
    folder, given = one_network_folder(run), run.settings.genotype
    if (folder is None) == (given is None) or isinstance(given, list):
        raise InvalidInput(
            "task=train_network trains one network: give genotype= (smallest, largest, a published network, a file), "
            "which is cut out of the supernet, or network=FOLDER with net.config and weights."
        )
    if folder is not None:
        run = in_stated_space(run, folder)
        space = space_of(run, folder)
        return _Chosen(run, space, read_genotype(folder / "net.config", space), open_network(run, folder), {})
    run = in_stated_space(run, run.path(str(given)))
    bench = run.workbench
    if not bench.source.trained:
        raise InvalidInput(f"{bench.source.name} have nothing to fine-tune; give supernet.checkpoint=FILE.")
    genotype = bench.genotype(str(given))[1]
    template = bench.source.template
    stated: dict[str, Json] = {} if template is None else {"template": template.to_dict()}
    return _Chosen(run, bench.space, genotype, bench.source.load(bench.space).extract(genotype), stated)


def _identity(chosen: _Chosen) -> dict[str, Json]:
    """What is trained: the network, and the weights that it begins with."""
    digest = hashlib.sha256()
    for name, tensor in chosen.module.state_dict().items():
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    space = chosen.space
    stated: dict[str, Json] = {"space": dict(space.fingerprinted()) | {"resolution": space.resolution}}
    return stated | {"network": space.to_text(chosen.genotype), "weights": digest.hexdigest()}


def _largest(run: Run, space: SearchSpace) -> SpecModule:
    """The largest network of the supernet, which teaches."""
    source = run.workbench.source
    if not source.trained:
        raise InvalidInput(f"teacher=largest: {source.name} teach nothing; give supernet.checkpoint=FILE.")
    run.console.print(f"teacher: the largest network of {source.name}", soft_wrap=True)
    return source.load(space).extract(extreme_genotypes(space)[LARGEST])


def _deliver(chosen: _Chosen, trained: Trainable, trainer: Trainer, data: FaceData) -> Outcome:
    """Calibrate, write `net.config`, the weights, the file and the report."""
    from nasface.supernets import calibrate, deployed_weights

    run, space = chosen.run, chosen.space
    photos = run.settings.accuracy.calibration_photos
    images, calibration = training_photos(data, space.resolution, photos, run.rng(Part.CALIBRATION))
    module = calibrate(trained.cut(trained.largest), images)
    network = Network(module.spec, module, deployed_weights(module.state_dict(), module.spec), calibration)
    save_weights(network, space.net_config(chosen.genotype), run.folder)
    write_report(run, trainer, _next(run))
    if run.settings.exporter["name"] == "none":
        return Outcome()
    exporter: Exporter = build("exporter", run.settings.exporter)
    metadata: dict[str, Json] = {
        "genotype": dict(space.to_dict(chosen.genotype)),
        "calibration": calibration,
        "descriptor": DESCRIPTOR_USE,
    }
    metadata |= chosen.stated
    file = write_file(run, exporter, network, images, data, metadata)
    run.console.print(f"model: {run.shown(file.model.file.path)}", soft_wrap=True)
    return file.outcome()
