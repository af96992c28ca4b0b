"""A data set as arrays: uint8 images and integer labels, with the hash of their content, kept as .npy files."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import BenchError, ErrorCode

FORMAT = 1
"""Version of the folder's layout; folders of another version are made anew."""
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
META = "meta.json"


class Rows:
    """Some rows of arrays that are thought of as laid end to end; `rows[index]` gathers them into an array, as NumPy does.

    places: int64 [N], where each row stands in the arrays.
    """

    def __init__(self, arrays: Sequence[np.ndarray], places: np.ndarray):
        self.arrays, self.places = tuple(arrays), places
        self.dtype, self.shape = self.arrays[0].dtype, (len(places), *self.arrays[0].shape[1:])
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index) -> np.ndarray:
        places = self.places[index]
        gathered = np.empty((*places.shape, *self.shape[1:]), self.dtype)
        start = 0
        for array in self.arrays:
            of_this = (places >= start) & (places < start + len(array))
            gathered[of_this] = array[places[of_this] - start]
            start += len(array)
        return gathered

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels of one source, or of what is left of it (see `bench.data.view`).

    Images are uint8 [N, 3, H, W], all of one size; labels int64 [N], positions in `classes`. `test_images` and
    `test_labels` are None where the source has no test set. `digest` is the SHA-256 hash of arrays and class names. A
    data set that was opened from a folder maps its images read-only from there, and pickles as that folder's `path`.
    """

    name: str
    classes: tuple[str, ...]
    digest: str
    train_images: np.ndarray | Rows
    train_labels: np.ndarray
    test_images: np.ndarray | Rows | None = None
    test_labels: np.ndarray | None = None
    path: Path | None = None

    @classmethod
    def build(cls, name, classes, train_images, train_labels, test_images=None, test_labels=None) -> "Dataset":
        """Return a data set in memory, its digest computed. Raises ValueError for arrays that do not fit the above."""
        arrays = (train_images, train_labels, test_images, test_labels)
        _check(len(classes), *arrays)
        return cls(name, tuple(classes), content_hash(classes, *arrays), *arrays)

    @classmethod
    def open(cls, folder: Path) -> "Dataset":
        """Open what `save` wrote: labels are read, images mapped. No hashing.

        Raises FileNotFoundError where there is none, BenchError where it is damaged or of another version.
        """
        meta = _or_damaged(folder, lambda: json.loads((folder / META).read_text()))
        if meta.get("format") != FORMAT:
            raise _damaged(folder, f"its format is {meta.get('format')}, not {FORMAT}")
        arrays = [_or_damaged(folder, _load, folder, meta["arrays"], key) for key in ARRAYS]
        return cls(meta["name"], tuple(meta["classes"]), meta["digest"], *arrays, path=folder)

    def save(self, folder: Path) -> None:
        """Write arrays and meta.json into an existing folder; meta.json last."""
        arrays = {key: value for key in ARRAYS if (value := getattr(self, key)) is not None}
        for key, value in arrays.items():
            np.save(folder / f"{key}.npy", value)
        meta = {
            "format": FORMAT,
            "name": self.name,
            "digest": self.digest,
            "classes": self.classes,
            "arrays": {key: [str(value.dtype), *value.shape] for key, value in arrays.items()},
        }
        (folder / META).write_text(json.dumps(meta, indent=1) + "\n")

    def rehash(self) -> str:
        """Return the content hash of the arrays as they are now."""
        return content_hash(self.classes, *(getattr(self, key) for key in ARRAYS))

    def __reduce__(self):  # a memory-mapped array would pickle as a full copy, and every worker process gets one
        if self.path is not None:
            return Dataset.open, (self.path,)
        return super().__reduce__()


def content_hash(classes, *arrays: np.ndarray | None) -> str:
    """Return the SHA-256 hash of class names and arrays (types, shapes and values)."""
    described = [None if array is None else [str(array.dtype), *array.shape] for array in arrays]
    digest = hashlib.sha256(json.dumps([list(classes), described]).encode())
    for array in arrays:
        if array is not None:
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _check(classes, train_images, train_labels, test_images, test_labels) -> None:
    if (test_images is None) != (test_labels is None):
        raise ValueError("a test set needs both images and labels")
    for images, labels in ((train_images, train_labels), (test_images, test_labels)):
        if images is None:
            continue
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f"images are {images.dtype} {images.shape}, not uint8 [N, 3, H, W]")
        if images.shape[2:] != train_images.shape[2:]:
            raise ValueError("training and test images differ in size")
        if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
            raise ValueError(f"labels are {labels.dtype} {labels.shape}, not int64 ({len(images)},)")
        if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
            raise ValueError(f"labels run from {labels.min()} to {labels.max()}, but there are {classes} classes")


def _load(folder: Path, described: dict, key: str) -> np.ndarray | None:
    if key not in described:
        return None
    array = np.load(folder / f"{key}.npy", mmap_mode="r" if key.endswith("images") else None)
    if [str(array.dtype), *array.shape] != described[key]:
        raise ValueError(f"{key}.npy is not the array that {META} describes")
    return array


def _or_damaged(folder: Path, read, *args):
    """Call `read`; errors become BenchErrors, except that a folder which is not there stays FileNotFoundError."""
    try:
        return read(*args)
    except (OSError, ValueError, KeyError, EOFError) as error:
        if isinstance(error, FileNotFoundError) and not (folder / META).exists():
            raise
        raise _damaged(folder, str(error)) from error


def _damaged(folder: Path, why: str) -> BenchError:
    return BenchError(
        f"the prepared data set is damaged: {why}",
        where=str(folder),
        mend="`bench data prepare SUITE` makes it anew",
        code=ErrorCode.NOT_PREPARED,
    )
