"""From a configuration to a network."""

from functools import lru_cache

import torch
from torch import nn

from bench import config, memory
from bench.errors import BenchError, did_you_mean
from bench.models import heads, weights
from bench.models.cnn import SimpleCNN
from bench.registry import Registry
from bench.seeding import derive

Shape = tuple[int, int, int]
MODELS: Registry = Registry("model")
MODELS.register("simple_cnn")(SimpleCNN)

# Arguments of timm.create_model that the configuration sets by other fields.
RESERVED = {
    "cache_dir", "checkpoint_path", "classes", "features_only", "in_chans", "in_shape", "num_classes", "pretrained",
    "pretrained_cfg", "pretrained_cfg_overlay", "scriptable",
}  # fmt: skip


def build(model: config.Model, in_shape: Shape, classes: int, seed: int) -> nn.Module:
    """Return the network [batch, *in_shape] float32 -> logits [batch, classes], on the CPU, in training mode.

    in_shape is (3, height, width). Random weights come from the seed's stream "initialisation" (with each layer's own
    PyTorch or timm initialiser) and leave the global generators as they were. Pretrained weights are taken from the
    local hub cache only, never downloaded; of a file, see `bench.models.weights.fit`. Raises BenchError for whatever
    `check` finds, and for weights that cannot be had.
    """
    if reason := weights.unavailable(model):
        raise BenchError(reason, where=f"model {model.name}", mend="fetch them with `bench data prepare SUITE`")
    width = _width(model, in_shape, classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "initialisation"))
        network = body = _construct(model, in_shape, classes, model.pretrained)
        trained = weights.classifiers(body)
        if model.head:
            top = heads.head(model.head, width, classes)
            network, trained = heads.with_head(body, top), (top,)
    if model.weights:
        weights.load(body, model.weights)
    if model.frozen:
        network = heads.Frozen(network, trained)
    return network.train()


def check(model: config.Model, in_shape: Shape, classes: int) -> None:
    """Raise BenchError for an unknown model, arguments or images that it does not take, or weights that do not fit.

    Builds on the meta device: a fraction of a second and hardly any memory. Weights that cannot be had are no error
    here; `unavailable` tells of them.
    """
    _width(model, in_shape, classes)
    if model.weights and not weights.unavailable(model):
        with torch.device("meta"):
            body = _construct(model, in_shape, classes)
        weights.fit(body, model.weights)


def _width(model: config.Model, in_shape: Shape, classes: int) -> int:
    """Return how many numbers an image the bare body gives."""
    return _width_of(model.model_copy(update={"pretrained": False, "weights": None}).model_dump_json(), in_shape, classes)


@lru_cache(maxsize=256)  # a long-lived worker builds the same few models again and again
def _width_of(spec: str, in_shape: Shape, classes: int) -> int:
    model = config.Model.model_validate_json(spec)
    where = f"model {model.name}"
    with torch.device("meta"), torch.no_grad():
        body = _construct(model, in_shape, classes).eval()
        try:
            shape = tuple(body(torch.empty(2, *in_shape)).shape)
        except Exception as error:  # models refuse sizes by assertions, shape errors and more
            raise BenchError(
                f"does not take images of {in_shape[1]}x{in_shape[2]}: {weights.first_line(error)}",
                where=where,
                mend="enlarge the images (`data.resize`) or, for a transformer, set `model.args: {img_size: …}`",
            ) from error
    if len(shape) != 2 or not (model.head or shape[1] == classes):
        raise BenchError(
            f"gives an output of shape {shape[1:]} an image, not one vector of {'features' if model.head else classes}",
            where=where,
            mend="choose a model and `model.args` that classify images",
        )
    return shape[1]


def _construct(model: config.Model, in_shape: Shape, classes: int, pretrained: bool = False) -> nn.Module:
    """Return the bare body, with random or the hub's weights; without its last layer where a head replaces it.

    That layer is built all the same and then removed, so that the body's random weights do not depend on it.
    """
    where = f"model {model.name}"
    if taken := sorted(RESERVED & set(model.args)):
        raise BenchError(
            f"{taken[0]!r} cannot stand in `args`", where=where, mend="it follows from the rest of the configuration"
        )
    try:
        if model.name in MODELS:
            body = MODELS[model.name](in_shape, classes, **model.args)
        else:
            body = _from_timm(model, in_shape, classes, pretrained)
        if model.head:
            body.reset_classifier(0)
        return body
    except (TypeError, ValueError, AssertionError, RuntimeError, KeyError, AttributeError) as error:
        if memory.ran_out(error):
            raise
        raise BenchError(
            f"cannot be built for images of {in_shape[1]}x{in_shape[2]}: {weights.first_line(error)}",
            where=where,
            mend=f"check `model.args`: {model.args}" if model.args else "enlarge the images or choose another model",
        ) from error


def _from_timm(model: config.Model, in_shape: Shape, classes: int, pretrained: bool) -> nn.Module:
    import timm

    # A prefix such as "hf-hub:" would reach for the network; a tag names published weights.
    known = ":" not in model.name and timm.is_model(model.name)
    if not known or ("." in model.name and not timm.is_model_pretrained(model.name)):
        names = [*MODELS, *timm.list_models(), *timm.list_pretrained()]
        raise BenchError(f"unknown model {model.name!r}", mend=did_you_mean(model.name, names))
    # timm's own loader knows each family's conversions; it gets the weights, so that it has nothing to download.
    source = {"pretrained": True, "pretrained_cfg_overlay": weights.overlay(model.name)} if pretrained else {}
    body = timm.create_model(model.name, num_classes=classes, in_chans=in_shape[0], **model.args, **source)
    body.pretrained_cfg.pop("state_dict", None)  # or it would stay in memory for as long as the model
    return body
