"""Which changes of the seeds a pilot may bring, and which make claims exploratory."""

import json

import pytest

import bench
from bench.api.declaring import declared
from bench.suite.declaration import declaration
from bench.trackers import StoredRun

CLAIM = """\
stages: {s: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1]}}}}
claims: {c: {says: it is, stage: s, metric: val/accuracy, of: {lr: 0.1}, higher_than: {lr: 0.01}}}
"""
PILOT, COUNTS, LOOKS, OTHER_LEVEL, PLAIN = (
    "{pilot: 2, count: 3}",
    "{pilot: 3, count: 5}",
    "{pilot: 2, looks: [3, 5]}",
    "{pilot: 2, looks: [3, 5], alpha: 0.1}",
    "4",
)


class Notes:
    """A tracker's notes: what was declared, each time under other seeds."""

    def __init__(self, suites):
        entries = [
            {"since": float(i), "runs": i, "commit": "", "digest": str(i), "declared": declaration(suite)}
            for i, suite in enumerate(suites)
        ]
        self.said = {f"declared.{i}.x": json.dumps(entry) for i, entry in enumerate(entries, 1)}

    def notes(self, experiment):
        return self.said


@pytest.mark.parametrize(
    ("steps", "counted", "reasons", "exploratory"),
    [
        ([PILOT, COUNTS], [], [True], False),
        ([PILOT, COUNTS], [COUNTS], [True], False),
        ([PILOT, COUNTS], [PILOT], [False], True),
        ([PILOT, LOOKS], [LOOKS], [True], False),
        ([PILOT, OTHER_LEVEL], [OTHER_LEVEL], [False], True),
        ([PILOT, PLAIN], [PLAIN], [True], False),
        ([PLAIN, COUNTS], [COUNTS], [False], True),
        ([PILOT, COUNTS, LOOKS], [LOOKS], [True, True], False),
        ([PILOT, COUNTS, LOOKS], [COUNTS, LOOKS], [True, False], True),
        ([PILOT, COUNTS, PILOT], [PILOT], [False, True], False),
    ],
)
def test_a_pilot_sets_the_sizes_until_the_first_trial_that_counts(write, steps, counted, reasons, exploratory):
    """counted: the seeds that were declared when trials that count ran."""

    def suite(seeds):
        return bench.load(write(CLAIM), set=[f"seeds={seeds}"]).suite

    def run(seeds, **tags):
        return StoredRun("x", "FINISHED", {"stage": "s", "seeds": suite(seeds).schedule("s").text, **tags})

    runs = [run(steps[0], pilot="yes"), *map(run, counted)]
    found = declared(suite(steps[-1]), Notes(map(suite, steps)), runs)
    by_pilot = "set by the pilot, before any trial that counts"
    assert [change.reason for change in found.changes] == [by_pilot if is_so else "" for is_so in reasons]
    assert found.exploratory == ({"c"} if exploratory else set())
