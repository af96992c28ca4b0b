"""`bench data prepare`: everything that a suite needs with its profile, made from official files, and told before."""

import re
import tarfile
from functools import partial
from hashlib import md5
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
import torch

SUITE = """\
suite: small
title: Images and weights
data: {source: cifar100}
base: {model: {name: vgg11, pretrained: true}, train: {epochs: 1, optimizer: {name: sgd, lr: 0.1}}}
seeds: 1
stages: {s: {axes: {a: {x: {}}}}}
profiles:
  cpu:
    data: {source: folder, path: cifar100-test}
    base: {model: {name: simple_cnn, pretrained: null}}
  file: {data: {source: digits}, base: {model: {name: resnet18, pretrained: null, weights: weights/resnet18.pth}}}
  gone: {data: {source: folder, path: photos}, base: {model: {pretrained: null, weights: mine.pth}}}
"""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of timm's hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    return tmp_path / "hub"


@pytest.fixture
def archive(tmp_path, official_cifar, monkeypatch):
    """A small CIFAR-100 as an archive on a server here, which torchvision takes for the official one. Gives images and labels."""
    from torchvision.datasets import CIFAR100

    images, labels = official_cifar(tmp_path / "made", "CIFAR100", per_file=200)
    path = tmp_path / "elsewhere" / CIFAR100.filename
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tmp_path / "made" / CIFAR100.base_folder, CIFAR100.base_folder)
    monkeypatch.setattr(CIFAR100, "tgz_md5", md5(path.read_bytes()).hexdigest())
    handler = partial(SimpleHTTPRequestHandler, directory=str(path.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(CIFAR100, "url", f"http://127.0.0.1:{server.server_port}/{path.name}")
        yield images, labels
        server.shutdown()


def prepare(bench, tmp_path, *words):
    path = bench.write(SUITE, "small.yaml")
    answer = bench("data", "prepare", path.name, *words, BENCH_DATA=str(tmp_path / "data"), no_proxy="127.0.0.1")
    return answer.code, answer.out, answer.err


def test_the_list_tells_what_would_be_done_and_does_nothing(bench, tmp_path, hub, archive):
    code, out, err = prepare(bench, tmp_path, "--list")
    assert (code, err) == (0, "")
    cifar, weights, total = out.splitlines()
    assert cifar.startswith("cifar100: to do: download http://127.0.0.1:") and cifar.endswith(", and decode it, about 169.0 MB")
    vgg = "https://huggingface.co/timm/vgg11.tv_in1k"
    assert weights == f"weights of vgg11: to do: download {vgg}, about 531.5 MB"
    assert total == "to download: about 700.5 MB"
    code, out, err = prepare(bench, tmp_path, "--list", "--profile", "cpu")
    target = tmp_path / "data" / "cifar100-test"
    assert out.startswith(f"folder cifar100-test: to do: make {target} from cifar100 (download http://127.0.0.1:") and code == 0
    assert not (tmp_path / "data").exists() and not hub.exists()
    assert "weights" not in prepare(bench, tmp_path, "--list", "--no-weights")[1]


def test_a_stranger_makes_the_test_images_of_cifar100(bench, tmp_path, archive):
    images, labels = archive
    code, out, err = prepare(bench, tmp_path, "--profile", "cpu")
    assert code == 0, err
    assert (
        "downloading http://127.0.0.1:" in out and f"folder cifar100-test: 200 images in {len(set(labels[200:]))} classes" in out
    )
    tree = tmp_path / "data" / "cifar100-test"
    from PIL import Image

    for k, (pixels, label) in enumerate(zip(images[200:], labels[200:], strict=True)):
        assert np.array_equal(np.asarray(Image.open(tree / f"class{label}" / f"test_{k}.png")), pixels.transpose(1, 2, 0))
    again = prepare(bench, tmp_path, "--profile", "cpu")
    assert again[0] == 0 and again[1].startswith("folder cifar100-test: 200 images") and ", there already: " in again[1]
    listed = prepare(bench, tmp_path, "--profile", "cpu", "--list")
    assert ": there, " in listed[1] and listed[1].endswith("nothing to download\n")
    plan = bench("plan", "small.yaml", "--profile", "cpu", "--no-probe", BENCH_DATA=str(tmp_path / "data"))
    assert plan.code == 0 and "to do: 1 trials" in plan.out


def test_timms_weights_are_saved_as_the_file_that_a_suite_names(bench, tmp_path, hub):
    import timm

    network = timm.create_model("resnet18")
    folder = hub / "models--timm--resnet18.a1_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    (folder / "snapshots" / ("0" * 40)).mkdir(parents=True)
    torch.save(network.state_dict(), folder / "snapshots" / ("0" * 40) / "pytorch_model.bin")
    target = tmp_path / "data" / "weights" / "resnet18.pth"
    code, out, _ = prepare(bench, tmp_path, "--profile", "file", "--list")
    assert code == 0 and f"weights resnet18.pth: to do: save timm's as {target}\nnothing to download\n" in out
    code, out, err = prepare(bench, tmp_path, "--profile", "file")
    assert code == 0 and f"weights resnet18.pth: 46.8 MB in {target}" in out, err
    saved = torch.load(target, weights_only=True)
    assert all(torch.equal(value, saved[name]) for name, value in network.state_dict().items())
    assert "weights resnet18.pth, there already: " in prepare(bench, tmp_path, "--profile", "file")[1]


def test_what_nobody_publishes_is_told_with_its_line(bench, tmp_path):
    code, out, _ = prepare(bench, tmp_path, "--profile", "gone", "--list")
    assert code == 3 and out.count("not here, and cannot be prepared") == 2
    for file in ("photos", "mine.pth"):
        assert re.search(rf"small\.yaml:12: \S*{file}: there is no such file", out)
    code, out, err = prepare(bench, tmp_path, "--profile", "gone")
    assert code == 1 and re.match(r"error: small\.yaml:12: \S*photos: there is no such file\n  check 'path'", err)


def test_without_a_network_the_rest_is_prepared_all_the_same(bench, tmp_path, hub, monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("no network here")

    monkeypatch.setattr("bench.models.hub.torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("huggingface_hub.utils.get_session", refuse)
    code, out, _ = prepare(bench, tmp_path, "--set", "data={source: digits}")
    assert code == 3 and "digits: 1797 images in 10 classes" in out
    assert "note: small.yaml:4: " in out and "cannot download the weights of vgg11: no network here" in out


def test_real_images_of_cifar100_are_the_official_tree(bench, tmp_path, shared_data):
    import subprocess
    import sys

    subprocess.run([sys.executable, shared_data / "unpack.py", tmp_path / "data", "cifar100"], check=True, capture_output=True)
    official = {path.relative_to(tmp_path / "data"): path for path in (tmp_path / "data").glob("cifar100-test/*/*.png")}
    (tmp_path / "data" / "cifar100-test").rename(tmp_path / "official")
    assert prepare(bench, tmp_path, "--profile", "cpu")[0] == 0
    made = {path.relative_to(tmp_path / "data") for path in (tmp_path / "data").glob("cifar100-test/*/*.png")}
    assert made == set(official) and len(made) == 10_000
