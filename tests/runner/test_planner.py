"""Stages that rest on others: the best of a stage, its weights, its votes; and searches."""

from collections import Counter

import pytest

from bench.errors import BenchError
from bench.runner.plan import Plan, SearchKey
from bench.runner.planner import make_plan
from bench.trackers import StoredRun

SWEEP = """\
stages:
  tuning:
    axes: {model: {small: {model: {args: {hidden: 8}}}, large: {model: {args: {hidden: 16}}}}}
    sweep:
      lr: {path: train.optimizer.lr, values: [0.1, 0.2]}
      batch: {path: train.batch_size, values: [16, 32]}
  after:
    patch: {start: {stage: tuning}}
    axes: {epochs: {path: train.epochs, values: [2, 3]}}
"""
SEARCH = """\
stages:
  hunt:
    seeds: [7, 42]
    search:
      trials: 3
      pruner: {name: asha}
      space:
        optimizer: {sgd: {}, adam: {train: {optimizer: {name: adam}}}}
        lr: {path: train.optimizer.lr, low: 1e-4, high: 1e-2, log: true}
  winner:
    patch: {start: {stage: hunt}}
    axes: {epochs: {path: train.epochs, values: [4]}}
"""
WEIGHTS = """\
stages:
  base: {axes: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}}}
  tuned:
    patch: {model: {weights: {stage: base, cell: {lr: 0.2}}}}
    axes: {epochs: {path: train.epochs, values: [1, 2]}}
"""
VOTES = """\
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}}}
  all: {ensemble: {stages: s}, axes: {vote: {path: ensemble.vote, values: [soft, hard]}}}
  by-seed: {ensemble: {stages: [s], pool: seed}}
"""


class World:
    """A tracker's runs, made up as plans ask for them. value: gives a job's validation accuracy; None fails it."""

    def __init__(self, suite, value=lambda job: 0.5):
        self.suite, self.value, self.runs = suite, value, []

    def plan(self, **options) -> Plan:
        return make_plan(self.suite, self.runs, **options)

    def step(self) -> Plan:
        """Run all that is to do once; return the plan after it."""
        for job in self.plan().todo():
            self.record(job, self.value(job))
        return self.plan()

    def record(self, job, value, outcome="finished", **tags):
        tags = {"fingerprint": job.trial.fingerprint, "outcome": outcome if value is not None else "diverged", **tags}
        tags |= {"kept": "weights"} if job.keeps else {}
        status = "FINISHED" if value is not None and outcome == "finished" else "FAILED"
        metrics = {} if value is None else {"val/accuracy": value}
        self.runs.append(StoredRun(f"run{len(self.runs)}", status, tags, metrics, start=float(len(self.runs))))

    def drawn(self, trial: int, value, outcome="finished", **drawn):
        """Record a trial of the search, with what it drew."""
        from bench.runner.planner import rules

        plan = self.plan()
        cell = next(job.trial.cell for job in plan.jobs.values() if job.trial.cell.labels.get("trial") == str(trial))
        found, _ = plan.drawn(cell, drawn)
        tags = {"stage": "hunt", "axis.trial": str(trial), "search": rules(self.suite.spec.stages["hunt"].search)}
        tags |= {f"search.{name}": text for name, text in drawn.items()}
        job = next(job for job in plan.jobs.values() if job.trial.cell is cell)
        job.trial = found
        self.record(job, value, outcome, **tags)
        return found


def states(plan: Plan, stage: str) -> list[str]:
    return [job.state for trial, job in plan.entries if trial.cell.stage == stage]


