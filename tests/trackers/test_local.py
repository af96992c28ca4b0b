"""The local SQLite store: where it lies, how it is made, and what happens when it cannot be."""

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.trackers import open_tracker

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@contextlib.contextmanager
def refused(*words):
    """A refusal, without more than 15 seconds of waiting to try again: MLflow alone goes on for more than a minute."""
    waits = []
    with pytest.MonkeyPatch.context() as patch, pytest.raises(BenchError) as caught:
        patch.setattr(time, "sleep", waits.append)
        yield
    assert sum(waits) < 15
    for word in words:
        assert word in str(caught.value)
    assert caught.value.mend


def test_the_default_is_mlflows_own_and_reading_creates_nothing(folder):
    tracker = open_tracker()
    assert tracker.uri == f"sqlite:///{folder}/mlflow.db"
    assert tracker.runs("suite") == []
    assert tracker.artifact("0" * 32, "log.txt") is None
    assert tracker.histories(["0" * 32], ["val/loss"]) == {}
    assert tracker.experiment_url("suite") is tracker.run_url("suite") is None
    assert list(folder.iterdir()) == []


def test_a_new_store_is_made_quietly_in_a_folder_with_an_odd_name(folder, monkeypatch, capfd):
    odd = folder / "a b #é"
    odd.mkdir()
    monkeypatch.chdir(odd)
    open_tracker().open("suite", {})
    assert capfd.readouterr() == ("", "")
    assert {path.name for path in odd.iterdir()} == {"mlflow.db", "mlflow.db.tables.lock", "mlruns"}
    assert [path.name for path in folder.iterdir()] == [odd.name]
    assert open_tracker("sqlite:///mlflow.db").runs("suite") == []


@pytest.mark.parametrize("name", ["50%20", "what?"])
def test_a_folder_that_no_uri_can_name_is_refused(folder, monkeypatch, name):
    (folder / name).mkdir()
    monkeypatch.chdir(folder / name)
    with refused(name, "another folder"):
        open_tracker()


