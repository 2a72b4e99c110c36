"""Embedded latency tables: one imported (i7_8700k), two estimated from it and from published times (sd865, sd765).

Nobody published the phones' tables. Published are TFLite CPU times of four networks per phone (Savchenko et al. 2023,
table 6 and the text on limits). `speed_fit` fits a phone's table to them; the leave-one-out error over all published
times chooses among its candidates.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from nasface.devices.importers import import_lut
from nasface.devices.layer_model import LayerModel
from nasface.devices.lut import LookupTable, Provenance, Reference
from nasface.devices.lut_file import write_lut
from nasface.devices.scaling import Base, Scaling, layer_model
from nasface.devices.speed_fit import Observation
from nasface.errors import LookupTableError
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig
from nasface.spaces.references import REFERENCES

RESOLUTIONS: Final = (112, 128, 160, 192, 224)
PUBLISHED_AT: Final = 224

CREATED: Final = "python -m nasface task=build_assets assets.parts=[luts]"
PAPER: Final = (
    "Savchenko et al. 2023, Fast Search of Face Recognition Model for a Mobile Device Based on Neural Architecture "
    "Comparator, IEEE Access, table 6"
)
I7_SOURCE: Final = "nsganetv2, data/i7-8700K_lut.yaml (Z. Lu et al.), Apache-2.0"

PHONES: Final = {"sd865": "Xiaomi Mi 10T Pro (Snapdragon 865)", "sd765": "Xiaomi Mi 10 Lite (Snapdragon 765G)"}

PUBLISHED_REFERENCES: Final[dict[str, dict[str, tuple[float, float]]]] = {
    "sd865": {"efficientnet_b0": (22.0, 2.0), "mobilenet_v1": (13.28, 0.63)},
    "sd765": {"efficientnet_b0": (59.0, 5.0), "mobilenet_v1": (33.07, 1.12)},
}
"""TFLite CPU time in ms, mean and deviation. MobileNet v1 is taken to run at 224 pixels; the paper does not say."""

ESTIMATED: Final = ("efficientnet_b0", "mobilenet_v1")
"""Reference networks that the layer model gives times of: those with published times, by which it can be judged."""


def build_luts(sources: Path, out: Path) -> list[Path]:
    """Rebuild the embedded tables.

    Args:
        sources: Folder with `published/i7-8700K_lut.yaml` and `published/subnets.json`.
        out: Folder for `i7_8700k.json`, `sd865.json`, `sd765.json`.

    Raises:
        LookupTableError: A source is missing or unusable.
    """
    i7 = i7_table(sources / "published" / "i7-8700K_lut.yaml")
    base = Base.of(i7, _spaces(i7.rows))
    scaling = Scaling.fit(published_times(sources / "published" / "subnets.json", base))
    tables = [i7, *(phone_table(device, base, scaling) for device in PHONES)]
    paths = [out / f"{table.name}.json" for table in tables]
    for table, path in zip(tables, paths, strict=True):
        write_lut(table, path)
    return paths


def i7_table(file: Path) -> LookupTable:
    """The measured desktop table, with reference networks estimated by a layer model fitted to it."""
    provenance = Provenance(
        kind="measured",
        device="Intel Core i7-8700K (desktop)",
        method="Layers timed one by one by nsganetv2's authors; runtime, threads and number of runs are not stated. "
        "The global pooling is contained in the row of Conv_1. References are estimates of a layer model.",
        sources=(I7_SOURCE,),
        created=CREATED,
        licence="Apache-2.0",
    )
    table = import_lut(file, _spaces(RESOLUTIONS), name="i7_8700k", provenance=provenance)
    model = layer_model(table, _spaces(table.rows))
    source = (
        f"layer model fitted to the table's rows (mean error {100 * model.error:.1f} %), swish counted like h-swish"
    )
    return replace(table, references=_estimated_references(model, source, table.rows))


def published_times(file: Path, base: Base) -> list[Observation]:
    """The published times of subnets and reference networks on the phones."""
    try:
        subnets = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LookupTableError(f"Cannot read the published subnets {file}: {error}.") from None
    space = _space(PUBLISHED_AT)
    observations = [_subnet_observation(entry, space, base) for entry in subnets]
    for device, references in PUBLISHED_REFERENCES.items():
        for net, (ms, _) in references.items():
            observations.append(Observation(device, net, ms, base.reference(net, PUBLISHED_AT)))
    return observations


def phone_table(device: str, base: Base, scaling: Scaling) -> LookupTable:
    """A phone's estimated table at all resolutions of the i7's."""
    rows = {space.resolution: scaling.rows(device, base, space) for space in _spaces(base.table.rows)}
    references = {size: _phone_references(device, size, base, scaling) for size in rows}
    return LookupTable(device, _phone_provenance(device, scaling), rows, references)


def _estimated_references(model: LayerModel, source: str, sizes: Iterable[int]) -> dict[int, dict[str, Reference]]:
    def reference(net: str, size: int) -> Reference:
        return Reference(float(model.predict(REFERENCES[net](size).layers).sum()), None, "estimated", source)

    return {size: {net: reference(net, size) for net in ESTIMATED} for size in sizes}


def _subnet_observation(entry: Mapping[str, Any], space: OfaMbv3, base: Base) -> Observation:
    layers = space.build(space.from_dict(entry["genotype"])).layers
    features = base.features(layers, space.resolution)
    return Observation(entry["device"], entry["paper_name"].split(",")[0], entry["measured_tflite_cpu_ms"], features)


def _phone_references(device: str, size: int, base: Base, scaling: Scaling) -> dict[str, Reference]:
    """As published at 224; elsewhere the published time times the model's ratio between the two resolutions."""
    references = {}
    for net, (ms, std) in PUBLISHED_REFERENCES[device].items():
        if size == PUBLISHED_AT:
            references[net] = Reference(ms, std, "measured", PAPER)
            continue
        here, there = (scaling.fitted.predict(device, base.reference(net, at)) for at in (size, PUBLISHED_AT))
        references[net] = Reference(
            ms * here / there, None, "estimated", f"published {ms} ms at {PUBLISHED_AT}, scaled by the layer model"
        )
    return references


