"""Which trials train together: what they have in common, how many at a time, and in which order they come."""

from types import SimpleNamespace

import pytest

from bench.config import TrialConfig
from bench.errors import BenchError, ErrorCode
from bench.runner import packs
from bench.runner.messages import Fault, ProbePacks
from bench.runner.packs import Packs
from bench.runner.planner import make_plan
from bench.runner.queue import Queue

GRID = """\
stages:
  s:
    axes:
      hidden: {path: model.args.hidden, values: [8, 16]}
      lr: {path: train.optimizer.lr, values: [0.1, 0.2]}
      noise: {path: data.noise.variance, values: [0, 0.04]}
"""
SEARCH = """\
stages:
  hunt:
    search:
      trials: 12
      sampler: {name: SAMPLER}
      space:
        hidden: {path: model.args.hidden, values: [8, 16, 32]}
        lr: {path: train.optimizer.lr, low: 1e-4, high: 1e-2, log: true}
"""
BASE = {
    "data": {"source": "digits"},
    "model": {"name": "classic_cnn", "args": {"dropout": 0.3}, "head": {"hidden": [8], "dropout": 0.5}},
    "train": {"epochs": 3, "optimizer": {"name": "sgd", "lr": 0.1}},
}


def changed(path, value):
    config = TrialConfig.model_validate(BASE).model_dump(mode="json", exclude_defaults=True)
    *parents, last = path.split(".")
    place = config
    for name in parents:
        place = place.setdefault(name, {})
    place[last] = value
    return packs.key(TrialConfig.model_validate(config))


ORIGINAL = packs.key(TrialConfig.model_validate(BASE))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("train.optimizer.lr", 0.2),
        ("train.optimizer.momentum", 0.9),
        ("train.optimizer.weight_decay", 0.1),
        ("train.schedule", {"name": "cosine"}),
        ("train.early_stopping", {"patience": 2}),
        ("train.restore_best", "val/loss"),
        ("data.noise", {"variance": 0.1}),
        ("data.label_noise", {"share": 0.1}),
        ("model.args.dropout", 0.5),
        ("model.head.dropout", 0.1),
        ("model.weights", "a.safetensors"),
    ],
)
def test_trials_of_a_pack_may_differ_in_numbers_data_and_starting_weights(path, value):
    assert changed(path, value) == ORIGINAL


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("train.optimizer", {"name": "adam"}),
        ("train.optimizer", {"name": "sgd", "momentum": 0.9, "nesterov": True}),
        ("train.epochs", 4),
        ("train.batch_size", 32),
        ("train.label_smoothing", 0.1),
        ("train.sampling", "balanced"),
        ("train.loss", {"name": "irm"}),
        ("data.augment", [{"name": "flip"}]),
        ("data.subset", {"train": 50}),
        ("data.resize", {"scale": 2}),
        ("model.args.batch_norm", True),
        ("model.args.dropout", 0.0),
        ("model.head.l2", 0.1),
        ("model.frozen", True),
    ],
)
def test_trials_of_a_pack_share_what_makes_the_program(path, value):
    assert changed(path, value) != ORIGINAL


def no_histories(runs, metrics):
    return {}


def handed_out(suite, chosen):
    queue = Queue(make_plan(suite, []), no_histories, chosen)
    found = []
    while pack := queue.ask():
        found.append([job.trial for job in pack])
    return found


def test_like_trials_are_handed_out_together(make):
    found = handed_out(make(GRID), Packs(asked=3))
    assert [len(pack) for pack in found] == [3, 3, 2, 3, 3, 2]
    for pack in found:
        assert len({trial.cell.labels["hidden"] for trial in pack}) == 1
    assert len({trial.fingerprint for pack in found for trial in pack}) == 16


def test_without_packs_trials_come_in_the_suites_order(make):
    suite = make(GRID)
    found = handed_out(suite, Packs(asked=1))
    assert [pack[0].fingerprint for pack in found] == [job.trial.fingerprint for job in make_plan(suite, []).jobs.values()]
    assert handed_out(suite, Packs()) == found, "what was not measured trains alone"


def test_random_searches_draw_ahead_to_find_like_trials_and_others_do_not(make):
    random = make(SEARCH.replace("SAMPLER", "random"))
    packed, alone = (handed_out(random, Packs(asked=asked)) for asked in (12, 1))
    assert sorted(trial.fingerprint for pack in packed for trial in pack) == sorted(pack[0].fingerprint for pack in alone)
    assert len(packed) == len({packs.key(pack[0].cell.config) for pack in alone}) == 3
    assert {len(pack) for pack in handed_out(make(SEARCH.replace("SAMPLER", "tpe")), Packs(asked=12))} == {1}


