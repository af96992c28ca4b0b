"""The faults themselves, as blocks: inside the block something is broken, after it it is whole again."""

import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .proxy import Mode, Proxy

DISK = 64 * 2**20
"""Bytes of the small disk: room for a round, and little more."""


# -------------------------------------------------------------- the store


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """A SQLite file that another process has to itself."""
    connection = sqlite3.connect(file, timeout=60, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        connection.close()


@dataclass(frozen=True)
class Outage:
    """mode: what the proxy does. seconds: for so long. pause: seconds of peace afterwards."""

    mode: Mode
    seconds: float
    pause: float

    @staticmethod
    def draw(source: random.Random, modes: Sequence[Mode], longest: float) -> list["Outage"]:
        """Draw one to three outages, of some seconds each."""
        times = source.randint(1, 3)
        return [
            Outage(source.choice(modes), round(source.uniform(1, longest / times), 1), round(source.uniform(0.2, 3), 1))
            for _ in range(times)
        ]


@contextmanager
def outages(proxy: Proxy, planned: Sequence[Outage]) -> Iterator[threading.Thread]:
    """Outages, one after another, beside what the block does; at its end they are over."""
    over = threading.Event()

    def go_by() -> None:
        for outage in planned:
            proxy.mode = outage.mode
            if over.wait(outage.seconds):
                return
            proxy.mode = Mode.PASS
            if over.wait(outage.pause):
                return

    thread = threading.Thread(target=go_by, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        over.set()
        thread.join()
        proxy.mode = Mode.PASS


# -------------------------------------------------------------- disks and folders


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder in which nothing can be made, nor its files written. What is open already goes on."""
    paths = [folder, *(path for path in folder.rglob("*") if path.is_dir() or path.name.startswith("mlflow.db"))]
    if os.geteuid() == 0:  # whom no mode stops
        subprocess.run(["chattr", "+i", *map(str, paths)], capture_output=True)
    else:
        for path in paths:
            path.chmod(path.stat().st_mode & ~0o222)
    try:
        yield
    finally:
        if os.geteuid() == 0:
            subprocess.run(["chattr", "-i", *map(str, paths)], capture_output=True)
        else:
            for path in paths:
                path.chmod(path.stat().st_mode | 0o200)


def no_read_only(folder: Path) -> str:
    """Return why `read_only` would do nothing here, "" where it works."""
    probe = folder / "probe"
    probe.mkdir()
    try:
        with read_only(probe):
            try:
                (probe / "made").touch()
            except OSError:
                return ""
        return "chattr does nothing on this file system"
    finally:
        shutil.rmtree(probe)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A folder that is a small disk of its own. Needs root."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def no_small_disk(folder: Path) -> str:
    """Return why there can be no small disk here, "" where there can."""
    probe = folder / "probe"
    probe.mkdir()
    try:
        with small_disk(probe):
            return ""
    except (OSError, subprocess.CalledProcessError):
        return "to mount a small disk needs root"
    finally:
        probe.rmdir()


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """A disk without a byte left, but for what is freed meanwhile."""
    ballast = disk / ".ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            with suppress(OSError):
                while file.write(b"\0" * size):
                    pass
    try:
        yield
    finally:
        ballast.unlink()


# -------------------------------------------------------------- clocks


class Clock:
    """The wall clock of processes that have `environment`, which can be set while they run. Monotonic clocks go on. Needs a C
    compiler. folder: for its files."""

    def __init__(self, folder: Path):
        self.file, self.library = folder / "clock", folder / "clock.so"
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(self.library), str(Path(__file__).with_name("clock.c")), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
        self.file.write_bytes(struct.pack("q", 0))

    def set(self, seconds: int) -> None:
        """Let the clock be so far ahead."""
        with self.file.open("r+b", buffering=0) as file:
            file.write(struct.pack("q", seconds))

    @property
    def environment(self) -> Mapping[str, str]:
        return {"LD_PRELOAD": str(self.library), "CHAOS_CLOCK": str(self.file)}


def no_clock() -> str:
    """Return why no clock can be set here, "" where one can."""
    return "" if shutil.which("cc") and sys.platform == "linux" else "to set a clock needs Linux and a C compiler"


# -------------------------------------------------------------- files


DAMAGES = ("deleted", "emptied", "cut", "changed")


def damage(file: Path, how: str, source: random.Random) -> None:
    """Damage a file. how: one of DAMAGES."""
    content = file.read_bytes()
    match how:
        case "deleted":
            file.unlink()
            return
        case "emptied":
            content = b""
        case "cut":
            content = content[: source.randrange(len(content) // 2, len(content))]
        case "changed":
            at = source.randrange(len(content))
            content = content[:at] + bytes(byte ^ 0xFF for byte in content[at : at + 64]) + content[at + 64 :]
    time.sleep(0.02)  # so that the time of change is another
    file.write_bytes(content)
