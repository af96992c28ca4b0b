"""Data sets: where they come from, which images a trial sees, and how a batch becomes network input.

`prepare` decodes a source once into memory-mapped uint8 arrays; `view` chooses images and classes among them; `parts` cuts
these into training, validation and test for one trial, and makes what is added to them or done to them once; `Preprocess`
turns a batch of bytes into floats, augmented in training. Names that need torch are imported when first used, so that
looking up a prepared data set stays quick.
"""

from importlib import import_module

from bench.data.cache import cached, find, prepare, verify
from bench.data.composition import part_sizes, redrawn, shared_images
from bench.data.dataset import Dataset
from bench.data.sources import SOURCES, Source
from bench.data.splits import Indices, split
from bench.data.views import view
from bench.paths import data_root

_NEEDS_TORCH = {
    "AUGMENTATIONS": "bench.data.augment",
    "ImageSet": "bench.data.pipeline",
    "Preprocess": "bench.data.preprocess",
    "parts": "bench.data.pipeline",
}

__all__ = [
    "Dataset",
    "SOURCES",
    "Source",
    "cached",
    "data_root",
    "find",
    "part_sizes",
    "redrawn",
    "prepare",
    "shared_images",
    "verify",
    "view",
    "Indices",
    "split",
    *_NEEDS_TORCH,
]


def __getattr__(name: str):
    if name in _NEEDS_TORCH:
        return getattr(import_module(_NEEDS_TORCH[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
