"""Deep Image Prior (Ulyanov, Vedaldi and Lempitsky 2018) on many images at once."""

import hashlib
import math
from dataclasses import dataclass, fields

import torch

from bench.config import DeepImagePrior
from bench.data.denoise.base import DENOISERS, noise_level
from bench.data.denoise.check import check
from bench.data.denoise.hourglass import SKIPPED, Hourglass
from bench.seeding import generator

INPUT = 0.1
"""The fixed input is uniform from 0 to this, as in the paper."""
POOL = 2**20
"""Places in the pool of normal numbers, from which the input's noise is taken."""
CHECKED = 10
"""Iterations from one look at which images are done to the next."""
BETAS, EPSILON = (0.9, 0.999), 1e-8
"""Of Adam."""
CPU_BYTES, CUDA_BYTES = 100e6, 4e9
"""Memory for a batch: on the CPU more is no faster. Not what is free, since rounding may hang on a batch's size."""


@DENOISERS.register("dip")
def deep_image_prior(images: torch.Tensor, options: DeepImagePrior) -> torch.Tensor:
    """Deep Image Prior (Ulyanov et al. 2018).

    Every image has a network of its own, which learns (Adam, mean squared error) to paint the image from a fixed random
    input: it learns the image sooner than its noise. The result is an exponential average of what the network paints.
    Weights, input and the noise on the input are drawn from the image's content, so neither place nor neighbours matter.
    """
    check(options, *images.shape[2:])
    goals = noise_level(images) ** 2 if options.stop_at_noise else torch.zeros(len(images), device=images.device)
    chunks = zip(*(tensor.split(_batch(images, options)) for tensor in (images, goals)), strict=True)
    return torch.cat([_paint(batch, goal, options) for batch, goal in chunks])


def _batch(images: torch.Tensor, options: DeepImagePrior) -> int:
    """Return how many images are worked on at once."""
    room = CPU_BYTES if images.device.type == "cpu" else CUDA_BYTES
    up, down = options.channels + SKIPPED, options.input_channels
    floats = (9 * up + 19 * options.channels + 3 * down) * 4 / 3 * math.prod(images.shape[2:])  # patches above all
    return max(1, int(room / (4 * floats)))


@dataclass
class _State:
    """Images in progress; all tensors have them as their first dimension.

    rows: int64, their places in the batch. goals: mean squared differences to stop at. places: [n, iterations], where in the
    pool the noise of each iteration begins. mean, square: Adam's. average: of what was painted, not yet corrected.
    """

    rows: torch.Tensor
    images: torch.Tensor
    goals: torch.Tensor
    inputs: torch.Tensor
    places: torch.Tensor
    weights: torch.Tensor
    mean: torch.Tensor
    square: torch.Tensor
    average: torch.Tensor

    def keep(self, chosen: torch.Tensor) -> None:
        """Go on with some of the images only. chosen: bool [n]."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[chosen])


def _paint(images: torch.Tensor, goals: torch.Tensor, options: DeepImagePrior) -> torch.Tensor:
    """Return the denoised images of one batch."""
    network = Hourglass(options)
    state = _start(images, goals, network, options)
    values = state.inputs[0].numel()
    pool = torch.randn(POOL + values, generator=generator(0, "dip")).to(images.device)
    windows = pool.unfold(0, values, 1)  # a view: [POOL + 1, values]
    result = torch.empty_like(images)
    for iteration in range(1, options.iterations + 1):
        noise = windows[state.places[:, iteration - 1]].view_as(state.inputs)
        with torch.enable_grad():
            weights = state.weights.requires_grad_()
            painted = network(weights, torch.add(state.inputs, noise, alpha=options.input_noise))
            loss = (painted - state.images).square().mean((1, 2, 3)).sum()  # a sum: images do not share a gradient
            (gradient,) = torch.autograd.grad(loss, weights)
        _adam(state, gradient, options.lr, iteration)
        state.average.lerp_(painted.detach(), 1 - options.average)
        last = iteration == options.iterations
        if last or iteration % CHECKED == 0:
            average = state.average / (1 - options.average**iteration)
            done = (average - state.images).square().mean((1, 2, 3)) <= state.goals
            if last:
                done[:] = True
            result[state.rows[done]] = average[done]
            state.keep(~done)
            if not len(state.rows):
                break
    return result


def _start(images: torch.Tensor, goals: torch.Tensor, network: Hourglass, options: DeepImagePrior) -> _State:
    shape = (options.input_channels, *images.shape[2:])
    drawn, places = [], []
    random = torch.Generator()
    for image in images.cpu().numpy():
        # the CPU generator heeds only 32 bits of a seed
        random.manual_seed(int.from_bytes(hashlib.sha256(image.tobytes()).digest()[:4], "big"))
        drawn.append(torch.rand(network.size + math.prod(shape), generator=random))
        places.append(torch.randint(POOL, (options.iterations,), generator=random))
    weights, inputs = torch.stack(drawn).to(images.device).split([network.size, math.prod(shape)], 1)
    weights = network.initial(weights)
    return _State(
        rows=torch.arange(len(images), device=images.device),
        images=images,
        goals=goals,
        inputs=INPUT * inputs.view(-1, *shape),
        places=torch.stack(places).to(images.device),
        weights=weights,
        mean=torch.zeros_like(weights),
        square=torch.zeros_like(weights),
        average=torch.zeros_like(images),
    )


def _adam(state: _State, gradient: torch.Tensor, lr: float, iteration: int) -> None:
    """Take a step of Adam (Kingma and Ba 2015)."""
    state.weights = state.weights.detach()
    state.mean.lerp_(gradient, 1 - BETAS[0])
    state.square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    spread = (state.square / (1 - BETAS[1] ** iteration)).sqrt_().add_(EPSILON)
    state.weights.addcdiv_(state.mean, spread, value=-lr / (1 - BETAS[0] ** iteration))
