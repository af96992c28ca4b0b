"""What a source of data is, and the registry of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from bench.config import Data
from bench.data.dataset import Dataset
from bench.registry import Registry


class Source(ABC):
    """One place that a data set can be read from. Subclasses say in their docstring's first line what they hold."""

    def __init__(self, data: Data):
        self.data = data

    def key(self) -> str:
        """Return the name of the cache folder. Cheap; changes whenever what `read` would return may have changed."""
        return self.data.source

    @abstractmethod
    def read(self, root: Path, download: bool, say: Callable[[str], None]) -> Dataset:
        """Decode everything and return it in memory, made by `Dataset.build`.

        root: folder for files that this source downloads. download: whether it may. say: receives lines of progress.
        Raises BenchError, naming the file, for input that is absent or unusable; OSErrors may pass.
        """


SOURCES: Registry[type[Source]] = Registry("data source")
