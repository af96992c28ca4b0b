"""What is asked of a user's own parts: good ones pass, and each way to be wrong is told, with the line and the mend."""

import random
import sys

import numpy as np
import pytest
import torch

from bench.config import TrialConfig
from bench.contracts import check_own
from bench.data import Dataset

MODULE = "contracted_parts"
CODE = '''
import random
import numpy as np, torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self, in_shape, classes, width=8):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(in_shape[0], width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout(0.5))
        self.width = width
        self.reset_classifier(classes)

    def reset_classifier(self, classes):
        self.last = nn.Linear(self.width, classes) if classes else nn.Identity()

    def get_classifier(self):
        return self.last

    def forward(self, images):
        return self.last(self.body(images).mean((2, 3)))


def not_a_network(in_shape, classes):
    return 7


class WithoutClassifier(nn.Module):
    def __init__(self, in_shape, classes):
        super().__init__()
        self.last = nn.Linear(in_shape[0], classes)

    def forward(self, images):
        return self.last(images.mean((2, 3)))


class FewLogits(Net):
    def forward(self, images):
        return super().forward(images)[:, 1:]


class NotFinite(Net):
    def forward(self, images):
        return super().forward(images).log()


class NumPyWeights(Net):
    def __init__(self, in_shape, classes):
        super().__init__(in_shape, classes)
        self.last.weight.data = torch.from_numpy(np.random.normal(size=self.last.weight.shape)).float()


class SeedsWhenMade(Net):
    def __init__(self, in_shape, classes):
        torch.manual_seed(0)
        super().__init__(in_shape, classes)


class SeedsWhenCalled(Net):
    def forward(self, images):
        torch.manual_seed(0)
        return super().forward(images)


class Unreached(Net):
    def __init__(self, in_shape, classes):
        super().__init__(in_shape, classes)
        self.spare = nn.Linear(3, 3)


class Detached(Net):
    def forward(self, images):
        return self.last(self.body(images).mean((2, 3)).detach())


class WhollyDetached(Net):
    def forward(self, images):
        return super().forward(images).detach()


class WithoutGradients(Net):
    @torch.no_grad()
    def forward(self, images):
        return super().forward(images)


class TwoInTraining(Net):
    def forward(self, images):
        scores = super().forward(images)
        return (scores, scores) if self.training else scores


class FewInTraining(Net):
    def forward(self, images):
        return super().forward(images)[: len(images) // 2 if self.training else None]


class Refusing(torch.autograd.Function):
    @staticmethod
    def forward(context, scores):
        return scores.clone()

    @staticmethod
    def backward(context, gradient):
        raise ZeroDivisionError("in backward")


class FailsBackward(Net):
    def forward(self, images):
        return Refusing.apply(super().forward(images))


class RandomInEvaluation(Net):
    def forward(self, images):
        return self.last(F.dropout(self.body(images).mean((2, 3))))


class DrawsInEvaluation(Net):
    def forward(self, images):
        torch.rand(3)
        return super().forward(images)


class BatchStatistics(Net):
    def forward(self, images):
        features = self.body(images).mean((2, 3))
        return self.last(features - features.mean(0))


class Fails(Net):
    def forward(self, images):
        if self.training:
            raise KeyError("layer")
        return super().forward(images)


def focal(scores, targets, options, context):
    """Focal loss (Lin et al. 2017), for hard and soft targets."""
    if not targets.is_floating_point():
        targets = F.one_hot(targets, scores.shape[1])
    logs = scores.log_softmax(1)
    return -(targets * (1 - logs.exp()) ** options.gamma * logs).sum(1).mean()


def by_environment(scores, targets, options, context):
    return F.cross_entropy(scores, targets) * (1 + context.environments.float().mean())


def plain(scores, targets, options, context):
    return F.cross_entropy(scores, targets)


def hard_only(scores, targets, options, context):
    return -scores.log_softmax(1).gather(1, targets[:, None]).mean()


def per_image(scores, targets, options, context):
    return F.cross_entropy(scores, targets, reduction="none")


def number(scores, targets, options, context):
    return F.cross_entropy(scores, targets).item()


def detached(scores, targets, options, context):
    return F.cross_entropy(scores, targets).detach()


def constant(scores, targets, options, context):
    return (scores * 0).sum()


def infinite(scores, targets, options, context):
    return 1 / (scores * 0).sum()


def steep(scores, targets, options, context):
    return (scores - scores.detach()).abs().sqrt().sum()


def invert(images, options, generator):
    """Deterministic."""
    return 255 - images


def erase(images, options, generator):
    """Blacken a row of each image, with probability p."""
    rows = torch.randint(images.shape[2], (len(images),), generator=generator, device=images.device)
    chosen = torch.rand(len(images), generator=generator, device=images.device) < options.p
    hit = (torch.arange(images.shape[2], device=images.device) == rows[:, None]) & chosen[:, None]
    return torch.where(hit[:, None, :, None], torch.zeros_like(images), images)


def mix_up(images, options, generator):
    """Mixup (Zhang et al. 2018) with evenly drawn shares."""
    share = torch.rand(len(images), generator=generator, device=images.device)
    partner = torch.randperm(len(images), generator=generator, device=images.device)
    mixed = torch.lerp(images[partner].float(), images.float(), share[:, None, None, None])
    return mixed.round().to(images.dtype), partner, share


def one_share(images, options, generator):
    share = torch.rand(1, generator=generator).expand(len(images))
    return images, torch.arange(len(images)), share


def two_results(images, options, generator):
    return images, images


def float_partner(images, options, generator):
    return images, torch.zeros(len(images)), torch.ones(len(images))


def far_partner(images, options, generator):
    return images, torch.arange(len(images)) + 1, torch.ones(len(images))


def large_share(images, options, generator):
    return images, torch.arange(len(images)), torch.full((len(images),), 2.0)


def to_floats(images, options, generator):
    return images / 255


def smaller(images, options, generator):
    return images[:, :, 1:]


def in_place(images, options, generator):
    images[:, :, 0] = 0
    return images


def global_torch(images, options, generator):
    return torch.where((torch.rand(len(images)) < 0.5)[:, None, None, None], images.flip(3), images)


def global_numpy(images, options, generator):
    return images if np.random.rand() < 0.5 else images.flip(3)


def generator_of_its_own(images, options, generator):
    return images ^ torch.from_numpy(np.random.default_rng().integers(0, 256, images.shape).astype(np.uint8))


def wasted_draw(images, options, generator):
    random.random()
    return 255 - images


def whole_batch(images, options, generator):
    return images.flip(3) if torch.rand(1, generator=generator) < 0.5 else images


def fails(images, options, generator):
    return images[options.place]


def blur(images, options):
    return F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="reflect"), 3, stride=1)


def bytes_out(images, options):
    return images * 255


def nan_out(images, options):
    return images * float("nan")


def array_out(images, options):
    return images.numpy()


def shrunk(images, options):
    return F.avg_pool2d(images, 2)


def random_out(images, options):
    return torch.rand_like(images)


def of_the_batch(images, options):
    return images * 0.5 + images.mean(0) * 0.5


def stripes(images=12, classes=3, dead=False):
    """A data set of noise."""
    pixels = np.random.RandomState(0).randint(0, 256, (images, 3, 8, 8)).astype(np.uint8)
    labels = np.arange(images) % (classes - dead)
    return [f"class {number}" for number in range(classes)], pixels, labels


def other_each_time():
    classes, pixels, labels = stripes()
    return classes, np.random.RandomState(random.randrange(2**31)).permutation(pixels), labels
'''


