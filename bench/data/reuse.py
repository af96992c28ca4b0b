"""Parts that a worker keeps for its next trials, which often have the same images."""

from collections import OrderedDict

import torch

from bench import components
from bench.config import Data
from bench.data.dataset import Dataset
from bench.data.pipeline import ImageSet, Say, parts

ROOM = {"cpu": 2**28, "cuda": 2**32}
"""Bytes of images that are kept, by kind of device; those that are mapped from the data set take none."""
PER_BATCH = {"augment", "normalize", "resize", "args", "path"}
"""Settings that the parts do not depend on: the data set's digest stands for what it was read from."""

Parts = dict[str, ImageSet]


class KeptParts:
    """Makes the parts of trials, and keeps the latest: an arm that differs in its model or training alone gets the same ones."""

    def __init__(self, room: dict[str, int] = ROOM):
        self.room = room
        self._kept: OrderedDict[tuple, Parts] = OrderedDict()

    def __call__(self, dataset: Dataset, data: Data, seed: int, device: torch.device, say: Say = lambda text: None) -> Parts:
        """Return what `bench.data.parts` does, and raise what it raises."""
        data = data.drawn(seed)
        drawn = data.noise.variance or data.copies or data.append
        settings = data.model_dump_json(exclude=PER_BATCH)
        key = (dataset.digest, settings, components.version(), seed if drawn else None, str(device))
        if key not in self._kept:
            image_sets = parts(dataset, data, seed, device, say)
            self._make_room(_bytes(image_sets), device)
            self._kept[key] = image_sets
        self._kept.move_to_end(key)
        return self._kept[key]

    def clear(self) -> None:
        """Let go of all: memory has run out."""
        self._kept.clear()

    def _make_room(self, needed: int, device: torch.device) -> None:
        on_device = [key for key in self._kept if torch.device(key[-1]).type == device.type]
        held = sum(_bytes(self._kept[key]) for key in on_device)
        for key in on_device:  # the one that was used longest ago first
            if held + needed <= self.room[device.type]:
                return
            held -= _bytes(self._kept.pop(key))


def _bytes(image_sets: Parts) -> int:
    return sum(part.stored.nbytes for part in image_sets.values() if part.rows is None)


kept_parts = KeptParts()
"""Those of this process."""
