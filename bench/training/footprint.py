"""How much memory training needs: what is there all the time, and the most that a step holds besides.

There all the time are the weights and buffers of the network and the optimizer's averages. On the CPU a step holds besides a
gradient of each weight that is trained, and what the forward pass of the first batch keeps for the backward pass, by the sizes of
the tensors. That depends neither on the machine nor on what else the process does; what layers take for a moment is left out. On
CUDA it is the most that the allocator gave out during an early step, the workspaces of libraries included. So numbers of the two
are not the same thing. Data sets, and what evaluation takes, count in neither.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import torch
from torch import nn

MEGABYTE = 1e6
STEPS = {"cpu": 1, "cuda": 3}
"""Steps that are looked at, by kind of device. On CUDA the first one, in which libraries allocate what they keep, counts only
where there is no other; all are before a step may be captured as a graph."""


class Footprint:
    """Looks at the first steps of a program. megabytes: each trial's share of what it needs, in 10**6 bytes; None while nothing
    is known, or where a network's graph cannot be read."""

    def __init__(self, device: torch.device):
        self.megabytes: float | None = None
        self._device, self._steps, self._held, self._before = device, 0, 0, 0

    @property
    def _looks(self) -> bool:
        return self._steps < STEPS[self._device.type]

    def take(self, megabytes: float | None) -> None:
        """Take over what was found before an interruption, and look no more."""
        self.megabytes, self._steps = megabytes, STEPS[self._device.type]

    def begin(self) -> None:
        """Note what is there before a step."""
        if self._looks and self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device)

    def look(self, loss: torch.Tensor, network: nn.Module) -> None:
        """Look at a step between its forward and its backward pass."""
        if self._looks and self._device.type == "cpu":
            gradients = sum(weight.nbytes for weight in network.parameters() if weight.requires_grad)
            kept = kept_for_backward(loss, [*network.parameters(), *network.buffers()])
            self._held = gradients + kept if kept is not None else 0

    def end(self, lasting: Callable[[], Any], trials: int) -> None:
        """Take a step in. lasting: gives the tensors that are there all the time. trials: that share them."""
        if not self._looks:
            return
        if self._device.type == "cuda":
            held = torch.cuda.max_memory_allocated(self._device) - self._before
            self._held = max(held, self._held) if self._steps > 1 else held
        self._steps += 1
        if self._held:
            self.megabytes = (size(lasting()) + self._held) / trials / MEGABYTE


def kept_for_backward(loss: torch.Tensor, besides: Iterable[torch.Tensor]) -> int | None:
    """Return the bytes that a loss's graph keeps for the backward pass: the memory of all tensors saved in it, each piece once,
    but for that of the tensors `besides`. Only looks: nothing is computed, changed or held. None where a graph cannot be read.
    """
    known = {_memory(tensor)[0] for tensor in besides}
    pieces: dict[int, int] = {}
    try:
        for node in _nodes(loss.grad_fn):
            for tensor in _saved(node):
                address, size = _memory(tensor)
                pieces[address] = size
    except (RuntimeError, AttributeError, NotImplementedError):  # a custom function's own ways, or a tensor without memory
        return None
    return sum(size for address, size in pieces.items() if address not in known)


def size(value: Any) -> int:
    """Return the bytes of all tensors in nested lists and dicts."""
    match value:
        case torch.Tensor():
            return value.nbytes
        case dict():
            return sum(map(size, value.values()))
        case list() | tuple():
            return sum(map(size, value))
    return 0


def _nodes(root: Any) -> Iterator[Any]:
    """Yield each node of a graph once."""
    seen, todo = set(), [root]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [inner for inner, _ in node.next_functions]
            yield node


def _saved(node: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors that a node has saved, as they lie there: what a hook keeps in their place, such as checkpointing that
    computes them again, is not asked for."""
    for name in _names(type(node)):
        value = getattr(node, name)
        for saved in value if isinstance(value, tuple | list) else (value,):
            if saved is not None and isinstance(saved.data, torch.Tensor):
                yield saved.data


@cache
def _names(node: type) -> list[str]:
    return [name for name in dir(node) if name.startswith("_raw_saved_")]


def _memory(tensor: torch.Tensor) -> tuple[int, int]:
    """Return the address and the bytes of the memory that a tensor is in."""
    storage = tensor.untyped_storage()
    return storage.data_ptr(), storage.nbytes()
