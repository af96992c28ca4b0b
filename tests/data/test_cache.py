import errno
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest

from bench.config import Data
from bench.data import Dataset, cached, data_root, find, prepare, verify
from bench.errors import BenchError

DIGITS = Data(source="digits")


def test_prepare_is_done_once_and_shared_read_only(tmp_path):
    first = prepare(DIGITS, root=tmp_path)
    stamp = (first.path / "meta.json").stat().st_mtime_ns
    again = prepare(DIGITS, root=tmp_path)
    assert (again.path / "meta.json").stat().st_mtime_ns == stamp
    assert again.digest == first.digest == find(DIGITS, root=tmp_path).digest
    assert isinstance(again.train_images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        again.train_images[0] = 0


def test_split_and_augmentation_share_one_cache(tmp_path):
    prepare(DIGITS, root=tmp_path)
    other = Data(source="digits", split={"seed": 3}, noise={"variance": 0.1}, augment=[{"name": "flip"}])
    assert find(other, root=tmp_path) is not None


def test_pickles_as_its_path(tmp_path):
    dataset = prepare(DIGITS, root=tmp_path)
    data = pickle.dumps(dataset)
    assert len(data) < 1000
    np.testing.assert_array_equal(pickle.loads(data).train_images, dataset.train_images)


def test_in_memory_pickles_whole(make_dataset):
    dataset = make_dataset([3, 4])
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.digest == dataset.digest == copy.rehash()


def test_digest_depends_on_pixels_labels_and_names(make_dataset):
    made = make_dataset([5, 5])
    images, labels = made.train_images.copy(), made.train_labels.copy()
    images[0, 0, 0, 0] ^= 1
    labels[0] ^= 1
    variants = [
        Dataset.build("made", made.classes, images, made.train_labels),
        Dataset.build("made", made.classes, made.train_images, labels),
        Dataset.build("made", ("x", "y"), made.train_images, made.train_labels),
        Dataset.build("made", made.classes, made.train_images, made.train_labels, made.train_images, made.train_labels),
        made,
    ]
    assert len({variant.digest for variant in variants}) == 5
    assert Dataset.build("renamed", made.classes, made.train_images, made.train_labels).digest == made.digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images, labels: (images.astype(np.float32), labels), "float32"),
        (lambda images, labels: (images[:, :1], labels), "not uint8"),
        (lambda images, labels: (images, labels[:-1]), "labels are"),
        (lambda images, labels: (images, labels + 1), "labels run from 1 to 2"),
        (lambda images, labels: (images, labels, images, None), "both images and labels"),
        (lambda images, labels: (images, labels, images[..., 1:], labels), "differ in size"),
    ],
)
def test_build_refuses_what_does_not_fit(make_dataset, change, message):
    made = make_dataset([2, 2])
    with pytest.raises(ValueError, match=message):
        Dataset.build("x", made.classes, *change(made.train_images, made.train_labels))


def test_verify(tmp_path):
    with pytest.raises(BenchError, match="not prepared"):
        verify(DIGITS, root=tmp_path)
    dataset = prepare(DIGITS, root=tmp_path)
    assert verify(DIGITS, root=tmp_path) == dataset.digest
    file = dataset.path / "train_images.npy"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(BenchError, match="have changed") as caught:
        verify(DIGITS, root=tmp_path)
    assert caught.value.where == str(dataset.path)


@pytest.mark.parametrize("name", ["train_images.npy", "train_labels.npy", "meta.json"])
@pytest.mark.parametrize("share", [None, 0.0, 0.5])
def test_damaged_cache_is_reported_and_made_anew(tmp_path, name, share):
    dataset = prepare(DIGITS, root=tmp_path)
    file = dataset.path / name
    data = file.read_bytes()
    file.unlink()
    if share is not None:
        file.write_bytes(data[: int(share * len(data))])
    with pytest.raises(BenchError, match=r"damaged|not prepared"):
        verify(DIGITS, root=tmp_path)
    assert find(DIGITS, root=tmp_path) is None
    rows = cached(tmp_path)
    assert [row["digest"] for row in rows] in ([""], [])
    assert prepare(DIGITS, root=tmp_path).digest == dataset.digest
    assert verify(DIGITS, root=tmp_path) == dataset.digest


def test_cache_of_another_format_is_made_anew(tmp_path):
    dataset = prepare(DIGITS, root=tmp_path)
    meta = dataset.path / "meta.json"
    meta.write_text(meta.read_text().replace('"format": 1', '"format": 0'))
    assert find(DIGITS, root=tmp_path) is None
    assert prepare(DIGITS, root=tmp_path).digest == dataset.digest


def test_cached_lists_what_is_there(tmp_path, make_tree):
    assert cached(tmp_path / "nowhere") == []
    dataset = prepare(DIGITS, root=tmp_path)
    make_tree(tmp_path / "pets")
    prepare(Data(source="folder", path=str(tmp_path / "pets")), root=tmp_path)
    digits, pets = cached(tmp_path)
    assert digits["bytes"] > dataset.train_images.nbytes
    assert {key: digits[key] for key in ("name", "path", "images", "classes", "digest")} == {
        "name": "digits",
        "path": str(dataset.path),
        "images": 1797,
        "classes": 10,
        "digest": dataset.digest,
    }
    assert (pets["name"], pets["images"], pets["classes"]) == ("pets", 6, 2)


def test_data_root(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "here"))
    assert data_root() == tmp_path / "here"
    prepare(DIGITS)
    assert find(DIGITS).path == tmp_path / "here" / "cache" / "digits"
    monkeypatch.delenv("BENCH_DATA")
    assert data_root().parts[-2:] == ("bench", "data")


