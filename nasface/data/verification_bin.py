"""Verification sets of InsightFace (`lfw.bin`, ...): a pickle of 2n encoded photos and n flags, same person or not.

A pickle can run any code, and these files are passed around. So nothing that a file names is ever called: the few names
that genuine files use stand for inert Python code here, every other is refused. Photos 2k and 2k + 1 are pair k.
"""

from __future__ import annotations

import io
import pickle
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nasface.data._base import FaceSet, Photo
from nasface.data._data import Pairs
from nasface.data._index import PhotoIndex, Strings
from nasface.data.decoding import decode
from nasface.data.pairs import FOLDS, stratified_folds
from nasface.errors import DataError
from nasface.reading import read_bytes
from nasface.runs import atomic_write


@dataclass(frozen=True, eq=False)
class BinSource:
    """Encoded photos in memory."""

    index: PhotoIndex
    photos: Sequence[bytes] = field(repr=False)

    def photo(self, row: int, size: int) -> Photo:
        """Decode and resize as `nasface.data.sources.decode`."""
        return decode(self.photos[row], size)

    def fingerprint(self, row: int) -> str:
        """Bytes and their CRC-32: two versions of one set have been in use, with photos of one name."""
        return f"{len(self.photos[row])} {zlib.crc32(self.photos[row]):08x}"


def read_bin(path: Path) -> Pairs:
    """The pairs of a `.bin`; its photos are named "FILE.bin/000000" and on, and whom they show is not known.

    Folds are those of InsightFace, ten runs of equal length, where every run has pairs of both kinds, and stratified
    otherwise.

    Raises:
        DataError: The file cannot be read, is no such file, or names code.
    """
    try:
        photos, same = _unpickle(read_bytes(path))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); give an existing .bin of pairs.") from None
    except Exception as error:  # a damaged pickle fails in any way
        raise DataError(
            f"{path} is not a verification set of InsightFace ({error}); a .bin holds a pickled pair of a list of 2n "
            "encoded photos and a list of n booleans, and nothing else."
        ) from None
    if len(photos) != 2 * len(same) or not len(same):
        raise DataError(f"{path} has {len(photos)} photos for {len(same)} pairs; there must be two for every pair.")
    names = Strings.of(f"{path.name}/{row:06d}" for row in range(len(photos)))
    faces = FaceSet.all(BinSource(PhotoIndex.ascending(names), photos))
    rows = np.arange(len(photos), dtype=np.int64)
    return Pairs(faces, rows[::2], rows[1::2], same, _folds(same))


def write_bin(path: Path, photos: Sequence[bytes], same: Sequence[bool]) -> None:
    """Write a `.bin` that InsightFace reads, atomically; photos 2k and 2k + 1 are pair k.

    Raises:
        DataError: There are not two photos for every pair.
    """
    if len(photos) != 2 * len(same):
        raise DataError(f"{path} cannot have {len(photos)} photos for {len(same)} pairs; give two for every pair.")
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        pickle.dump(([bytes(photo) for photo in photos], [bool(kind) for kind in same]), file, protocol=4)


def _folds(same: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """As scikit-learn's KFold without shuffling: the first are longer by one where ten do not divide the number."""
    runs = np.array_split(np.arange(len(same)), FOLDS)
    if all(0 < np.count_nonzero(same[run]) < len(run) for run in runs):
        return np.repeat(np.arange(FOLDS, dtype=np.int64), [len(run) for run in runs])
    return stratified_folds(same)


class _Array:
    """What stands for a numpy array: its bytes and the code of its type, whatever else the file says about it."""

    data: bytes = b""
    code: str = ""

    def __setstate__(self, state: Sequence[Any]) -> None:
        _, _, dtype, _, data = state
        self.data, self.code = _raw(data), dtype.code

    def values(self) -> npt.NDArray[np.generic]:
        if self.code not in ("b1", "?", "u1", "i1", "i4", "i8", "bool"):
            raise pickle.UnpicklingError(f"an array of type {self.code!r}")
        return np.frombuffer(self.data, self.code)


class _Type:
    """What stands for a numpy dtype."""

    def __init__(self, code: object, *_: object) -> None:
        self.code = (code.decode("ascii") if isinstance(code, bytes) else str(code)).lstrip("<|=")

    def __setstate__(self, state: object) -> None:
        """Byte order and the like: big-endian files are not known."""


def _array(*_: object) -> _Array:
    return _Array()


def _from_buffer(data: bytes, dtype: _Type, *_: object) -> _Array:
    array = _Array()
    array.__setstate__((None, None, dtype, None, bytes(data)))
    return array


def _scalar(dtype: _Type, data: object) -> bool:
    return any(_raw(data))


def _raw(data: object) -> bytes:
    """Bytes as they are, or as the text that pickles of protocol 2 and below hold."""
    if isinstance(data, str):
        return data.encode("latin-1")
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    raise pickle.UnpicklingError(f"{type(data).__name__} where bytes must be")


def _encode(text: object, *_: object) -> bytes:
    return _raw(text)


def _bytes(data: object = b"", *_: object) -> bytes:
    return _raw(data)


def _sequence(values: object = ()) -> list[object]:
    if not isinstance(values, list | tuple):
        raise pickle.UnpicklingError(f"a sequence made of {type(values).__name__}")
    return list(values)


_STAND_INS: Final[Mapping[str, Mapping[str, Callable[..., object]]]] = {
    "numpy": {"ndarray": _Array, "dtype": _Type},
    **{f"numpy.{core}.multiarray": {"_reconstruct": _array, "scalar": _scalar} for core in ("core", "_core")},
    **{f"numpy.{core}.numeric": {"_frombuffer": _from_buffer} for core in ("core", "_core")},
    "_codecs": {"encode": _encode},
    **{
        module: {"bytes": _bytes, "bytearray": _bytes, "list": _sequence, "tuple": _sequence, "bool": bool}
        for module in ("builtins", "__builtin__")
    },
}
"""What a file may name, and what that does here."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., object]:
        """The stand-in of a name; called for every name in the file before it could be used."""
        known = _STAND_INS.get(module, {})
        if name not in known:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which no such file needs and which may be an attack"
            )
        return known[name]


def _unpickle(data: bytes) -> tuple[list[bytes], npt.NDArray[np.bool_]]:
    content = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    if not isinstance(content, list | tuple) or len(content) != 2:
        raise pickle.UnpicklingError("it does not hold two lists")
    photos, flags = content
    if isinstance(flags, _Array):
        flags = flags.values().tolist()
    if not isinstance(photos, list | tuple) or not isinstance(flags, list | tuple):
        raise pickle.UnpicklingError("it does not hold two lists")
    if not all(isinstance(flag, bool | int) for flag in flags):
        raise pickle.UnpicklingError("its second list does not hold booleans")
    return [photo.data if isinstance(photo, _Array) else _raw(photo) for photo in photos], np.array(flags, np.bool_)