def test_a_sweep_keeps_the_best_for_each_level(make):
    best = {("small", "0.1"): 0.6, ("small", "0.2"): 0.5, ("large", "0.1"): 0.4, ("large", "0.2"): 0.7}

    def value(job):
        labels = job.trial.cell.labels
        return best.get((labels.get("model"), labels.get("lr")), 0.1) + 0.01 * job.trial.seed

    world = World(make(SWEEP), value)
    assert states(world.plan(), "tuning-lr") == ["todo"] * 8 and states(world.plan(), "tuning-batch") == ["waiting"] * 8
    plan = world.step()
    kept = {kept.on["model"]: kept.cell.labels["lr"] for kept in plan.kept}
    assert kept == {"small": "0.1", "large": "0.2"}
    configs = {
        (trial.cell.labels["model"], trial.cell.labels["batch"]): trial.cell.config
        for trial, _ in plan.entries
        if trial.cell.stage == "tuning-batch"
    }
    assert configs["small", "16"].train.optimizer.lr == 0.1 and configs["large", "16"].train.optimizer.lr == 0.2
    assert configs["large", "16"].train.batch_size == 16 and configs["large", "16"].model.args == {"hidden": 16}
    # with the batch size that was the default, it is the trial that has run
    assert [job.state for trial, job in plan.entries if trial.cell.labels.get("batch") == "32"] == ["done"] * 4
    assert states(plan, "after") == ["waiting"] * 4
    plan = world.step()
    after = next(trial.cell for trial, _ in plan.entries if trial.cell.stage == "after")
    assert after.config.train.optimizer.lr == 0.2 and after.config.train.batch_size == 32, "the best of all models"
    assert plan.kept_by(after).text == "tuning-batch: model=large, batch=32" and plan.kept_by(after).value == pytest.approx(0.705)
    assert set(states(world.step(), "after")) == {"done"}


def test_a_cell_with_a_failed_seed_is_not_kept(make):
    def value(job):
        lr = job.trial.cell.labels.get("lr")
        return (None if job.trial.seed else 0.9) if lr == "0.1" else 0.3

    plan = World(make(SWEEP), value).step()
    assert {kept.cell.labels["lr"] for kept in plan.kept} == {"0.2"}


def test_nothing_to_keep(make):
    plan = World(make(SWEEP), lambda job: None).step()
    assert set(states(plan, "tuning-batch")) == {"unavailable"}
    reasons = {job.reason for job in plan.jobs.values() if job.state == "unavailable"}
    assert any("stage tuning-lr (model=small) has nothing to keep" in reason for reason in reasons)


def test_only_a_later_stage_looks_the_others_up(make):
    world = World(make(SWEEP))
    while world.step().todo():
        pass
    world.suite = make(SWEEP, only=["after"])
    plan = world.plan()
    assert len(plan.entries) == 4 and set(states(plan, "after")) == {"done"}
    world.runs = []
    assert states(world.plan(), "after") == ["waiting"] * 4 and not world.plan().todo()


def test_a_search_resumes_with_what_it_drew(make):
    world = World(make(SEARCH))
    plan = world.plan()
    assert states(plan, "hunt") == ["todo"] * 3 and all(job.parameters is None for job in plan.todo())
    first = world.drawn(0, 0.4, optimizer="adam", lr="0.0012345678901234567", seed="42")
    assert first.seed == 42 and first.cell.config.train.optimizer.lr == 0.0012345678901234567
    world.drawn(1, 0.2, "pruned", optimizer="sgd", lr="0.01", seed="7")
    world.drawn(2, 0.3, "interrupted", optimizer="sgd", lr="0.002", seed="7")
    plan = world.plan()
    assert states(plan, "hunt") == ["done", "pruned", "todo"]
    again = plan.todo()[0]
    assert (
        again.parameters == {"optimizer": "sgd", "lr": "0.002", "seed": "7"}
        and again.trial.cell.config.train.optimizer.lr == 0.002
    )
    assert [run.run_id for run in plan.past[SearchKey("hunt", ())]] == ["run0", "run1"]
    assert states(plan, "winner") == ["waiting"] * 2
    world.drawn(2, 0.3, optimizer="sgd", lr="0.002", seed="7")
    plan = world.plan()
    assert states(plan, "hunt") == ["done", "pruned", "done"]
    winner = next(trial.cell.config for trial, _ in plan.entries if trial.cell.stage == "winner")
    assert winner.train.optimizer.name == "adam" and winner.train.epochs == 4
    assert plan.kept[0].text == "hunt: trial=0, optimizer=adam, lr=0.0012345678901234567, seed=42"


def test_a_pruned_trial_is_none_outside_its_search(make):
    """The winner's own configuration is trained, though the search gave up on it with another rival."""
    world = World(make(SEARCH.replace("values: [4]", "values: [2]")))
    for trial in range(2):
        world.drawn(trial, 0.1, "pruned", optimizer="sgd", lr="0.001", seed="7")
    world.drawn(2, 0.4, optimizer="sgd", lr="0.001", seed="42")
    plan = world.plan()
    assert states(plan, "hunt") == ["pruned", "pruned", "done"] and states(plan, "winner") == ["todo", "todo"]


