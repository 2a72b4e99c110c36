"""Code beside an exported file that uses it: preprocessing, descriptor and threshold as the file itself states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

from nasface.errors import ExportError
from nasface.exporters.metadata import Description, read_metadata
from nasface.reports.cells import percent
from nasface.reports.use_of_model import thresholds
from nasface.runs import write_text


@dataclass(frozen=True)
class _Runtime:
    """How Python runs one format.

    Attributes:
        package: Of pip.
        imports: Lines.
        run: Defines `run`, from an input to a descriptor.
    """

    package: str
    imports: str
    run: str


_DOC: Final = '    """From float32 [1, height, width, 3] to the network\'s output."""\n'
PYTHON: Final[Mapping[str, _Runtime]] = {
    ".tflite": _Runtime(
        "ai-edge-litert",
        "from ai_edge_litert.interpreter import Interpreter",
        "interpreter = Interpreter(str(MODEL), num_threads=1)\ninterpreter.allocate_tensors()\n\n\n"
        f"def run(x):\n{_DOC}"
        '    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)\n'
        "    interpreter.invoke()\n"
        '    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]',
    ),
    ".onnx": _Runtime(
        "onnxruntime",
        "import onnxruntime",
        'session = onnxruntime.InferenceSession(str(MODEL), providers=["CPUExecutionProvider"])\n\n\n'
        f"def run(x):\n{_DOC}"
        "    return session.run(None, {session.get_inputs()[0].name: x.transpose(0, 3, 1, 2)})[0][0]",
    ),
    ".mlpackage": _Runtime(
        "coremltools",
        "from coremltools.models import MLModel",
        "model = MLModel(str(MODEL))  # computes on macOS only\n\n\n"
        f"def run(x):\n{_DOC}"
        '    (found,) = model.predict({"input": x.transpose(0, 3, 1, 2)}).values()\n'
        "    return found[0]",
    ),
    ".pt2": _Runtime(
        "torch",
        "import torch",
        "module = torch.export.load(MODEL).module()\n\n\n"
        f"def run(x):\n{_DOC}"
        "    with torch.inference_mode():\n"
        "        return module(torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()).numpy().reshape(-1)",
    ),
}
"""By the suffix of the file."""

SCRIPT: Final = "use_model.py"
APPS: Final[Mapping[str, tuple[str, ...]]] = {
    ".tflite": ("FaceDescriptor.kt", "FaceDescriptor.swift"),
    ".mlpackage": ("FaceDescriptor.swift",),
}
"""For Android and iOS, by the suffix of the file."""


@dataclass(frozen=True)
class _SwiftRuntime:
    """How Swift runs one format.

    Attributes:
        source: Where it comes from.
        module: To import.
        kind: Of the object that runs it.
        arguments: Of its initialiser.
        open: Sets `model`, from `path`.
        pixel: Place of a channel of a pixel in `input`.
        run: Sets `values`, from `input`.
    """

    source: str
    module: str
    kind: str
    arguments: str
    open: str
    pixel: str
    run: str


SWIFT: Final[Mapping[str, _SwiftRuntime]] = {
    ".tflite": _SwiftRuntime(
        "Package: TensorFlowLiteSwift",
        "TensorFlowLite",
        "Interpreter",
        "path: String, threads: Int = 1",
        "var options = Interpreter.Options()\n"
        "        options.threadCount = threads\n"
        "        model = try Interpreter(modelPath: path, options: options)\n"
        "        try model.allocateTensors()",
        "3 * pixel + channel",
        "try model.copy(input.withUnsafeBytes { Data($0) }, toInputAt: 0)\n"
        "        try model.invoke()\n"
        "        let values = try model.output(at: 0).data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }",
    ),
    ".mlpackage": _SwiftRuntime(
        "Xcode compiles the package to .mlmodelc, which stands in the app's bundle",
        "CoreML",
        "MLModel",
        "path: String",
        "model = try MLModel(contentsOf: URL(fileURLWithPath: path))",
        "channel * width * height + pixel",
        "let sides = [1, 3, height, width].map { NSNumber(value: $0) }\n"
        "        let image = try MLMultiArray(shape: sides, dataType: .float32)\n"
        "        for (index, value) in input.enumerated() { image[index] = NSNumber(value: value) }\n"
        '        let given = try MLDictionaryFeatureProvider(dictionary: ["input": image])\n'
        '        let found = try model.prediction(from: given).featureValue(for: "descriptor")!.multiArrayValue!\n'
        "        let values = (0..<found.count).map { found[$0].floatValue }",
    ),
}
"""By the suffix of the file."""


def write_snippets(path: Path) -> list[Path]:
    """Write code that uses an exported model into its folder; returns the files.

    Files of formats that are not known here, and networks with several outputs, get none.

    Raises:
        ExportError: The model holds no description.
    """
    if path.suffix not in PYTHON:
        return []
    metadata = read_metadata(path)
    if "output" not in metadata:
        return []
    try:
        runtime, values = PYTHON[path.suffix], _values(path.name, metadata)
    except (LookupError, TypeError):  # preprocessing in words, an output of no size
        raise ExportError(f"{path} does not say what goes in and out; give a file that nasface exported.") from None
    values |= {"package": runtime.package, "imports": runtime.imports, "run": runtime.run, "script": SCRIPT}
    if path.suffix in SWIFT:
        values |= {f"swift_{name}": text for name, text in vars(SWIFT[path.suffix]).items()}
    written = [path.with_name(name) for name in (SCRIPT, *APPS.get(path.suffix, ()))]
    for file in written:
        template = resources.files("nasface.reports").joinpath(f"{file.name}.txt").read_text(encoding="utf-8")
        write_text(file, Template(template).substitute(values))
    return written


def _values(file: str, metadata: Description) -> dict[str, str]:
    """What the templates name."""
    said = metadata["preprocessing"]
    found = min(thresholds(metadata), key=lambda row: row["far"], default=None)
    limit = None if found is None else repr(float(found["squared_l2"]))
    basis = "no photos were given to measure one" if found is None else _basis(found)
    return {
        "file": file,
        "width": str(int(said["resize"]["width"])),
        "height": str(int(said["resize"]["height"])),
        "size": str(int(metadata["output"]["shape"][-1])),
        **{name: _listed(said[name]) for name in ("mean", "std")},
        **{f"{name}_f": _listed(said[name], "f") for name in ("mean", "std")},
        "squared_l2": str(limit),
        "squared_l2_kotlin": "null" if limit is None else f"{limit}f",
        "squared_l2_swift": "nil" if limit is None else limit,
        "threshold": basis,
    }


def _basis(found: Mapping[str, float]) -> str:
    same, others = percent(found["tar"]), percent(found["far"])
    return f"on the photos it was measured on it accepts {same} of same and {others} of other faces"


def _listed(values: Sequence[float], suffix: str = "") -> str:
    return ", ".join(f"{float(value)!r}{suffix}" for value in values)
