"""A finished suite of which one thing after the other is damaged in the store: what it costs is that thing, never the report."""

import io
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

SUITE = """\
suite: whole
title: A suite of which everything is used
data: {source: digits, subset: {train: 64, val: 32, test: 32}}
base:
  model: {name: simple_cnn, args: {filters: [4, 4, 4], hidden: 8}}
  train: {epochs: 3, batch_size: 32, class_metrics: [accuracy], optimizer: {name: sgd, lr: 0.05, momentum: 0.9}}
seeds: 2
stages:
  base:
    axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1]}}
  further:
    patch: {model: {weights: {stage: base, cell: {lr: 0.1}}}}
    axes: {frozen: {path: model.frozen, values: [true, false]}}
  denoised:
    patch: {data: {noise: {variance: 0.04}}}
    axes: {denoise: {bilateral: {data: {denoise: {name: bilateral}}}}}
    seeds: [0]
  tuning:
    search:
      trials: 3
      sampler: {name: random}
      pruner: {name: median, startup: 1, warmup: 1}
      space:
        lr: {path: train.optimizer.lr, low: 1e-3, high: 1e-1, log: true}
  winner:
    patch: {start: {stage: base}}
    axes: {flip: {no: {}, yes: {data: {augment: [{name: flip}]}}}}
  votes:
    ensemble: {stages: [base, further], pool: seed}
    axes: {vote: {path: ensemble.vote, values: [soft, hard]}}
metrics:
  spread: {sd: test/class_accuracy}
  gap: {minus: [train/accuracy, test/accuracy]}
tables:
  base: {stage: base, rows: lr, values: [test/accuracy, spread, gap]}
  classes: {stage: base, rows: class, columns: lr, values: test/class_accuracy/*}
  further: {stage: further, rows: frozen, values: test/accuracy}
  votes: {stage: votes, rows: vote, values: [val/accuracy, test/accuracy]}
claims:
  images: {says: i, stage: base, metric: test/accuracy, test: crossed, of: {lr: 0.1}, higher_than: {lr: 0.01}}
  seeds: {says: s, stage: base, metric: test/loss, of: {lr: 0.1}, lower_than: {lr: 0.01}}
figures:
  dots: {kind: dots, table: base}
  curves: {kind: curves, stage: base, lines: lr, metric: [train/loss, val/loss]}
  trials: {kind: trials, stage: tuning}
  classes: {kind: classes, stage: base, bars: lr, metric: test/class_accuracy}
  confusion: {kind: confusion, stage: base, panels: lr}
  images: {kind: images, stage: denoised, rows: denoise}
  claims: {kind: forest}
"""


@dataclass
class Store:
    """A copy of the finished suite's store, to be damaged."""

    folder: Path

    def sql(self, query: str, *values: object) -> int:
        """Change rows; return how many."""
        with closing(sqlite3.connect(self.folder / "mlflow.db")) as connection, connection:
            return connection.execute(query, values).rowcount

    def run(self, stage: str) -> str:
        """Return the id of a stage's first run."""
        with closing(sqlite3.connect(self.folder / "mlflow.db")) as connection:
            query = "SELECT run_uuid FROM tags WHERE key = 'stage' AND value = ? ORDER BY run_uuid"
            return connection.execute(query, (stage,)).fetchone()[0]

    def files(self, name: str) -> list[Path]:
        return sorted(self.folder.glob(f"mlruns/*/*/artifacts/{name}"))


def tag(key: str, value: str | None, stage: str) -> Callable[[Store], None]:
    """Set a tag of a stage's first run, or take it away."""

    def damage(store: Store) -> None:
        run = store.run(stage)
        if value is None:
            assert store.sql("DELETE FROM tags WHERE run_uuid = ? AND key = ?", run, key)
        else:
            store.sql("INSERT OR REPLACE INTO tags (run_uuid, key, value) VALUES (?, ?, ?)", run, key, value)

    return damage


def every(key: str, value: str | None) -> Callable[[Store], None]:
    """Set a tag of all runs, or take it away."""

    def damage(store: Store) -> None:
        query = "DELETE FROM tags WHERE key = ?" if value is None else f"UPDATE tags SET value = '{value}' WHERE key = ?"
        assert store.sql(query, key)

    return damage


def metrics(value: object, stage: str = "base", is_nan: bool = False) -> Callable[[Store], None]:
    """Set the metrics of a stage's first run, in its history and at its end; None takes them away."""

    def damage(store: Store) -> None:
        run = store.run(stage)
        for table in ("latest_metrics", "metrics"):
            if value is None:
                assert store.sql(f"DELETE FROM {table} WHERE run_uuid = ?", run)
            else:
                assert store.sql(f"UPDATE {table} SET value = ?, is_nan = ? WHERE run_uuid = ?", value, is_nan, run)

    return damage