def test_read_only_root(tmp_path, powerless):
    with powerless(), pytest.raises(BenchError, match="cannot prepare the data set: Permission denied") as caught:
        prepare(DIGITS, root=tmp_path / "root")
    assert "BENCH_DATA" in caught.value.mend
    assert str(tmp_path) in caught.value.where


def test_prepared_data_are_read_from_a_read_only_root(tmp_path, powerless):
    digest = prepare(DIGITS, root=tmp_path).digest
    with powerless():
        assert prepare(DIGITS, root=tmp_path).digest == digest
        assert verify(DIGITS, root=tmp_path) == digest
        assert len(cached(tmp_path)) == 1


def test_file_in_the_way_of_the_root(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="cannot prepare") as caught:
        prepare(DIGITS, root=tmp_path / "file")
    assert "BENCH_DATA" in caught.value.mend


def test_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(file, array):
        file.write_bytes(b"some of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("bench.data.dataset.np.save", full)
    with pytest.raises(BenchError, match="No space left") as caught:
        prepare(DIGITS, root=tmp_path)
    assert "free some space" in caught.value.mend
    assert [file.name for file in (tmp_path / "cache").iterdir()] in ([".digits.lock"], [])


def test_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bench.data.dataset.np.save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare(DIGITS, root=tmp_path)
    assert cached(tmp_path) == []
    assert not (tmp_path / "cache" / ".digits.making").exists()
    assert len(prepare(DIGITS, root=tmp_path).train_labels) == 1797


SLOW = """
import sys, time
from pathlib import Path
import bench.data.dataset as module
from bench.config import Data
from bench.data import prepare
save = module.np.save
def slow(file, array):
    save(file, array)
    print("saved", flush=True)
    time.sleep(float(sys.argv[2]))
module.np.save = slow
dataset = prepare(Data(source="digits"), root=Path(sys.argv[1]), say=lambda text: print(text, flush=True))
print(dataset.digest)
"""


def start(root, seconds):
    return subprocess.Popen([sys.executable, "-c", SLOW, str(root), str(seconds)], stdout=subprocess.PIPE, text=True)


def test_killed_process_leaves_no_trap(tmp_path):
    process = start(tmp_path, 1000)
    assert process.stdout.readline() == "saved\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert find(DIGITS, root=tmp_path) is None
    assert cached(tmp_path) == []
    dataset = prepare(DIGITS, root=tmp_path)
    assert verify(DIGITS, root=tmp_path) == dataset.digest
    assert not (tmp_path / "cache" / ".digits.making").exists()


def test_two_processes_at_once_prepare_it_once(tmp_path):
    first = start(tmp_path, 1)
    assert first.stdout.readline() == "saved\n"
    second = start(tmp_path, 0)
    first_said, second_said = (process.communicate(timeout=300)[0] for process in (first, second))
    assert first.returncode == second.returncode == 0
    assert first_said.splitlines()[-1] == second_said.splitlines()[-1] == find(DIGITS, root=tmp_path).digest
    assert "saved" not in second_said


def test_looking_up_a_data_set_and_choosing_among_its_images_needs_no_torch(tmp_path):
    code = f"""
import sys
import bench.data as d
from bench.config import Data
d.cached(), d.data_root()
changed = dict(label_noise={{"share": 0.1}}, reduce={{"classes": [1], "keep": 0.5}}, append={{"augment": [{{"name": "flip"}}]}})
data = Data(source="digits", classes=4, **changed)
dataset = d.prepare(data, root={str(tmp_path)!r})
assert len(d.view(dataset, data).classes) == 4
assert d.part_sizes(dataset, data)["train"] > 200
assert d.find(Data(source="no_such_module:f"), root={str(tmp_path)!r}) is None
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=300).returncode == 0


def flip(file, at=-1):
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("name", ["train_images.npy", "train_labels.npy", "test_images.npy", "meta.json"])
@pytest.mark.parametrize("how", ["flipped", "truncated", "gone"])
def test_what_changed_since_it_was_made_is_checked_told_and_made_anew(tmp_path, name, how):
    dataset, said = prepare(DIGITS, root=tmp_path), []
    file = dataset.path / name
    if not file.exists():
        pytest.skip("the digits have no test set")
    if how == "flipped":
        flip(file, at=file.read_bytes().index(b"0") if name == "meta.json" else -1)  # of the digest, or of a class's name
    elif how == "truncated":
        file.write_bytes(file.read_bytes()[: -len(file.read_bytes()) // 2])
    else:
        file.unlink()
    again = prepare(DIGITS, root=tmp_path, check=True, say=said.append)
    assert again.digest == dataset.digest == again.rehash() == verify(DIGITS, root=tmp_path)
    assert [line for line in said if line == f"the prepared data set in {dataset.path} is damaged, and is made anew"]
    assert prepare(DIGITS, root=tmp_path, check=True, say=pytest.fail).digest == dataset.digest


def test_only_what_changed_is_hashed(tmp_path, monkeypatch):
    dataset = prepare(DIGITS, root=tmp_path)
    hashed = []
    monkeypatch.setattr(Dataset, "rehash", lambda self: hashed.append(1) or self.digest)
    prepare(DIGITS, root=tmp_path, check=True)
    assert not hashed
    file = dataset.path / "train_images.npy"
    file.write_bytes(file.read_bytes())
    for _ in range(2):
        prepare(DIGITS, root=tmp_path, check=True, say=pytest.fail)
        assert len(hashed) == 1, "what was hashed is noted"
    (dataset.path / "stamps.json").write_text("[")
    prepare(DIGITS, root=tmp_path, check=True, say=pytest.fail)
    assert len(hashed) == 2, "as of a cache that an older version made"
