"""A data set of the user's own."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.components import files_digest
from bench.data.dataset import FORMAT, Dataset
from bench.data.sources.base import SOURCES, Source
from bench.errors import BenchError
from bench.registry import own_digest

_RETURNS = (
    "it returns (list of class names, training images uint8 [N, 3, H, W], training labels int64 [N]), then test images and "
    "labels if there are any; or a bench.data.Dataset"
)


class OwnSource(Source):
    """A function `module:name`, called with the configuration's `args`; its file's content tells when to call it again."""

    def key(self) -> str:
        """Return a name from the function, its arguments, its file, and the data files that it declares; others that it reads do
        not count."""
        source, args = self.data.source, self.data.args
        files = [files_digest(self.data.files)] if self.data.files else []
        text = json.dumps([FORMAT, source, args, own_digest(source), *files], sort_keys=True, default=str)
        return f"own-{re.sub(r'[^A-Za-z0-9_.-]', '_', source)[:60]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def read(self, root: Path, download: bool, say: Callable[[str], None]) -> Dataset:
        where = f"data source {self.data.source}"
        function = SOURCES[self.data.source]
        say(f"calling {self.data.source}")
        try:
            result = function(**self.data.args)
        except BenchError:
            raise
        except (Exception, SystemExit) as error:
            raise BenchError(f"fails: {type(error).__name__}: {error}", where=where, mend="mend it, or its 'args'") from error
        try:
            return self._checked(result)
        except ValueError as error:
            raise BenchError(str(error), where=where, mend=_RETURNS) from error

    def _checked(self, result) -> Dataset:
        """Return what the function made as a data set; ValueError where it cannot be one."""
        if isinstance(result, Dataset):
            name, classes = result.name, result.classes
            arrays = [result.train_images, result.train_labels, result.test_images, result.test_labels]
        elif isinstance(result, (tuple, list)) and len(result) in (3, 5):
            name, (classes, *arrays) = self.data.source.partition(":")[2], result
        else:
            length = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
            raise ValueError(f"returns a {type(result).__name__}{length}")
        if not isinstance(classes, (list, tuple)) or not all(isinstance(class_name, str) for class_name in classes):
            raise ValueError("class names are no list of strings")
        if len(classes) < 2 or len(set(classes)) < len(classes):
            raise ValueError(f"there should be two or more classes, each with a name of its own, not {', '.join(classes)}")
        try:
            images, labels, *test = [None if array is None else np.asarray(array) for array in arrays]
        except (TypeError, ValueError, RuntimeError) as error:  # such as a tensor on a device, or one with a gradient
            raise ValueError(f"images or labels are no arrays: {error}") from error
        if images is None or labels is None:
            raise ValueError("there are no training images, or no labels of them")
        return Dataset.build(name, classes, images, labels, *test)