@pytest.fixture(autouse=True)
def own_parts(tmp_path, monkeypatch):
    (tmp_path / f"{MODULE}.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop(MODULE, None)


@pytest.fixture(scope="module")
def dataset():
    pixels = np.random.default_rng(0).integers(0, 256, (24, 3, 8, 8)).astype(np.uint8)
    return Dataset.build("noise", ("a", "b", "c"), pixels, np.arange(24) % 3)


def config(model="simple_cnn", loss=None, augment=(), **more):
    model = model if isinstance(model, dict) else {"name": model, "args": {"filters": [4]} if model == "simple_cnn" else {}}
    train = {"epochs": 1, **({"loss": loss} if loss else {})}
    augment = [{"name": f"{MODULE}:{part}"} if isinstance(part, str) else part for part in augment]
    return TrialConfig.model_validate({"data": {"source": "digits", "augment": augment, **more}, "model": model, "train": train})


def own(name, **args):
    return {"name": f"{MODULE}:{name}", "args": args}


def line(text):
    return 1 + CODE.split("\n").index(text)


def the_one(found, section):
    ((where, error),) = found
    assert where == section
    assert error.mend
    return error


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"model": own("Net", width=4)},
        {"model": {**own("Net"), "head": {"hidden": [4], "dropout": 0.5}}},
        {"model": {**own("Net"), "frozen": True}},
        {"model": own("WithoutClassifier")},
        {"model": own("Net"), "resize": {"scale": 2}},
        {"loss": own("focal", gamma=2.0)},
        {"loss": own("hard_only")},
        {"loss": own("focal", gamma=2.0), "augment": [{"name": "cutmix"}]},
        {"loss": own("by_environment"), "environments": {"by": "random"}},
        {"augment": ["invert", own("erase", p=0.5), "mix_up", {"name": "flip"}]},
        {"append": {"share": 0.5, "augment": [own("erase", p=0.1)]}},
        {"denoise": own("blur")},
    ],
)
def test_good_parts_pass_and_the_process_stays_as_it_was(dataset, good):
    torch.rand(1)
    before = (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate())
    assert check_own(config(**good), dataset) == []
    assert (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not_a_network", "gives a int, not a torch.nn.Module"),
        ("FewLogits", "gives 2 numbers an image, not one for each of 3 classes"),
        ("NotFinite", "gives logits that are no finite floats"),
        ("NumPyWeights", "starts from other weights when the seed is the same"),
        ("SeedsWhenMade", "sets the seed of the global generator when it is made"),
        ("SeedsWhenCalled", "sets the seed of the global generator when it is called"),
        ("Unreached", "has parameters that no gradient reaches: spare.weight, spare.bias"),
        ("Detached", "has parameters that no gradient reaches: body.0.weight"),
        ("WhollyDetached", "gives logits that no gradient goes back from"),
        ("WithoutGradients", "gives logits that no gradient goes back from"),
        ("TwoInTraining", "returns (float32 [8, 3], float32 [8, 3]) for 8 images, 3 classes"),
        ("FewInTraining", "returns float32 [4, 3] for 8 images, 3 classes"),
        ("FailsBackward", "raises ZeroDivisionError: in backward"),
        ("RandomInEvaluation", "is random in evaluation mode"),
        ("DrawsInEvaluation", "draws from the global generator in evaluation mode"),
        ("BatchStatistics", "gives an image other logits in another batch"),
        ("Fails", "raises KeyError: 'layer'"),
    ],
)
def test_bad_models_are_told(dataset, name, message):
    error = the_one(check_own(config(model=own(name)), dataset), "model")
    assert f"model {MODULE}:{name}" in str(error)
    assert message in error.message


