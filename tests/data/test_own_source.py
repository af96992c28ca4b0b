"""Data sources of the user's own, `module:name`."""

import sys
from textwrap import dedent

import numpy as np
import pytest

from bench.config import Data
from bench.data import Dataset, find, parts, prepare, verify
from bench.errors import BenchError

BLOBS = """
    import numpy as np

    def blobs(count=30, size=8, test=False):
        calls.append(count)
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (count, 3, size, size), dtype=np.uint8)
        labels = np.arange(count) % 3
        return ["red", "green", "blue"], images, labels, *((images[:9], labels[:9]) if test else ())

    calls = []
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of the user's own; return its name. Every call writes it anew, under a name that is not yet known."""
    written = []

    def write(text, name="own_source_under_test"):
        folder = tmp_path / "suite"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(dedent(text))
        sys.modules.pop(name, None)
        written.append(name)
        return name

    monkeypatch.syspath_prepend(str(tmp_path / "suite"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file may change within a second
    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_a_function_becomes_a_data_set(module, tmp_path):
    name = module(BLOBS)
    data = Data(source=f"{name}:blobs", args={"count": 60, "test": True})
    assert find(data, root=tmp_path) is None
    dataset = prepare(data, root=tmp_path)
    assert (dataset.name, dataset.classes) == ("blobs", ("red", "green", "blue"))
    assert dataset.train_images.shape == (60, 3, 8, 8)
    assert dataset.train_labels.tolist() == [0, 1, 2] * 20
    assert dataset.test_labels.tolist() == [0, 1, 2] * 3
    assert verify(data, root=tmp_path) == dataset.digest
    assert {name: len(part) for name, part in parts(dataset, data, seed=0).items()} == {"train": 48, "val": 12, "test": 9}


def test_it_is_called_once_for_each_file_and_arguments(module, tmp_path):
    name = module(BLOBS)

    def prepared(**args):
        return prepare(Data(source=f"{name}:blobs", args=args), root=tmp_path)

    first = prepared(count=30)
    assert prepared(count=30).path == first.path
    assert prepared(count=33).path != first.path
    assert sys.modules[name].calls == [30, 33]
    module(BLOBS.replace("default_rng(0)", "default_rng(1)"))
    changed = prepared(count=30)
    assert changed.path != first.path
    assert not np.array_equal(changed.train_images, first.train_images)
    module(BLOBS)
    assert prepared(count=30).path == first.path


def test_looking_it_up_does_not_import_it(module, tmp_path):
    name = module(BLOBS)
    data = Data(source=f"{name}:blobs")
    prepare(data, root=tmp_path)
    del sys.modules[name]
    assert find(data, root=tmp_path) is not None
    assert name not in sys.modules


def test_it_may_return_a_data_set_of_ours(module, tmp_path):
    name = module(
        """
        import numpy as np
        from bench.data import Dataset

        def squares():
            images = np.zeros((8, 3, 4, 4), np.uint8)
            return Dataset.build("eight squares", ("a", "b"), images, np.arange(8) % 2)
        """
    )
    dataset = prepare(Data(source=f"{name}:squares"), root=tmp_path)
    assert isinstance(dataset, Dataset)
    assert (dataset.name, dataset.classes, len(dataset.train_labels)) == ("eight squares", ("a", "b"), 8)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("None", "returns a NoneType"),
        ("(1, 2)", "returns a tuple of 2"),
        ("(names, images / 255, labels)", "images are float64 .*, not uint8"),
        ("(names, images.transpose(0, 2, 3, 1), labels)", r"images are uint8 \(6, 4, 4, 3\), not uint8 \[N, 3, H, W\]"),
        ("(names, images, labels / 1)", r"labels are float64 \(6,\), not int64 \(6,\)"),
        ("(names, images, labels[:4])", r"labels are int64 \(4,\), not int64 \(6,\)"),
        ("(names, images, labels + 1)", "labels run from 1 to 2, but there are 2 classes"),
        ("('ab', images, labels)", "class names are no list of strings"),
        ("(2, images, labels)", "class names are no list of strings"),
        ("([0, 1], images, labels)", "class names are no list of strings"),
        ("(map(str, range(2)), images, labels)", "class names are no list of strings"),
        ("({'a', 'b'}, images, labels)", "class names are no list of strings"),
        ("(dict(a=0, b=1), images, labels)", "class names are no list of strings"),
        ("(['a', 'a'], images, labels)", "two or more classes, each with a name of its own, not a, a"),
        ("(['a'], images, labels * 0)", "two or more classes"),
        ("(names, images, labels, images[:2, :, :3], labels[:2])", "training and test images differ in size"),
        ("(names, images, labels, images, None)", "a test set needs both images and labels"),
        ("(names, [images, images[:1]], labels)", "inhomogeneous"),
        ("(names, OnDevice(), labels)", "images or labels are no arrays: can't convert cuda:0"),
        ("(names, torch.zeros(6, 3, 4, 4, requires_grad=True), labels)", "images or labels are no arrays: .*requires grad"),
        ("(names, None, labels)", "there are no training images"),
        ("1 / 0", "fails: ZeroDivisionError"),
    ],
)
def test_what_it_must_not_return(module, tmp_path, returned, message):
    name = module(
        f"""
        import numpy as np
        import torch

        class OnDevice:
            def __array__(self, dtype=None, copy=None):
                raise TypeError("can't convert cuda:0 device type tensor to numpy")

        def made():
            names, images, labels = ("a", "b"), np.zeros((6, 3, 4, 4), np.uint8), np.arange(6) % 2
            return {returned}
        """
    )
    with pytest.raises(BenchError, match=message) as caught:
        prepare(Data(source=f"{name}:made"), root=tmp_path)
    assert caught.value.where == f"data source {name}:made"
    assert caught.value.mend
    assert not list(tmp_path.glob("cache/own*"))


def test_arguments_that_it_does_not_take(module, tmp_path):
    name = module(BLOBS)
    with pytest.raises(BenchError, match=r"TypeError: blobs.* unexpected keyword argument 'cuont'"):
        prepare(Data(source=f"{name}:blobs", args={"cuont": 3}), root=tmp_path)


def test_a_module_or_function_that_is_not_there(module, tmp_path):
    name = module(BLOBS)
    with pytest.raises(BenchError, match="there is no such module") as caught:
        prepare(Data(source="no_such_module_here:blobs"), root=tmp_path)
    assert "put no_such_module_here.py beside the suite" in caught.value.mend
    with pytest.raises(BenchError, match="has no function or class 'blob'") as caught:
        prepare(Data(source=f"{name}:blob"), root=tmp_path)
    assert caught.value.mend == "did you mean 'blobs'?"


def test_arguments_need_a_source_of_the_users_own():
    with pytest.raises(ValueError, match="'args' are for a source of your own"):
        Data(source="cifar10", args={"count": 3})
