"""Where data sets come from: one module a kind of source, each registering itself."""

from bench.config import Data
from bench.data.sources import cifar, digits, folder
from bench.data.sources.base import SOURCES, Source
from bench.data.sources.own import OwnSource


def source_of(data: Data) -> Source:
    """Return the source that a configuration names. Raises BenchError for one that is not known."""
    return OwnSource(data) if ":" in data.source else SOURCES[data.source](data)


__all__ = ["SOURCES", "OwnSource", "Source", "cifar", "digits", "folder", "source_of"]