def test_the_environment_names_the_store(folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere/t.db")
    assert open_tracker().uri == f"sqlite:///{folder}/elsewhere/t.db"
    assert open_tracker("http://host:5000/").uri == "http://host:5000"


@pytest.mark.parametrize("uri", ["mlruns", "file:/tmp/mlruns"])
def test_the_old_file_store_is_refused(folder, uri):
    with refused("plain folder", "sqlite:///mlflow.db"):
        open_tracker(uri)


def test_runs_in_the_old_file_format_are_not_passed_over(folder):
    (folder / "mlruns" / "0").mkdir(parents=True)
    (folder / "mlruns" / "0" / "meta.yaml").write_text("name: Default\n")
    with refused("old file format", "migrate-filestore"):
        open_tracker()


def test_a_folder_or_another_file_in_the_way(folder):
    (folder / "mlflow.db").mkdir()
    with refused("mlflow.db", "move it away"):
        open_tracker().open("suite", {})
    (folder / "mlflow.db").rmdir()
    (folder / "mlflow.db").write_text("something else entirely, and long enough to be looked at as a database\n" * 20)
    reading = (lambda t: t.runs("suite"), lambda t: t.histories(["0"], ["a"]), lambda t: t.run_url("suite"))
    for refusal in (lambda t: t.open("suite", {}), *reading):
        with refused("file is not a database", "move the file away"):
            refusal(open_tracker())
    with refused("written", "Not a directory"):
        open_tracker("sqlite:///mlflow.db/inner/t.db").open("suite", {})


def test_an_empty_file_is_an_empty_store(folder):
    (folder / "mlflow.db").touch()
    assert open_tracker().runs("suite") == []


def test_artifacts_that_could_not_be_written_are_noticed_at_once(folder, sqlite_uri):
    shutil.copy(sqlite_uri.removeprefix("sqlite:///"), "mlflow.db")
    (folder / "mlruns").write_text("in the way")
    with refused("written", "mlruns", "MLFLOW_TRACKING_URI"):
        open_tracker().open("suite", {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(folder):
    folder.chmod(0o555)
    try:
        with refused("written", "choose a folder that you may write"):
            open_tracker().open("suite", {})
    finally:
        folder.chmod(0o755)


def test_a_store_that_fills_up_keeps_what_is_finished(folder, sqlite_uri):
    """RLIMIT_FSIZE stands in for a full disk: no file grows any more."""
    tracker = open_tracker(sqlite_uri)
    tracker.open("suite-that-fills-up", {})
    end = {"status": "FINISHED", "tags": {}, "history": []}
    first, second = tracker.start("first", {}, {}), tracker.start("second", {}, {})
    tracker.finish(first, metrics={"val/accuracy": 0.5}, artifacts={"log.txt": b"done"}, **end)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = Path(sqlite_uri.removeprefix("sqlite:///")).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        with refused("written", "free some disk space"):
            tracker.finish(second, metrics={f"m{n}": 0.5 for n in range(900)}, artifacts={}, **end)
        with refused("written"):
            for n in range(500):
                tracker.start("third", {f"tag {n}": "x" * 7000}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    found = {run.run_id: run for run in tracker.runs("suite-that-fills-up")}
    assert (found[first].status, found[first].metrics) == ("FINISHED", {"val/accuracy": 0.5})
    assert found[second].status == "RUNNING"
    assert tracker.artifact(first, "log.txt") == b"done"


def test_an_artifact_whose_file_is_gone_is_none(folder, sqlite_uri):
    tracker = open_tracker(sqlite_uri)
    tracker.open("suite-with-artifacts", {})
    run_id = tracker.start("cell", {}, {})
    tracker.finish(run_id, status="FINISHED", tags={}, metrics={}, history=[], artifacts={"log.txt": b"done"})
    (written,) = Path(sqlite_uri.removeprefix("sqlite:///")).parent.glob(f"mlruns/*/{run_id}/artifacts/log.txt")
    assert tracker.artifact(run_id, "log.txt") == b"done"
    written.unlink()
    assert tracker.artifact(run_id, "log.txt") is None
    assert tracker.artifact(run_id, "") is None


def test_a_server_that_is_down_is_noticed_at_once_and_no_password_is_shown(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for uri in (f"http://me:secret@127.0.0.1:{port}", f"postgresql+psycopg2://me:secret@127.0.0.1:{port}/db"):
        for refusal in (lambda t: t.open("suite", {}), lambda t: t.runs("suite"), lambda t: t.histories(["0"], ["a"])):
            with refused("me:***@127.0.0.1", "server runs"):
                refusal(open_tracker(uri))


def test_a_killed_first_start_leaves_nothing_broken_and_two_at_once_do_not_collide(folder):
    command = [
        sys.executable,
        "-c",
        "from bench.trackers import open_tracker; t = open_tracker(); t.open('suite', {}); t.start('a', {}, {})",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    never_there = "import os, time; os.link = lambda *paths: time.sleep(1000); "  # so that no machine is too fast to be killed
    killed = subprocess.Popen([*command[:2], never_there + command[2]], cwd=folder, env=environment)
    while not (parts := list(folder.glob("*.part"))) or parts[0].stat().st_size < 100_000:  # in the middle of the migrations
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert not (folder / "mlflow.db").exists()

    both = [subprocess.Popen(command, cwd=folder, env=environment) for _ in range(2)]
    assert [process.wait(240) for process in both] == [0, 0]
    assert [run.status for run in open_tracker().runs("suite")] == ["RUNNING", "RUNNING"]


def test_another_process_may_make_the_experiment_first(folder, monkeypatch):
    first, second = open_tracker(), open_tracker()
    first.open("suite", {"a": "1"})
    look = second._client.get_experiment_by_name
    before = iter([True])  # the first answer is that of a moment before
    monkeypatch.setattr(second._client, "get_experiment_by_name", lambda name: None if next(before, False) else look(name))
    second.open("suite", {"a": "2"})
    second.start("run", {}, {})
    assert len(first.runs("suite")) == 1


def test_one_holds_an_experiment_at_a_time_and_lets_go_however_it_ends(folder):
    first, second = open_tracker(), open_tracker()
    with first.hold("suite"), second.hold("another"):
        told = r"another `bench run` of this suite is at work \(process \d+ on "
        with pytest.raises(BenchError, match=told) as error, second.hold("suite"):
            pass
        assert "--wait" in error.value.mend and "kill" not in error.value.mend, "it is this very process"
        with pytest.raises(BenchError, match=told), second.hold("suite", wait=True):
            pass  # it would wait for itself
        (folder / "link").symlink_to(folder)
        with pytest.raises(BenchError, match=told), open_tracker(f"sqlite:///{folder}/link/mlflow.db").hold("suite"):
            pass
    with second.hold("suite") as hold:
        assert not list(folder.glob("mlflow.db")), "nothing is written before the store is opened"
        second.open("suite", {})
        assert hold.number == 1
    holding = (
        "from bench.trackers import open_tracker; t = open_tracker()\nwith t.hold('suite'): print('held', flush=True); input()"
    )
    process = subprocess.Popen([sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    with pytest.raises(BenchError, match=f"process {process.pid}") as error, first.hold("suite"):
        pass
    assert f"kill {process.pid}" in error.value.mend
    process.kill()
    with first.hold("suite", wait=True) as hold:
        first.open("suite", {})
        assert hold.number == 2
    process.communicate()
    (folder / "mlflow.db.holder").write_text("no JSON")  # of nobody's
    assert not [path.name for path in folder.iterdir() if path.suffix == ".holder" and path.name != "mlflow.db.holder"]


def test_where_nothing_can_be_written_nothing_is_held(folder):
    (folder / "file").write_text("")
    with open_tracker(f"sqlite:///{folder}/file/t.db").hold("suite") as hold:
        assert hold.number == 0


def test_whoever_takes_over_has_the_lock_and_the_one_before_finds_out(folder, monkeypatch):
    """Also where the one before is stopped, and so keeps a lock."""
    monkeypatch.setenv("BENCH_LEASE_SECONDS", "1")
    first, second, third = open_tracker(), open_tracker(), open_tracker()
    with first.hold("suite") as one:
        first.open("suite", {})
        with second.hold("suite", take_over=True) as two:
            second.open("suite", {})
            deadline = time.monotonic() + 60
            while not one.taken_over and time.monotonic() < deadline:
                time.sleep(0.05)
            assert (one.number, two.number) == (1, 2) and "has taken this suite over" in one.taken_over
            with pytest.raises(BenchError, match="is at work"), third.hold("suite"):
                pass
        assert not list(folder.glob("*.holder"))
    assert not two.taken_over
