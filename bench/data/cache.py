"""Prepared data sets on disk: made once, found by key, checked against their hash."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bench.config import Data
from bench.data.dataset import META, Dataset
from bench.data.disk import disk_errors, locked
from bench.data.sources import source_of
from bench.errors import BenchError, ErrorCode
from bench.paths import data_root

STAMPS = "stamps.json"
"""How the files were when they were last known to be whole."""


def prepare(
    data: Data,
    *,
    root: Path | None = None,
    download: bool = False,
    check: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Dataset:
    """Return the data set that `data` names, decoding its source into <root>/cache/<key>/ unless that was done before.

    It is written to a folder aside and renamed when complete, so an interrupted call leaves nothing half-made; of two
    processes at once, the second waits for the first and takes its result. A damaged cache folder is made anew.
    Without `download` the network is not used. `say` receives lines of progress.
    check: see to it that what is prepared is what it was when it was made: its files' sizes and times of change, and where these
    are others, the hash of the arrays. A damaged one is told of, and made anew.

    Raises BenchError for a source that is absent, damaged or unusable, and for a root that cannot be written.
    """
    root = Path(root or data_root())

    def known() -> Dataset | None:
        dataset = find(data, root=root)
        return None if dataset and check and not _is_whole(dataset) else dataset

    if check:
        _remove_leftovers(root / "cache")
    if dataset := known():
        return dataset
    source = source_of(data)
    final = root / "cache" / source.key()
    with disk_errors(final.parent, "data set"):
        final.parent.mkdir(parents=True, exist_ok=True)
        with locked(final.with_name(f".{final.name}.lock"), say, "data set"):
            if dataset := known():
                return dataset
            if final.exists():
                say(f"the prepared data set in {final} is damaged, and is made anew")
            dataset = source.read(root, download, say)
            aside = final.with_name(f".{final.name}.making")  # the lock makes it ours alone: a leftover is a dead process's
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            try:
                dataset.save(aside)
                _note(aside)
                shutil.rmtree(final, ignore_errors=True)
                aside.rename(final)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    say(f"prepared {dataset.name} in {final}")
    return Dataset.open(final)


def find(data: Data, *, root: Path | None = None) -> Dataset | None:
    """Return the data set if it is prepared and whole, else None. Nothing is decoded or hashed.

    Raises BenchError for an unknown source, or where the `path` of a folder source does not exist.
    """
    folder = _folder(data, root)
    try:
        return Dataset.open(folder)
    except (FileNotFoundError, BenchError):
        return None


def _remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed left half-made: whoever makes something holds its lock."""
    for half in (*folder.glob(".*.making"), *(folder / "denoised").glob(".*.making.npz")):
        lock = FileLock(half.with_name(f"{half.name.partition('.making')[0]}.lock"), timeout=0)
        with suppress(Timeout, OSError), lock:
            shutil.rmtree(half) if half.is_dir() else half.unlink(missing_ok=True)


def _is_whole(dataset: Dataset) -> bool:
    """Whether the files of a data set are those that were made, and hold what they held then: hashed only where they changed."""
    assert dataset.path, "it was opened from its folder"
    now = _stamps(dataset.path)
    try:
        noted = json.loads((dataset.path / STAMPS).read_text())
    except (OSError, ValueError):
        noted = None
    if now == noted:
        return True
    if dataset.rehash() != dataset.digest:
        return False
    _note(dataset.path)
    return True


def _note(folder: Path) -> None:
    """Note how the files are that were just made or hashed. In a folder of others, which cannot be written, they are hashed the
    next time too."""
    with suppress(OSError):
        (folder / STAMPS).write_text(json.dumps(_stamps(folder)) + "\n")


def _stamps(folder: Path) -> dict[str, list[int]]:
    """Return size and time of change (in ns) of a data set's files."""
    facts = {path.name: path.stat() for path in (folder / META, *sorted(folder.glob("*.npy")))}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in facts.items()}


def verify(data: Data, *, root: Path | None = None) -> str:
    """Hash the prepared arrays again and return the digest. BenchError where it is not the one noted at preparation."""
    folder = _folder(data, root)
    try:
        dataset = Dataset.open(folder)
    except FileNotFoundError as error:
        raise BenchError(
            f"{data.source} is not prepared", mend="run `bench data prepare SUITE`", code=ErrorCode.NOT_PREPARED
        ) from error
    if (now := dataset.rehash()) != dataset.digest:
        raise BenchError(
            f"the arrays have changed since they were made: their hash is {now[:12]}…, not {dataset.digest[:12]}…",
            where=str(folder),
            mend="delete this folder and run `bench data prepare SUITE`",
            code=ErrorCode.NOT_PREPARED,
        )
    return now


def cached(root: Path | None = None) -> list[dict]:
    """Return what is prepared under `root`, by folder: name, path, images, classes, bytes, digest.

    `images` counts training and test images, `bytes` is the space taken on disk. A damaged folder has an empty digest
    and no images.
    """
    return [_describe(meta.parent) for meta in sorted(Path(root or data_root()).glob(f"cache/[!.]*/{META}"))]


def _describe(folder: Path) -> dict:
    row = {"name": folder.name, "path": str(folder), "images": 0, "classes": 0, "bytes": 0, "digest": ""}
    row["bytes"] = sum(file.stat().st_size for file in folder.iterdir())
    with suppress(BenchError):
        dataset = Dataset.open(folder)
        row["images"] = len(dataset.train_labels) + (0 if dataset.test_labels is None else len(dataset.test_labels))
        row |= {"name": dataset.name, "classes": len(dataset.classes), "digest": dataset.digest}
    return row


def _folder(data: Data, root: Path | None) -> Path:
    return Path(root or data_root()) / "cache" / source_of(data).key()
