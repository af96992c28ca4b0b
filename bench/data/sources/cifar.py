"""CIFAR-10 and CIFAR-100, through torchvision."""

import pickle
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np

from bench.data.dataset import Dataset
from bench.data.sources.base import SOURCES, Source, Todo
from bench.errors import BenchError, ErrorCode


class Cifar(Source):
    """The official Python files, read and checked by torchvision."""

    reader: str
    """Name of the class in torchvision.datasets."""
    archive_bytes: int
    """Of the official archive."""

    def todo(self, root: Path) -> Todo | None:
        from torchvision import datasets
        from torchvision.datasets.utils import check_integrity

        reader = getattr(datasets, self.reader)
        if not _problem(reader, root):
            return None
        if check_integrity(root / reader.filename, reader.tgz_md5):
            return Todo(f"unpack {root / reader.filename}")
        return Todo(f"download {reader.url}", self.archive_bytes, reader.url)

    def get(self, root: Path, download: bool, say: Callable[[str], None]) -> None:
        """See to it that the official files are there. Raises BenchError where they are not, or are damaged."""
        from torchvision import datasets  # imports torch, which looking up a prepared data set does without
        from torchvision.datasets.utils import check_integrity

        reader = getattr(datasets, self.reader)
        archive = root / reader.filename
        problem = _problem(reader, root)
        if problem and (download or check_integrity(archive, reader.tgz_md5)):
            say(f"unpacking {archive}" if archive.exists() else f"downloading {reader.url}")
            _fetch(reader, root)
            problem = _problem(reader, root)
        if problem:
            raise problem

    def named_images(self, root: Path, part: str) -> Iterator[tuple[str, str, np.ndarray]]:
        """Yield class, file name and pixels, uint8 [32, 32, 3], of each image of `train` or `test`, from official files."""
        from torchvision import datasets

        reader = getattr(datasets, self.reader)
        folder = root / reader.base_folder
        classes = _unpickled(folder / reader.meta["filename"])[reader.meta["key"]]
        for name, _ in reader.train_list if part == "train" else reader.test_list:
            batch = _unpickled(folder / name)
            labels = batch["labels"] if "labels" in batch else batch["fine_labels"]
            images = np.asarray(batch["data"]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            yield from zip((classes[label] for label in labels), batch["filenames"], images, strict=True)

    def read(self, root: Path, download: bool, say: Callable[[str], None]) -> Dataset:
        from torchvision import datasets

        reader = getattr(datasets, self.reader)
        self.get(root, download, say)
        say(f"reading {root / reader.base_folder}")
        try:
            train, test = reader(root, train=True), reader(root, train=False)
        except (RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
            raise BenchError(f"cannot be read: {error}", where=str(root / reader.base_folder)) from error
        arrays = (
            array
            for part in (train, test)
            for array in (np.ascontiguousarray(part.data.transpose(0, 3, 1, 2)), np.asarray(part.targets, np.int64))
        )
        return Dataset.build(self.data.source, tuple(train.classes), *arrays)


@SOURCES.register("cifar10")
class Cifar10(Cifar):
    """CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images, 32x32, 10 classes."""

    reader, archive_bytes = "CIFAR10", 170_498_071


@SOURCES.register("cifar100")
class Cifar100(Cifar):
    """CIFAR-100 (Krizhevsky 2009): 50,000 training and 10,000 test images, 32x32, 100 fine classes."""

    reader, archive_bytes = "CIFAR100", 169_001_437


def _unpickled(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        content: dict[str, Any] = pickle.load(file, encoding="latin1")
    return content


def _problem(reader, root: Path) -> BenchError | None:
    """Say which of a torchvision data set's files is missing or not the official one; None when all are right."""
    from torchvision.datasets.utils import check_integrity

    folder = root / reader.base_folder
    mend = (
        f"run `bench data prepare SUITE` to download it, or put the official files into {folder} "
        "(BENCH_DATA names another folder than this root)"
    )
    if not folder.is_dir():
        return BenchError(f"{reader.__name__} is not there", where=str(folder), mend=mend, code=ErrorCode.NOT_PREPARED)
    for name, md5 in [*reader.train_list, *reader.test_list, (reader.meta["filename"], reader.meta["md5"])]:
        if not (folder / name).is_file():
            message, where = f"a file of {reader.__name__} is missing", str(folder / name)
            return BenchError(message, where=where, mend=mend, code=ErrorCode.NOT_PREPARED)
        if not check_integrity(folder / name, md5):
            size = (folder / name).stat().st_size
            return BenchError(
                f"this file of {reader.__name__} is truncated or damaged ({size:,} bytes; its md5 is not {md5})",
                where=str(folder / name),
                mend=f"delete it, then {mend}",
            )
    return None


def _fetch(reader, root: Path) -> None:
    """Let torchvision download and unpack; what its downloader raises becomes BenchErrors."""
    try:
        with _network_timeout(30), redirect_stdout(sys.stderr):  # standard output is for results
            reader(root, train=False, download=True)
    except (URLError, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", None) or error
        raise BenchError(
            f"cannot download {reader.__name__}: {reason}",
            where=reader.url,
            mend=f"check the network, or put the official {reader.filename} into {root}",
        ) from error
    except (RuntimeError, EOFError) as error:
        raise BenchError(
            f"the download is not the official file: {error}",
            where=str(root / reader.filename),
            mend="delete it and try again",
        ) from error


@contextmanager
def _network_timeout(seconds: float):
    """Make a dead network an error: torchvision's downloader would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