def test_draws_of_another_space_or_other_rules_do_not_count(make):
    world = World(make(SEARCH))
    world.drawn(0, 0.4, optimizer="adam", lr="0.005", seed="42")
    for old, new in (
        ("high: 1e-2", "high: 1e-3"),
        ("name: asha", "name: asha, factor: 2"),
        ("trials: 3", "seed: 1\n      trials: 3"),
    ):
        world.suite = make(SEARCH.replace(old, new))
        assert states(world.plan(), "hunt") == ["todo"] * 3, old
    world.suite = make(SEARCH.replace("trials: 3", "trials: 5"))
    assert states(world.plan(), "hunt") == ["done"] + ["todo"] * 4, "a larger budget keeps what there is"


def test_weights_of_another_stage(make):
    world = World(make(WEIGHTS))
    plan = world.plan()
    assert states(plan, "tuned") == ["waiting"] * 4
    keeps = [(job.trial.cell.labels["lr"], job.keeps) for job in plan.todo()]
    assert set(keeps) == {("0.1", False), ("0.2", True)}
    plan = world.step()
    assert states(plan, "tuned") == ["todo"] * 4
    assert [job.origin.trial.seed for job in plan.todo()] == [job.trial.seed for job in plan.todo()], "each seed its own weights"
    assert {job.origin.trial.cell.labels["lr"] for job in plan.todo()} == {"0.2"}
    fingerprints = {job.trial.fingerprint for job in plan.todo()}
    other = World(make(WEIGHTS.replace("lr: 0.2}", "lr: 0.1}")))
    assert fingerprints.isdisjoint(job.trial.fingerprint for job in other.step().todo()), "other weights, other trials"


def test_weights_that_were_not_kept_are_trained_again(make):
    world = World(make(WEIGHTS.replace("weights: {stage: base, cell: {lr: 0.2}}", "name: simple_cnn")))
    world.step()
    world.suite = make(WEIGHTS)
    again = world.plan().todo()
    assert [(job.trial.cell.stage, job.trial.cell.labels["lr"]) for job in again] == [("base", "0.2")] * 2
    assert {job.reason for job in again} == {"its weights were not kept"}


def test_what_is_trained_again_starts_from_its_weights_again(make):
    world = World(make(WEIGHTS))
    world.step()
    world.step()
    patch = "{model: {weights: {stage: tuned, cell: {epochs: 2}}}}"
    world.suite = make(f"{WEIGHTS}  last: {{patch: {patch}, axes: {{frozen: {{path: model.frozen, values: [true]}}}}}}")
    again = world.plan().todo()
    assert [job.trial.cell.name for job in again] == ["epochs=2"] * 2 and all(job.origin.state == "done" for job in again)


def test_weights_of_a_failed_trial(make):
    plan = World(make(WEIGHTS), lambda job: None).step()
    assert set(states(plan, "tuned")) == {"unavailable"}
    assert "base: lr=0.2, seed=0, is failed" in next(job.reason for job in plan.jobs.values() if job.state == "unavailable")


def test_a_seed_without_weights(make):
    body = WEIGHTS.replace("axes: {epochs", "seeds: 3\n    axes: {epochs")
    with pytest.raises(BenchError, match=r"tiny\.yaml:9: stage 'base' has no trial with seed 2"):
        make(body)
    assert len(make_plan(make(body.replace("cell:", "seed: 0, cell:")), []).trials) == 10


def test_votes(make):
    world = World(make(VOTES))
    plan = world.plan()
    assert states(plan, "all") == ["waiting"] * 2 and states(plan, "by-seed") == ["waiting"] * 2
    plan = world.step()
    votes = [job for job in plan.todo() if job.trial.cell.stage == "all"]
    assert [len(job.members) for job in votes] == [4, 4] and votes[0].trial.fingerprint != votes[1].trial.fingerprint
    by_seed = [job for job in plan.todo() if job.trial.cell.stage == "by-seed"]
    assert [{member.trial.seed for member in job.members} for job in by_seed] == [{0}, {1}]


