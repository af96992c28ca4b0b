"""Checking suite files: everything that is wrong is told, and nothing is raised or left behind."""

import sys

import pytest

import bench
from bench import BenchError

PARTS = """\
import torch
from torch import nn


class Linear(nn.Module):
    def __init__(self, in_shape, classes):
        super().__init__()
        self.layer = nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes)

    def forward(self, images):
        return self.layer(images.flatten(1))


def darken(images, options, generator):
    return images // 2
"""


def check(paths, **options):
    """Check on this very process, which starts at once."""
    return bench.validate(paths, executor="inline", **options)


def test_a_file_with_its_profiles(write):
    path = write()
    result = check(path)
    assert result.valid and result.errors == [] and result.notes == {}
    assert [suite.profile for suite in result.suites] == ["default", "long"]
    (only,) = check(str(path), profile="long", set=["train.batch_size=16"]).suites
    (train,) = [cell.train.config for cell in only.cells["s"] if cell.labels == {"lr": "0.1"}]
    assert only.profile == "long" and (train.epochs, train.batch_size) == (3, 16)


def test_several_files_each_with_all_that_is_wrong(write):
    good, other = write(), write(name="elsewhere/tiny.yaml")
    bad = write(changes={"suite: tiny": "suite: bad", "train.optimizer.lr": "train.optimizer.rl"}, name="bad.yaml")
    result = check([bad, good, other, "gone.yaml"])
    assert not result.valid and [suite.document.file for suite in result.suites] == [str(good)] * 2 + [str(other)] * 2
    assert all(isinstance(error, BenchError) for error in result.errors)
    wrong, gone = result.errors
    assert wrong.where == f"{bad}:8" and "'rl' in train.optimizer" in wrong.message and "lr" in wrong.mend
    assert gone.where == "gone.yaml" and gone.message == "cannot be read: No such file or directory"


def test_the_grammar_alone(write):
    path = write(changes={"simple_cnn": "simple_cn"})
    assert check(path, code=False).valid
    result = check(path)
    assert not result.valid and {str(error) for error in result.errors} == {
        f"{path}:5: unknown model 'simple_cn'\n  did you mean 'simple_cnn'?"
    }
    path.write_text(path.read_text().replace("rows: lr", "rows: rl"))
    (error,) = check(path, code=False).errors
    assert error.where == f"{path}:9"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"profile": "lang"}, "no profile 'lang'"), ({"set": ["train.epochs=none"]}, "epochs"), ({"set": ["epochs"]}, "PATH=VALUE")],
)
def test_what_does_not_go_with_a_file_is_told_too(write, options, message):
    (error,) = check(write(), **options).errors
    assert message in error.message


def test_a_file_that_is_no_text(folder):
    (folder / "photo.yaml").write_bytes(b"\xff\xd8\xff\xe0")
    (error,) = check("photo.yaml").errors
    assert "is not UTF-8 text" in error.message and error.where == "photo.yaml"


def test_an_executor_that_is_not_there(write):
    with pytest.raises(BenchError, match="no executor 'lokal'"):
        bench.validate(write(), executor="lokal")


def test_data_that_is_not_here_is_no_mistake_of_the_file(write, folder, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(folder / "data"))
    path = write(changes={"source: digits": "source: cifar100"})
    result = check(path)
    assert result.valid and len(result.suites) == 2
    assert set(result.notes) == {f"{path} (default)", f"{path} (long)"}
    for profile, words in (("default", ""), ("long", " --profile long")):
        (note,) = result.notes[f"{path} ({profile})"]
        where = f"{path}:3: {folder}/data/cifar-100-python"
        assert note.startswith(f"{where}: CIFAR100 is not there, so what uses it was not checked")
        assert f"`bench data prepare {path}{words}` to download it" in note


def test_custom_components_beside_the_suite(write, folder):
    (folder / "ours_alone.py").write_text(PARTS)
    model, augment = "simple_cnn, args: {filters: [4, 4, 4], hidden: 8}", 'digits, augment: [{name: "ours_alone:darken"}]'
    path, before = write(changes={model: '"ours_alone:Linear"', "digits": augment}), list(sys.path)
    result = check(path)
    assert result.valid, result.errors
    assert sys.path == before and "ours_alone" not in sys.modules, "another folder may have others of the same names"
    (folder / "ours_alone.py").write_text(PARTS.replace("images // 2", "images[:1]"))
    (error,) = {str(error): error for error in check(path).errors}.values()
    assert error.where == f"{path}:3" and "ours_alone:darken" in error.message
    (folder / "ours_alone.py").unlink()
    (error,) = {str(error): error for error in check(path).errors}.values()
    for told in (f"{path}:5: model 'ours_alone:Linear': there is no such module", "put ours_alone.py beside the suite"):
        assert told in str(error)
