"""Weights from files and from the hub's cache, with files that the tests make."""

import hashlib

import pytest
import torch
from safetensors.torch import save_file

from bench import config
from bench.errors import BenchError
from bench.models import build, check, fetch, unavailable, weights_digest

CIFAR = (3, 32, 32)


def model(name="simple_cnn", **fields):
    return config.Model.model_validate({"name": name, **fields})


@pytest.fixture
def saved(tmp_path):
    """Save the state dict of a network with seed 7; return path and state."""

    def save(suffix=".pth", name="simple_cnn", classes=10, wrap=None, change=lambda state: None, args=()):
        state = dict(build(model(name, args=dict(args)), CIFAR, classes, seed=7).state_dict())
        change(state)
        path = tmp_path / f"weights{suffix}"
        if suffix == ".safetensors":
            save_file(state, path)
        else:
            torch.save({wrap: state} if wrap else state, path)
        return path, state

    return save


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of the hub, and a function that puts a file into it as the hub's client lays it out."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))

    def put(repository: str, source, filename="model.safetensors"):
        folder = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        snapshot = folder / "snapshots" / "0123abc"
        snapshot.mkdir(parents=True)
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text("0123abc")
        (snapshot / filename).write_bytes(source.read_bytes())

    return put


@pytest.mark.parametrize(("suffix", "wrap"), [(".pth", None), (".safetensors", None), (".pth", "state_dict")])
def test_a_file_is_loaded_whole(saved, suffix, wrap):
    path, state = saved(suffix, wrap=wrap)
    spec = model(weights=str(path))
    check(spec, CIFAR, 10)
    loaded = build(spec, CIFAR, 10, seed=0).state_dict()
    assert all(torch.equal(loaded[key], state[key]) for key in state)


def test_the_classifier_of_another_number_of_classes_is_left_out(saved):
    path, state = saved(classes=100)
    loaded = build(model(weights=str(path)), CIFAR, 10, seed=0).state_dict()
    fresh = build(model(), CIFAR, 10, seed=0).state_dict()
    assert torch.equal(loaded["dense.1.weight"], state["dense.1.weight"])
    assert torch.equal(loaded["classifier.weight"], fresh["classifier.weight"])


def test_a_body_under_a_new_head_takes_all_but_the_classifier(saved):
    path, state = saved(".safetensors", name="resnet18", classes=10)
    spec = model("resnet18", weights=str(path), head={"hidden": [4]}, frozen=True)
    body = build(spec, CIFAR, 10, seed=0).network.body.state_dict()
    assert set(state) - set(body) == {"fc.weight", "fc.bias"}
    assert all(torch.equal(body[key], state[key]) for key in body)


def test_a_file_without_step_counters_or_classifier_is_whole_enough(saved):
    def strip(state):
        for key in [key for key in state if key.startswith("classifier") or key.endswith("num_batches_tracked")]:
            del state[key]

    path, state = saved(change=strip)
    loaded = build(model(weights=str(path)), CIFAR, 10, seed=0).state_dict()
    assert all(torch.equal(loaded[key], state[key]) for key in state)


VGG = {"mlp_ratio": 0.002}  # of VGG's dense layers, which are 120 million weights otherwise


def test_pretrained_vgg_keeps_its_convolutions_under_a_new_classifier(hub, saved):
    path, state = saved(".safetensors", name="vgg11", classes=1000, args=VGG)
    hub("timm/vgg11.tv_in1k", path)
    spec = model("vgg11", pretrained=True, args=VGG, head={"hidden": [16]})
    body = build(spec, CIFAR, 10, seed=0).body.state_dict()
    assert set(body) == {key for key in state if key.startswith("features.")}
    assert all(torch.equal(body[key], state[key]) for key in body)
    whole = build(model("vgg11", pretrained=True, args=VGG), CIFAR, 10, seed=0).state_dict()
    assert {key for key in state if not torch.equal(whole[key], state[key])} == {"head.fc.weight", "head.fc.bias"}


@pytest.mark.parametrize(
    ("name", "args"),
    [("vgg11", VGG), ("vgg_blocks", {"filters": [64, 128, 256, 512, 512], "convolutions": [1, 1, 2, 2, 2]})],
)
def test_torchvisions_file_of_vgg_loads_under_a_head(tmp_path, name, args):
    from torchvision.models import vgg

    features = vgg.make_layers(vgg.cfgs["A"])
    state = {f"features.{key}": value for key, value in features.state_dict().items()}
    state |= {f"classifier.{layer}.weight": torch.zeros(2, 2) for layer in (0, 3, 6)}
    path = tmp_path / "vgg11.pth"
    torch.save(state, path)
    network = build(model(name, args=args, weights=str(path), head={"hidden": [8]}), CIFAR, 10, seed=0).eval()
    images = torch.rand(2, *CIFAR)
    torch.testing.assert_close(network.body(images), features(images).flatten(1))
    bare = model(name, args=args, weights=str(path))
    if name == "vgg_blocks":  # which calls its only dense layer `classifier`, as torchvision does its three
        assert torch.equal(build(bare, CIFAR, 10, seed=0).features[0].weight, features[0].weight)
    else:
        with pytest.raises(BenchError, match=r"missing: pre_logits\.fc1\.weight.*unexpected: classifier\.0\.weight"):
            check(bare, CIFAR, 10)


def _rename(state):
    state["features.0.kernel"] = state.pop("features.0.weight")


