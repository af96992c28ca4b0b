"""Trials that train as one program against the same trials one after another, both by the product's own engine."""

from dataclasses import dataclass, field

import torch
from engine import config, pictures, seconds_of
from harness import Row, in_turn

from bench.models.packed import BACKENDS
from bench.training import run_trials

ROUNDS = 5
ALONE = 4
"""Trials that are timed one after another: more take as long each."""


@dataclass(frozen=True)
class Setting:
    """What trains. widths: numbers of trials; with the ratio to reach, where there is one."""

    model: dict
    images: int
    epochs: int
    batch_size: int = 64
    widths: dict[int, float | None] = field(default_factory=lambda: {5: 2.0, 32: 4.0})
    train: dict = field(default_factory=dict)
    size: int = 32
    """Of the images, in pixels."""


SETTINGS = {
    "cpu": [
        Setting({"name": "classic_cnn"}, 640, 2, 16, {4: None, 16: None}),
        Setting({"name": "simple_cnn"}, 640, 2, 64, {4: None}),
        Setting({"name": "resnet_cifar", "args": {"depth": 8, "channels": 8}}, 640, 4, 16, {4: None, 16: None}, size=8),
    ],
    "cuda": [
        Setting({"name": "simple_cnn"}, 6400, 6),
        Setting({"name": "resnet_cifar"}, 3200, 6),
        Setting({"name": "resnet_small"}, 3200, 6, widths={5: 2.0}, train={"precision": "bfloat16"}),
    ],
    "smoke": [Setting({"name": "classic_cnn"}, 64, 1, 16, {2: None})],
}
BACKENDS_OF = {"cpu": BACKENDS[:1], "cuda": BACKENDS, "smoke": BACKENDS}


def measure(rounds: int, smoke: bool, device: str) -> list[Row]:
    kind = "smoke" if smoke else device
    torch.set_num_threads(1)  # as workers have
    return [row for one in SETTINGS[kind] for row in _rows(one, rounds, device, BACKENDS_OF[kind])]


def _rows(setting: Setting, rounds: int, device: str, backends: tuple[str, ...]) -> list[Row]:
    dataset, wanted = (
        pictures(setting.images),
        config(setting.model, setting.images, setting.epochs, setting.batch_size, setting.train, setting.size),
    )

    def rate(count: int, together: int, backend: str = "grouped") -> float:
        """Return images a second of so many trials, in packs of so many; validation, which is no part of it, is of ten images."""
        trials = [(wanted, seed) for seed in range(count)]
        packs = [trials[first : first + together] for first in range(0, count, together)]
        seconds = seconds_of(lambda: [run_trials(pack, dataset, device, backend=backend) for pack in packs], device)
        return count * setting.images * setting.epochs / seconds

    arms = {(1, ""): lambda: rate(ALONE, 1)}
    for width in setting.widths:
        arms |= {(width, backend): lambda width=width, backend=backend: rate(width, width, backend) for backend in backends}
    for arm in arms.values():
        arm()  # imports, and the libraries' own preparations
    found = in_turn(rounds, {f"{width} {backend}": arm for (width, backend), arm in arms.items()})
    alone = found.pop("1 ")
    what = f"{setting.model['name']}, {setting.size}x{setting.size}, batch {setting.batch_size}"
    return [
        Row(
            f"pack of {name.split()[0]}, {what} ({name.split()[1]})",
            "images/s",
            ours,
            "the same trials one after another",
            alone,
            more=True,
            ratio_goal=setting.widths[int(name.split()[0])],
        )
        for name, ours in found.items()
    ]
