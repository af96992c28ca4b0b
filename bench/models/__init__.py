"""Networks: our own and timm's, with pretrained weights, files of weights, frozen bodies and replaced heads."""

from bench.models import cnn, densenet, resnet  # each registers its networks
from bench.models.base import MODELS
from bench.models.build import build, check
from bench.models.heads import parameters, penalty
from bench.models.hub import (
    fetch,
    hub_file,
    is_published,
    published_address,
    published_bytes,
    save_published,
    unavailable,
    weights_digest,
)

__all__ = [
    "MODELS",
    "build",
    "check",
    "cnn",
    "densenet",
    "fetch",
    "hub_file",
    "is_published",
    "parameters",
    "penalty",
    "published_address",
    "published_bytes",
    "resnet",
    "save_published",
    "unavailable",
    "weights_digest",
]
