"""Denoised images on disk: made once, found by the content of what went in."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from bench import memory
from bench.components import files_digest
from bench.config import Data, Denoise, Own
from bench.data.denoise.base import DENOISERS
from bench.data.disk import disk_errors, locked
from bench.errors import BenchError
from bench.paths import data_root
from bench.registry import options, own_digest

VERSION = 1
"""Raise it when any denoiser gives other results than before."""
CHUNK = 1024
"""Images a file: what is lost when the process is ended."""
STEP = 64
"""Images between two reports of progress on the CPU."""


def denoised(
    images: torch.Tensor,
    data: Data,
    say: Callable[[str], None] = lambda text: None,
    device: torch.device | str = "cpu",
    step: Callable[[int], None] = lambda images: None,
    warn: Callable[[str], None] = lambda text: None,
) -> torch.Tensor:
    """Return the images as `data.denoise` leaves them, from the cache where they are there. uint8 [N, 3, H, W], on the CPU.

    Results lie under <data root>/cache/denoised, by the hash of images and settings. Of two processes at once the second waits
    for the first and takes its result; a damaged file is made anew.

    device: where it is done. say: receives lines of progress; step: the number of images that were done since its last call;
    warn: what was found damaged.
    BenchError for what the denoiser raises, and where a denoiser of the user's own does not return what it should.
    """
    result, done = [], 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        say(f"denoised {done:,} of {len(images):,} images ({data.denoise.name})")
        step(count)

    for chunk in images.split(CHUNK):
        path = _path(chunk, data.denoise)
        if (output := _stored(path, chunk)) is None:
            if path.exists():
                warn(f"the denoised images in {path} are damaged, and are made anew")
            output = _made(path, chunk, data.denoise, say, torch.device(device), tell)
        else:
            done += len(chunk)
        result.append(output)
    return torch.cat(result)


def unmade(images: Iterable[torch.Tensor], denoise: Denoise) -> list[torch.Tensor]:
    """Return what `denoised` would still have to do for several tensors of images, in pieces, uint8 [n, 3, H, W]."""
    chunks = {_path(chunk, denoise): chunk for tensor in images for chunk in tensor.split(CHUNK)}
    return [chunk for path, chunk in chunks.items() if _stored(path, chunk) is None]


def _path(chunk: torch.Tensor, denoise: Denoise) -> Path:
    component_digest = own_digest(denoise.name) + files_digest(denoise.files) if isinstance(denoise, Own) else ""
    settings = denoise.model_dump(mode="json", exclude={"splits", "files"})
    digest = hashlib.sha256(json.dumps([VERSION, settings, component_digest, list(chunk.shape)], sort_keys=True).encode())
    digest.update(np.ascontiguousarray(chunk.numpy()).data)
    return data_root() / "cache" / "denoised" / f"{denoise.name.replace(':', '.')}-{digest.hexdigest()[:32]}.npz"


def _stored(path: Path, chunk: torch.Tensor) -> torch.Tensor | None:
    """Return the result that a file holds; None where there is none, or it is damaged (an archive has checksums)."""
    try:
        with np.load(path) as archive:
            images = torch.from_numpy(archive["images"])
    except Exception:  # of damaged bytes, which may ask for anything
        return None
    return images if images.dtype == torch.uint8 and images.shape == chunk.shape else None


def _made(path: Path, chunk: torch.Tensor, denoise: Denoise, say, device: torch.device, tell) -> torch.Tensor:
    """Denoise a chunk and store the result, unless another process does so meanwhile."""
    lock = path.with_name(f".{path.stem}.lock")
    with disk_errors(path.parent, "denoised images"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with locked(lock, say, "denoised images"):
                if (result := _stored(path, chunk)) is not None:
                    tell(len(chunk))
                    return result
                with memory.reused():
                    result = torch.cat(list(steps(chunk, denoise, device, tell)))
                _write(path, result)
                return result
        finally:
            lock.unlink(missing_ok=True)  # whoever waits for it looks for the result first


def _write(path: Path, images: torch.Tensor) -> None:
    """Write a file aside, then rename it."""
    aside = path.with_name(f".{path.stem}.making.npz")  # its lock is held
    try:
        np.savez(aside, images=images.numpy())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def steps(chunk: torch.Tensor, denoise: Denoise, device: torch.device, tell: Callable[[int], None]) -> Iterator[torch.Tensor]:
    """Denoise images, uint8 [N, 3, H, W], and yield them in pieces of as many as are done at once. tell: receives how many."""
    denoiser = DENOISERS[denoise.name]
    for piece in chunk.split(STEP if device.type == "cpu" else CHUNK):
        images = piece.to(device).float().div_(255)
        try:
            result = denoiser(images, options(denoise))
        except Exception as error:
            if isinstance(error, BenchError) or memory.ran_out(error):
                raise
            raise BenchError(
                f"denoiser {denoise.name!r} raises {type(error).__name__}: {error}",
                where="data.denoise",
                mend="change its settings, or mend it if it is your own",
            ) from error
        if problem := _problem(result, images):
            raise BenchError(
                f"denoiser {denoise.name!r} returned {problem}",
                where="data.denoise",
                mend="a denoiser returns a tensor of the same shape, with finite values from 0 to 1",
            )
        yield result.float().mul(255).round_().clamp_(0, 255).to("cpu", torch.uint8)
        tell(len(piece))


def _problem(result: object, images: torch.Tensor) -> str:
    if not isinstance(result, torch.Tensor):
        return f"{type(result).__name__}, not a tensor"
    if result.shape != images.shape:
        return f"a tensor of shape {list(result.shape)} for images {list(images.shape)}"
    return "" if torch.isfinite(result).all() else "values that are not finite"
