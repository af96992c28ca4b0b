"""Where data sets and files of weights lie, and what files hold."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from platformdirs import user_cache_path, user_state_path


def data_root() -> Path:
    """Return the folder that holds data sets: BENCH_DATA, else `bench/data` in the user's cache folder."""
    if folder := os.environ.get("BENCH_DATA"):
        return Path(folder).expanduser().absolute()
    return user_cache_path("bench") / "data"


def state_root() -> Path:
    """Return the folder for what a run leaves to the next: BENCH_STATE, else `bench` in the user's folder of states."""
    if folder := os.environ.get("BENCH_STATE"):
        return Path(folder).expanduser().absolute()
    return user_state_path("bench")


def checkpoint_root() -> Path:
    """Return the folder with the state of trials under way: `checkpoints` beside the data sets."""
    return data_root() / "checkpoints"


def beside(file: str, folder: Path) -> str:
    """Return a file that a suite in `folder` names: beside the suite, or else in the folder of data sets if it is there."""
    path = folder / Path(file).expanduser()
    elsewhere = data_root() / file
    return str(elsewhere if not path.exists() and elsewhere.exists() else path)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's content, read again only where its size or its time of change is another. Raises OSError."""
    facts = path.stat()
    return _hash(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=1024)
def _hash(path: Path, _size: int, _modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
