"""The training of one trial, or of several that share an architecture, as one computation."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from bench import components
from bench.config import SplitName, TrialConfig
from bench.data import ImageSet, Preprocess
from bench.data.augment import Generators
from bench.models import build, layout, packed
from bench.seeding import generator
from bench.training import cuda_graphs, footprint
from bench.training.losses import Objective
from bench.training.optimizers import Alone, Together, learning_rate
from bench.training.order import Order, batches

# Images of a batch without gradients, at 32x32; enough to keep the device busy, little beside a training batch.
IMAGES, PIXELS = 512, 32 * 32


@dataclass
class Begun:
    """What a trial begins with: its images, what is done to them, its initial network, and its random numbers."""

    config: TrialConfig
    parts: dict[SplitName, ImageSet]
    preprocess: Preprocess
    network: nn.Module
    order: Order
    augmentation: torch.Generator
    dropout: torch.Generator


def start(config: TrialConfig, seed: int, parts: dict[SplitName, ImageSet], classes: int, device: torch.device) -> Begun:
    """Make ready what a trial begins with. Raises BenchError for what its data or model cannot be."""
    preprocess = Preprocess(config.data, parts["train"], classes)
    network = build(config.model, preprocess.out_shape, classes, seed)
    order = Order(config.train.sampling, parts["train"].labels, seed)
    return Begun(
        config, parts, preprocess, network, order, *(generator(seed, name, device) for name in ("augmentation", "dropout"))
    )


class Program:
    """M trials that train together: their batches, networks, losses and optimizers as one computation.

    Batches hold the trials' images by turns (see `bench.models.packed`). Every trial has its own order, random numbers, rates and
    statistics, so that its neighbours do not matter to it. Nothing in an epoch waits for the device.

    members: how many trials. plain: what is minimised is nothing but cross entropy.
    """

    def __init__(self, starts: Sequence[Begun], device: torch.device, backend: str = packed.GROUPED):
        """backend: of `packed.BACKENDS`, how packed networks convolve.

        Raises `packed.Unpackable` where the trials cannot be computed as one.
        """
        first = starts[0]
        self.train, self.device = first.config.train, device
        self._kind = _kind(starts, backend)
        self.members = len(starts)
        self._take(starts)
        self._alone = alone = self.members == 1
        if not alone and len({tuple(map(len, trial.parts.values())) for trial in starts}) > 1:
            raise packed.Unpackable("the trials differ in their numbers of images")
        self.preprocess = first.preprocess if alone else Preprocess.by_turns([trial.preprocess for trial in starts])
        self.network = first.network if alone else packed.pack([trial.network for trial in starts])
        last = torch.channels_last if self.train.channels_last else torch.contiguous_format
        self._dropouts = [trial.dropout for trial in starts]
        packed.own_dropout(self.network, self._dropouts, last)
        packed.convolve_by(self.network, backend)
        self._augmentations = [trial.augmentation for trial in starts]
        self._memory_format = last if alone else torch.contiguous_format  # packed, each network's channels lie together
        self.network.to(device, memory_format=self._memory_format)
        if device.type == "cpu":
            layout.make_safe(self.network)
        self._run = torch.compile(self.network) if self.train.compile else self.network
        configs = [trial.config for trial in starts]
        self._objective = Objective(configs, self.network, [trial.parts["train"].environments for trial in starts])
        self.plain = self._objective.plain
        optimizers = [config.optimizer for config in self._configs]
        weights = self.network.parameters()
        self._optimizer = Alone(optimizers[0], weights) if alone else Together(optimizers, weights)
        self._shrunk = False
        self._footprint = footprint.Footprint(device)
        self._sums = torch.zeros(3, self.members, dtype=torch.float64, device=device)
        steps = self.train.epochs * len(batches(len(first.parts["train"]), self.train.batch_size))
        self._captures = cuda_graphs.is_worth_it(first.config, steps, device)
        self._captured: cuda_graphs.Captured | None = None
        self._taken_steps = 0
        self._stream = cuda_graphs.stream(device) if self._captures else None

    def _take(self, starts: Sequence[Begun]) -> None:
        """Note what of the trials an epoch begins with."""
        self._configs = [trial.config.train for trial in starts]
        self._parts = [trial.parts for trial in starts]
        self._orders = [trial.order for trial in starts]

    @property
    def is_worth_keeping(self) -> bool:
        """Whether there is something that the next trials of the same kind need not make again: a captured or compiled step."""
        return not self._shrunk and (self._captured is not None or self.train.compile)

    def renewed(self, starts: Sequence[Begun], backend: str) -> bool:
        """Begin again with other trials, if they are of the same kind and train on the same images; tell whether they do.

        Nothing of the former ones is left but what was captured and compiled, which goes by these very tensors.
        """
        same_images = all(trial.parts["train"] is parts["train"] for trial, parts in zip(starts, self._parts, strict=False))
        if _kind(starts, backend) != self._kind or not same_images:
            return False
        self._take(starts)
        for member, trial in enumerate(starts):
            self.load(member, trial.network.state_dict())
            self._augmentations[member].set_state(trial.augmentation.get_state())
            self._dropouts[member].set_state(trial.dropout.get_state())
        self._optimizer.reset([config.optimizer for config in self._configs])
        return True

    @property
    def peak_memory(self) -> float | None:
        """Each trial's share of the memory that training them needs, in MB; see `bench.training.footprint`."""
        return self._footprint.megabytes

    def train_epoch(self, epoch: int) -> torch.Tensor:
        """Train on the images that each trial's order draws, in batches; epoch counts from 0.

        Returns running means over the images, float64 [3, M], still on the device: of the loss as minimised; of right
        predictions; of the cross entropy (with label smoothing). Right is the label of the larger share, where targets are mixed.
        """
        self.network.train()
        drawn = torch.stack([order() for order in self._orders], 1).to(self.device, non_blocking=True)  # [N, M]
        cuts = batches(len(drawn), self.train.batch_size)
        steps = range(epoch * len(cuts), (epoch + 1) * len(cuts))
        rates = [[learning_rate(train, step, len(cuts)) for train in self._configs] for step in steps]
        rates = torch.tensor(rates, dtype=torch.float64).to(self.device, non_blocking=True)
        self._sums.zero_()
        with _on(self._stream):
            for number, cut in enumerate(cuts):
                whole = cut.stop - cut.start == self.train.batch_size
                step = self._replayed if whole and self._captures else self._step
                step(drawn[cut], rates[number], epoch + number / len(cuts))
        return self._sums / cuts[-1].stop

    def _replayed(self, places: torch.Tensor, rates: torch.Tensor, epoch: float) -> None:
        """Do as `_step`: by a captured graph, after the first few."""
        self._taken_steps += 1
        if self._taken_steps <= cuda_graphs.WARM:
            self._step(places, rates, epoch)
            return
        if self._captured is None:
            generators = [*self._augmentations, *self._dropouts]
            self._captured = cuda_graphs.Captured(partial(self._step, epoch=epoch), places, rates, generators)
        self._captured(places, rates)

    def _step(self, places: torch.Tensor, rates: torch.Tensor, epoch: float) -> None:
        """Train on one batch. places: int64 [B, M]. rates: [M]. epoch: epochs done, with the fraction of this one."""
        self._footprint.begin()
        images = self._taken("train", places, ImageSet.take)
        targets = self._taken("train", places, _targets)
        environments = self._taken("train", places, _environments)
        source = self._augmentations[0] if self._alone else Generators(self._augmentations)
        pixels, targets = self.preprocess.train(images, targets, source)
        scores = self._scores(pixels)
        loss, cross_entropy = self._objective(scores, targets, environments, epoch)
        self._footprint.look(loss, self.network)
        loss.sum().backward()  # a sum: every trial has the gradient that it would have alone
        self._optimizer.step(rates)
        with torch.no_grad():
            labels = targets.argmax(1) if targets.is_floating_point() else targets
            right = (scores.argmax(1) == labels).view(-1, self.members).sum(0)
            self._sums += torch.stack([loss.detach() * len(places), right, cross_entropy.detach() * len(places)])
        self._footprint.end(lambda: [_tensors(self.network), self._optimizer.state()], self.members)

    @torch.no_grad()
    def logits(self, split: SplitName) -> torch.Tensor:
        """Return the logits of a split, float32 [N, M, classes] on the device, in evaluation mode and without augmentation."""
        self.network.eval()
        _, height, width = self.preprocess.out_shape
        size = max(self.train.batch_size, IMAGES * PIXELS // (height * width * self.members))
        places = torch.arange(len(self._parts[0][split]), device=self.device)[:, None].expand(-1, self.members)
        scores = [self._scores(self.preprocess(self._taken(split, chunk, ImageSet.take))) for chunk in places.split(size)]
        return torch.cat(scores).unflatten(0, (-1, self.members))

    def state(self, member: int) -> packed.State:
        """Return a copy of a trial's weights, as its network alone would have them."""
        if self._alone:
            return {name: value.clone() for name, value in self.network.state_dict().items()}
        return packed.state(self.network, member)

    def load(self, member: int, weights: packed.State) -> None:
        """Give a trial's network such weights."""
        if self._alone:
            self.network.load_state_dict(weights)
        else:
            packed.load(self.network, member, weights)

    def snapshot(self) -> dict[str, Any]:
        """Return all that the next epochs depend on, for `restore`; nothing of it is copied."""
        return {
            "tensors": _tensors(self.network),
            "values": {name: _values(module) for name, module in self.network.named_modules()},
            "optimizer": self._optimizer.state(),
            "memory": self._footprint.megabytes,
            "generators": [source.get_state() for source in self._generators()],
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot of the same trials, before the first step. Raises whatever comes of one that does not fit."""
        tensors = _tensors(self.network)
        if tensors.keys() != snapshot["tensors"].keys():
            raise ValueError("it is of another network")
        with torch.no_grad():
            for name, value in snapshot["tensors"].items():
                tensors[name].copy_(value)
        for name, module in self.network.named_modules():
            for attribute, value in snapshot["values"][name].items():
                if isinstance(kept := getattr(module, attribute, None), torch.Generator):
                    kept.set_state(value)
                elif kept != value:
                    setattr(module, attribute, value)
        self._optimizer.load(snapshot["optimizer"])
        self._footprint.take(snapshot["memory"])
        for source, state in zip(self._generators(), snapshot["generators"], strict=True):
            source.set_state(state)

    def _generators(self) -> list[torch.Generator]:
        return [*(order.generator for order in self._orders), *self._augmentations, *self._dropouts]

    def keep(self, members: Sequence[int]) -> None:
        """Go on with some of the trials."""
        chosen = torch.tensor(members, device=self.device)
        packed.keep(self.network, chosen)
        self.preprocess.keep(chosen)
        self._optimizer.keep(chosen, self.network.parameters())
        self._objective.keep(members)
        self._captured, self._taken_steps, self._shrunk = None, 0, True
        for name in ("_configs", "_parts", "_orders", "_augmentations", "_dropouts"):
            setattr(self, name, [getattr(self, name)[member] for member in members])
        self._sums = self._sums[:, chosen]
        self.members = len(members)

    def _scores(self, pixels: torch.Tensor) -> torch.Tensor:
        inputs = pixels.contiguous(memory_format=self._memory_format)
        half = self.train.precision == "bfloat16"
        with torch.autocast(inputs.device.type, torch.bfloat16) if half else nullcontext():
            scores = self._run(inputs)
        return scores.float() if half else scores

    def _taken(
        self, split: SplitName, places: torch.Tensor, take: Callable[[ImageSet, torch.Tensor], torch.Tensor | None]
    ) -> torch.Tensor | None:
        """Return what `take` gets of each trial's part at its places, by turns. places: int64 [B, M]."""
        first, *rest = (parts[split] for parts in self._parts)
        if all(part is first for part in rest):
            return take(first, places.flatten())
        each = [take(parts[split], places[:, member]) for member, parts in enumerate(self._parts)]
        return None if each[0] is None else torch.stack(each, 1).flatten(0, 1)


PER_TRIAL = {"epochs", "schedule", "sampling", "early_stopping", "restore_best", "divergence", "class_metrics", "class_groups"}
"""Settings of training that a step knows nothing of."""


def _kind(starts: Sequence[Begun], backend: str) -> tuple:
    """Return what a program is made for; rates, and in packs the other numbers of optimizers, can be changed."""
    kind: list = [backend, len(starts), components.version()]
    for trial in starts:
        train = trial.config.train.model_dump(mode="json", exclude=PER_TRIAL)
        numbers = {"lr"} if len(starts) == 1 else set(train["optimizer"]) - {"name", "nesterov"}
        train["optimizer"] = {name: value for name, value in train["optimizer"].items() if name not in numbers}
        model = trial.config.model.model_dump_json(exclude={"pretrained", "weights"})
        shapes = [(name, tuple(value.shape)) for name, value in trial.network.state_dict().items()]
        kind += [train, model, trial.config.data.model_dump_json(include={"augment", "normalize", "resize"}), shapes]
    return tuple(map(str, kind))


def _tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return weights and buffers by name, those too that a state dict leaves out."""
    return dict(network.named_parameters()) | dict(network.named_buffers())


def _values(module: nn.Module) -> dict[str, Any]:
    """Return the numbers and generators that a layer keeps as plain attributes, such as a count of steps of a custom model's."""
    numbers = {name: value for name, value in vars(module).items() if isinstance(value, int | float) and name != "training"}
    generators = {name: value.get_state() for name, value in vars(module).items() if isinstance(value, torch.Generator)}
    return numbers | generators


@contextmanager
def _on(stream: torch.cuda.Stream | None) -> Iterator[None]:
    """Work on a stream, which begins after what was asked for before and ends before what is asked for later; None: as it is."""
    if stream is None:
        yield
        return
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream().wait_stream(stream)


def _targets(part: ImageSet, places: torch.Tensor) -> torch.Tensor:
    return (part.labels if part.targets is None else part.targets).index_select(0, places)


def _environments(part: ImageSet, places: torch.Tensor) -> torch.Tensor | None:
    return None if part.environments is None else part.environments.index_select(0, places)
