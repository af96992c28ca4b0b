"""A few rounds of the chaos suite, on SQLite; `python -m tests.chaos` and .ci/nightly run the rest. And that its checks see what
they are there to see."""

import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import invariants
from .processes import MARK, marked
from .rounds import Round, Scenario, Session, end_of_logs
from .scenarios import SCENARIOS
from .stores import Store

SELECTED = [("kill-coordinator", 6), ("interrupt", 6), ("two-at-once", 11)]
"""Scenarios and seeds, of a minute together."""


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))  # pytest's own have paths too long for a socket
    with Session(folder) as session:
        yield session
    shutil.rmtree(folder)


@pytest.mark.parametrize(("name", "seed"), SELECTED)
def test_round(session, name, seed):
    result = session.run(SCENARIOS[name], seed, "sqlite")
    assert not result.broken, f"{result.broken}\n{result.drawn}\n{end_of_logs(Path(result.folder))}"


def test_a_seed_draws_the_same_again(session):
    drawn = []

    def draw(round: Round) -> None:
        round.moment()
        drawn.append(dict(round.result.drawn))
        raise AssertionError("no more than drawn")

    for _ in range(2):
        assert session.run(Scenario("any", "", draw, suites=("grid",)), 7, "sqlite").broken.keys() == {"harness"}
    assert drawn[0] == drawn[1] and drawn[0].keys() == {"suite", "workers", "moment"}


OURS = "experiment_id = (SELECT experiment_id FROM experiments WHERE name = 'chaos')"
"""Of runs: the trials, and not the lease."""


class TestChecks:
    """Each check says nothing of an undisturbed run, and tells what it is for."""

    @pytest.fixture
    def store(self, session, tmp_path) -> Store:
        """The store of an undisturbed run, to be damaged."""
        session.reference("grid")
        file = tmp_path / "work" / "mlflow.db"
        shutil.copytree(session.folder / "undisturbed" / "grid" / "work", file.parent)
        (tmp_path / "tmp").mkdir()
        return Store("sqlite", f"sqlite:///{file}", f"sqlite:///{file}", "chaos", file.parent / "mlruns", file=file)

    def wrong(self, session: Session, store: Store) -> dict[str, str]:
        assert store.file
        reference, work = session.reference("grid"), store.file.parent
        found, runs = invariants.findings(work / "suite.yaml", store), store.runs()
        told = {
            "running": invariants.running(runs),
            "counts": invariants.counts(found, runs),
            "repeated": invariants.repeated(found, runs),
            "superseded": invariants.superseded(found, runs),
            "tables": invariants.tables(found, reference),
            "leftovers": invariants.leftovers(work, work.parent / "tmp", store, reference),
        }
        return {check: text for check, text in told.items() if text}

    def change(self, store: Store, *statements: str) -> None:
        assert store.file
        with sqlite3.connect(store.file) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def test_an_undisturbed_run(self, session, store):
        assert self.wrong(session, store) == {}

    def test_a_run_that_still_runs(self, session, store):
        first = f"(SELECT min(run_uuid) FROM runs WHERE {OURS})"
        self.change(store, f"UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid = {first}")
        told = self.wrong(session, store)
        assert told["running"].startswith("1 runs still run") and "counts" in told and "tables" in told

    def test_a_trial_that_is_gone(self, session, store):
        first = f"(SELECT min(run_uuid) FROM runs WHERE {OURS})"
        self.change(store, f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = {first}")
        assert "todo" in self.wrong(session, store)["counts"]

    @pytest.mark.parametrize("says_so", [False, True])
    def test_a_trial_that_was_done_twice(self, session, store, says_so):
        columns = "status, start_time, end_time, experiment_id, lifecycle_stage, artifact_uri, name"
        first = f"(SELECT min(run_uuid) FROM runs WHERE {OURS} AND run_uuid != 'twice')"
        self.change(
            store,
            f"INSERT INTO runs (run_uuid, {columns}) SELECT 'twice', {columns} FROM runs WHERE run_uuid = {first}",
            f"INSERT INTO tags (key, value, run_uuid) SELECT key, value, 'twice' FROM tags WHERE run_uuid = {first}",
            f"UPDATE runs SET start_time = start_time + 1 WHERE run_uuid = {first}" if says_so else "SELECT 1",
            "INSERT INTO tags (key, value, run_uuid) VALUES ('superseded', 'yes', 'twice')" if says_so else "SELECT 1",
        )
        told = self.wrong(session, store)
        assert told["repeated"].startswith("1 finished runs do not count")

    @pytest.mark.parametrize("table", ["latest_metrics", "metrics"])
    def test_another_number(self, session, store, table):
        self.change(store, f"UPDATE {table} SET value = value + 0.25 WHERE key = 'val/accuracy'")
        assert self.wrong(session, store).keys() == {"tables"}

    @pytest.mark.parametrize("file", ["work/mlflow.db.0123.part", "work/mlruns/x.spool", "tmp/bench-weights-abcdefgh"])
    def test_a_file_that_is_left(self, session, store, file):
        assert store.file
        (store.file.parent.parent / file).touch()
        assert self.wrong(session, store).keys() == {"leftovers"}

    def test_a_process_that_is_left(self):
        with subprocess.Popen(["sleep", "100"], env={MARK: "someone.run0"}) as process:
            assert str(process.pid) in invariants.orphans("someone")
            assert [one.pid for one in marked("someone.run0")] == [process.pid]
            assert not marked("some") and not marked("someone.run1")
            process.kill()
        assert invariants.orphans("someone") == ""
