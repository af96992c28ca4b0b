"""The suite that every arm does: networks x noise x seeds on a small data set, and its sizes for each device."""

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

PADDING = 4
EVALUATED = 1000
"""Images of a batch in validation and test, where nothing forbids it."""


@dataclass(frozen=True)
class Task:
    """A suite in plain numbers. Every network x variance of noise x seed is a trial, with flip, crop and SGD with momentum.

    networks: name → what stands under `model` in a suite. train, val, test: images of each part. loaders: processes of each
    DataLoader. bench_train: settings of `train` for the product alone, as its user would choose them for the device.
    bench_words: further words of `bench run`.
    """

    name: str
    source: str
    train: int
    val: int
    test: int
    networks: dict[str, dict[str, Any]]
    seeds: int
    epochs: int
    noises: tuple[float, ...] = (0.0, 0.04)
    batch_size: int = 64
    lr: float = 0.01
    momentum: float = 0.9
    loaders: int = 2
    bench_train: dict[str, Any] = field(default_factory=dict)
    bench_words: tuple[str, ...] = ()

    @property
    def points(self) -> list[dict[str, Any]]:
        """All trials: network, noise and seed of each."""
        names = ("network", "noise", "seed")
        return [dict(zip(names, point, strict=True)) for point in product(self.networks, self.noises, range(self.seeds))]

    @property
    def trained(self) -> int:
        """Images trained on in the whole suite."""
        return len(self.points) * self.epochs * self.train

    @property
    def data(self) -> dict[str, Any]:
        """The section `data` of the product's suite, without noise."""
        sizes = {"train": self.train, "val": self.val, "test": self.test}
        return {"source": self.source, "subset": sizes, "augment": [{"name": "flip"}, {"name": "crop", "padding": PADDING}]}

    def suite(self) -> str:
        """Return the product's suite, as YAML."""
        import yaml

        optimizer = {"name": "sgd", "lr": self.lr, "momentum": self.momentum}
        networks = {name: {"model": dict(model)} for name, model in self.networks.items()}
        axes = {"network": networks, "noise": {"path": "data.noise.variance", "values": list(self.noises)}}
        base = {
            "model": dict(next(iter(self.networks.values()))),
            "train": {"epochs": self.epochs, "batch_size": self.batch_size, "optimizer": optimizer, **self.bench_train},
        }
        table = {"stage": "main", "rows": "noise", "columns": "network", "values": ["test/accuracy"]}
        suite = {"suite": self.name, "title": "The same suite in several ways", "data": self.data, "base": base}
        suite |= {"seeds": self.seeds, "stages": {"main": {"axes": axes}}, "tables": {"accuracy": table}}
        return yaml.safe_dump(suite, sort_keys=False)

    def build(self, network: str, in_shape: tuple[int, ...], classes: int, seed: int):
        """Return one of the networks as the product makes it: the same layers, with the same weights for a seed."""
        import torch

        from bench.models import MODELS
        from bench.seeding import derive

        # not by bench.models.build, which checks a configuration, and takes time that others need not spend
        model = self.networks[network]
        torch.manual_seed(derive(seed, "initialisation"))
        return MODELS[model["name"]](in_shape, classes, **model.get("args", {}))


@dataclass(frozen=True)
class Profile:
    """What is measured on a device: the suite whose time is taken, and a smaller one for the gate.

    margin: of test accuracy, within which the arms must be shown to agree.
    """

    timed: Task
    gate: Task
    margin: float

    @property
    def warmup(self) -> Task:
        """The same trials, each of two steps: imports, kernels, and processes that start."""
        timed = self.timed
        small = {"train": 2 * timed.batch_size, "val": min(timed.val, EVALUATED), "test": min(timed.test, EVALUATED)}
        return replace(timed, name="warmup", epochs=1, **small)

    @property
    def tasks(self) -> tuple[Task, ...]:
        return self.timed, self.again, self.gate, self.sections, self.warmup

    @property
    def again(self) -> Task:
        """The same suite once more, beside the runs of the first time."""
        return replace(self.timed, name="again")

    @property
    def sections(self) -> Task:
        """The suite of one seed, to see where the time goes."""
        return replace(self.timed, name="sections", seeds=1)


SIMPLE = {"name": "simple_cnn"}
CPU = Task(
    name="timed",
    source="cifar10",
    train=1024,
    val=500,
    test=500,
    networks={"simple": SIMPLE, "resnet": {"name": "resnet_cifar", "args": {"depth": 8}}},
    seeds=2,
    epochs=2,
)
CUDA = replace(
    CPU,
    train=10_000,
    val=2000,
    test=2000,
    epochs=3,
    networks={"simple": SIMPLE, "resnet": {"name": "resnet_small", "args": {"depth": 18}}},
    bench_train={"precision": "bfloat16", "deterministic": "fast"},
)
SMOKE = replace(
    CPU,
    source="digits",
    train=64,
    val=32,
    test=32,
    networks={"simple": {"name": "simple_cnn", "args": {"filters": [8, 8, 8], "hidden": 16}}},
    noises=(0.04,),
    epochs=1,
    batch_size=32,
    loaders=1,
    bench_words=("--workers", "1"),
)
ONE_NOISE = {"name": "gate", "noises": (0.04,)}
PROFILES = {
    "cpu": Profile(CPU, replace(CPU, **ONE_NOISE, train=512, val=100, test=1000, batch_size=32, seeds=10, epochs=3), 0.03),
    "cuda": Profile(CUDA, replace(CUDA, **ONE_NOISE, train=3200, seeds=10), 0.03),
    "smoke": Profile(SMOKE, replace(SMOKE, **ONE_NOISE), 0.04),
}