@pytest.mark.parametrize(
    "shown",
    [
        "tables: {t: {stage: s, rows: lr, columns: [noise, hidden], values: [val/accuracy, wall_clock]}}",
        "claims: {c: {says: it is quicker, stage: s, metric: images_per_second, of: {lr: 0.1}, lower_than: {lr: 0.2}, "
        "mean_over: [hidden, noise]}}",
    ],
)
def test_stages_of_which_times_are_shown_train_each_trial_alone(make, shown):
    assert packs.timed_stages(make(GRID)) == frozenset()
    suite = make(GRID + shown)
    assert packs.timed_stages(suite) == {"s"}
    kind = packs.key(suite.cells["s"][0].config)
    job = next(iter(make_plan(suite, []).jobs.values()))
    assert Packs(ways={kind: (4, "patches")}).width(job) == 4
    assert Packs(ways={kind: (4, "patches")}, timed=frozenset({"s"})).width(job) == 1
    assert Packs(asked=3, timed=frozenset({"s"})).width(job) == 3, "a number that is asked for holds"


class Measured:
    """An executor that has made its measurements: seconds an image by the width of the pack."""

    kind = "cpu"
    workers = (1, 2)

    def __init__(self, seconds):
        self.seconds, self.asked = seconds, []

    def attempt(self, requests, limit):
        assert all(isinstance(request, ProbePacks) for request in requests)
        self.asked += [request.widths for request in requests]
        return [
            {(width, "grouped" * (width > 1)): seconds for width, seconds in self.seconds.items() if width in (1, *one.widths)}
            for one in requests
        ]


def planned(make, seconds=10.0, step=0.001):
    plan = make_plan(make(GRID), [])
    for job in plan.jobs.values():
        job.seconds, job.step = seconds, step
    return plan


def test_the_fastest_width_is_taken_and_the_estimate_knows(make):
    plan, chosen = planned(make), Packs()
    executor = Measured({1: 1.0, 2: 0.7, 4: 0.5})
    packs.choose(plan, executor, chosen)
    assert executor.asked == [(4,), (4,)], "8 trials of each kind on two workers"
    assert {chosen.width(job) for job in plan.todo()} == {4} and {job.seconds for job in plan.todo()} == {5.0}
    (line, other) = chosen.told(plan)
    assert line == other == "  packs: 8 trials of simple_cnn train 4 at a time (grouped), each 2.0 times as fast as alone"
    packs.choose(planned(make), executor, chosen)
    assert len(executor.asked) == 2, "it is measured once"


@pytest.mark.parametrize(
    ("seconds", "step", "measured"),
    [(10.0, 0.001, {1: 1.0, 2: 0.95, 4: 0.9}), (0.1, 0.001, {}), (10.0, 0.2, {})],
    ids=["gains too little", "is done sooner than measured", "has long steps, on a CPU"],
)
def test_what_gains_nothing_trains_alone(make, seconds, step, measured):
    plan, chosen, executor = planned(make, seconds, step), Packs(), Measured(measured)
    packs.choose(plan, executor, chosen)
    assert bool(executor.asked) == bool(measured)
    assert {chosen.width(job) for job in plan.todo()} == {1} and {job.seconds for job in plan.todo()} == {seconds}
    assert chosen.told(plan) == []


def test_where_a_measurement_fails_they_train_alone(make):
    plan, chosen, executor = planned(make), Packs(), Measured({1: 1.0, 2: 0.5, 4: 0.2})
    executor.attempt = lambda requests, limit: [Fault(BenchError("exit code 7", code=ErrorCode.CRASHED)) for _ in requests]
    packs.choose(plan, executor, chosen)
    assert {chosen.width(job) for job in plan.todo()} == {1} and {job.seconds for job in plan.todo()} == {10.0}


def test_no_more_are_tried_together_than_were_seen_to_fit(make):
    queue = Queue(make_plan(make(GRID), []), no_histories, chosen := Packs(asked=6))
    first = queue.ask()
    chosen.learn(first[0], 6, 6)
    assert chosen.width(first[0]) == 6
    chosen.learn(first[0], 6, 3)
    assert [len(queue.ask()) for _ in range(4)] == [2, 6, 2, 0], "of the other kind nothing is known"
    assert chosen.width(first[0]) == 3
    chosen.learn(first[0], 3, 0)
    assert chosen.width(first[0]) == 1


def test_what_the_command_line_may_say():
    assert [packs.parse(text) for text in ("auto", "off", "1", "32")] == [None, 1, 1, 32]
    for text in ("0", "-3", "many", "1.5", ""):
        with pytest.raises(BenchError, match="is not a number of trials") as error:
            packs.parse(text)
        assert "`auto` or `off`" in error.value.mend


def test_a_long_list_of_trials_is_measured_up_to_the_widest():
    gpu, cpu = SimpleNamespace(workers=(1,), kind="cuda"), SimpleNamespace(workers=(1, 2), kind="cpu")
    assert packs._widths(1000, gpu) == (2, 4, 8, 16, 32, 64) and packs._widths(1000, cpu) == (4, 8, 16)
    assert packs._widths(1, gpu) == () and packs._widths(5, gpu) == (2, 4, 5) and packs._widths(6, cpu) == (3,)
