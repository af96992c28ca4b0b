"""Processes of `bench run`: started with a marker in their environment, found by it, signalled by their role."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
MARK = "BENCH_CHAOS"
"""The variable of the marker; every process that a run starts inherits it."""
ROLES = ("coordinator", "worker", "fork server", "group")
LIMIT = 300.0
"""Seconds after which a run counts as hanging. Runs take some 10 s on a quiet machine."""


@dataclass(frozen=True)
class Host:
    """Another machine, as far as a process can tell: a host name and, if wanted, process ids of its own. Needs root."""

    name: str
    own_pids: bool = False

    def command(self, words: Sequence[str]) -> list[str]:
        own = ["--pid", "--fork", "--kill-child", "--mount-proc"] if self.own_pids else []
        return ["unshare", "--uts", *own, "sh", "-c", 'hostname "$0" && exec "$@"', self.name, *words]


def no_hosts() -> str:
    """Return why there can be no other hosts here, "" where there can."""
    if not shutil.which("unshare"):
        return "no unshare here"
    tried = subprocess.run(Host("box", own_pids=True).command(["true"]), capture_output=True)
    return "" if tried.returncode == 0 else "a host name of one's own needs root"


class Run:
    """A `bench run` under way, a process group of its own. mark: its marker. out, err: files with what it says."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        folder: Path,
        logs: Path,
        mark: str,
        environment: Mapping[str, str],
        host: Host | None = None,
    ):
        self.mark, self.words = mark, list(words)
        name = mark.rpartition(".")[2]
        self.out, self.err = logs / f"{name}.out", logs / f"{name}.err"
        command = [sys.executable, "-m", "bench", "run", *words]
        self.began = time.monotonic()
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                host.command(command) if host else command,
                cwd=folder,
                env={**environment, MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.hung = False
        self.ended: float | None = None
        """When it was seen to have ended, on the monotonic clock."""

    @property
    def said(self) -> str:
        return self.out.read_text(errors="replace")

    @property
    def complained(self) -> str:
        return self.err.read_text(errors="replace")

    @property
    def code(self) -> int | None:
        return self.process.poll()

    def wait(self, limit: float = LIMIT) -> int:
        """Wait for its end and return the exit code. One that hangs is killed, with all that it has started, and marked so."""
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.hung = True
            kill(marked(self.mark))
            self.process.wait()
        self.ended = self.ended or time.monotonic()
        code: int = self.process.returncode
        return code

    def find(self, role: str) -> list[psutil.Process]:
        """Return its processes of a role, the youngest last."""
        servers, found = [], []
        for process in marked(self.mark):
            with suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if "multiprocessing.forkserver" in line:
                    servers.append((process, process.ppid()))
                elif role == "coordinator" and "-m bench run" in line and not line.startswith(("unshare", "sh ")):
                    found.append(process)
        ids = {process.pid for process, _ in servers}
        if role != "coordinator":
            found = [process for process, parent in servers if (parent in ids) is (role == "worker")]
        return sorted(found, key=lambda process: process.pid)

    def signal(self, role: str, number: signal.Signals) -> list[int]:
        """Send a signal to the processes of a role (of workers the youngest) or the whole group; return to whom."""
        if role == "group":
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
                return [self.process.pid]
            return []
        reached = []
        for process in self.find(role)[-1:]:
            with suppress(psutil.Error):
                process.send_signal(number)
                reached.append(process.pid)
        return reached


def marked(mark: str) -> list[psutil.Process]:
    """Return all processes with a marker, or one that begins with it and a dot. Of those that have ended nothing can be read."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            own = [entry for entry in path.read_bytes().split(b"\0") if entry.startswith(f"{MARK}=".encode())]
            if own and (own[0] == wanted or own[0].startswith(wanted + b".")):
                with suppress(psutil.Error):
                    found.append(psutil.Process(int(path.parent.name)))
    return found


def kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def told(process: psutil.Process) -> str:
    """Return a process in words."""
    with suppress(psutil.Error):
        return f"{process.pid} ({' '.join(process.cmdline())[:120]})"
    return str(process.pid)
