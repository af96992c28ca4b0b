"""The list of what was declared of an experiment, on every tracker."""

import json
import time

import pytest

from bench.trackers import declarations

CONTENT = {"alpha": 0.05, "claims": {"a": {"says": "é ☃ " * 3000}}}


@pytest.fixture
def declare(tracker, experiment):
    tracker.open(experiment, {})

    def declare(digest: str, runs: int = 0, by=tracker, **content) -> None:
        declarations.declare(by, experiment, CONTENT | content, digest, "abc123", runs)

    return declare


def test_what_is_declared_comes_back_with_when_and_where(store, experiment, declare):
    before = time.time() - 1
    declare("d1")
    (entry,) = declarations.stored(store(), experiment)
    assert (entry.number, entry.runs, entry.commit, entry.digest, entry.content) == (1, 0, "abc123", "d1", CONTENT)
    assert before < entry.since < time.time() + 1
    assert declarations.stored(store(), f"{experiment}-other") == []


def test_only_what_differs_from_the_last_is_added(store, experiment, declare):
    for digest, runs in [("d1", 0), ("d1", 4), ("d2", 4), ("d2", 8), ("d1", 8)]:
        declare(digest, runs)
    found = declarations.stored(store(), experiment)
    assert [(entry.number, entry.digest, entry.runs) for entry in found] == [(1, "d1", 0), (2, "d2", 4), (3, "d1", 8)]


def test_two_coordinators_lose_none_and_one_clock_that_is_behind_changes_no_order(store, experiment, declare, monkeypatch):
    declare("d1")
    first = declarations.stored(store(), experiment)
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    other = store()
    other.open(experiment, {})
    with monkeypatch.context() as patch:  # it has read the list before the other one added to it
        patch.setattr(declarations, "stored", lambda *_: first)
        declare("d2", by=other, alpha=0.1)
        declare("d3")
        declare("d3", by=other)
    assert [entry.digest for entry in declarations.stored(store(), experiment)] == ["d1", "d2", "d3"]


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", json.dumps({"since": 1, "runs": 0, "commit": "", "digest": "d"}), "[" * 90_000]
)
def test_a_damaged_entry_says_so_and_spoils_no_other(store, tracker, experiment, declare, damage):
    declare("d1")
    tracker.note("declared.2.x", damage)
    declare("d3")
    found = declarations.stored(store(), experiment)
    assert [(entry.number, entry.content) for entry in found] == [(1, CONTENT), (2, None), (3, CONTENT)]
