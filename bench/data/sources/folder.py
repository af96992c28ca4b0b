"""Images in folders named after their classes, or a tar or zip archive of such folders."""

import hashlib
import io
import json
import lzma
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from bench.config import Data
from bench.data.dataset import FORMAT, Dataset
from bench.data.sources.base import SOURCES, Source
from bench.data.sources.trees import TREES
from bench.errors import BenchError, ErrorCode
from bench.paths import data_root

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"})
LAYOUT = "expected <class>/<image>, or train/<class>/<image> and test/<class>/<image>"
_SPLITS = frozenset({"train", "test", "val", "valid", "validation"})
_LARGEST = 2**28  # bytes of one image file; an archive that claims more is broken or means harm
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
    NotImplementedError,
)

Placed = tuple[str, str, str]
"""Split ("train" or "test"), class, and name of one image file."""


@SOURCES.register("folder")
class Folder(Source):
    """A tree <class>/<image>, or train/<class>/… and test/<class>/…, or a tar or zip of one; all images of one size."""

    def __init__(self, data: Data):
        super().__init__(data)
        self.path = Path(data.path or "").expanduser().absolute()
        self.name = re.sub(r"(\.tar)?\.(tar|zip|tgz|gz|tbz2|bz2|txz|xz)$", "", self.path.name, flags=re.IGNORECASE)

    def key(self) -> str:
        """Return a name from path, sizes and modification times: of every image in a tree, or of the archive."""
        try:
            files = _walk(self.path) if self.path.is_dir() else [("", self.path.stat())]
        except FileNotFoundError as error:
            mend = f"check 'path', which is looked for beside the suite, then in {data_root()}, and links in it"
            if self.path.name in TREES:
                mend = f"run `bench data prepare SUITE` to make it in {data_root()}, or {mend}"
            raise BenchError("there is no such file", where=error.filename, mend=mend, code=ErrorCode.NOT_PREPARED) from error
        except OSError as error:
            raise BenchError(f"cannot be read: {error.strerror}", where=str(error.filename)) from error
        listing = [FORMAT, str(self.path), sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in files)]
        readable = re.sub(r"[^A-Za-z0-9_.-]", "_", self.name).lstrip(".")[:60]
        return f"folder-{readable}-{hashlib.sha256(json.dumps(listing).encode()).hexdigest()[:16]}"

    def read(self, root: Path, download: bool, say: Callable[[str], None]) -> Dataset:
        say(f"reading {self.path}")
        try:
            with _entries(self.path) as entries:
                return self._decode(entries, say)
        except (*_BROKEN, OSError) as error:
            if isinstance(error, OSError) and error.errno:  # the system's refusal; decompressors raise OSError without
                raise
            raise BenchError(
                f"the archive is truncated, damaged or encrypted: {error}",
                where=str(self.path),
                mend="get or make it again",
            ) from error

    def _decode(self, entries: dict[str, Callable[[], bytes]], say: Callable[[str], None]) -> Dataset:
        placed = layout(entries, str(self.path))
        classes = _classes(placed, str(self.path))
        # Arrays are in the order of names; files are read in that of storage: a compressed tar cannot be jumped in.
        places = {"train": {}, "test": {}}
        for split, _, name in sorted(placed):
            places[split][name] = len(places[split])
        labels = {split: np.empty(len(where), np.int64) for split, where in places.items()}
        images: dict[str, np.ndarray] = {}
        first = ""
        by_name = {name: (split, label) for split, label, name in placed}
        numbers = {label: number for number, label in enumerate(classes)}
        done = 0
        for name, read in entries.items():
            if name not in by_name:
                continue
            split, label = by_name[name]
            pixels = _pixels(read, self._spell(name))
            if not images:
                first = name
                images = {part: np.empty((len(where), *pixels.shape), np.uint8) for part, where in places.items()}
            elif pixels.shape != images[split].shape[1:]:
                (_, height, width), (_, high, wide) = pixels.shape, images[split].shape[1:]
                raise BenchError(
                    f"this image is {width}x{height} pixels, but {first} is {wide}x{high}",
                    where=self._spell(name),
                    mend="bring all images to one size first",
                )
            images[split][places[split][name]] = pixels
            labels[split][places[split][name]] = numbers[label]
            done += 1
            if done % 10_000 == 0:
                say(f"decoded {done:,} of {len(placed):,} images")
        test = (images["test"], labels["test"]) if places["test"] else (None, None)
        return Dataset.build(self.name, classes, images["train"], labels["train"], *test)

    def _spell(self, name: str) -> str:
        return str(self.path / name) if self.path.is_dir() else f"{self.path}:{name}"


