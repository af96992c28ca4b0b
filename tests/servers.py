"""PostgreSQL and MLflow servers of the tests' own, on free ports of this machine."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg2

PATIENCE = 500.0
"""Seconds in which a server must come up, on however busy a machine."""


class NotHere(Exception):
    """What a server needs is not installed."""


class Server:
    """A server process: it is up when made, and ends with the block."""

    def __init__(self, command: list[str], address: str, log: Path, ready: Callable[[], bool], **environment: str):
        self.address, self.log = address, log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=os.environ | environment
            )
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.3)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(300)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def postgres(folder: Path) -> Server:
    """Start PostgreSQL with its data in `folder`; as its own user where we are root, which it refuses to be. Raises NotHere."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb") or next((str(path / "initdb") for path in programs), "")
    if not Path(found).is_file():
        raise NotHere("no PostgreSQL here")
    bin_folder = Path(found).resolve().parent
    as_user: list[str] = []
    if os.geteuid() == 0:
        as_user = ["runuser", "-u", "postgres", "--"]
        for path in (folder, *folder.parents[:3]):
            path.chmod(path.stat().st_mode | 0o711)
        shutil.chown(folder, "postgres")
    data, port = folder / "data", free_port()
    init = [*as_user, str(bin_folder / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "-E", "UTF8"]
    subprocess.run(init, check=True, capture_output=True, cwd=folder)
    serve = [*as_user, str(bin_folder / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder), "-h", "127.0.0.1"]

    def answers() -> bool:
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    address = f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
    return Server(serve, address, folder.parent / f"{folder.name}.log", answers)


def mlflow_server(folder: Path, database: str) -> Server:
    """Start an MLflow server in front of a database, with its artifacts in `folder`."""
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database, "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port)]

    def healthy() -> bool:
        try:
            status: int = urllib.request.urlopen(f"{uri}/health", timeout=10).status
        except OSError:
            return False
        return status == 200

    # MLflow's jobs are of no use here, and their processes take half a core while they wait
    return Server(command, uri, folder / "mlflow.log", healthy, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
