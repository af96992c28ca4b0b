"""One trial by the product's own engine: its speed, and what graphs, determinism and augmentation take or give."""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from harness import Row, in_turn, seconds

from bench.config import TrialConfig
from bench.data import Dataset, parts
from bench.training import cuda_graphs, run_trial
from bench.training.program import Program, start

ROUNDS = 5
GOAL = 60_000
"""Images a second of ResNet-18 in bfloat16 on an H200."""
HALF = {"precision": "bfloat16", "deterministic": "fast"}
SIZES = {"cpu": ({"name": "resnet_cifar", "args": {"depth": 8}}, 640, 2, 64), "cuda": ({"name": "resnet_small"}, 25_600, 4, 512)}
SMALL = {"cpu": ({"name": "simple_cnn"}, 640, 2, 64), "cuda": ({"name": "simple_cnn"}, 12_800, 4, 64)}
SMOKE = ({"name": "classic_cnn"}, 64, 1, 16)


def measure(rounds: int, smoke: bool, device: str) -> list[Row]:
    torch.set_num_threads(1)  # as workers have
    large, small = (SMOKE, SMOKE) if smoke else (SIZES[device], SMALL[device])
    rows = [_deterministic(rounds, device, *small), _augmentation(rounds, device, *small)]
    if device == "cuda":
        rows = [_captured(rounds, *small, {}), _captured(rounds, *large, HALF, goal=GOAL), *rows]
    return rows


def config(model: dict, images: int, epochs: int, batch_size: int, train: dict, size: int = 32) -> TrialConfig:
    """Return a trial of so many images, flipped, cropped and brought to a size; validation and test are of ten."""
    return TrialConfig.model_validate(
        {
            "data": {
                "source": "cifar10",
                "subset": {"train": images, "val": 10, "test": 10},
                "augment": [{"name": "flip"}, {"name": "crop"}],
                "resize": {"size": size},
            },
            "model": model,
            "train": {
                "epochs": epochs,
                "batch_size": batch_size,
                "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9},
                **train,
            },
        }
    )


def pictures(images: int) -> Dataset:
    """Return random pictures, enough for so many in training."""
    random = np.random.default_rng(0)
    made = random.integers(0, 256, (images * 5 // 4 + 20, 3, 32, 32), dtype=np.uint8)
    return Dataset.build("random", tuple("0123456789"), made, np.arange(len(made)) % 10, made[:20], np.arange(20) % 10)


def seconds_of(run: Callable[[], object], device: str) -> float:
    """Return how long a call takes, the device's work included."""
    return seconds(run if device == "cpu" else lambda: (run(), torch.cuda.synchronize()))


def _rate(wanted: TrialConfig, dataset: Dataset, device: str, captures: bool = True) -> float:
    """Return images a second, all epochs but the first, which prepares itself."""
    ends: list[float] = []

    def report(epoch: int, metrics: dict[str, float]) -> bool:
        ends.append(time.monotonic())
        return False

    usual = cuda_graphs.works
    cuda_graphs.works = usual and captures
    result = run_trial(wanted, 0, dataset, device, report)
    if captures and cuda_graphs.works != usual:
        raise RuntimeError("the step could not be captured")
    cuda_graphs.works = usual
    if result.outcome not in ("finished", "diverged"):
        raise RuntimeError(result.message)
    if len(ends) < 2:  # as small as can be
        return result.metrics["images_per_second"]
    return wanted.data.subset.train * (len(ends) - 1) / (ends[-1] - ends[0])


def _captured(rounds: int, model: dict, images: int, epochs: int, batch_size: int, train: dict, goal: float | None = None) -> Row:
    dataset, wanted = pictures(images), config(model, images, epochs, batch_size, train)
    arms = {name: partial(_rate, wanted, dataset, "cuda", name == "graph") for name in ("graph", "eager")}
    found = in_turn(rounds, arms)
    what = f"{model['name']}, batch {batch_size}, {train.get('precision', 'float32')}"
    return Row(what, "images/s", found["graph"], "the same without a CUDA graph", found["eager"], more=True, goal=goal)


def _deterministic(rounds: int, device: str, model: dict, images: int, epochs: int, batch_size: int) -> Row:
    dataset = pictures(images)
    modes = ("strict", "fast")
    each = {mode: config(model, images, max(epochs, 2), batch_size, {"deterministic": mode}) for mode in modes}
    found = in_turn(rounds, {mode: partial(_rate, wanted, dataset, device) for mode, wanted in each.items()})
    goal = {"ratio_goal": 1 / 1.15} if device == "cuda" else {}
    what = f"deterministic: strict, {model['name']}, batch {batch_size}"
    return Row(what, "images/s", found["strict"], "deterministic: fast", found["fast"], more=True, **goal)


def _augmentation(rounds: int, device: str, model: dict, images: int, epochs: int, batch_size: int) -> Row:
    """Measure the time of flip and crop as a share of a step, both by themselves."""
    wanted, place = config(model, images, epochs, batch_size, {}), torch.device(device)
    made = parts(pictures(images), wanted.data, 0, place)
    program = Program([start(wanted, 0, made, 10, place)], place)
    train, steps = made["train"], -(-images // batch_size)
    chosen = torch.arange(batch_size, device=place)
    generator = torch.Generator(place).manual_seed(0)

    def augment() -> None:
        for _ in range(steps):
            program.preprocess._augment(train.take(chosen), train.labels[:batch_size], generator)

    def share() -> float:
        return 100 * seconds_of(augment, device) / seconds_of(lambda: program.train_epoch(0), device)

    share()
    found = in_turn(rounds, {"share": share, "of the whole": lambda: 100.0})
    what = f"augmentation, share of a step, {model['name']}, batch {batch_size}"
    return Row(what, "%", found["share"], "the step", found["of the whole"], goal=3.0 if device == "cuda" else None)
