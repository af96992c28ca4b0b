"""The weights of what may turn out to be another stage's source are kept from the start: nothing is trained twice for them."""

from collections import Counter

import pytest

import bench
from bench.runner import kept_weights
from bench.runner.messages import Facts
from bench.runner.plan import kind
from bench.runner.planner import make_plan

STAGES = """\
stages:
  tuning:
    sweep:
      lr: {path: train.optimizer.lr, values: [0.005, 0.02]}
      batch: {path: train.batch_size, values: [16, 32]}
  hunt:
    seeds: [0, 1]
    search:
      trials: 3
      sampler: {name: random}
      space: {lr: {path: train.optimizer.lr, low: 1.0e-4, high: 1.0e-2, log: true}}
  winners:
    axes: {from: {tuned: {start: {stage: tuning}}, hunted: {start: {stage: hunt}}}}
  fine:
    patch: {start: {stage: tuning}, model: {weights: {stage: winners, cell: {from: FROM}}, frozen: true}}
    axes: {lr: {path: train.optimizer.lr, values: [0.001, 0.01]}}
"""


def chosen(plan, limit=kept_weights.LIMIT):
    """The plan, with what keeps its weights, each of 100 bytes."""
    plan.facts = {kind(job.trial.cell): Facts((1, 1, 1), weights=100) for job in plan.jobs.values()}
    kept_weights.choose(plan, limit)
    return plan


def keeping(plan) -> dict[str, set[str]]:
    """Stage → cells whose trials keep their weights."""
    found: dict[str, set[str]] = {}
    for job in chosen(plan).jobs.values():
        for cell in job.cells if job.keeps else ():
            found.setdefault(cell.stage, set()).add(cell.name)
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("tuned", {"tuning-lr": {"lr=0.005", "lr=0.02"}, "tuning-batch": {"batch=16", "batch=32"}, "winners": {"from=tuned"}}),
        ("hunted", {"hunt": {"trial=0", "trial=1", "trial=2"}, "winners": {"from=hunted"}}),
    ],
)
def test_what_a_source_may_turn_out_to_be(make, source, expected):
    assert keeping(make_plan(make(STAGES.replace("FROM", source)), [])) == expected


def test_what_a_source_changes_is_not_its_source(make):
    changed = STAGES.replace("tuned: {start: {stage: tuning}}", "tuned: {start: {stage: tuning}, train: {epochs: 3}}")
    assert keeping(make_plan(make(changed.replace("FROM", "tuned")), [])) == {"winners": {"from=tuned"}}


def test_nothing_is_kept_where_no_stage_starts_from_weights(make):
    assert keeping(make_plan(make(STAGES[: STAGES.index("  fine:")]), [])) == {}


def test_the_limit_is_for_all_possible_sources_together(make):
    plan = make_plan(make(STAGES.replace("FROM", "tuned")), [])
    possible = [job for job in chosen(plan).ahead() if job.keeps and not job.must_keep]
    assert len(possible) >= 4 and plan.weights_kept == 100 * sum(job.keeps for job in plan.ahead())
    chosen(plan, 100 * len(possible) - 1)
    assert plan.weights_refused == 100 * len(possible) and not any(job.keeps for job in possible)
    assert plan.weights_kept == 100 * sum(job.must_keep for job in plan.ahead()) > 0
    chosen(plan, 100 * len(possible))
    assert plan.weights_refused == 0 and all(job.keeps for job in possible)


@pytest.mark.parametrize("source", ["tuned", "hunted"])
@pytest.mark.parametrize("limit", [kept_weights.LIMIT, 0])
def test_a_suite_is_complete_with_one_command(make, tmp_path, monkeypatch, source, limit):
    """Within the limit nothing is trained twice; beyond it, what is needed is trained once more in the same run."""
    monkeypatch.setattr(kept_weights.choose, "__defaults__", (limit,))
    monkeypatch.chdir(tmp_path)
    make(STAGES.replace("FROM", source))
    suite = bench.load(tmp_path / "tiny.yaml", set=["train.epochs=1"])
    result = suite.run(executor="inline", device="cpu", pack="off")
    assert result.report().complete and not suite.status().plan.todo()
    runs = Counter(run.tags["fingerprint"] for run in suite.tracker.runs("tiny"))
    assert (max(runs.values()) == 1) == (limit > 0), runs
    kept = [run for run in suite.tracker.runs("tiny") if "kept" in run.tags]
    assert kept if limit else len(kept) == 2, "of the two seeds of the source"