def layout(names: Iterable[str], where: str) -> list[Placed]:
    """Tell splits and classes from file names (with "/" between folders).

    A single folder that holds everything is looked through. Top folders `train` and `test`, alone, are the splits;
    otherwise all is "train". The class is the next folder; images may lie deeper. Hidden files and those not named as
    images are passed over. Raises BenchError where this cannot be done.
    """
    split_names = [(PurePosixPath(name).parts, name) for name in names if _is_image(name)]
    if not split_names:
        raise BenchError("there are no images in it", where=where, mend=LAYOUT)
    if len({parts[0] for parts, _ in split_names}) == 1 and all(len(parts) > 2 for parts, _ in split_names):
        split_names = [(parts[1:], name) for parts, name in split_names]
    tops = {parts[0] for parts, _ in split_names}
    if "train" in tops and tops <= _SPLITS:  # beside other classes, a train is a train (CIFAR-100 has one)
        if extra := sorted(tops - {"train", "test"}):
            raise BenchError(
                f"beside train and test there is {extra[0]!r}",
                where=where,
                mend="keep images in train and test only (validation images are split off the training set)",
            )
        placed = [(parts[0], parts[1:], name) for parts, name in split_names]
    else:
        placed = [("train", parts, name) for parts, name in split_names]
    for _, parts, name in placed:
        if len(parts) < 2:
            raise BenchError(f"{name} lies in no class's folder", where=where, mend=LAYOUT)
    return [(split, parts[0], name) for split, parts, name in placed]


def _classes(placed: list[Placed], where: str) -> tuple[str, ...]:
    """Return the classes, sorted; BenchError where there is only one, or training and test set differ in theirs."""
    train, test = ({label for split, label, _ in placed if split == which} for which in ("train", "test"))
    if test and (odd := sorted(train ^ test)):
        side, other = ("training", "test") if odd[0] in train else ("test", "training")
        raise BenchError(
            f"class {odd[0]!r} is in the {side} set but not in the {other} set",
            where=where,
            mend="both need images of every class",
        )
    if len(train) < 2:
        raise BenchError(f"there is only one class, {min(train)!r}", where=where, mend=f"{LAYOUT}; at least two classes")
    return tuple(sorted(train))


def _is_image(name: str) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.removeprefix("./").split("/"))
    return not hidden and os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 - pathlib is slow for many names


def _pixels(read: Callable[[], bytes], where: str) -> np.ndarray:
    """Decode one image file to uint8 [3, H, W]."""
    data = read()
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode.startswith(("I", "F")):
                raise BenchError(
                    f"its pixels have more than 8 bits (Pillow mode {image.mode})",
                    where=where,
                    mend="convert it to 8 bits",
                )
            pixels = np.asarray(image.convert("RGB"))
    except BenchError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds
        why = "is empty" if not data else f"cannot be read as an image: {error.__class__.__name__}: {error}"
        raise BenchError(f"this file {why}", where=where, mend="replace it or take it out") from error
    return pixels.transpose(2, 0, 1)


@contextmanager
def _entries(path: Path) -> Iterator[dict[str, Callable[[], bytes]]]:
    """Give each file's name and a function that reads it, in storage order. Nothing is unpacked to disk."""
    if path.is_dir():
        yield {name: (path / name).read_bytes for name, _ in _walk(path)}
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            yield {member.filename: partial(_read, archive.open, member) for member in members}
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            members = [member for member in archive.getmembers() if member.isfile() or member.islnk() or member.issym()]
            _check_end(archive)
            yield {member.name: partial(_read, partial(_member, archive), member) for member in members}
    else:
        raise BenchError(
            "this is neither a folder nor a whole tar or zip archive",
            where=str(path),
            mend="check that it is complete; archives may be .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz",
        )


def _check_end(archive: tarfile.TarFile) -> None:
    """Refuse an archive without an end mark, which tarfile would take for a complete one; check compression to its end."""
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it ends too early")
    while archive.fileobj.read(2**20):
        pass


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo):
    """Open a member; a link stands for what it points to in the archive, never for a file outside."""
    with suppress(KeyError):
        if file := archive.extractfile(member):
            return file
    raise tarfile.ReadError(f"{member.name} is a link to {member.linkname!r}, which is no file in it")


def _read(opener: Callable, member) -> bytes:
    with opener(member) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise RuntimeError(f"a file in it is larger than {_LARGEST:,} bytes")
    return data


def _walk(folder: Path) -> list[tuple[str, os.stat_result]]:
    """List all image files below a folder, sorted: relative names and stats. Links are followed, each folder once."""
    files, seen, todo = [], set(), [""]
    while todo:
        top = todo.pop()
        stat = (folder / top).stat()
        if (stat.st_dev, stat.st_ino) in seen:  # a link back to a parent would never end
            continue
        seen.add((stat.st_dev, stat.st_ino))
        with os.scandir(folder / top) as entries:  # pathlib takes 6 times as long here
            for entry in sorted(entries, key=lambda entry: entry.name, reverse=True):
                name = f"{top}/{entry.name}" if top else entry.name
                if entry.is_dir():
                    todo.append(name)
                elif _is_image(name):
                    files.append((name, entry.stat()))
    return sorted(files, key=lambda item: item[0])
