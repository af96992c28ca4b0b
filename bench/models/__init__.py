"""Networks: our own and timm's, with pretrained weights, files of weights, frozen bodies and replaced heads."""

from bench.models.build import MODELS, build, check
from bench.models.heads import parameters
from bench.models.weights import fetch, unavailable, weights_digest

__all__ = ["MODELS", "build", "check", "fetch", "parameters", "unavailable", "weights_digest"]