def _phone_provenance(device: str, scaling: Scaling) -> Provenance:
    fitted, nets = scaling.fitted, [net for owner, net in scaling.left_out.one_out if owner == device]
    unseen = ", ".join(f"{net} {100 * scaling.left_out.net_out[device, net]:+.1f} %" for net in nets)
    return Provenance(
        kind="estimated",
        device=PHONES[device],
        runtime="TFLite CPU, float32",
        method=" ".join(
            (
                "Estimated, not measured on the phone.",
                f"Rows are the i7-8700K's measured rows times {fitted.speed[device]:.3f}, fitted to the published",
                f"TFLite CPU times of four networks at {PUBLISHED_AT} pixels (candidate '{scaling.candidate}', also",
                f"costs {fitted.cost:.3f} ms of the i7 per million swish outputs; only EfficientNet-B0 has any).",
                f"loo_errors leave out one published time; leaving a network out on both phones gives {unseen}.",
                f"Resolutions other than {PUBLISHED_AT} rest on the i7's measured rows alone, whose fixed cost per",
                "layer the phone need not share.",
            )
        ),
        sources=(I7_SOURCE, PAPER),
        created=CREATED,
        licence="Apache-2.0",
        loo_errors={net: round(scaling.left_out.one_out[device, net], 4) for net in nets},
    )


def _spaces(resolutions: Iterable[int]) -> list[OfaMbv3]:
    return [_space(size) for size in resolutions]


@cache
def _space(resolution: int) -> OfaMbv3:
    return OfaMbv3(OfaMbv3FaceConfig(resolution=resolution))
