"""Where data sets come from: one module a kind of source, each registering itself."""

from bench.data.sources import cifar, digits, folder
from bench.data.sources.base import SOURCES, Source

__all__ = ["SOURCES", "Source", "cifar", "digits", "folder"]
