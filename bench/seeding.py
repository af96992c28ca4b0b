"""Named streams of random numbers, all derived from one seed.

Each consumer draws from a stream of its own, so that one more draw in one of them, or one more stream, shifts no other.
Streams in use: "initialisation", "order", "augmentation", "noise", "copies", "append", "dropout", "python", "numpy" (some
with a suffix).
"""

import hashlib

import torch


def derive(seed: int, name: str) -> int:
    """Return the seed of stream `name`: 63 bits of the SHA-256 hash of both, the same on every machine."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, name: str, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a new generator at the start of stream `name`."""
    return torch.Generator(device=device).manual_seed(derive(seed, name))
