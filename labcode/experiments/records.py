"""Records: every number that a result is computed from, in one small file, so that anyone can compute it
again.

``evidence/records/NAME.npz`` holds arrays under names like paths, ``TASK/METHOD/VARIANT/loss``, and a text,
``about.json``: how they came to be. NumPy alone reads it (``numpy.load``); ``Record`` reads it with a
little more comfort. The same numbers give the same bytes."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from labcode._checks import check_instance, expect
from labcode._files import course_folder, write_atomically

RECORDS = course_folder("evidence") / "records"
ABOUT = "about.json"
_DATE = (1980, 1, 1, 0, 0, 0)  # of every member: nothing but content decides the bytes


class Record(Mapping):
    """A record's arrays by name, read when they are asked for.

    Floats, and what is so small that it was kept in 8 bits, come as float64 (a difference of unsigned numbers
    would go round), other whole numbers as int64.

    Args:
        path: of the file.

    Attributes:
        about: how the arrays came to be.

    Raises:
        ValueError: there is no such file.
    """

    def __init__(self, path: Path):
        path = Path(path)
        expect(path.is_file(), "record", f"a file in {path.parent.name}/", path.name)
        self._arrays = np.load(path)
        self.about = json.loads(self._arrays[ABOUT])
        self._names = tuple(name for name in self._arrays.files if name != ABOUT)

    def __getitem__(self, name: str) -> np.ndarray:
        expect(name in self._names, "name", f"an array of the record, such as {self._names[:3]}", name)
        array = self._arrays[name]
        return array.astype(np.float64 if array.dtype.kind == "f" or array.itemsize == 1 else np.int64)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def get(  # type: ignore[override] # Mapping's takes defaults of any type
        self, name: str, default: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Return an array, or the default where the record has none of that name."""
        return self[name] if name in self._names else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def under(self, prefix: str) -> dict[str, np.ndarray]:
        """Return the arrays whose names begin with a prefix, by the rest of their names."""
        return {name.removeprefix(prefix): self[name] for name in self if name.startswith(prefix)}


def write_record(path: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, object]) -> Path:
    """Write a record, whole or not at all.

    Args:
        path: of the file.
        arrays: numbers by name, in the order in which they are kept; floats become float32, what is all 0
            or 1 uint8, other whole numbers int32 (or stay smaller).
        about: what JSON can hold.

    Raises:
        ValueError: no arrays, a name that is none, or numbers that float32 or int32 cannot hold.
    """
    expect(len(arrays) > 0, "arrays", "at least one", len(arrays))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        _add(file, ABOUT, json.dumps(about, separators=(",", ":"), allow_nan=False).encode())
        for name, array in arrays.items():
            is_name = isinstance(name, str) and bool(name.strip("/ ")) and name != ABOUT
            expect(is_name, "name", "a text like a path", name)
            member = io.BytesIO()
            np.lib.format.write_array(member, compact(name, array), allow_pickle=False)
            _add(file, f"{name}.npy", member.getvalue())
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())
    return path


def compact(name: str, array: np.ndarray) -> np.ndarray:
    """Return an array in the smallest of the types that a record has.

    Raises:
        ValueError: no numbers, or such as the type cannot hold.
    """
    array = np.asarray(array)
    expect(array.dtype.kind in "fiub" and array.size > 0, name, "an array of numbers", array.dtype)
    if ((array == 0) | (array == 1)).all():
        return np.ascontiguousarray(array, np.uint8)
    if array.dtype.kind in "iub":
        if array.dtype.itemsize <= 4 and array.dtype != np.uint32:
            return np.ascontiguousarray(array)
        small = np.ascontiguousarray(array, np.int32)
        expect((small == array).all(), name, "whole numbers of 32 bits", array.dtype)
        return small
    with np.errstate(over="ignore"):
        small = np.ascontiguousarray(array, np.float32)
    expect((np.isfinite(small) == np.isfinite(array)).all(), name, "numbers that float32 can hold", array)
    return small


def padded(rows: Iterable[Sequence[float]]) -> np.ndarray:
    """Return rows of different lengths as one array, (rows, longest), with NaN where they have ended.

    >>> padded([[3.0, 2.0], [4.0]])
    array([[ 3.,  2.],
           [ 4., nan]])
    """
    rows = [np.asarray(row, dtype=np.float64) for row in rows]
    expect(len(rows) > 0, "rows", "at least one", rows)
    found = np.full((len(rows), max(map(len, rows))), np.nan)
    for at, row in enumerate(rows):
        found[at, : len(row)] = row
    return found


def find_records(folder: Path = RECORDS) -> dict[str, Path]:
    """Return the file of every record by the experiment's name."""
    return {path.stem: path for path in sorted(Path(folder).glob("*.npz"))}


def check_about(about: Mapping[str, object]) -> None:
    """Check that JSON can hold what is said about a record.

    Raises:
        ValueError: it cannot.
    """
    check_instance("about", about, Mapping, "texts, numbers, lists and tables by name")
    try:
        json.dumps(about, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"about: expected what JSON can hold, received {about!r}") from error


def _add(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, _DATE)
    member.external_attr = 0o644 << 16
    member.create_system = 3
    file.writestr(member, content, zipfile.ZIP_DEFLATED, compresslevel=9)
