import os
import pickle
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # how long an example takes is the machine's


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with official data files; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("BENCH_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data to test with at {folder}; name the folder in BENCH_SHARED_DATA")
    return folder


@pytest.fixture
def official_cifar(monkeypatch):
    """Write a small data set in the official pickle layout under `root` and teach torchvision its md5 sums.

    Returns the images [N, 3, 32, 32] and labels, training first.
    """

    def write(root: Path, reader: str, per_file=20):
        from torchvision import datasets

        cls = getattr(datasets, reader)
        folder = root / cls.base_folder
        folder.mkdir(parents=True)
        random = np.random.default_rng(1)
        classes = 10 if reader == "CIFAR10" else 100
        key = "labels" if reader == "CIFAR10" else "fine_labels"

        def dump(name, content):
            data = pickle.dumps(content, protocol=2)
            (folder / name).write_bytes(data)
            return md5(data).hexdigest()

        images, labels = [], []
        lists = {}
        for which in ("train_list", "test_list"):
            lists[which] = []
            for name, _ in getattr(cls, which):
                images.append(random.integers(0, 256, (per_file, 3072), dtype=np.uint8))
                labels.append(random.integers(0, classes, per_file).tolist())
                content = {"data": images[-1], key: labels[-1], "filenames": [f"{name}_{k}.png" for k in range(per_file)]}
                lists[which].append([name, dump(name, content)])
            monkeypatch.setattr(cls, which, lists[which])
        names = [f"class{k}" for k in range(classes)]
        sum_ = dump(cls.meta["filename"], {cls.meta["key"]: names})
        monkeypatch.setattr(cls, "meta", {**cls.meta, "md5": sum_})
        return np.concatenate(images).reshape(-1, 3, 32, 32), np.concatenate(labels)

    return write


@pytest.fixture(autouse=True, scope="session")
def _state_of_the_tests(tmp_path_factory):
    """Keep what runs leave to the next one (see `bench.paths.state_root`) away from the user's."""
    os.environ["BENCH_STATE"] = str(tmp_path_factory.mktemp("state"))


def pytest_collection_modifyitems(items):
    """Leave tests that take long to the night: others of their kind stand for them."""
    if not os.environ.get("BENCH_NIGHTLY"):
        for item in items:
            if item.get_closest_marker("nightly"):
                item.add_marker(pytest.mark.skip(reason="runs where BENCH_NIGHTLY is set"))
