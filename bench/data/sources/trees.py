"""Folders of images that `bench data prepare` can make: a part of an official data set as a tree of PNGs, such as
cifar100-test."""

import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from bench.config import Data
from bench.data.disk import disk_errors, locked
from bench.data.sources.base import SOURCES
from bench.data.sources.cifar import Cifar

TREES = {f"{source}-{part}": (source, part) for source in ("cifar10", "cifar100") for part in ("train", "test")}
"""Name of the folder → the source, and the part of it."""


def source_of_tree(name: str) -> Cifar:
    """Return the source that a folder is made from."""
    source = SOURCES[TREES[name][0]](Data(source=TREES[name][0]))
    assert isinstance(source, Cifar)
    return source


def make(target: Path, *, root: Path, download: bool = False, say: Callable[[str], None] = lambda text: None) -> None:
    """Write the folder `target`, called as `TREES` says: <class>/<file>.png, each file named as in the official archive.

    root: folder of the official files. download: whether these may be downloaded. The folder is there as a whole or not at all.
    Raises BenchError for official files that are absent or damaged, and for what cannot be written.
    """
    source, part = source_of_tree(target.name), TREES[target.name][1]
    with disk_errors(target.parent, "folder of images"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.with_name(f".{target.name}.lock"), say, "folder of images"):
            if target.exists():
                return
            source.get(root, download, say)
            say(f"writing {target}")
            aside = target.with_name(f".{target.name}.making")
            shutil.rmtree(aside, ignore_errors=True)
            try:
                for label, file, pixels in source.named_images(root, part):
                    path = aside / label / file
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(pixels).save(path)
                aside.rename(target)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
