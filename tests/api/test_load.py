"""Loading a suite: what is laid over it, where its runs are, and how its mistakes are told."""

import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench import BenchError
from bench.trackers import open_tracker


def lazy(code: str) -> set[str]:
    """Return which of the large libraries a piece of code loads, in a process of its own."""
    told = f"{code}\nimport sys\nprint(*({{'pandas', 'torch', 'mlflow', 'optuna', 'matplotlib'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_it_loads_no_large_library():
    assert lazy("import bench, bench.api; bench.BenchError") == set()


def test_all_that_is_public_is_there():
    from bench import api

    for _ in range(2):  # what is asked for again is still the same
        assert {name for name in api.__all__ if not callable(getattr(api, name))} == set()
        assert bench.load is api.load and bench.validate is api.validate
    assert all(getattr(bench, name) for name in bench.__all__)
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        _ = bench.laod
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        _ = api.laod


def test_a_profile_is_laid_over_and_settings_over_that(write):
    path = write()
    assert bench.load(path).suite.experiment == "tiny" and bench.load(str(path), "default").suite.experiment == "tiny"
    suite = bench.load(path, profile="long", set=["train.batch_size=16", "seeds=5"])
    assert repr(suite) == f"LoadedSuite({str(path)!r}, profile='long')" and suite.suite.experiment == "tiny.long"
    assert suite.suite.seeds("s") == [0, 1, 2, 3, 4]
    (train,) = {(cell.config.train.epochs, cell.config.train.batch_size) for cell in suite.suite.cells["s"]}
    assert train == (3, 16)


def test_only_some_cells(write):
    path = write(BODY_OF_TWO)
    suite = bench.load(path, only=["s[lr=0.1]"])
    assert [cell.labels for cell in suite.suite.cells["s"]] == [{"lr": "0.1"}] and list(suite.suite.cells) == ["s"]
    assert len(suite.status().plan.trials) == 2 and len(bench.load(path).status().plan.trials) == 8
    assert len(bench.load(path, only=["s[lr=0.1]", "other"]).status().plan.trials) == 6


BODY_OF_TWO = """\
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1]}}}
  other: {axes: {batch: {path: train.batch_size, values: [16, 48]}}}
"""


def test_the_distinct_sections_of_all_cells(write):
    suite = bench.load(write(BODY_OF_TWO))
    assert [section.config.source for section in suite.sections("data")] == ["digits"]
    assert len(suite.sections("model")) == 1 and len(suite.sections("train")) == 4


def test_where_the_runs_are(write, folder, monkeypatch):
    path = write()
    assert bench.load(path).tracker.uri == f"sqlite:///{folder}/mlflow.db"
    assert bench.load(path, tracker="sqlite:///other.db").tracker.uri == f"sqlite:///{folder}/other.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert bench.load(path).tracker.uri == "http://127.0.0.1:1"
    assert bench.load(path, tracker="sqlite:///other.db").tracker.uri == f"sqlite:///{folder}/other.db"
    mine = open_tracker("sqlite:///mine.db")
    suite = bench.load(path, tracker=mine)
    assert suite.tracker is mine and suite.tracker is suite.tracker
    assert suite.runs_url() is None and suite.status().plan.todo()
    assert not (folder / "other.db").exists() and not (folder / "mine.db").exists(), "reading creates nothing"


def test_a_tracking_uri_that_cannot_be_one(write):
    suite = bench.load(write(), tracker="./runs")
    assert len(suite.suite.cells["s"]) == 2
    for ask in (suite.status, suite.report, suite.run, suite.runs_url):
        with pytest.raises(BenchError, match=r"no longer writes to a plain folder such as '\./runs'") as error:
            ask()
        assert error.value.where == "tracking URI"


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "mend"),
    [
        ("epochs: 1", "epoch: 1", 6, "epoch", "did you mean 'epochs'?"),
        ("[0.01, 0.1]", "[0.01, -1]", 8, "lr", ""),
        ("title: A", "title: [A", 3, "is not valid YAML", "check indentation"),
        ("rows: lr", "rows: rl", 9, "no axis 'rl'", "known: lr"),
        ("epochs: 3", "epochs: many", 10, "epochs", ""),
    ],
)
def test_a_mistake_is_told_with_file_line_and_mend(write, old, new, line, message, mend):
    path = write(changes={old: new})
    with pytest.raises(BenchError) as error:
        bench.load(path, "long")
    assert error.value.where == f"{path}:{line}" and message in error.value.message and mend in error.value.mend


@pytest.mark.parametrize(
    ("options", "where", "message", "mend"),
    [
        ({"profile": "lang"}, "--profile", "has no profile 'lang'", "did you mean 'long'?"),
        ({"set": ["train.epochs"]}, "--set train.epochs", "PATH=VALUE", "--set base.train.epochs=3"),
        ({"set": ["trian.epochs=3"]}, "--set trian.epochs=3", "no setting 'trian'", "did you mean 'train'?"),
        ({"set": ["train.epochs=0"]}, "--set train.epochs=0", "epochs", ""),
        ({"only": ["t"]}, "--only", "no stage 't'", "known: s"),
        ({"only": ["s[lr=0.2]"]}, "--only", "no level '0.2'", "0.1"),
    ],
)
def test_what_does_not_go_with_the_suite_is_refused(write, options, where, message, mend):
    with pytest.raises(BenchError) as error:
        bench.load(write(), **options)
    assert error.value.where == where and message in error.value.message and mend in error.value.mend


def test_a_file_that_is_not_there(folder):
    with pytest.raises(BenchError, match=r"gone\.yaml: cannot be read: No such file"):
        bench.load(Path("gone.yaml"))
    with pytest.raises(BenchError, match="cannot be read: Is a directory"):
        bench.load(folder)
