"""The archive of a bundle: a zip file with a manifest of checksums, and a seal over all of its bytes. Nothing of runs here.

The manifest, `manifest.json`, has the SHA-256 and the size of every other file. The seal is the zip file's comment: the SHA-256
of all bytes before it, so that damage between the files is found as well; an archive that another program has
packed anew has none.
"""

import hashlib
import json
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from bench.errors import BenchError

FORMAT = 1
MANIFEST = "manifest.json"
SEAL = b"bench bundle, sha256 "
DIGITS = 64
"""Of a SHA-256."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file: the earliest that a zip file knows. One bundle made twice is the same to the byte."""
MOST_FILES = 1_000_000
MOST_TEXT = 256 * 2**20
"""Bytes of a file that is read as a whole, and what an archive may hold however small it is."""
MOST_RATIO = 100
"""How many times its size an archive may hold. What we pack comes to some 20 times."""
BLOCK = 2**20
PACKED = (".npz", ".safetensors", ".zip", ".gz", ".png", ".jpg")
"""Endings of what is not made smaller once more."""

UNREADABLE = (OSError, EOFError, RuntimeError, NotImplementedError, ValueError, zlib.error, zipfile.BadZipFile)
"""What a damaged file of an archive raises."""


class Writer:
    """Writes an archive, a file at a time. A context manager: on success it takes its place in one step, else nothing is left."""

    def __init__(self, path: Path):
        self.path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._files: dict[str, dict[str, Any]] = {}
        self.manifest: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._zip = zipfile.ZipFile(self._part, "w")
        except OSError as error:
            raise _unwritable(self.path, error) from None
        return self

    def add(self, name: str, content: bytes) -> None:
        """Add a file. Raises BenchError where it cannot be written."""
        self._files[name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        self._put(name, content)

    def _put(self, name: str, content: bytes) -> None:
        info = zipfile.ZipInfo(name, EPOCH)
        info.compress_type = zipfile.ZIP_STORED if name.endswith(PACKED) else zipfile.ZIP_DEFLATED
        info.external_attr = (stat.S_IFREG | 0o644) << 16
        try:
            self._zip.writestr(info, content)
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._put(MANIFEST, text_of({"format": FORMAT, **self.manifest, "files": self._files}))
                self._zip.comment = SEAL + b"0" * DIGITS
            self._zip.close()
            if kind is None:
                with self._part.open("r+b") as file:
                    digest = _sealed_digest(file, self._part.stat().st_size)
                    file.seek(-DIGITS, os.SEEK_END)
                    file.write(digest.encode())
                    file.flush()
                    os.fsync(file.fileno())
                self._part.replace(self.path)
        except OSError as failure:
            if kind is None:
                raise _unwritable(self.path, failure) from None
        finally:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)


