"""Data sets: where they come from, how they are split, and how a batch becomes network input.

`prepare` decodes a source once into memory-mapped uint8 arrays; `parts` cuts them into training, validation and test
for one trial; `Preprocess` turns a batch of bytes into floats. Names that need torch are imported when first used, so
that looking up a prepared data set stays quick.
"""

from importlib import import_module

from bench.data.cache import cached, find, prepare, verify
from bench.data.dataset import Dataset
from bench.data.sources import SOURCES, Source
from bench.data.splits import Indices, split
from bench.paths import data_root

_NEEDS_TORCH = {
    "AUGMENTATIONS": "bench.data.augment",
    "Part": "bench.data.batches",
    "Preprocess": "bench.data.batches",
    "parts": "bench.data.batches",
}

__all__ = [
    "Dataset",
    "SOURCES",
    "Source",
    "cached",
    "data_root",
    "find",
    "prepare",
    "verify",
    "Indices",
    "split",
    *_NEEDS_TORCH,
]


def __getattr__(name: str):
    if name in _NEEDS_TORCH:
        return getattr(import_module(_NEEDS_TORCH[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
