"""Takes LiteRT.js from npm into the folder `vendor`, pinned and checked: `python -m nasface.demo.vendoring`, needs npm.

What is written: `litert.js`, the package's module with the one it imports, as a module that exports `LiteRt`; two
builds of the runtime, one for browsers with relaxed SIMD and one for all others, the WebAssembly part of each gzipped
(2.8 instead of 9.4 MB); `vendor.json` with names, versions, licence and SHA-256 of the sources and of every file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

VENDOR: Final = Path(__file__).resolve().with_name("vendor")
PACKAGES: Final = {
    "@litertjs/core": ("2.5.3", "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd"),
    "@litertjs/wasm-utils": ("2.5.3", "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7"),
}
BUILDS: Final = {"litert_wasm": "litert_wasm_internal", "litert_wasm_compat": "litert_wasm_compat_internal"}


def main() -> None:
    """Fetch, check, write."""
    with tempfile.TemporaryDirectory() as name:
        core, utils = (fetch(Path(name), package, *pin) for package, pin in PACKAGES.items())
    files = {"litert.js": module(core["package/dist/index.js"], utils["package/dist/index.js"])}
    for ours, theirs in BUILDS.items():
        files[f"{ours}.js"] = core[f"package/wasm/{theirs}.js"]
        files[f"{ours}.wasm.gz"] = gzip.compress(core[f"package/wasm/{theirs}.wasm"], 9, mtime=0)
    for file, content in files.items():
        (VENDOR / file).write_bytes(content)
    facts = {
        "packages": {package: {"version": pin[0], "sha256": pin[1]} for package, pin in PACKAGES.items()},
        "licence": "Apache-2.0 (LICENSE)",
        "source": "https://github.com/google-ai-edge/LiteRT",
        "files": {file: hashlib.sha256(content).hexdigest() for file, content in files.items()},
    }
    (VENDOR / "vendor.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def fetch(folder: Path, package: str, version: str, sha256: str) -> dict[str, bytes]:
    """The files of a package by name; ends the program where it is not the pinned one."""
    command = ["npm", "pack", "--silent", f"{package}@{version}"]
    name = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    if found != sha256:
        raise SystemExit(f"{package} {version} has the SHA-256 {found}, not {sha256}; nothing was written.")
    with tarfile.open(folder / name) as archive:
        members = [member for member in archive if member.isfile()]
        return {member.name: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]


def module(core: bytes, utils: bytes) -> bytes:
    """Both modules as one whose only name is `LiteRt`, so that files can be joined without clashes."""
    text = utils.decode() + core.decode()
    text = re.sub(r"^import .*;$|^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"export \{\s*createWasmLib\s*\};", "", text)
    names = re.findall(r"\w+", re.findall(r"export \{(.*?)\};", text, re.DOTALL)[-1])
    text = re.sub(r"export \{.*?\};", "", text, flags=re.DOTALL)
    return f"export const LiteRt = (() => {{\n{text}\nreturn {{ {', '.join(names)} }};\n}})();\n".encode()


if __name__ == "__main__":
    main()
