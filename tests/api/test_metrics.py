"""Metrics from the training to the report: sizes, memory, what is predicted and confused, and levels."""

import pytest

import bench
from bench import BenchError

TRAIN = "epochs: 2, class_metrics: [predicted], class_groups: {loops: [0, 6, 8, 9]},"
SUITE = """\
metrics:
  val/accuracy: {unit: "%"}
  at_all: {first: val/accuracy, at_least: 1}
  perfect: {first: val/accuracy, at_least: 100}
  low: {sum: test/predicted, classes: ["0", "1", "2", "3", "4"]}
  high: {sum: test/predicted, classes: ["5", "6", "7", "8", "9"]}
stages:
  s: {axes: {hidden: {small: {}, large: {model: {args: {hidden: 64}}}}}}
  votes: {ensemble: {stages: s}, axes: {vote: {soft: {}, hard: {ensemble: {vote: hard}}}}}
tables:
  t: {stage: s, rows: hidden, values: [parameters, {metric: peak_memory, unit: MB}, at_all, perfect, low, test/confused/loops]}
  v: {stage: votes, rows: vote, values: [low, high]}
claims:
  smaller: {says: it is, stage: s, metric: parameters, of: {hidden: small}, lower_than: {hidden: large}}
  lighter: {says: it is, stage: s, metric: peak_memory, of: {hidden: small}, lower_than: {hidden: large}, margin: 10%}
"""


@pytest.fixture
def ran(write, inline):
    suite = bench.load(write(SUITE, changes={"epochs: 1,": TRAIN, "seeds: 2": "seeds: 3"}))
    suite.run(**inline)
    return suite


def test_what_is_recorded_can_be_asked_for(ran):
    frame = ran.report().frame()
    trained = frame[frame.stage == "s"]
    assert trained.groupby("hidden")[["parameters", "peak_memory"]].nunique().eq(1).all(axis=None)
    assert (trained["low"] + trained["high"]).tolist() == pytest.approx([1] * 6)
    assert trained["test/confused/loops"].between(0, 1).all() and (trained["at_all"] >= 1).all()
    assert trained["perfect"].isna().all()
    votes = frame[frame.stage == "votes"]
    assert (votes["low"] + votes["high"]).tolist() == pytest.approx([1] * len(votes))
    assert votes["test/confused/loops"].between(0, 1).all() and votes["peak_memory"].isna().all()
    verdicts = {claim.name: claim.verdict for claim in ran.report().data.claims}
    assert verdicts["smaller"] == "supported" and verdicts["lighter"] in ("supported", "equivalent", "different but negligible")
    assert "never reached" in ran.report().render()


def test_a_new_level_needs_no_new_trial(ran, write):
    changes = {"epochs: 1,": TRAIN, "seeds: 2": "seeds: 3", "at_least: 100": "at_least: 2"}
    again = bench.load(write(SUITE, changes=changes))
    assert again.status().plan.todo() == [] and again.report().frame().query("stage == 's'")["perfect"].notna().all()


def test_a_group_of_a_class_that_is_not_there_is_told_with_its_line(write, inline):
    path = write(SUITE, changes={"epochs: 1,": TRAIN.replace("[0, 6, 8, 9]", "[0, 6, eight]")})
    with pytest.raises(BenchError, match="there is no class 'eight'") as caught:
        bench.load(path).run(**inline)
    assert "tiny.yaml:6: " in str(caught.value)


def test_groups_that_nobody_asks_for_leave_fingerprints_alone(write):
    def fingerprints(groups):
        suite = bench.load(write(changes={"epochs: 1,": f"epochs: 1, {groups}"}))
        return [job.trial.fingerprint for job in suite.status().plan.todo()]

    assert fingerprints("") == fingerprints("class_groups: {},")
    assert not set(fingerprints("")) & set(fingerprints("class_groups: {a: [0, 1]},"))