def test_votes_without_voters(make):
    plan = World(make(VOTES), lambda job: None).step()
    assert set(states(plan, "all")) == {"unavailable"}
    assert {job.reason for job in plan.jobs.values() if job.state == "unavailable"} == {
        "no trial of s has finished, so none can vote"
    }


def test_weights_do_not_come_with_seeds_on_demand(make):
    looks = "seeds: {looks: [2, 4]}"
    body = WEIGHTS.replace("base: {", f"base: {{{looks}, ").replace("tuned:\n", f"tuned:\n    {looks}\n")
    with pytest.raises(BenchError, match=r"tiny\.yaml:10: seeds that are added on demand would have no weights"):
        make(body)
    assert make(body.replace("cell:", "seed: 0, cell:"))


def test_what_cannot_be_had_here_is_settled(make):
    """What rests on it goes on with the rest."""
    body = SWEEP.replace("large: {model: {args: {hidden: 16}}}", "large: {model: {weights: gone.pth}}")
    world = World(make(body))
    assert Counter(states(world.plan(), "tuning-lr")) == {"todo": 4, "unavailable": 4}
    assert "gone.pth is missing" in next(job.reason for job in world.plan().jobs.values() if job.state == "unavailable")
    world.step()
    plan = world.step()
    assert Counter(states(plan, "tuning-batch")) == {"done": 4, "unavailable": 4}
    assert set(states(plan, "after")) == {"done", "todo"}, "from the best of those that could be had"


def test_what_does_not_go_together_with_the_best_is_told_and_the_rest_goes_on(make):
    """Adam has no momentum, and nobody knew that it would be the best."""
    body = """
    stages:
      a: {axes: {o: {sgd: {}, adam: {train: {optimizer: {name: adam}}}}}}
      b:
        patch: {start: {stage: a}}
        axes: {momentum: {path: train.optimizer.momentum, values: [0, 0.9]}}
      c: {patch: {start: {stage: a}}, axes: {epochs: {path: train.epochs, values: [3]}}}
    """
    world = World(make(body), lambda job: 0.9 if job.trial.cell.labels.get("o") == "adam" else 0.1)
    plan = world.step()
    assert set(states(plan, "b")) == {"unavailable"} and set(states(plan, "c")) == {"todo"}
    reason = next(job.reason for job in plan.jobs.values() if job.state == "unavailable")
    assert "tiny.yaml:11: " in reason and "momentum" in reason


TUNED = WEIGHTS.replace(
    "axes: {epochs: {path: train.epochs, values: [1, 2]}}",
    "search: {trials: 2, space: {rate: {path: train.optimizer.lr, low: 1e-3, high: 1e-1, log: true}}}",
)


def test_a_search_waits_for_the_weights_that_its_trials_start_from(make):
    world = World(make(TUNED))
    assert states(world.plan(), "tuned") == ["waiting"] * 2
    plan = world.step()
    assert states(plan, "tuned") == ["todo"] * 2
    cell = next(job.trial.cell for job in plan.todo())
    trial, origin = plan.drawn(cell, {"rate": "0.02", "seed": "1"})
    assert trial.seed == origin.trial.seed == 1 and origin.trial.cell.labels == {"lr": "0.2"} and origin.state == "done"


def test_a_trial_of_a_search_has_runs_of_its_own(make):
    """A grid, or another trial, may have had its configuration; what a search pruned is none of the grid's results."""
    grid = "stages:\n  grid: {axes: {lr: {path: train.optimizer.lr, values: [0.001, 0.01]}}}\n"
    world = World(make(SEARCH.replace("stages:\n", grid)))
    for job in world.plan().todo():
        if job.trial.cell.labels.get("lr") == "0.001":
            world.record(job, 0.5)
    world.drawn(0, 0.4, "interrupted", optimizer="sgd", lr="0.001", seed="7")
    world.drawn(1, 0.1, "pruned", optimizer="sgd", lr="0.01", seed="42")
    world.drawn(2, 0.6, optimizer="sgd", lr="0.01", seed="42")
    plan = world.plan()
    assert states(plan, "hunt") == ["todo", "pruned", "done"]
    assert [run.run_id for run in plan.past[SearchKey("hunt", ())]] == [world.runs[-2].run_id, world.runs[-1].run_id]
