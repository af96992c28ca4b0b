"""Importances of the parameters of a search."""

import pytest

from bench.grammar.stages import Search
from bench.reports.figures.build import draw
from bench.runner.search import importances

SPACE = {
    "lr": {"path": "train.optimizer.lr", "low": 0.001, "high": 1.0, "log": True},
    "decay": {"path": "train.optimizer.weight_decay", "low": 0.0, "high": 1.0},
    "depth": {"path": "model.args.depth", "low": 1, "high": 4},
}
SEARCH = Search(space=SPACE, trials=40)


def runs_of(make, objective, count=40, outcome=lambda number: "finished"):
    found = []
    for number in range(count):
        lr, decay, depth = 10 ** (-3 * (number * 0.618 % 1)), number * 0.3247 % 1, number % 4 + 1
        tags = {"search.lr": str(lr), "search.decay": str(decay), "search.depth": str(depth), "search.seed": str(number % 2)}
        trial = make.expected(stage="search", trial=str(number))
        found.append(make.run(trial, outcome=outcome(number), tags=tags, val__accuracy=objective(lr, decay, depth)))
    return found


def test_what_the_objective_hangs_on_is_important(make):
    found = importances(SEARCH, runs_of(make, lambda lr, decay, depth: 0.5 + 0.4 * decay))
    assert next(iter(found)) == "decay" and found["decay"] > 0.9
    assert set(found) == {"lr", "decay", "depth", "seed"} and sum(found.values()) == pytest.approx(1.0)
    assert importances(SEARCH, runs_of(make, lambda lr, decay, depth: 0.5 + 0.4 * decay)) == found


def test_pruned_trials_do_not_count_and_equal_results_have_none(make):
    assert importances(SEARCH, runs_of(make, lambda *_: 0.5)) == {}
    assert importances(SEARCH, runs_of(make, lambda lr, *_: lr, outcome=lambda number: "pruned" if number else "finished")) == {}
    assert importances(SEARCH, []) == {}


def test_the_figure_says_how_many_trials_it_rests_on(study_of, drawn):
    records, store = study_of(models=("a", "b"), seeds=5)
    figure = drawn("importances", records, store)
    panel = figure.data.panels[0]
    assert (panel.label, panel.shares, panel.finished, panel.pruned) == ("model = a", {"lr": pytest.approx(100)}, 5, 2)
    assert "model = a: 5 finished trials (2 pruned, not counted)" in figure.caption and "That is few" in figure.caption
    assert all(ax.get_xlim() == (0, 100) for ax in draw(figure).axes)
