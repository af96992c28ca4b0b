"""Plans with a pilot: its trials run, and choose, vote and settle nothing."""

from collections import Counter

import pytest

from bench.api.plan import records, refuse_undeclared
from bench.errors import BenchError
from bench.grammar.schedule import PILOT_FROM
from tests.runner.test_planner import VOTES, WEIGHTS, World

STAGES = """\
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}}}
  after: {patch: {start: {stage: s, metric: val/accuracy}}, axes: {epochs: {path: train.epochs, values: [3, 4]}}}
"""


@pytest.fixture
def piloted(make):
    """Makes a suite with a pilot of two and three seeds that count; or with other seeds."""

    def piloted(body, seeds="{pilot: 2, count: 3}", **options):
        return make(body, overrides=[f"seeds={seeds}"], **options)

    return piloted


def is_pilot(job) -> bool:
    return job.trial.seed >= PILOT_FROM


def test_a_pilot_shifts_no_other_trial(piloted):
    plan, without = World(piloted(STAGES)).plan(), World(piloted(STAGES, 3)).plan()
    assert [trial.fingerprint for trial, _ in plan.counting] == [trial.fingerprint for trial in without.trials]
    assert len(plan.pilot) == 8 and all(job.pilot and is_pilot(job) for _, job in plan.pilot)
    assert not without.pilot and not any(job.pilot for job in without.jobs.values())


def test_a_plan_of_the_pilot_alone(piloted):
    world = World(piloted(STAGES))
    plan = world.plan(pilot=True)
    assert Counter((job.trial.cell.stage, job.state) for job in plan.jobs.values()) == {("s", "todo"): 4, ("after", "waiting"): 4}
    assert all(map(is_pilot, plan.jobs.values())) and not plan.complete
    for job in plan.todo():
        world.record(job, 0.5)
    assert not world.plan(pilot=True).todo() and len(world.plan().todo()) == 6
    world.step()
    assert len(world.plan(pilot=True).todo()) == 4, "the best of the other stage is known"
    world.step()
    assert world.plan(pilot=True).complete and world.plan().complete


def test_what_counts_is_complete_without_the_pilot(piloted):
    world = World(piloted(STAGES), lambda job: None if is_pilot(job) else 0.5)
    while world.step().todo():
        pass
    plan = world.plan()
    assert plan.complete and not world.plan(pilot=True).complete
    assert {record.outcome for record in records(plan, world.runs)} == {"finished"}


def test_a_pilot_chooses_no_best_cell(piloted):
    """By the pilot's trials, or by all of them, the other rate would be the best."""

    def value(job):
        high = job.trial.cell.labels.get("lr") == "0.2"
        return 1.0 if is_pilot(job) and high else 0.6 if high else 0.7

    world = World(piloted(STAGES), value)
    world.step()
    (kept,) = world.plan().kept
    assert kept.cell.labels["lr"] == "0.1" and kept.value == pytest.approx(0.7)
    world.runs = [run for run in world.runs if run.metrics.get("val/accuracy") != 0.7]
    assert not world.plan().kept, "while trials that count are missing, the pilot's are no stand-in"


def test_a_pilot_does_not_vote(piloted):
    world, without = World(piloted(VOTES)), World(piloted(VOTES, 3))
    assert len(world.step().todo()) == len(without.step().todo()) == 5
    members = [job.members for job in world.plan().todo()]
    assert sorted(map(len, members)) == [2, 2, 2, 6, 6] and not any(is_pilot(job) for voters in members for job in voters)
    assert {job.trial.fingerprint for job in world.plan().todo()} == {job.trial.fingerprint for job in without.plan().todo()}


def test_a_pilot_starts_from_the_weights_of_a_pilot(piloted):
    world = World(piloted(WEIGHTS))
    for job in world.plan(pilot=True).todo():
        world.record(job, 0.5)
    todo = world.plan(pilot=True).todo()
    assert [job.trial.cell.stage for job in todo] == ["tuned"] * 4
    assert all(job.origin and job.origin.pilot and job.origin.trial.seed == job.trial.seed for job in todo)


def test_records_are_those_of_trials_that_count(piloted):
    world, without = World(piloted(STAGES)), World(piloted(STAGES, 3))
    world.step()
    without.step()
    told, plain = ([(r.stage, r.cell, r.seed, r.outcome) for r in records(one.plan(), one.runs)] for one in (world, without))
    assert told == plain and len(told) == 12


def test_sizes_may_change_until_the_first_trial_that_counts(piloted):
    def ran(world, jobs):
        for job in jobs:
            text = world.suite.schedule(job.trial.cell.stage).text
            world.record(job, 0.5, stage=job.trial.cell.stage, seeds=text)

    world = World(piloted(STAGES))
    ran(world, world.plan(pilot=True).todo())
    for seeds in ("{pilot: 2, count: 5}", "{pilot: 3, looks: [5, 8]}", "{pilot: 2, count: 2}", 4):
        world.suite = piloted(STAGES, seeds)
        refuse_undeclared(world.plan())
    world.suite = piloted(STAGES, "{pilot: 2, count: 4}")
    ran(world, world.plan().todo()[:3])
    refuse_undeclared(world.plan())
    world.suite = piloted(STAGES, "{pilot: 2, count: 5}")
    with pytest.raises(BenchError, match=r"begun with the seeds \[pilot of 2, then 0, 1, 2, 3\].*raises the rate"):
        refuse_undeclared(world.plan())
    refuse_undeclared(world.plan(pilot=True))
    world.suite = piloted(STAGES, "4")
    refuse_undeclared(world.plan())
