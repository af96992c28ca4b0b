"""What killed runs leave behind, and that it is gone with the next one."""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

PARTS = """\
import os
import subprocess
import tempfile
import time
from pathlib import Path

from torch.nn import functional

HERE = Path(__file__).parent
children = []


def loss(scores, targets, options, context):
    if context.epoch >= 1 and (HERE / "wait").exists():
        if not children:
            tempfile.mkdtemp(prefix="of-a-component-")
            children.append(subprocess.Popen(["sleep", "1000"]).pid)
            children.append(subprocess.Popen(["sleep", "1000"], start_new_session=True).pid)
            children.append(os.fork())
            if not children[-1]:
                time.sleep(1000)
                os._exit(0)
            told = HERE / f".worker-{os.getpid()}"
            told.write_text(" ".join(map(str, children)))
            told.rename(HERE / f"worker-{os.getpid()}")
        time.sleep(0.1)
    return functional.cross_entropy(scores, targets)
"""
SUITE = """\
suite: left
title: Children of a component
data: {source: digits, subset: {train: 64, val: 32, test: 32}}
base:
  model: {name: simple_cnn}
  train: {epochs: 100000, batch_size: 32, optimizer: {name: sgd, lr: 0.05}, loss: {name: "parts:loss"}}
seeds: 1
stages: {s: {axes: {lr: {path: train.optimizer.lr, values: [0.05]}}}}
tables: {t: {stage: s, rows: lr, values: val/accuracy}}
"""


@pytest.fixture
def left(bench, tmp_path):
    """The command line, with a folder for temporary files and a data root of its own."""
    (tmp_path / "d").mkdir()
    bench.temporary = Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))  # a short path, since sockets lie in it
    bench.environment = {**bench.environment, "TMPDIR": str(bench.temporary), "BENCH_DATA": str(tmp_path / "d")}
    bench.write(PARTS, "parts.py")
    bench.write(SUITE, "slow.yaml")
    yield bench
    shutil.rmtree(bench.temporary)


def started(bench, process) -> tuple[int, list[int]]:
    """Wait until a component has started its children; return the worker's id and theirs."""
    while not (found := list(bench.folder.glob("worker-*"))):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return int(found[0].name.removeprefix("worker-")), [int(word) for word in found[0].read_text().split()]


def running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for_end(processes: list[int]) -> None:
    for _ in range(1200):
        if not any(map(running, processes)):
            return
        time.sleep(0.1)
    pytest.fail(f"still there: {[one for one in processes if running(one)]}")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="only Linux tells what belongs to whom")
@pytest.mark.parametrize(
    "killed",
    ["group", *(pytest.param(who, marks=pytest.mark.nightly) for who in ("coordinator", "worker", "coordinator and worker"))],
)
def test_nothing_is_left_after_the_next_run(left, killed):
    (left.folder / "wait").touch()
    process = left.start("run", "slow.yaml", "--yes", "--workers", "1")
    worker, children = started(left, process)
    assert all(map(running, children))
    if "worker" in killed:
        os.kill(worker, signal.SIGKILL)
    if "coordinator" in killed:
        process.kill()
    elif killed == "worker":
        process.send_signal(signal.SIGINT)
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for half in (left.folder / "mlflow.db.0.part", left.folder / "d" / "cache" / "denoised" / ".x.making.npz"):
        half.parent.mkdir(parents=True, exist_ok=True)
        half.touch()
    (left.folder / "d" / "cache" / ".other.making").mkdir()
    (left.folder / "wait").unlink()
    again = left.anew("run", "slow.yaml", "--yes", "--workers", "1", "--set", "train.epochs=2")
    assert again.code == 0, again.err
    wait_for_end([worker, *children])
    assert [path.name for path in left.temporary.iterdir() if "inductor" not in path.name] == [f"bench-{os.getuid()}.lock"]
    half_made = (".part", ".making", ".holder")
    assert not [path for path in left.folder.rglob("*") if path.suffix in half_made or path.name.endswith(".making.npz")]


def test_a_trial_that_is_ended_takes_its_children_along(left):
    (left.folder / "wait").touch()
    process = left.start("run", "slow.yaml", "--yes", "--workers", "1", "--time-limit", "3")
    _, children = started(left, process)
    process.communicate()
    assert process.returncode == 3
    wait_for_end(children)


def test_a_run_leaves_what_another_is_using(left):
    (left.folder / "wait").touch()
    process = left.start("run", "slow.yaml", "--yes", "--workers", "1")
    worker, children = started(left, process)
    other = SUITE.replace("parts:loss", "cross_entropy").replace("suite: left", "suite: other")
    left.write(other.replace("100000", "2"), "other.yaml")
    assert left.anew("run", "other.yaml", "--workers", "1").code == 0
    assert all(map(running, [worker, *children])), "they belong to a run that is under way"
    process.send_signal(signal.SIGINT)
    process.communicate()
    wait_for_end([worker, *children])


def test_a_run_that_has_nothing_to_do_tidies_up_too(left):
    """The one before may have been killed when all was trained."""
    left.write(
        SUITE.replace("parts:loss", "cross_entropy").replace("suite: left", "suite: done").replace("100000", "1"), "done.yaml"
    )
    assert left.anew("run", "done.yaml", "--workers", "1").code == 0
    (left.temporary / "bench-dead" / "weights-x").mkdir(parents=True)
    (left.temporary / "bench-dead.held").touch()
    again = left.anew("run", "done.yaml", "--workers", "1")
    assert again.code == 0 and "to do: 0 trials" in again.out
    assert not [path.name for path in left.temporary.iterdir() if "dead" in path.name]
