"""`task=train_supernet training.folder=FOLDER data=...`: train a supernet; the same command goes on."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from nasface.data import FaceData
from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.reading import read_bytes
from nasface.registry import build
from nasface.runs import Json
from nasface.spaces import OfaMbv3, SearchSpace
from nasface.tasks._training import prepare, training_options, write_report
from nasface.tasks.following import following
from nasface.tasks.frame import versions

if TYPE_CHECKING:
    from nasface.training.assembly import OpenNetwork
    from nasface.training.networks import Trainable


def run(run: Run) -> Outcome:
    """Train all phases that are left, export the supernet, write the report."""
    config, space = training_options(run), _space(run)
    stated: dict[str, Json] = {"space": dict(space.fingerprinted()) | {"resolution": space.resolution}}
    with ExitStack() as stack:
        setting, teacher, listener, data = prepare(run, config, space.resolution, stated, stack)
        trainer = setting.supernet_trainer(_open_network(run, space), teacher, listener)
        network = trainer.run()
    folder = trainer.checkpoints.folder
    decision: dict[str, Json] = {"folder": str(folder), "steps": trainer.total}
    if trainer.fabric.is_global_zero:
        decision |= _export(run, network, folder, data)
        write_report(run, trainer, _next(run, folder))
    seconds: dict[str, Json] = {"seconds": trainer.at.seconds, "cpu_seconds": trainer.at.cpu_seconds}
    return Outcome(decision, seconds, next=_next(run, folder))


def _space(run: Run) -> SearchSpace:
    """The space; raises `InvalidInput` where nobody knows how to train its supernet."""
    space: SearchSpace = build("space", run.settings.space)
    if isinstance(space, OfaMbv3):
        return space
    source = run.workbench.source
    if not source.elastic:
        raise InvalidInput(
            f"task=train_supernet trains supernets of ofa_mbv3 spaces, and of plug-ins where they are elastic; the "
            f"supernet {source.name} is not: choose space=ofa_mbv3_face, or a supernet of {space.name} that is."
        )
    return run.workbench.space


def _open_network(run: Run, space: SearchSpace) -> OpenNetwork:
    from nasface.training.networks import TrainableSupernet
    from nasface.training.sliced import SlicedSupernet

    if isinstance(space, OfaMbv3):
        return lambda classes: TrainableSupernet(space, classes)
    source = run.workbench.source

    def opened(classes: int) -> SlicedSupernet:
        network = source.trainable(space, classes)
        if not isinstance(network, SlicedSupernet):
            raise InvalidInput(
                f"The supernet {source.name} must give a nasface.training.sliced.SlicedSupernet to be trained, not a "
                f"{type(network).__name__}."
            )
        return network

    return opened


def _export(run: Run, network: Trainable, folder: Path, data: FaceData) -> dict[str, Json]:
    """Both formats of the supernet, and what is next."""
    from nasface.supernets import ElasticNetwork, ElasticSupernet

    if not isinstance(network, ElasticNetwork):
        path = folder / "supernet.safetensors"
        run.workbench.source.save(network, path)
        run.console.print(f"supernet: {run.shown(path)}", soft_wrap=True)
        return {"supernet": hashlib.sha256(read_bytes(path)).hexdigest()}
    provenance: dict[str, Json] = {
        "task": "train_supernet",
        "options": {key: getattr(run.settings, key) for key in ("training", "loss", "teacher", "seed")},
        "data": {"name": data.name, "fingerprint": data.fingerprint},
        "versions": versions(),
    }
    supernet = ElasticSupernet(network, folder.resolve().name, provenance)
    for name in ("supernet.pth", "supernet.safetensors"):
        supernet.save(folder / name)
    run.console.print(f"supernet: {run.shown(folder / 'supernet.safetensors')}", soft_wrap=True)
    return {"supernet": supernet.fingerprint}


def _next(run: Run, folder: Path) -> str:
    files = {"supernet.checkpoint": "supernet.safetensors", "accuracy.table": "accuracy.csv"}
    return following(run, "estimate_accuracy", {key: run.shown(folder / name) for key, name in files.items()})