def rows(query: str, *values: object) -> Callable[[Store], None]:
    return lambda store: None if store.sql(query, *values) else pytest.fail(f"nothing to damage: {query}")


def artifact(name: str, content: Callable[[bytes], bytes | None]) -> Callable[[Store], None]:
    """Change an artifact of every run that has one; None takes it away."""

    def damage(store: Store) -> None:
        found = store.files(name)
        assert found, name
        for path in found:
            changed = content(path.read_bytes())
            path.unlink()
            if changed is not None:
                path.write_bytes(changed)

    return damage


def as_folder(name: str) -> Callable[[Store], None]:
    """Put a folder where an artifact was."""

    def damage(store: Store) -> None:
        for path in store.files(name):
            path.unlink()
            path.mkdir()

    return damage


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(255 - byte for byte in content[middle : middle + 64]) + content[middle + 64 :]


def _npz(**arrays: np.ndarray) -> Callable[[bytes], bytes]:
    def other(content: bytes) -> bytes:
        with np.load(io.BytesIO(content)) as stored:
            kept = {name: stored[name] for name in stored.files}
        buffer = io.BytesIO()
        np.savez(buffer, **(kept | {name.replace("__", "/"): value for name, value in arrays.items()}))
        return buffer.getvalue()

    return other


CONTENTS: dict[str, Callable[[bytes], bytes | None]] = {
    "gone": lambda content: None,
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "flipped": flipped,
    "garbage": lambda content: b"\x00\xff garbage",
    "text": lambda content: b"[1, 2]",
}
ARTIFACTS = ("predictions.npz", "confusion.json", "weights.safetensors", "images.npz", "config.yaml", "members.yaml")
DAMAGES: dict[str, Callable[[Store], None]] = {
    **{f"{name} {how}": artifact(name, change) for name in ARTIFACTS for how, change in CONTENTS.items()},
    **{f"{name} a folder": as_folder(name) for name in ARTIFACTS},
    "predictions of other shapes": artifact("predictions.npz", _npz(test__probabilities=np.zeros(3, np.float16))),
    "predictions with fewer targets": artifact("predictions.npz", _npz(test__targets=np.zeros(1, np.int64))),
    "predictions with float targets": artifact("predictions.npz", _npz(test__targets=np.full(32, np.nan))),
    "predictions nan": artifact("predictions.npz", _npz(test__probabilities=np.full((32, 10), np.nan, np.float16))),
    "predictions of text": artifact("predictions.npz", _npz(test__probabilities=np.full((32, 10), "x"))),
    "predictions of classes there are not": artifact("predictions.npz", _npz(test__targets=np.full(32, 99))),
    "indices of text": artifact("predictions.npz", _npz(test__indices=np.full(32, "x"))),
    "indices that are no list": artifact("predictions.npz", _npz(test__indices=np.int64(3))),
    "predictions pickled": artifact("predictions.npz", _npz(test__indices=np.array([None] * 32, object))),
    "confusion without classes": artifact("confusion.json", lambda content: b'{"val": [[1]], "test": [[1]]}'),
    "confusion of other kinds": artifact("confusion.json", lambda content: b'{"classes": 7, "test": {"a": null}}'),
    "confusion that is not a number": artifact(
        "confusion.json", lambda content: b'{"classes": ["a", "b"], "test": [[NaN, Infinity], [-1, 1e400]]}'
    ),
    "confusion of huge numbers": artifact(
        "confusion.json", lambda content: b'{"classes": ["a"], "test": [[' + b"9" * 5000 + b"]]}"
    ),
    "confusion nested": artifact("confusion.json", lambda content: b"[" * 200_000),
    "all artifacts gone": lambda store: shutil.rmtree(store.folder / "mlruns"),
    **{
        f"tag {key} {told} [{stage}]": tag(key, value, stage)
        for stage in ("base", "tuning", "votes")
        for key in ("seed", "fingerprint", "stage", "outcome", "seeds")
        for told, value in {"gone": None, "garbage": "ü\n|,=["}.items()
    },
    "tags of labels gone": rows("DELETE FROM tags WHERE key LIKE 'axis.%'"),
    "tags of labels garbage": rows("UPDATE tags SET value = '\n|' WHERE key LIKE 'axis.%'"),
    "tags of drawn parameters gone": rows("DELETE FROM tags WHERE key LIKE 'search.%'"),
    "tags of drawn parameters garbage": rows("UPDATE tags SET value = 'nan' WHERE key LIKE 'search.%'"),
    "tags of drawn parameters infinite": rows("UPDATE tags SET value = '-inf' WHERE key LIKE 'search.%'"),
    "tags of drawn parameters text": rows("UPDATE tags SET value = 'x' WHERE key LIKE 'search.%'"),
    "tag search garbage": tag("search", "{", "tuning"),
    "tag weights.seed garbage": tag("weights.seed", "²", "further"),
    "tag weights.seed gone": tag("weights.seed", None, "further"),
    "tag weights.seed huge": tag("weights.seed", "9" * 5000, "further"),
    "tag pack garbage": tag("pack", "²", "base"),
    "tag pack huge": tag("pack", "9" * 5000, "base"),
    "tag seeds huge": tag("seeds", "9" * 5000, "base"),
    "tag looks huge": tag("seeds", f"looks {'9' * 5000} at alpha x", "base"),
    **{f"tag {key} gone everywhere": every(key, None) for key in ("fingerprint", "seed", "stage", "outcome", "kept")},
    **{f"tag {key} garbage everywhere": every(key, "ü|") for key in ("fingerprint", "seed", "stage", "outcome", "kept")},
    "all tags gone": rows("DELETE FROM tags"),
    "all metrics gone": lambda store: (store.sql("DELETE FROM metrics"), store.sql("DELETE FROM latest_metrics"))[0],
    "all params gone": rows("DELETE FROM params"),
    **{
        f"metrics {told} [{stage}]": metrics(value, stage, is_nan)
        for told, value, is_nan in (
            ("gone", None, False), ("nan", 0.0, True), ("infinite", 1.7976931348623157e308, False),
            ("minus infinite", -1.7976931348623157e308, False), ("text", "x", False), ("bytes", b"\xff", False),
            ("negative", -1.0, False), ("inf", float("inf"), False),
        )
        for stage in ("base", "tuning")
    },
    "history steps absurd": rows("UPDATE metrics SET step = 9223372036854775807 WHERE key = 'val/loss' AND step > 1"),
    "history steps negative": rows("UPDATE metrics SET step = -step WHERE key = 'val/loss'"),
    "history steps text": rows("UPDATE metrics SET step = 'x' || step WHERE key = 'val/loss'"),
    "history steps text everywhere": rows("UPDATE metrics SET step = 'x' || step"),
    "history values text": rows("UPDATE metrics SET value = 'x' WHERE key IN ('val/loss', 'val/accuracy')"),
    "history values bytes": rows("UPDATE metrics SET value = x'ff' WHERE key IN ('val/loss', 'val/accuracy')"),
    "history values infinite": rows("UPDATE metrics SET value = 1.7976931348623157e308 WHERE key = 'val/accuracy'"),
    "history gone": rows("DELETE FROM metrics WHERE step > 0"),
    "history of a run that no row knows": rows("UPDATE metrics SET run_uuid = 'x'"),
    "times absurd": rows("UPDATE runs SET start_time = 9223372036854775807, end_time = -9223372036854775807"),
    "times text": rows("UPDATE runs SET start_time = 'x', end_time = 'y'"),
    "times gone": rows("UPDATE runs SET start_time = NULL, end_time = NULL"),
    "status failed": rows("UPDATE runs SET status = 'FAILED'"),
    "artifact folder gone": rows("UPDATE runs SET artifact_uri = NULL"),
    "artifact folder elsewhere": rows("UPDATE runs SET artifact_uri = '/nowhere/at/all'"),
    "artifact folder absurd": rows("UPDATE runs SET artifact_uri = 'x://\n'"),
    "tag values null": rows("UPDATE tags SET value = NULL WHERE key IN ('seed', 'cell', 'axis.lr', 'device', 'seeds')"),
    "tag values bytes": rows("UPDATE tags SET value = x'fffe' WHERE key IN ('seed', 'cell', 'axis.lr', 'device', 'seeds')"),
    "tag values surrogates": rows("UPDATE tags SET value = CAST(x'eda080' AS TEXT) WHERE key IN ('device', 'cell', 'versions')"),
    "rows of a run gone": rows("DELETE FROM runs WHERE rowid % 2 = 0"),
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory, new_bench):
    """The folder of the suite, run to its end."""
    bench = new_bench(tmp_path_factory.mktemp("whole"))
    bench.write(SUITE, "whole.yaml")
    answer = bench("run", "whole.yaml", "--executor", "inline")
    assert answer.code == 0, answer.err + answer.out
    return bench.folder


