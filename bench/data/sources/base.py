"""What a source of data is, and the registry of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.config import Data
from bench.data.dataset import Dataset
from bench.registry import Registry


class Todo(NamedTuple):
    """What is to be done before something can be used. text: in words, as an order. bytes: how many are downloaded for it, and
    url: from where, "" for nothing."""

    text: str
    bytes: int = 0
    url: str = ""


class Source(ABC):
    """One place that a data set can be read from. Subclasses say in their docstring's first line what they hold."""

    def __init__(self, data: Data):
        self.data = data

    def key(self) -> str:
        """Return the name of the cache folder. Cheap; changes whenever what `read` would return may have changed."""
        return self.data.source

    def todo(self, root: Path) -> Todo | None:
        """Return what `read` does before it can read, None where all is there. No network. Files may be hashed."""
        return None

    @abstractmethod
    def read(self, root: Path, download: bool, say: Callable[[str], None]) -> Dataset:
        """Decode everything and return it in memory, made by `Dataset.build`.

        root: folder for files that this source downloads. download: whether it may. say: receives lines of progress.
        Raises BenchError, naming the file, for input that is absent or unusable; OSErrors may pass.
        """


SOURCES: Registry[type[Source]] = Registry("data source")
