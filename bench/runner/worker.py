"""A worker before its first request: threads, memory and device, and what it says of itself."""

import os
import platform
import traceback
from importlib.metadata import version
from pathlib import Path

import torch

from bench import memory
from bench.errors import BenchError, ErrorCode
from bench.runner.messages import Failed, Hello

LONGEST, LONGEST_LOG = 2000, 200_000
"""Characters of an error's text, and of its traceback, that are kept."""


def begin(device: str, threads: int) -> tuple[str, Hello]:
    """Get ready for requests. device: "cpu", "cuda:0" …, or "auto" (CUDA where there is one). Returns the device, and a hello."""
    memory.fix_cublas_workspace()  # of denoising too, which comes before any trial
    torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
    return device, _hello(device)


def failed(error: BaseException, beside: str = "") -> Failed:
    """Return what is told of an error that a request raised: plain text, whatever a custom component put into it.

    beside: the folder with the custom components that the request needed, of whose lines the last one is named.
    """
    try:
        lines = traceback.format_exception(error)
    except BaseException:  # of an error that has no text
        lines = [*traceback.format_tb(object.__getattribute__(error, "__traceback__")), f"{_name(error)}\n"]
    log = "".join(lines)
    if len(log) > LONGEST_LOG:
        log = f"{log[: LONGEST_LOG // 2]}\n…\n{log[-LONGEST_LOG // 2 :]}"
    return Failed(_plain(error, beside), log.encode("utf-8", "backslashreplace").decode())


def _plain(error: BaseException, beside: str) -> BenchError:
    """Return an error as one that pickles, and is known where the worker's modules are not."""
    if isinstance(error, BenchError):
        try:
            message, where, mend = (printable(text, "\n") for text in (error.message, error.where, error.mend))
            code = error.code if isinstance(error.code, ErrorCode) else None
            return BenchError(message, where=where, mend=mend, code=code, component=printable(error.component))
        except BaseException:  # of a component's own kind of BenchError
            return BenchError(f"{_name(error)}: its text cannot be had", code=ErrorCode.CRASHED)
    text, place = text_of(error), _place(error, beside)
    code = ErrorCode.OOM if memory.ran_out(error, text) else ErrorCode.CRASHED
    return BenchError(f"{_name(error)}: {text}{f' ({place})' if place else ''}", code=code)


def _place(error: BaseException, folder: str) -> str:
    """Return the last line of an error's traceback that lies in a folder, as file:line and the code there; "" for none."""
    if not folder:
        return ""
    home = Path(folder).resolve()
    for frame in reversed(traceback.extract_tb(object.__getattribute__(error, "__traceback__"))):
        if (path := Path(frame.filename)).is_absolute() and path.resolve().is_relative_to(home):
            code = f": {printable(frame.line)}" if frame.line else ""
            return f"{path.resolve().relative_to(home)}:{frame.lineno}{code}"
    return ""


def text_of(error: BaseException) -> str:
    """Return an error's text as one line that can be printed and stored, whatever a custom component put into it."""
    try:
        return printable(error)
    except BaseException as second:
        return f"its text cannot be had ({_name(second)})"


def printable(value: object, keep: str = "") -> str:
    """Return a value's text without what cannot be printed or stored. keep: what stays of white space. Raises what `str` does."""
    shown = (
        char if char.isprintable() or char in keep else " " if char in "\t\r\n" else ascii(char)[1:-1]
        for char in str(value)[:LONGEST]
    )
    return "".join(shown)[:LONGEST]


def _name(error: BaseException) -> str:
    return printable(type(error).__name__)


def _hello(device: str) -> Hello:
    on_gpu = device.startswith("cuda")
    name = torch.cuda.get_device_name(device) if on_gpu else f"CPU {_cpu_name()}"
    # of the others the metadata, since importing timm and torchvision takes longer than many a trial
    versions = {"python": platform.python_version(), "torch": str(torch.__version__)}  # a type of its own
    versions |= {package: version(package) for package in ("torchvision", "timm")}
    return Hello(name, torch.cuda.device_count(), versions, "" if on_gpu else _instructions())


def _instructions() -> str:
    """Return the instruction set by which PyTorch computes on this processor, and the limit that oneDNN was given, if any: with
    another, sums are added up in another order, and round otherwise."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "")
    return torch.backends.cpu.get_cpu_capability() + (f" (oneDNN: {limit})" if limit else "")


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