@pytest.fixture
def damaged(finished, tmp_path, new_bench):
    """Copies the finished suite and its store."""
    bench = new_bench(tmp_path)
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    store = Store(tmp_path)
    for table, column in (("runs", "artifact_uri"), ("experiments", "artifact_location")):
        store.sql(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", str(finished), str(tmp_path))
    return bench, store


def some(names: Iterable[str], step: int) -> list[str]:
    """Return one of so many; all of them, minutes of tests, in .ci/nightly."""
    return list(names)[:: 1 if os.environ.get("BENCH_NIGHTLY") else step]


@pytest.mark.parametrize("name", some(DAMAGES, 8))
def test_what_is_damaged_costs_its_own_part(damaged, name):
    bench, store = damaged
    DAMAGES[name](store)
    formats = [word for format in ("markdown", "latex", "html", "json", "csv") for word in ("--format", format)]
    told = bench("report", "whole.yaml", *formats, "-o", "out", "--figures", "svg")
    assert told.code in (0, 3), told.err
    assert len(list((store.folder / "out").glob("*.figures/*.svg"))) == 7
    text = (store.folder / "out" / "whole.default.md").read_text(encoding="utf-8")
    assert all(f"## {heading}" in text for heading in ("Claims", "base", "classes", "further", "votes"))
    for verb in ("status", "plan --no-probe"):
        answer = bench(*verb.split(), "whole.yaml")
        assert answer.code in (0, 3), f"{verb}: {answer.code} {answer.err}"


NEEDED = {
    **{f"weights.safetensors {how}": ("further", artifact("weights.safetensors", change)) for how, change in CONTENTS.items()},
    **{f"predictions.npz {how}": ("votes", artifact("predictions.npz", change)) for how, change in CONTENTS.items()},
    "confusion.json garbage": ("votes", artifact("confusion.json", CONTENTS["garbage"])),
    "what was kept unknown": ("further", lambda store: (every("kept.size", None)(store), FLIPPED(store))[0]),
    "what was kept unknown, and truncated": ("further", lambda store: (every("kept.size", None)(store), SHORTENED(store))[0]),
    "seed garbage": ("votes", tag("seed", "ü", "base")),
    "search parameters garbage": ("tuning", rows("UPDATE tags SET value = 'x' WHERE key LIKE 'search.%'")),
}
FLIPPED = artifact("weights.safetensors", lambda content: flipped(content[:8]) + content[8:])
SHORTENED = artifact("weights.safetensors", lambda content: content[:-1])


@pytest.mark.parametrize("name", some(NEEDED, 4))
def test_what_is_needed_and_damaged_is_made_again(damaged, name):
    """Without an error, in the same run, and equal to what it was."""
    bench, store = damaged
    before = bench("report", "whole.yaml").tables
    stage, damage = NEEDED[name]
    store.sql("DELETE FROM runs WHERE run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'stage' AND value = ?)", stage)
    damage(store)
    again = bench("run", "whole.yaml", "--executor", "inline")
    assert again.code == 0, again.err + again.out
    assert _results(bench("report", "whole.yaml").tables) == _results(before)
    assert bench("status", "whole.yaml").code == 0


SEARCH = """\
suite: search
title: A search that starts from the weights of a stage
data: {source: digits, subset: {train: 64, val: 32, test: 32}}
base:
  model: {name: simple_cnn, args: {filters: [4, 4, 4], hidden: 8}}
  train: {epochs: 1, batch_size: 32, optimizer: {name: sgd, lr: 0.05, momentum: 0.9}}
stages:
  base: {seeds: 2, axes: {lr: {path: train.optimizer.lr, values: [0.1]}}}
  tuning:
    seeds: 2
    patch: {model: {weights: {stage: base, cell: {lr: 0.1}}}}
    search:
      trials: 4
      sampler: {name: random}
      space: {momentum: {path: train.optimizer.momentum, low: 0.1, high: 0.9}}
"""


@pytest.mark.parametrize("stopped", ["before it began", "in the middle"])
@pytest.mark.parametrize("change", some(CONTENTS, 2))
def test_weights_that_a_search_starts_from_are_trained_again(bench, change, stopped):
    """Those of every seed that it may draw, and of what it had drawn before it was stopped."""
    bench.write(SEARCH, "search.yaml")
    assert bench("run", "search.yaml", "--executor", "inline").code == 0
    store = Store(bench.folder)
    of_search = "run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'stage' AND value = 'tuning')"
    if stopped == "in the middle":
        assert store.sql(f"UPDATE tags SET value = 'interrupted' WHERE key = 'outcome' AND {of_search}") == 4
    else:
        assert store.sql(f"DELETE FROM runs WHERE {of_search}") == 4
    artifact("weights.safetensors", CONTENTS[change])(store)
    again = bench("run", "search.yaml", "--executor", "inline")
    assert again.code == 0, again.err + again.out
    assert "- trials: 6: 6 finished" in again.out, again.out


def test_a_run_goes_on_beside_damaged_metrics(damaged):
    bench, store = damaged
    store.sql("DELETE FROM runs WHERE run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'stage' AND value = 'votes')")
    metrics(0.0, "base", True)(store)
    again = bench("run", "whole.yaml", "--executor", "inline")
    assert again.code in (0, 3) and "not measured" in again.out, again.err


def _results(tables: str) -> list[str]:
    """Return the tables of accuracies and the verdicts."""
    return [line for line in tables.splitlines() if line.startswith("| ") and "." in line and " s" not in line]
