"""What all that runs in a process shares, put back after each request: libraries, and custom components, change it and forget it.

Modules that were changed themselves are not put back; only another process is free of that.
"""

import gc
import locale
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import overrides
from torch.utils import _device

Shared = tuple[Callable[[], Any], Callable[[Any], object]]
"""How something that is shared is read, and how it is set."""


def _attribute(owner: Any, name: str) -> Shared:
    return partial(getattr, owner, name), partial(setattr, owner, name)


def _folder() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # somebody has deleted it
        return None


def _set_folder(folder: Path | None) -> None:
    with suppress(OSError):  # somebody has deleted it meanwhile
        if folder:
            os.chdir(folder)


def _set_environment(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def _older(read: Callable[[], Any], put: Callable[[Any], object]) -> Shared:
    """Return a setting of PyTorch's older interface to precision, which refuses to tell it where the newer one was used."""

    def read_or_none() -> Any:
        try:
            return read()
        except RuntimeError:
            return None

    return read_or_none, lambda value: None if value is None else put(value)


def _set_modes(modes: list[Any]) -> None:
    while overrides._get_current_function_mode_stack():
        overrides._pop_mode()
    for mode in modes:
        overrides._push_mode(mode)


def _put_into(values: list[Any], before: list[Any]) -> None:
    values[:] = before


_cudnn: Any = torch.backends.cudnn  # their parts are made when they are imported, so that no type is known of them
_mkldnn: Any = torch.backends.mkldnn
PRECISE: tuple[Any, ...] = (
    torch.backends,
    torch.backends.cuda.matmul,
    *(_cudnn, _cudnn.conv, _cudnn.rnn),
    *(_mkldnn, _mkldnn.matmul, _mkldnn.conv, _mkldnn.rnn),
)
"""What has a precision of its own, after what that follows where it has none."""
SHARED: tuple[Shared, ...] = (
    # the default device, by its parts: set within `with torch.device(…)`, by its own function it cannot be unset again
    (overrides._get_current_function_mode_stack, _set_modes),
    (
        lambda: getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None),
        partial(setattr, torch._GLOBAL_DEVICE_CONTEXT, "device_context"),
    ),
    _attribute(_device, "CURRENT_DEVICE"),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_grad_enabled, torch._C._set_grad_enabled),
    (torch.is_anomaly_enabled, torch.set_anomaly_enabled),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    _attribute(torch.utils.deterministic, "fill_uninitialized_memory"),
    *(_attribute(torch.backends.cudnn, name) for name in ("enabled", "benchmark", "deterministic")),
    *(_attribute(torch.backends.mkldnn, name) for name in ("enabled", "deterministic")),
    _older(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    _older(*_attribute(torch.backends.cudnn, "allow_tf32")),
    *(_attribute(part, "fp32_precision") for part in PRECISE),
    *((partial(torch.is_autocast_enabled, kind), partial(torch.set_autocast_enabled, kind)) for kind in ("cpu", "cuda")),
    (np.geterr, lambda how: np.seterr(**how)),
    (partial(locale.setlocale, locale.LC_ALL), partial(locale.setlocale, locale.LC_ALL)),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (gc.isenabled, lambda enabled: gc.enable() if enabled else gc.disable()),
    (lambda: list(sys.path), lambda before: _put_into(sys.path, before)),
    (lambda: list(warnings.filters), lambda before: _put_into(warnings.filters, before)),  # type: ignore[arg-type]
    (_folder, _set_folder),
    (lambda: dict(os.environ), _set_environment),
)


@contextmanager
def kept() -> Iterator[None]:
    """Put everything back afterwards: PyTorch's defaults and modes, NumPy's, the random generators of both and of Python, the
    working folder, the environment, the locale, and where modules are looked for."""
    before = [read() for read, _ in SHARED]
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    try:
        with generators_kept():
            yield
    finally:
        for (read, put), value in zip(SHARED, before, strict=True):
            if read() != value:
                put(value)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


@contextmanager
def generators_kept(device: torch.device | None = None) -> Iterator[None]:
    """Put the global random generators of Python, NumPy and PyTorch, and a CUDA device's, back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[device] if device and device.type == "cuda" else []):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
