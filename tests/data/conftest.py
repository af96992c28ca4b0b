import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import Dataset


@pytest.fixture
def make_tree():
    """Write <folder>/<class>/<k>.png of random pixels; return the arrays that were written, by class."""

    def make(folder, classes=("cat", "dog"), per_class=3, size=(6, 5), seed=0, mode="RGB", suffix="png"):
        random = np.random.default_rng(seed)
        written = {}
        for name in classes:
            (folder / name).mkdir(parents=True)
            written[name] = random.integers(0, 256, (per_class, size[1], size[0], 3), dtype=np.uint8)
            for number, pixels in enumerate(written[name]):
                Image.fromarray(pixels).convert(mode).save(folder / name / f"{number}.{suffix}")
        return written

    return make


@pytest.fixture
def make_dataset():
    """Make a data set in memory of random images, with so many of each class (and of each class in the test set)."""

    def make(counts, test_counts=None, size=(4, 4), seed=0):
        random = np.random.default_rng(seed)

        def part(counts):
            labels = random.permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)
            return random.integers(0, 256, (len(labels), 3, *size), dtype=np.uint8), labels

        test = part(test_counts) if test_counts is not None else (None, None)
        return Dataset.build("made", tuple(f"c{k}" for k in range(len(counts))), *part(counts), *test)

    return make


@pytest.fixture
def powerless(tmp_path):
    """A context in which root has no more power than the user nobody, who may enter but not write `tmp_path`."""

    @contextmanager
    def context():
        if os.geteuid() != 0:
            tmp_path.chmod(0o555)
            yield
            tmp_path.chmod(0o755)
            return
        for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
            folder.chmod(0o755)
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)

    return context


@pytest.fixture
def shared_data():
    """The folder of real data sets that a developer may have."""
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("BENCH_SHARED_DATA") or beside)
    if not (folder / "unpack.py").exists():
        pytest.skip(f"no real data in {folder} (set BENCH_SHARED_DATA)")
    return folder
