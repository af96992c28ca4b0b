"""From a configuration to a network."""

import traceback
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench import components, config, memory
from bench.errors import BenchError, ErrorCode, did_you_mean
from bench.models import heads, hub, weights
from bench.models.base import MODELS, Shape
from bench.seeding import derive

# Arguments of timm.create_model that the configuration sets by other fields.
RESERVED = {
    "cache_dir", "checkpoint_path", "classes", "features_only", "in_chans", "in_shape", "num_classes", "pretrained",
    "pretrained_cfg", "pretrained_cfg_overlay", "scriptable",
}  # fmt: skip
IMAGES = 2  # of the batch that tells what a network gives


def build(model: config.Model, in_shape: Shape, classes: int, seed: int) -> nn.Module:
    """Return the network [batch, *in_shape] float32 -> logits [batch, classes], on the CPU, in training mode.

    in_shape is (3, height, width). Random weights come from the seed's stream "initialisation" (with each layer's own
    PyTorch or timm initialiser) and leave the global generators as they were. Pretrained weights are taken from the
    local hub cache only, never downloaded; of a file, see `bench.models.weights.fit`. Raises BenchError for whatever
    `check` finds, and for weights that cannot be had.
    """
    if reason := hub.unavailable(model):
        mend = "fetch them with `bench data prepare SUITE`" if model.pretrained else "check the path under `model.weights`"
        code = ErrorCode.NOT_PREPARED if model.pretrained else None
        raise BenchError(reason, where=f"model {model.name}", mend=mend, code=code)
    width, _ = _width(model, in_shape, classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "initialisation"))
        network = body = _construct(model, in_shape, classes, model.pretrained)
        top = heads.head(model.head, width, classes) if model.head else None
    if model.weights:
        weights.load(body, model.weights, top)
    if top:
        network = heads.with_head(body, top)
    if model.frozen:
        network = heads.Frozen(network, (top,) if top else weights.classifiers(body))
    return network.train()


def check(model: config.Model, in_shape: Shape, classes: int) -> int:
    """Return how many bytes the weights take, a head's apart.

    Raises BenchError for an unknown model, arguments or images that it does not take, or weights that do not fit.

    Builds on the meta device: a fraction of a second and hardly any memory. Weights that cannot be had, or that another stage
    is still to train, are no error here; `unavailable` tells of the former.
    """
    width, size = _width(model, in_shape, classes)
    if model.weights:
        body, _ = _sketch(model, in_shape, classes)
        if isinstance(model.weights, str) and not hub.unavailable(model):
            with torch.device("meta"):
                top = heads.head(model.head, width, classes) if model.head else None
            weights.fit(body, model.weights, top)
    return size


def _width(model: config.Model, in_shape: Shape, classes: int) -> tuple[int, int]:
    """Return how many numbers an image the bare body gives, and how many bytes its weights take."""
    spec = model.model_copy(update={"pretrained": False, "weights": None}).model_dump_json()
    return _width_of(spec, in_shape, classes, components.version())


@lru_cache(maxsize=256)  # a long-lived worker builds the same few models again and again
def _width_of(spec: str, in_shape: Shape, classes: int, _components: int) -> tuple[int, int]:
    model = config.Model.model_validate_json(spec)
    wanted = "features" if model.head else classes
    body, output = _sketch(model, in_shape, classes)
    if not isinstance(output, torch.Tensor):
        problem = f"gives a {type(output).__name__}, not a tensor of one vector of {wanted} an image"
    elif output.ndim != 2 or len(output) != IMAGES:
        problem = f"gives an output of shape {tuple(output.shape)} for {IMAGES} images, not one vector of {wanted} each"
    elif not (model.head or output.shape[1] == classes):
        problem = f"gives {output.shape[1]} numbers an image, not one for each of {classes} classes"
    else:
        return output.shape[1], sum(value.nbytes for value in body.state_dict().values())
    mend = "mend its forward()" if _own(model) else "choose a model and `model.args` that classify images"
    raise BenchError(problem, where=f"model {model.name}", mend=mend)