@pytest.mark.parametrize("setting", [{"head": {}}, {"frozen": True}, {"weights": "some.safetensors"}])
def test_a_model_needs_timms_functions_only_where_they_are_used(dataset, setting):
    error = the_one(check_own(config(model={**own("WithoutClassifier"), **setting}), dataset), "model")
    assert f"`model.{next(iter(setting))}` needs" in error.message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("per_image", "returns float32 [8]"),
        ("number", "returns float"),
        ("detached", "gives no gradient"),
        ("constant", "gives a gradient of 0"),
        ("infinite", "is inf for ordinary logits"),
        ("steep", "gives a gradient that is not finite"),
        ("by_environment", "raises AttributeError"),
        ("nothing", "has no function or class 'nothing'"),
    ],
)
def test_bad_losses_are_told(dataset, name, message):
    error = the_one(check_own(config(loss=own(name)), dataset), "train")
    assert message in error.message
    assert f"{MODULE}:{name}" in error.message


@pytest.mark.parametrize("mixing", [{"augment": ["mix_up"]}, {"append": {"augment": [{"name": "cutmix"}]}}])
def test_a_loss_takes_soft_targets_where_images_are_mixed(dataset, mixing):
    assert check_own(config(loss=own("plain"), **mixing), dataset) == []
    error = the_one(check_own(config(loss=own("hard_only"), **mixing), dataset), "train")
    assert "raises" in error.message
    text = "    return -scores.log_softmax(1).gather(1, targets[:, None]).mean()"
    assert error.where.endswith(f"{MODULE}.py:{line(text)}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("to_floats", "returns float32 [8, 3, 8, 8] for uint8 [8, 3, 8, 8]"),
        ("smaller", "returns uint8 [8, 3, 7, 8] for uint8 [8, 3, 8, 8]"),
        ("two_results", "returns (uint8 [8, 3, 8, 8], uint8 [8, 3, 8, 8])"),
        ("float_partner", "returns partners float32 [8]"),
        ("far_partner", "returns partners"),
        ("large_share", "returns shares float32 [8]"),
        ("one_share", "does the same to all images of a batch"),
        ("in_place", "changes the images that it is given"),
        ("global_torch", "draws from a global generator"),
        ("generator_of_its_own", "gives other images when the generator is the same"),
        ("global_numpy", "draws from a global generator"),
        ("wasted_draw", "draws from a global generator"),
        ("whole_batch", "does the same to all images of a batch"),
        ("fails", "raises AttributeError"),
    ],
)
@pytest.mark.parametrize("appended", [False, True])
def test_bad_augmentations_are_told(dataset, name, message, appended):
    part = {"append": {"augment": [own(name)]}} if appended else {"augment": [name]}
    error = the_one(check_own(config(**part), dataset), "data")
    assert message in error.message
    assert f"augmentation {MODULE}:{name}" in error.message
    assert error.where.endswith(f"{MODULE}.py:{line(f'def {name}(images, options, generator):') + (name == 'fails')}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("array_out", "returns ndarray for float32 [4, 3, 8, 8]"),
        ("shrunk", "returns float32 [4, 3, 4, 4] for float32 [4, 3, 8, 8]"),
        ("bytes_out", "returns values that are not from 0 to 1"),
        ("nan_out", "returns values that are not from 0 to 1"),
        ("random_out", "gives other images when it is called again"),
        ("of_the_batch", "gives an image another result among other images"),
        ("fails", "raises TypeError"),
    ],
)
def test_bad_denoisers_are_told(dataset, name, message):
    error = the_one(check_own(config(denoise=own(name)), dataset), "data")
    assert message in error.message
    assert f"denoiser {MODULE}:{name}" in error.message


