"""A gallery in one file: written atomically, locked while it changes, optionally encrypted.

The file is an uncompressed `.npz` (no pickle) with `descriptors` (float16), `labels` and `facts` (JSON). An encrypted
one is a line of JSON with salt and nonce, then the same bytes under AES-256-GCM, with a key that Scrypt makes of a
passphrase. A process that is killed leaves the old file or the new one; what it had not finished goes with the next
change.
"""

from __future__ import annotations

import base64
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from nasface.errors import GalleryError, requires
from nasface.reading import json_object, parse_json, read_arrays, read_bytes
from nasface.recognition.gallery import BLOCK, Gallery, Threshold, Way
from nasface.runs import atomic_write, locked

FORMAT: Final = "nasface.gallery/1"
MAGIC: Final = b"nasface.gallery/1 encrypted "

PATIENCE: Final = 10.0
"""Seconds that somebody waits for another process that changes the gallery."""

SCRYPT: Final = {"n": 1 << 15, "r": 8, "p": 1}
"""Cost of a guess: 32 MB and some tenths of a second."""

Passphrase = Callable[[], str]
"""Asked for when it is needed."""


class GalleryFile:
    """A gallery's file.

    Args:
        path: The file.
        passphrase: Gives the passphrase of an encrypted file; None if there is no way to ask.
        encrypt: Whether a new file is encrypted; an existing one stays as it is.
    """

    def __init__(self, path: Path, passphrase: Passphrase | None = None, *, encrypt: bool = False) -> None:
        self.path, self._passphrase, self._encrypt = path, passphrase, encrypt

    def read(self) -> Gallery:
        """The gallery.

        Raises:
            GalleryError: There is none, it is damaged, or the passphrase is wrong.
            MissingDependency: It is encrypted, and the package cryptography is not installed.
        """
        try:
            content = read_bytes(self.path)
        except (OSError, ValueError) as error:
            absent = isinstance(error, FileNotFoundError)
            reason = "it does not exist" if absent else getattr(error, "strerror", None) or str(error)
            raise GalleryError(f"The gallery {self.path} cannot be read: {reason}; make one with task=enrol.") from None
        if content.startswith(MAGIC):
            content = self._decrypted(content)
        return self._unpacked(content)

    @contextmanager
    def changing(self) -> Iterator[Callable[[Gallery], None]]:
        """Hold the file for a change: read it inside the block, and give what it becomes to what this yields.

        Raises:
            GalleryError: Another process holds it for longer than `PATIENCE` seconds, or it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.path.with_name(f".{self.path.name}.lock"), PATIENCE) as held:
                if not held:
                    raise GalleryError(
                        f"Another process has held {self.path} for {PATIENCE:g} seconds; wait until it is done."
                    )
                for left in self.path.parent.glob(f".{self.path.name}.*.tmp"):  # of a process that was killed
                    left.unlink(missing_ok=True)
                yield self._write
        except OSError as error:
            raise GalleryError(
                f"The gallery {self.path} cannot be written: {error.strerror or error}; choose a writable folder with "
                "enough space."
            ) from None

    def _write(self, gallery: Gallery) -> None:
        encrypted = self._is_encrypted() if self.path.exists() else self._encrypt
        content = _packed(gallery)
        with atomic_write(self.path, private=True) as temporary, temporary.open("wb") as file:
            file.writelines(self._encrypted(content) if encrypted else [content])

    def _is_encrypted(self) -> bool:
        with self.path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC

    def _unpacked(self, content: bytes) -> Gallery:
        try:
            return _unpacked(content)
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise GalleryError(
                f"{self.path} is no gallery, or damaged ({error}); take a copy of it, or enrol the people again."
            ) from None

    def _encrypted(self, content: memoryview) -> tuple[bytes, bytes]:
        """The line of JSON, and what follows it."""
        salt, nonce = os.urandom(16), os.urandom(12)
        values = {"salt": base64.b64encode(salt).decode(), "nonce": base64.b64encode(nonce).decode(), **SCRYPT}
        header = MAGIC + json.dumps(values).encode() + b"\n"
        with requires("cryptography", "encryption", "an encrypted gallery"):
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        return header, AESGCM(self._key(salt)).encrypt(nonce, content, header)

    def _decrypted(self, content: bytes) -> bytes:
        with requires("cryptography", "encryption", "an encrypted gallery"):
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        length = content.find(b"\n") + 1
        header, body = content[:length], memoryview(content)[length:]
        try:
            values = json_object(parse_json(header[len(MAGIC) :]))
            salt, nonce = (base64.b64decode(values[name]) for name in ("salt", "nonce"))
            return AESGCM(self._key(salt)).decrypt(nonce, body, header)
        except (InvalidTag, ValueError, KeyError, TypeError):
            raise GalleryError(
                f"{self.path} cannot be decrypted: the passphrase is wrong, or the file damaged; try again, or take a "
                "copy of it."
            ) from None

    def _key(self, salt: bytes) -> bytes:
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        if self._passphrase is None:
            raise GalleryError(f"{self.path} is encrypted; give its passphrase.")
        return Scrypt(salt=salt, length=32, **SCRYPT).derive(self._passphrase().encode())


def _packed(gallery: Gallery) -> memoryview:
    facts = {
        "format": FORMAT,
        "people": list(gallery.people),
        "way": None if gallery.way is None else asdict(gallery.way),
        "threshold": None if gallery.threshold is None else asdict(gallery.threshold),
    }
    text = np.frombuffer(json.dumps(facts, ensure_ascii=False).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, descriptors=gallery.descriptors, labels=gallery.labels, facts=text)
    return file.getbuffer()  # no copy of what may be hundreds of megabytes


def _unpacked(content: bytes) -> Gallery:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("compressed entries")  # ours are not: nothing can unpack to more than the file's size
    descriptors, labels, text = read_arrays(io.BytesIO(content), ("descriptors", "labels", "facts"))
    facts = json_object(parse_json(text.tobytes()))
    if facts["format"] != FORMAT:
        raise ValueError(f"format {facts['format']!r}")
    people = tuple(str(name) for name in facts["people"])
    if descriptors.ndim != 2 or descriptors.dtype != np.float16 or labels.shape != descriptors.shape[:1]:
        raise ValueError(f"descriptors of shape {descriptors.shape} and {len(labels)} labels")
    if set(labels.tolist()) != set(range(len(people))) or (np.diff(labels) < 0).any():
        raise ValueError("labels and people do not fit")
    if not all(np.isfinite(descriptors[start : start + BLOCK]).all() for start in range(0, len(descriptors), BLOCK)):
        raise ValueError("descriptors that are not finite")
    way = None if facts["way"] is None else Way(**facts["way"])
    threshold = None if facts["threshold"] is None else Threshold(**facts["threshold"])
    return Gallery(people, descriptors.astype(np.float16, copy=False), labels.astype(np.int32), way, threshold)
