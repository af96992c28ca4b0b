"""Searches: what Optuna draws and prunes, and that both survive an interruption."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.grammar import stages
from bench.runner.search import OptunaSearch
from bench.trackers import StoredRun
from bench.trackers.record import Outcome

SPACE = {
    "lr": stages.Range(path=["train.optimizer.lr"], low=1e-4, high=1e-2, log=True),
    "width": stages.Range(path=["model.args.hidden"], low=8, high=64, step=8),
    "augment": {"true": {}, "false": {}},
}


def search(pruner=None, sampler=None, seeds=(7, 42, 77), **options) -> OptunaSearch:
    sampler = sampler or stages.RandomSampler(name="random")
    spec = stages.Search(space=SPACE, trials=30, sampler=sampler, pruner=pruner, **options)
    return OptunaSearch(spec, list(seeds), "s")


def stored(number: int, drawn: dict[str, str], outcome: str, values: list[float]) -> StoredRun:
    tags = {"outcome": outcome, **{f"search.{name}": text for name, text in drawn.items()}}
    status = {"finished": "FINISHED", "pruned": "KILLED"}.get(outcome, "FAILED")
    return StoredRun(f"r{number}", status, tags, {"val/accuracy": values[-1]} if values else {}, start=float(number))


@pytest.mark.parametrize("sampler", [stages.RandomSampler(name="random"), stages.TPESampler(name="tpe", startup=3)])
def test_draws_lie_in_the_space_and_repeat(sampler):
    drawn = []
    for one in (search(sampler=sampler), search(sampler=sampler)):
        texts = []
        for number in range(8):
            trial = one.draw(number)
            one.tell(trial, Outcome.FINISHED, {"val/accuracy": math.log10(trial.params["lr"])})
            texts.append(one.text(trial))
        drawn.append(texts)
    assert drawn[0] == drawn[1]
    assert len({text["lr"] for text in drawn[0]}) == 8
    for text in drawn[0]:
        assert 1e-4 <= float(text["lr"]) <= 1e-2 and int(text["width"]) in range(8, 65, 8)
        assert text["augment"] in ("true", "false") and text["seed"] in ("7", "42", "77")


def test_other_seeds_other_draws():
    assert search().text(search().draw(0)) != search(seed=1).text(search(seed=1).draw(0))


def test_tpe_goes_where_it_is_good():
    """After 40 trials whose accuracy falls with the distance from lr = 1e-3, draws lie nearer than at random."""
    distances = {}
    for name, sampler in (("random", stages.RandomSampler(name="random")), ("tpe", stages.TPESampler(name="tpe", startup=10))):
        one, found = search(sampler=sampler), []
        for number in range(40):
            trial = one.draw(number)
            found.append(abs(math.log10(trial.params["lr"]) + 3))
            one.tell(trial, Outcome.FINISHED, {"val/accuracy": -found[-1]})
        distances[name] = sum(found[20:]) / 20
    assert distances["tpe"] < 0.6 * distances["random"], distances


def rungs(values: list[list[float]], factor: int, min_epochs: int = 1) -> list[int]:
    """Return how many epochs each trial runs under asynchronous successive halving, one trial after the other, after Li et al.
    (2020): at min_epochs * factor^k a trial goes on if it is among the best 1/factor of those that came so far; the first few,
    of which there is no 1/factor yet, only as the best."""
    seen: dict[int, list[float]] = {}
    lengths = []
    for curve in values:
        for epoch, value in enumerate(curve, 1):
            rung = math.log(epoch / min_epochs, factor) if epoch >= min_epochs else -1
            if rung < 0 or abs(rung - round(rung)) > 1e-9:
                continue
            there = seen.setdefault(round(rung), [])
            there.append(value)
            kept = max(len(there) // factor, 1)
            if value < sorted(there, reverse=True)[kept - 1]:
                break
        lengths.append(epoch)
    return lengths


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 1000), min_size=9, max_size=9, unique=True), min_size=1, max_size=12),
    st.sampled_from([2, 3]),
    st.integers(0, 12),
)
def test_asha_against_its_paper_and_after_an_interruption(values, factor, cut):
    values = [[value / 1000 for value in curve] for curve in values]
    pruner = stages.ASHA(name="asha", factor=factor)
    one, past, lengths = search(pruner), [], []
    for number, curve in enumerate(values):
        if number == cut:  # the process dies, and the search is rebuilt from what is stored
            one = search(pruner)
            histories = {run.run_id: {"val/accuracy": list(enumerate(values[i][: lengths[i]], 1))} for i, run in enumerate(past)}
            one.remember(past[::-1], histories)
        trial = one.draw(number)
        length, goes_on = 0, True
        while goes_on and length < len(curve):
            goes_on = one.goes_on(trial, length + 1, curve[length])
            length += 1
        outcome = Outcome.FINISHED if goes_on else Outcome.PRUNED
        one.tell(trial, outcome, {"val/accuracy": curve[length - 1]})
        past.append(stored(number, one.text(trial), outcome, curve[:length]))
        lengths.append(length)
    assert lengths == rungs(values, factor)


def test_an_interrupted_search_draws_what_it_would_have_drawn():
    whole, texts = search(), []
    for number in range(6):
        trial = whole.draw(number)
        texts.append(whole.text(trial))
        whole.tell(trial, Outcome.FINISHED, {"val/accuracy": 0.5})
    resumed = search()
    resumed.remember([stored(i, text, "finished", [0.5]) for i, text in enumerate(texts[:3])], {})
    assert [resumed.text(resumed.draw(number)) for number in range(3, 6)] == texts[3:]


def test_failures_and_other_objectives():
    one = search(metric="val/loss")
    one.remember([stored(0, one.text(one.draw(0)), "diverged", [])], {})
    trial = one.draw(1)
    one.tell(trial, Outcome.FINISHED, {"val/loss": 0.2})
    assert one.study.best_value == 0.2 and one.study.direction.name == "MINIMIZE"
    assert sorted(trial.state.name for trial in one.study.trials if trial.state.is_finished()) == ["COMPLETE", "FAIL"]


def test_median_stopping():
    one = search(stages.MedianStopping(name="median", startup=3, warmup=1))
    for number in range(3):
        trial = one.draw(number)
        assert all(one.goes_on(trial, epoch, 0.5) for epoch in (1, 2, 3))
        one.tell(trial, Outcome.FINISHED, {"val/accuracy": 0.5})
    trial = one.draw(3)
    assert one.goes_on(trial, 1, 0.1), "warm-up"
    assert not one.goes_on(trial, 2, 0.1)
