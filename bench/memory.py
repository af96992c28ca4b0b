"""Memory: kept for reuse while training on the CPU, fixed for cuBLAS, and the many ways in which the lack of it is reported."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch

# mallopt's parameters, of glibc's <malloc.h>.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


@contextmanager
def reused() -> Iterator[None]:
    """Let glibc keep freed memory for the next allocation, and give back at the end what is free then.

    By default it maps every large tensor anew, and the kernel clears its pages: for the small CNN (batch 64, 32x32) some
    5,000 page faults a step, and a seventh of the speed. The setting holds for the process, from the first call. Nothing
    happens where the C library is another one.
    """
    libc = _glibc()
    try:
        yield
    finally:
        if libc:
            libc.malloc_trim(0)


@lru_cache(maxsize=1)
def _glibc() -> ctypes.CDLL | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    return libc


def fix_cublas_workspace() -> None:
    """Give cuBLAS workspaces of a fixed size, unless the environment says otherwise already: it rounds the same then, and strict
    mode asks for it. Heeded by the first product of matrices on a device."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def ran_out(error: BaseException, text: str | None = None) -> bool:
    """Tell whether an error means that memory ran out, on the CPU or on a device. text: its own, where that may not be had."""
    # drivers, cuDNN and the CPU's allocator raise plain RuntimeErrors for it, without a code
    text = (str(error) if text is None else text).lower()
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "out of memory" in text or "can't allocate memory" in text
