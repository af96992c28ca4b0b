"""`bench --help` as a process of its own, against a bare Python and against MLflow's command line."""

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from harness import Row, in_turn, seconds

ROUNDS = 20


def measure(rounds: int, smoke: bool) -> list[Row]:
    commands = {
        "bench --help": [str(Path(sys.executable).parent / "bench"), "--help"],
        "python -c pass": [sys.executable, "-c", "pass"],
        "mlflow --help": [sys.executable, "-m", "mlflow", "--help"],  # its script may lie elsewhere
    }
    with tempfile.TemporaryDirectory() as folder:
        arms = {name: partial(seconds, partial(_run, command, folder)) for name, command in commands.items()}
        if not smoke:
            in_turn(1, arms)  # the first start compiles to bytecode and fills the disk's cache
        found = in_turn(rounds, arms)
    ours = found.pop("bench --help")
    return [Row("`bench --help`", "s", ours, f"`{name}`", theirs, goal=0.2) for name, theirs in found.items()]


def _run(command: list[str], folder: str) -> None:
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}  # no network on either side
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
