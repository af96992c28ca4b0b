"""Whether networks of an architecture can be computed as one: tried before it is relied on."""

from functools import lru_cache

import torch

from bench import components, config
from bench.models import packed
from bench.models.base import Shape
from bench.models.build import build

IMAGES, TOLERANCE = 4, 1e-6


def problem(model: config.Model, in_shape: Shape, classes: int) -> str:
    """Say why networks of an architecture cannot be packed; "" where they can.

    Two of them are built and packed, and must give, in training and in evaluation, what they give alone: so whatever in their
    code mixes the images of a batch, or draws random numbers of its own, is found. In float64 on the CPU.
    """
    spec = model.model_copy(update={"pretrained": False, "weights": None}).model_dump_json()
    return _problem(spec, in_shape, classes, components.version())


@lru_cache(maxsize=256)
def _problem(spec: str, in_shape: Shape, classes: int, _components: int) -> str:
    model = config.Model.model_validate_json(spec)
    alone, together = ([build(model, in_shape, classes, seed).double() for seed in range(2)] for _ in range(2))
    try:
        network = packed.pack(together)
    except packed.Unpackable as error:
        return str(error)
    images = torch.randn(IMAGES, 2, *in_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    packed.own_dropout(network, [torch.Generator().manual_seed(seed) for seed in range(2)], torch.contiguous_format)
    for seed, single in enumerate(alone):
        packed.own_dropout(single, [torch.Generator().manual_seed(seed)], torch.contiguous_format)
    for mode in (True, False):
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            try:
                outputs = network.train(mode)(images.flatten(0, 1)).unflatten(0, (IMAGES, 2))
            except Exception as error:  # the network's own code, on more images than it reckons with
                return f"its networks cannot be computed as one: {error}"
            expected = torch.stack([single.train(mode)(images[:, seed]) for seed, single in enumerate(alone)], 1)
        if outputs.shape != expected.shape or not torch.allclose(outputs, expected, TOLERANCE, TOLERANCE):
            return "its networks give other numbers together than alone"
    return ""