class Archive:
    """An archive that is open for reading. Every content is checked against the manifest before it is given away.

    Raises BenchError where it is none, or one that would write outside of its folder or fill the disk.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        try:
            self._zip = zipfile.ZipFile(self.path)
        except FileNotFoundError:
            raise BenchError("there is no such file", where=str(path), mend="name a file that `bench export` has made") from None
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
            raise self.damaged(f"is no bundle, or a damaged one: {error}") from None
        try:
            self._entries = self._checked()
            self.manifest: dict[str, Any] = self._manifest()
        except BaseException:
            self._zip.close()
            raise
        self.files: dict[str, dict[str, Any]] = self.manifest["files"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def names(self, start: str = "") -> list[str]:
        """Return the files of the manifest whose names begin so, in order."""
        return [name for name in self.files if name.startswith(start)]

    def read(self, name: str) -> bytes:
        """Return the content of a file. Raises BenchError where it is missing, or is not what the manifest says."""
        return b"".join(self._blocks(name))

    def json(self, name: str) -> Any:
        """Return what a file says that is JSON. Raises BenchError as `read` does."""
        if self.files.get(name, {}).get("size", 0) > MOST_TEXT:
            raise self.damaged(f"{name} is too large")
        return self._json(name, self.read(name))

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the archive: every file that is missing, damaged or unknown, and a broken seal."""
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            file.seek(max(0, size - len(SEAL) - DIGITS))
            tail = file.read()
            sealed = re.fullmatch(re.escape(SEAL) + rb"([0-9a-f]{%d})" % DIGITS, tail)
            broken = sealed and sealed[1].decode() != _sealed_digest(file, size)
        if broken or (not sealed and self._zip.comment):
            yield "the seal is broken: some of its bytes are not those that were written"
        for name in self.files:
            try:
                for _ in self._blocks(name):
                    pass
            except BenchError as error:
                yield error.message
        for name in self._entries.keys() - self.files.keys() - {MANIFEST}:
            yield f"{name} is not in the manifest"

    def damaged(self, message: str) -> BenchError:
        return BenchError(message, where=str(self.path), mend="get the file anew from where it came")

    def _blocks(self, name: str) -> Iterator[bytes]:
        """Yield a file's content, and raise at its end where it was not what the manifest says."""
        said, entry = self.files.get(name), self._entries.get(name)
        if said is None or entry is None:
            raise self.damaged(f"{name} is missing")
        if entry.file_size != said["size"]:
            raise self.damaged(f"{name} is damaged: it has {entry.file_size} bytes, and the manifest says {said['size']}")
        digest = hashlib.sha256()
        try:
            with self._zip.open(entry) as file:
                while block := file.read(BLOCK):
                    digest.update(block)
                    yield block
        except UNREADABLE as error:
            raise self.damaged(f"{name} is damaged: {error}") from None
        if digest.hexdigest() != said["sha256"]:
            raise self.damaged(f"{name} is damaged: its checksum is another one")

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        """Return the entries by name, none of which may do harm."""
        entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            name = entry.orig_filename
            if name.endswith("/") and is_safe(name[:-1]) and not entry.file_size:
                continue  # a folder, of which other programs make entries
            if not is_safe(name) or stat.S_ISLNK(entry.external_attr >> 16):
                raise self.damaged(f"is refused: {name!r} would lie outside of the bundle's folder")
            if name in entries:
                raise self.damaged(f"is refused: it has two files {name!r}")
            entries[name] = entry
        held, size = sum(entry.file_size for entry in entries.values()), self.path.stat().st_size
        if len(entries) > MOST_FILES or held > max(MOST_TEXT, MOST_RATIO * size):
            raise self.damaged(f"is refused: it says that {size} bytes hold {len(entries)} files of {held} bytes")
        return entries

    def _manifest(self) -> dict[str, Any]:
        entry = self._entries.get(MANIFEST)
        if entry is None or entry.file_size > MOST_TEXT:
            raise self.damaged(f"is no bundle: it has no {MANIFEST}")
        try:
            data = self._json(MANIFEST, self._zip.read(entry))
        except UNREADABLE as error:
            raise self.damaged(f"{MANIFEST} is damaged: {error}") from None
        number = data.get("format") if isinstance(data, dict) else None
        if isinstance(number, int) and number > FORMAT:
            raise BenchError(
                f"is a bundle of format {number}, and this bench reads {FORMAT}",
                where=str(self.path),
                mend="install a newer bench",
            )
        files = data.get("files") if number == FORMAT else None
        if not isinstance(files, dict) or not all(map(_is_entry, files.values())):
            raise self.damaged(f"{MANIFEST} is damaged: it lists no files with their checksums")
        return dict(data)

    def _json(self, name: str, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self.damaged(f"{name} is damaged: {error}") from None


def text_of(value: Any) -> bytes:
    """Return data as JSON that a person can read."""
    return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "backslashreplace")


def is_safe(name: str) -> bool:
    """Whether a name stays inside the folder that an archive is unpacked into, on any system."""
    parts = name.split("/")
    return bool(name) and not re.search(r"[\\:\x00-\x1f]", name) and all(part not in ("", ".", "..") for part in parts)


def _is_entry(said: object) -> bool:
    return isinstance(said, Mapping) and isinstance(said.get("size"), int) and isinstance(said.get("sha256"), str)


def _sealed_digest(file: IO[bytes], size: int) -> str:
    """Return the SHA-256 of all but the last bytes of a file, which the seal itself takes."""
    digest, left = hashlib.sha256(), size - DIGITS
    file.seek(0)
    while left > 0 and (block := file.read(min(BLOCK, left))):
        digest.update(block)
        left -= len(block)
    return digest.hexdigest()


def _unwritable(path: Path, error: OSError) -> BenchError:
    return BenchError(f"cannot be written: {error.strerror or error}", where=str(path), mend="choose another -o FILE")
