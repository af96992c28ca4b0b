import shutil
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.config import Data
from bench.data import find, prepare
from bench.data.sources.folder import layout
from bench.errors import BenchError


def folder(path) -> Data:
    return Data(source="folder", path=str(path))


def pack(tree, kind, top=""):
    """Pack a tree (its content, or under a top folder) and return the archive."""
    archive = tree.with_name(f"packed.{kind}")
    files = sorted(file for file in tree.rglob("*") if file.is_file())
    if kind == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
            for file in files:
                target.write(file, f"{top}{file.relative_to(tree)}")
    else:
        with tarfile.open(archive, f"w:{kind.partition('.')[2]}") as target:
            for file in reversed(files):  # storage order is not that of names
                target.add(file, f"{top}{file.relative_to(tree)}")
    return archive


def test_tree(tmp_path, make_tree):
    written = make_tree(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "README.txt").write_text("not an image")
    (tmp_path / "pets" / ".hidden").mkdir()
    (tmp_path / "pets" / "cat" / "._0.png").write_bytes(b"left by a Mac")
    dataset = prepare(folder(tmp_path / "pets"), root=tmp_path / "root")
    assert (dataset.name, dataset.classes) == ("pets", ("cat", "dog"))
    assert dataset.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    expected = np.concatenate([written["cat"], written["dog"]]).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(dataset.train_images, expected)
    assert dataset.train_images.shape[2:] == (5, 6)
    assert dataset.test_images is None


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
@pytest.mark.parametrize("top", ["", "./", "pets-v1/"])
def test_archives_equal_their_tree(tmp_path, make_tree, kind, top):
    make_tree(tmp_path / "pets" / "train")
    make_tree(tmp_path / "pets" / "test", seed=1, per_class=2)
    tree = prepare(folder(tmp_path / "pets"), root=tmp_path / "root")
    packed = prepare(folder(pack(tmp_path / "pets", kind, top)), root=tmp_path / "root")
    assert packed.digest == tree.digest
    assert packed.name == "packed"
    assert len(packed.test_labels) == 4


def add_link(archive, name, target, kind):
    with tarfile.open(archive, "a") as tar:
        link = tarfile.TarInfo(name)
        link.type, link.linkname = kind, target
        tar.addfile(link)


def test_nothing_is_unpacked_to_disk(tmp_path, make_tree):
    make_tree(tmp_path / "pets")
    archive = pack(tmp_path / "pets", "tar")
    with tarfile.open(archive, "a") as tar:
        tar.add(tmp_path / "pets" / "cat" / "0.png", "../../cat/evil.png")
    before = set(tmp_path.parent.rglob("*.png"))
    dataset = prepare(folder(archive), root=tmp_path / "root")
    assert len(dataset.train_labels) == 6
    assert set(tmp_path.parent.rglob("*.png")) == before


def test_links_in_a_tar_stay_inside(tmp_path, make_tree):
    make_tree(tmp_path / "pets")
    archive = pack(tmp_path / "pets", "tar")
    add_link(archive, "cat/3.png", "cat/0.png", tarfile.LNKTYPE)
    add_link(archive, "cat/4.png", "../dog/0.png", tarfile.SYMTYPE)
    images = prepare(folder(archive), root=tmp_path / "root").train_images
    assert len(images) == 8
    np.testing.assert_array_equal(images[3], images[0])
    np.testing.assert_array_equal(images[4], images[5])
    add_link(archive, "cat/5.png", str(tmp_path / "pets" / "cat" / "0.png"), tarfile.SYMTYPE)
    with pytest.raises(BenchError, match=r"cat/5\.png is a link to"):
        prepare(folder(archive), root=tmp_path / "root")


def test_class_named_train_beside_others(tmp_path, make_tree):
    make_tree(tmp_path / "vehicles", classes=("bus", "train", "tram"))
    assert prepare(folder(tmp_path / "vehicles"), root=tmp_path / "root").classes == ("bus", "train", "tram")


def test_key_follows_content_and_find_needs_no_decoding(tmp_path, make_tree):
    make_tree(tmp_path / "pets")
    data = folder(tmp_path / "pets")
    assert find(data, root=tmp_path / "root") is None
    digest = prepare(data, root=tmp_path / "root").digest
    assert find(data, root=tmp_path / "root").digest == digest
    Image.new("RGB", (6, 5)).save(tmp_path / "pets" / "cat" / "9.png")
    assert find(data, root=tmp_path / "root") is None
    assert prepare(data, root=tmp_path / "root").digest != digest