def _reshape(state):
    state["dense.1.weight"] = torch.zeros(5, 5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_rename, ["missing: features.0.weight", "unexpected: features.0.kernel"]),
        (_reshape, ["of another shape: dense.1.weight (5, 5) instead of (128, 256)"]),
        (dict.clear, ["holds no state dict"]),
        (lambda state: state.update(epoch=3), ["holds no state dict"]),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_the_first_difference(saved, change, words):
    path, _ = saved(change=change)
    spec = model(weights=str(path))
    for attempt in (lambda: check(spec, CIFAR, 10), lambda: build(spec, CIFAR, 10, seed=0)):
        with pytest.raises(BenchError) as raised:
            attempt()
        assert raised.value.where == str(path)
        assert all(word in raised.value.message for word in words)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
def test_a_damaged_file_is_named(saved, suffix, damage):
    path, _ = saved(suffix)
    content = path.read_bytes()
    path.write_bytes({"truncated": content[: len(content) // 2], "garbage": b"\x00garbage" * 99, "empty": b""}[damage])
    with pytest.raises(BenchError, match="cannot be read as weights") as raised:
        check(model(weights=str(path)), CIFAR, 10)
    assert raised.value.where == str(path)


class Touch:
    """An object whose unpickling writes a file: what weights_only=True must not let happen."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_an_unsafe_file_is_refused_and_not_run(tmp_path):
    path, trace = tmp_path / "unsafe.pth", tmp_path / "trace"
    torch.save({"features.0.weight": Touch(trace)}, path)
    with pytest.raises(BenchError, match="cannot be read as weights"):
        build(model(weights=str(path)), CIFAR, 10, seed=0)
    assert not trace.exists()


def test_a_missing_file_is_unavailable_rather_than_wrong(tmp_path):
    spec = model(weights=str(tmp_path / "none.pth"))
    check(spec, CIFAR, 10)
    assert "none.pth is missing" in unavailable(spec)
    assert weights_digest(spec) == ""
    with pytest.raises(BenchError, match="is missing") as raised:
        build(spec, CIFAR, 10, seed=0)
    assert "check the path" in raised.value.mend


def test_the_digest_follows_the_content(saved):
    path, _ = saved()
    spec = model(weights=str(path))
    assert unavailable(spec) is None
    assert weights_digest(spec) == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes() + b" ")
    assert weights_digest(spec) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert weights_digest(model()) == ""


def test_pretrained_weights_come_from_the_hubs_cache(hub, saved):
    spec = model("resnet18", pretrained=True)
    assert "not in the local hub cache" in unavailable(spec)
    assert weights_digest(spec) == ""
    with pytest.raises(BenchError, match="not in the local hub cache") as raised:
        build(spec, CIFAR, 10, seed=0)
    assert "bench data prepare" in raised.value.mend
    path, state = saved(".safetensors", name="resnet18", classes=1000)
    hub("timm/resnet18.a1_in1k", path)
    assert unavailable(spec) is None
    assert weights_digest(spec) == hashlib.sha256(path.read_bytes()).hexdigest()
    fetch(spec)  # already there: nothing to download
    network = build(spec, CIFAR, 10, seed=0)
    loaded = network.state_dict()
    assert {key for key in state if not torch.equal(state[key], loaded[key])} == {"fc.weight", "fc.bias"}
    assert "state_dict" not in network.pretrained_cfg


def test_pretrained_weights_go_under_a_new_head(hub, saved):
    path, state = saved(".pth", name="resnet18", classes=1000)
    hub("timm/resnet18.fb_swsl_ig1b_ft_in1k", path, filename="pytorch_model.bin")
    spec = model("resnet18.fb_swsl_ig1b_ft_in1k", pretrained=True, head={"hidden": [8]})
    body = build(spec, CIFAR, 10, seed=0).body.state_dict()
    assert all(torch.equal(body[key], state[key]) for key in body)


def test_a_damaged_file_in_the_hubs_cache_is_named(hub, saved):
    path, _ = saved(".safetensors", name="resnet18", classes=1000)
    path.write_bytes(path.read_bytes()[:1000])
    hub("timm/resnet18.a1_in1k", path)
    with pytest.raises(BenchError, match="cannot be read as weights"):
        build(model("resnet18", pretrained=True), CIFAR, 10, seed=0)


@pytest.mark.parametrize("name", ["simple_cnn", "resnet5O"])
def test_weights_that_nobody_publishes_are_unavailable(hub, name):
    assert unavailable(model(name, pretrained=True)) == f"no pretrained weights are published for {name}"


def test_a_hub_that_cannot_be_reached_is_said_at_once(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BenchError, match="cannot download the weights of resnet18") as raised:
        fetch(model("resnet18", pretrained=True))
    assert "weights: FILE" in raised.value.mend
    fetch(model("resnet18"))  # nothing to fetch, so nothing to reach


def test_real_weights_load_strictly_and_see_something(shared_data):
    path = shared_data / "weights" / "tf_mobilenetv3_small_100.pth"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    spec = model("tf_mobilenetv3_small_100", weights=str(path), head={"hidden": [16]}, frozen=True)
    check(spec, (3, 64, 64), 10)
    loaded = build(spec, (3, 64, 64), 10, seed=0).network.body.state_dict()
    state = torch.load(path, weights_only=True)
    assert all(torch.equal(loaded[key], state[key]) for key in loaded if key in state)
    assert {key for key in set(state) ^ set(loaded) if not key.endswith("num_batches_tracked")} == {
        "classifier.weight",
        "classifier.bias",
    }
