"""How much memory a run takes, of the system and of the device."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil

INTERVAL = 0.2
"""Seconds between two looks."""


class Most:
    """The most bytes at a time so far."""

    bytes = 0


@contextmanager
def watched(on: bool) -> Iterator[Most]:
    """Watch the memory of this process and its descendants meanwhile, if it is on."""
    most, end = Most(), threading.Event()

    def watch() -> None:
        root = psutil.Process()
        while not end.wait(INTERVAL):
            with suppress(psutil.Error):  # a process that ended between two lines
                most.bytes = max(most.bytes, sum(map(_resident, [root, *root.children(recursive=True)])))

    thread = threading.Thread(target=watch, daemon=True)
    if on:
        thread.start()
    try:
        yield most
    finally:
        end.set()
        if on:
            thread.join()


def _resident(process: psutil.Process) -> int:
    """Return its bytes in memory; what it shares with others (forked loaders, libraries) in part, where the system tells."""
    with suppress(psutil.Error):
        found = process.memory_full_info()
        return getattr(found, "pss", found.rss)
    return 0


def cuda() -> Any:
    """Return torch.cuda where this process uses it. One that does not, such as the product's coordinator, is not to load it."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch and torch.cuda.is_initialized() else None


def on_device() -> int:
    """Return the most bytes that this process had allocated on a CUDA device; 0 where it uses none."""
    return found.max_memory_allocated() if (found := cuda()) else 0


def device_name() -> str:
    return found.get_device_name() if (found := cuda()) else "CPU"