def _sketch(model: config.Model, in_shape: Shape, classes: int) -> tuple[nn.Module, Any]:
    """Return the body in evaluation mode, and what it gives for a batch of images, on the meta device.

    A network of the user's own that needs real numbers, to be built or to run, is built on the CPU after all.
    """
    for device in ("meta", "cpu") if _own(model) else ("meta",):
        with torch.device(device), torch.no_grad(), torch.random.fork_rng(devices=[]):
            try:
                body = _construct(model, in_shape, classes).eval()
                return body, _forward(body, torch.zeros(IMAGES, *in_shape), model)
            except BenchError as error:
                failed = error
    raise failed


def _forward(body: nn.Module, images: torch.Tensor, model: config.Model) -> Any:
    try:
        return body(images)
    except Exception as error:  # models refuse sizes by assertions, shape errors and more
        if memory.ran_out(error):
            raise
        mend = "enlarge the images (`data.resize`) or, for a transformer, set `model.args: {img_size: …}`"
        raise BenchError(
            f"does not take images of {images.shape[2]}x{images.shape[3]}: {_told(error, model)}",
            where=f"model {model.name}",
            mend="mend its forward(), or enlarge the images (`data.resize`)" if _own(model) else mend,
        ) from error


def _construct(model: config.Model, in_shape: Shape, classes: int, pretrained: bool = False) -> nn.Module:
    """Return the bare body, with random or the hub's weights; without its classifier where a head replaces it.

    The classifier is built all the same and then removed, so that the body's random weights do not depend on it.
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
        if _own(model):
            _check_own(body, model)
        if model.head:
            heads.strip(body)
        return body
    except BenchError:
        raise
    except Exception as error:  # constructors refuse arguments in many ways
        if memory.ran_out(error):
            raise
        raise BenchError(
            f"cannot be built for images of {in_shape[1]}x{in_shape[2]}: {_told(error, model)}",
            where=where,
            mend=f"check `model.args`: {model.args}" if model.args else "enlarge the images or choose another model",
        ) from error


def _from_timm(model: config.Model, in_shape: Shape, classes: int, pretrained: bool) -> nn.Module:
    import timm

    if not timm.is_model(model.name) or ("." in model.name and not timm.is_model_pretrained(model.name)):
        names = [*MODELS, *timm.list_models(), *timm.list_pretrained()]
        raise BenchError(f"unknown model {model.name!r}", mend=did_you_mean(model.name, names))
    # timm's own loader knows each family's conversions; it gets the weights, so that it has nothing to download.
    source = {"pretrained": True, "pretrained_cfg_overlay": hub.overlay(model.name)} if pretrained else {}
    body = timm.create_model(model.name, num_classes=classes, in_chans=in_shape[0], **model.args, **source)
    body.pretrained_cfg.pop("state_dict", None)  # or it would stay in memory for as long as the model
    return body


def _own(model: config.Model) -> bool:
    """Tell whether the network is of the user's own, `module:name`."""
    return ":" in model.name


def _check_own(body: Any, model: config.Model) -> None:
    """Raise BenchError where what the user's code returned is no network, or cannot do what the configuration asks for."""
    where = f"model {model.name}"
    if not isinstance(body, nn.Module):
        raise BenchError(f"gives a {type(body).__name__}, not a torch.nn.Module", where=where, mend="return a network")
    needs = {
        "reset_classifier": "head" if model.head else "",
        "get_classifier": "weights" if model.weights else "frozen" if model.frozen and not model.head else "",
    }
    for method, setting in needs.items():
        if setting and not callable(getattr(body, method, None)):
            raise BenchError(
                f"has no {method}(), which `model.{setting}` needs",
                where=where,
                mend="add get_classifier(), which returns the last layer, and reset_classifier(classes), which makes a new one "
                "or, for 0, puts nn.Identity() there",
            )


def _told(error: Exception, model: config.Model) -> str:
    """Return the first line of an error; of one in the user's own code, with its kind and its line there."""
    text = weights.first_line(error)
    if not _own(model):
        return text
    file = getattr(components.load(model.name.partition(":")[0]), "__file__", None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{type(error).__name__}: {text}" + (f" ({Path(file).name}:{lines[-1]})" if lines else "")
