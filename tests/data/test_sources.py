import subprocess
import sys
from urllib.error import URLError

import numpy as np
import pytest

from bench.config import Data
from bench.data import SOURCES, prepare, verify
from bench.errors import BenchError


@pytest.mark.parametrize(("source", "reader", "train"), [("cifar10", "CIFAR10", 100), ("cifar100", "CIFAR100", 20)])
def test_cifar_is_read_from_the_official_layout(tmp_path, official_cifar, source, reader, train):
    images, labels = official_cifar(tmp_path, reader)
    dataset = prepare(Data(source=source), root=tmp_path)
    assert dataset.name == source
    assert dataset.classes[:2] == ("class0", "class1")
    np.testing.assert_array_equal(dataset.train_images, images[:train])
    np.testing.assert_array_equal(dataset.test_images, images[train:])
    np.testing.assert_array_equal(np.concatenate([dataset.train_labels, dataset.test_labels]), labels)


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_cifar_truncated_or_missing_file_is_named(tmp_path, official_cifar, name):
    official_cifar(tmp_path, "CIFAR10")
    file = tmp_path / "cifar-10-batches-py" / name
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(BenchError, match="truncated or damaged") as caught:
        prepare(Data(source="cifar10"), root=tmp_path)
    assert caught.value.where == str(file)
    file.unlink()
    with pytest.raises(BenchError, match="missing") as caught:
        prepare(Data(source="cifar10"), root=tmp_path)
    assert caught.value.where == str(file)
    assert not (tmp_path / "cache" / "cifar10").exists()


def test_cifar_absent_tells_how_to_get_it(tmp_path):
    with pytest.raises(BenchError, match="CIFAR100 is not there") as caught:
        prepare(Data(source="cifar100"), root=tmp_path)
    assert "bench data prepare SUITE" in caught.value.mend
    assert str(tmp_path / "cifar-100-python") in caught.value.mend
    assert "BENCH_DATA" in caught.value.mend


def test_cifar_is_unpacked_from_the_official_archive_without_network(tmp_path, official_cifar, monkeypatch):
    import tarfile
    from hashlib import md5

    from torchvision import datasets

    images, _ = official_cifar(tmp_path / "made", "CIFAR10")
    archive = tmp_path / "root" / datasets.CIFAR10.filename
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "made" / "cifar-10-batches-py", "cifar-10-batches-py")
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", md5(archive.read_bytes()).hexdigest())
    monkeypatch.setattr("urllib.request.urlopen", lambda *args, **kwargs: pytest.fail("used the network"))
    dataset = prepare(Data(source="cifar10"), root=archive.parent)
    np.testing.assert_array_equal(dataset.train_images, images[:100])


def test_download_without_network_is_a_clear_error(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError("Network is unreachable")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(BenchError, match="Network is unreachable") as caught:
        prepare(Data(source="cifar10"), root=tmp_path, download=True)
    assert caught.value.where.endswith("cifar-10-python.tar.gz")
    assert str(tmp_path) in caught.value.mend


def test_digits_are_enlarged_as_torch_does(tmp_path):
    import torch
    from sklearn.datasets import load_digits

    dataset = prepare(Data(source="digits"), root=tmp_path)
    bunch = load_digits()
    small = torch.from_numpy(bunch.images)[:, None]
    large = torch.nn.functional.interpolate(small, size=(32, 32), mode="bilinear", align_corners=False)
    expected = (large * 255 / 16).round().to(torch.uint8).expand(-1, 3, -1, -1).numpy()
    np.testing.assert_array_equal(dataset.train_images, expected)
    np.testing.assert_array_equal(dataset.train_labels, bunch.target)
    assert dataset.classes == tuple("0123456789")
    assert dataset.test_images is None


def test_unknown_source_suggests_the_nearest(tmp_path):
    with pytest.raises(BenchError, match="cifar1O") as caught:
        prepare(Data(source="cifar1O"), root=tmp_path)
    assert "'cifar10'" in caught.value.mend


def test_every_source_is_described():
    described = SOURCES.describe()
    assert set(described) == {"cifar10", "cifar100", "digits", "folder"}
    assert all(len(text) > 20 for text in described.values())


def test_real_cifar10(tmp_path, shared_data):
    subprocess.run([sys.executable, str(shared_data / "unpack.py"), str(tmp_path), "cifar10"], check=True, timeout=500)
    data = Data(source="cifar10")
    dataset = prepare(data, root=tmp_path)
    assert dataset.train_images.shape == (50_000, 3, 32, 32)
    assert dataset.test_images.shape == (10_000, 3, 32, 32)
    assert dataset.classes[0] == "airplane"
    assert dataset.train_labels[:5].tolist() == [6, 9, 9, 4, 1]  # frog, truck, truck, deer, automobile
    assert np.bincount(dataset.train_labels).tolist() == [5_000] * 10
    assert np.bincount(dataset.test_labels).tolist() == [1_000] * 10
    means = [dataset.train_images[:, channel].mean() / 255 for channel in range(3)]
    np.testing.assert_allclose(means, [0.4914, 0.4822, 0.4465], atol=5e-5)  # as commonly published
    assert verify(data, root=tmp_path) == dataset.digest
