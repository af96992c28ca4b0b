"""Faults break what they say, and leave it whole."""

import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from . import faults


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        yield Path(name)


def test_a_locked_file(folder):
    file = folder / "mlflow.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()

    def write() -> None:
        with sqlite3.connect(file, timeout=0) as connection:
            connection.execute("INSERT INTO t VALUES (1)")
        connection.close()

    with faults.locked(file), pytest.raises(sqlite3.OperationalError, match="locked"):
        write()
    write()


def test_a_full_disk(folder):
    if why := faults.no_small_disk(folder):
        pytest.skip(why)
    with faults.small_disk(folder):
        with faults.full(folder), pytest.raises(OSError, match="No space left"):
            (folder / "a").write_bytes(b"1" * 10000)
        (folder / "a").write_bytes(b"1" * 10000)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written(folder):
    if why := faults.no_read_only(folder):
        pytest.skip(why)
    (folder / "mlflow.db").touch()
    with faults.read_only(folder):
        for name in ("made", "mlflow.db"):
            with pytest.raises(OSError):
                (folder / name).write_text("a")
    (folder / "made").write_text("a")


def test_a_clock_that_is_set(folder):
    if why := faults.no_clock():
        pytest.skip(why)
    clock = faults.Clock(folder)
    asks = "import time, datetime\nwhile input(): print(time.time(), datetime.datetime.now().timestamp(), flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", asks], env=dict(clock.environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        for ahead in (0, 86400 * 365, -7200):
            clock.set(ahead)
            process.stdin.write("?\n")
            process.stdin.flush()
            one, other = process.stdout.readline().split()
            assert float(one) == pytest.approx(time.time() + ahead, abs=600)
            assert float(other) == pytest.approx(float(one), abs=600)
        process.stdin.write("\n")


@pytest.mark.parametrize("how", faults.DAMAGES)
def test_damage(folder, how):
    file = folder / "file"
    file.write_bytes(bytes(range(256)) * 10)
    faults.damage(file, how, random.Random(0))
    assert file.exists() is (how != "deleted")
    assert how == "deleted" or file.read_bytes() != bytes(range(256)) * 10