def sourced(name, **args):
    return TrialConfig.model_validate(
        {
            "data": {"source": f"{MODULE}:{name}", "args": args},
            "model": {"name": "simple_cnn", "args": {"filters": [4]}},
            "train": {"epochs": 1},
        }
    )


def read(config):
    from bench.data.sources import source_of

    return source_of(config.data).read(None, False, lambda text: None)


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("stripes", {"images": 30}, None),
        ("stripes", {"dead": True}, "has no training image of 'class 2'"),
        ("other_each_time", {}, "makes other data when it is called again"),
    ],
)
def test_a_source_makes_the_same_again_with_images_of_every_class(name, args, message):
    asked = sourced(name, **args)
    found = check_own(asked, read(asked))
    if message is None:
        assert found == []
    else:
        error = the_one(found, "data")
        assert message in error.message
        assert error.where.endswith(
            f"{MODULE}.py:{1 + [text.startswith(f'def {name}(') for text in CODE.splitlines()].index(True)}"
        )


def test_every_bad_part_of_a_configuration_is_told(dataset):
    found = check_own(config(model=own("Unreached"), loss=own("number"), augment=["in_place", "smaller"]), dataset)
    assert [section for section, _ in found] == ["data", "data", "model", "train"]


def test_data_that_cannot_be_had_are_told_too(dataset):
    error = the_one(check_own(config(loss=own("number"), classes=["z"]), dataset), "data")
    assert "data.classes" in error.where