def test_linked_folders_are_read_and_loops_end(tmp_path, make_tree):
    make_tree(tmp_path / "store")
    tree = tmp_path / "pets"
    tree.mkdir()
    for name in ("cat", "dog"):
        (tree / name).symlink_to(tmp_path / "store" / name)
    (tmp_path / "store" / "cat" / "loop").symlink_to(tree)
    assert len(prepare(folder(tree), root=tmp_path / "root").train_labels) == 6


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK"])
def test_modes_become_rgb(tmp_path, make_tree, mode):
    make_tree(tmp_path / "pets", mode=mode, suffix="tif")
    dataset = prepare(folder(tmp_path / "pets"), root=tmp_path / "root")
    expected = np.asarray(Image.open(tmp_path / "pets" / "cat" / "0.tif").convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(dataset.train_images[0], expected)


# ------------------------------------------------------------ wrong usage


def corrupt_png(tree):
    file = tree / "dog" / "1.png"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    return file, "cannot be read as an image"


def cut_png(tree):
    file = tree / "dog" / "1.png"
    file.write_bytes(file.read_bytes()[:60])
    return file, "cannot be read as an image"


def text_as_png(tree):
    (tree / "cat" / "x.png").write_text("I am text")
    return tree / "cat" / "x.png", "cannot be read as an image"


def empty_png(tree):
    (tree / "cat" / "x.png").touch()
    return tree / "cat" / "x.png", "is empty"


def odd_size(tree):
    Image.new("RGB", (7, 5)).save(tree / "dog" / "0.png")
    return tree / "dog" / "0.png", "7x5 pixels, but cat/0.png is 6x5"


def deep_pixels(tree):
    Image.fromarray(np.full((5, 6), 40_000, np.uint16)).save(tree / "cat" / "2.png")
    return tree / "cat" / "2.png", "more than 8 bits"


def dangling_link(tree):
    (tree / "cat" / "x.png").symlink_to(tree / "gone.png")
    return tree / "cat" / "x.png", "there is no such file"


def one_class(tree):
    shutil.rmtree(tree / "dog")
    return tree, "only one class, 'cat'"


def no_images(tree):
    shutil.rmtree(tree)
    (tree / "cat").mkdir(parents=True)
    return tree, "no images"


def no_folders(tree):
    shutil.rmtree(tree)
    tree.mkdir()
    Image.new("RGB", (6, 5)).save(tree / "a.png")
    return tree, "a.png lies in no class's folder"


def validation_folder(tree):
    for name in ("train", "val"):
        shutil.copytree(tree, tree.with_name("copy") / name)
    shutil.rmtree(tree)
    tree.with_name("copy").rename(tree)
    return tree, "beside train and test there is 'val'"


def other_classes_in_test(tree):
    for name in ("train", "test"):
        shutil.copytree(tree, tree.with_name("copy") / name)
    shutil.rmtree(tree)
    tree.with_name("copy").rename(tree)
    (tree / "test" / "dog").rename(tree / "test" / "dgo")
    return tree, "'dgo' is in the test set but not in the training set"


WRONG = [corrupt_png, cut_png, text_as_png, empty_png, odd_size, deep_pixels, dangling_link, one_class, no_images]
WRONG += [no_folders, validation_folder, other_classes_in_test]


@pytest.mark.parametrize("break_it", WRONG)
def test_wrong_trees_name_the_culprit(tmp_path, make_tree, break_it):
    make_tree(tmp_path / "pets")
    where, message = break_it(tmp_path / "pets")
    with pytest.raises(BenchError) as caught:
        prepare(folder(tmp_path / "pets"), root=tmp_path / "root")
    assert message in caught.value.message
    assert caught.value.where == str(where)
    assert caught.value.mend
    assert not list((tmp_path / "root").glob("cache/[!.]*"))


def test_absent_path(tmp_path):
    for verb in (find, prepare):
        with pytest.raises(BenchError, match="no such file"):
            verb(folder(tmp_path / "nowhere"), root=tmp_path / "root")


@pytest.mark.parametrize("closed", ["", "cat", "cat/1.png"])
def test_unreadable_files(tmp_path, make_tree, powerless, closed):
    tree = tmp_path / "pets"
    make_tree(tree)
    prepare(Data(source="digits"), root=tmp_path / "root")
    (tmp_path / "root" / "cache").chmod(0o777)
    (tree / closed).chmod(0)
    with powerless(), pytest.raises(BenchError, match="Permission denied") as caught:
        prepare(folder(tree), root=tmp_path / "root")
    (tree / closed).chmod(0o755)
    assert caught.value.where == str(tree / closed)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_truncated_archives(tmp_path, make_tree, kind, share):
    make_tree(tmp_path / "pets", per_class=20)
    archive = pack(tmp_path / "pets", kind)
    data = archive.read_bytes()
    if kind == "tar":  # what counts is before the zeros that pad it
        data = data.rstrip(b"\0")
    archive.write_bytes(data[: int(share * len(data))])
    with pytest.raises(BenchError) as caught:
        prepare(folder(archive), root=tmp_path / "root")
    assert caught.value.where == str(archive)
    assert caught.value.mend


def test_tar_cut_between_two_files(tmp_path, make_tree):
    make_tree(tmp_path / "pets")
    archive = pack(tmp_path / "pets", "tar")
    with tarfile.open(archive) as tar:
        cut = tar.getmembers()[4].offset
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(BenchError, match="ends too early"):
        prepare(folder(archive), root=tmp_path / "root")


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_archive_with_flipped_bytes(tmp_path, make_tree, kind):
    make_tree(tmp_path / "pets", per_class=20)
    archive = pack(tmp_path / "pets", kind)
    data = bytearray(archive.read_bytes())
    for place in range(len(data) // 2, len(data) // 2 + 40):
        data[place] ^= 0x5A
    archive.write_bytes(data)
    with pytest.raises(BenchError) as caught:
        prepare(folder(archive), root=tmp_path / "root")
    assert str(archive) in caught.value.where


def test_encrypted_zip(tmp_path, make_tree):
    make_tree(tmp_path / "pets")
    archive = pack(tmp_path / "pets", "zip")
    data = bytearray(archive.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag "encrypted" in local and central headers
        place = -1
        while (place := data.find(mark, place + 1)) >= 0:
            data[place + offset] |= 1
    archive.write_bytes(data)
    with pytest.raises(BenchError, match="encrypted"):
        prepare(folder(archive), root=tmp_path / "root")


names = st.text("abc", min_size=1, max_size=3)


@given(
    st.sets(st.tuples(names, names), min_size=1),
    st.sampled_from(["", "top/"]),
    st.booleans(),
)
def test_layout_finds_class_and_split(images, top, split):
    listed = {f"{top}{'train/' if split else ''}{label}/{name}.png": label for label, name in images}
    assert sorted(layout(listed, "x")) == sorted(("train", label, name) for name, label in listed.items())
