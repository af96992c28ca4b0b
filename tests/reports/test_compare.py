"""Two sets of results compared: which verdict the numbers give, and how often it is false."""

import random

import pytest

from bench.reports.compare import SidesCompared, Verdict, compare
from bench.reports.formats.compared import render
from bench.reports.records.collect import Record
from bench.reports.sides import Side
from bench.reports.tables.grammar import Table
from bench.trackers import StoredRun
from bench.trackers.record import Outcome

TIMED = {"device": "CPU", "workers": "1", "threads": "1", "precision": "float32"}


def side(name: str, values: dict[str, list[float]], metric: str = "val/loss", seeds=None, **tags: str) -> Side:
    """Make a side of one stage: label → a value a seed."""
    trials = []
    for label, of_label in values.items():
        labels = {"arm": label}
        for seed, value in zip(seeds or range(len(of_label)), of_label, strict=True):
            run = StoredRun(f"{name}-{label}-{seed}", "FINISHED", TIMED | tags, {metric: value})
            trials.append(Record("s", labels, seed, "", run=run, outcome=Outcome.FINISHED))
    return Side(name, trials, {"t": Table(stage="s", rows="arm", values=metric)})


def verdicts(compared: SidesCompared) -> list[Verdict]:
    return [row.verdict for row in compared.rows]


BASE = [1.0, 1.1, 0.9, 1.05, 0.95]


def moved(by: float, factor: float = 1.0) -> list[float]:
    return [factor * value + by + 0.01 * (-1) ** n for n, value in enumerate(BASE)]


@pytest.mark.parametrize(
    ("metric", "after", "margin", "verdict"),
    [
        ("val/loss", moved(0.5), 0.1, Verdict.WORSE),  # the lower the better
        ("val/loss", moved(-0.5), None, Verdict.BETTER),
        ("val/loss", moved(0.05), 0.1, Verdict.NO_WORSE),  # worse, but by less than the margin
        ("val/loss", moved(0.05), None, Verdict.WORSE),
        ("test/accuracy", moved(0.5), None, Verdict.BETTER),
        ("test/accuracy", moved(-0.5), 0.1, Verdict.WORSE),
        ("wall_clock", moved(0.0, 1.5), 0.1, Verdict.WORSE),  # a share: at most 1.1 times as long
        ("wall_clock", moved(0.0, 1.05), 0.1, Verdict.NO_WORSE),
        ("images_per_second", moved(0.0, 1 / 1.05), 0.1, Verdict.NO_WORSE),
        ("images_per_second", moved(0.0, 1 / 1.5), 0.1, Verdict.WORSE),
        ("val/loss", list(BASE), None, Verdict.NO_WORSE),  # identical
        ("epochs", moved(3.0), 0.1, Verdict.NOT_JUDGED),  # nobody says which end is better
    ],
)
def test_a_verdict_follows_the_better_end_and_the_margin(metric, after, margin, verdict):
    margins = {} if margin is None else {metric: margin}
    compared = compare("tiny", side("a", {"x": BASE}, metric), side("b", {"x": after}, metric), margins=margins)
    assert verdicts(compared) == [verdict] and compared.passes() == (verdict is not Verdict.WORSE)
    assert compared.passes(strict=True) == compared.passes()


def test_few_seeds_other_machines_and_other_draws_are_no_verdict():
    few = compare("tiny", side("a", {"x": BASE[:2]}), side("b", {"x": [9.0, 9.2]}))
    assert verdicts(few) == [Verdict.NOT_KNOWN] and few.rows[0].why == "fewer than 3 seeds"
    times = side("a", {"x": BASE}, "wall_clock"), side("b", {"x": moved(9)}, "wall_clock", device="GPU")
    assert verdicts(compare("tiny", *times)) == [Verdict.NOT_JUDGED]
    drawn = side("a", {"x": BASE}, **{"search.lr": "0.1"}), side("b", {"x": moved(9)}, **{"search.lr": "0.2"})
    assert compare("tiny", *drawn).rows[0].why == "the search drew other parameters"


def test_the_margin_of_all_and_cells_that_one_side_lacks():
    compared = compare("tiny", side("a", {"x": BASE, "y": BASE}), side("b", {"x": moved(0.05), "z": BASE}), margins={"": 0.1})
    assert verdicts(compared) == [Verdict.NO_WORSE] and compared.passes() and not compared.passes(strict=True)
    assert (compared.only_baseline, compared.only_candidate) == (["s: arm=y"], ["s: arm=z"])
    text = render(compared, width=80)
    assert "Only the baseline has s: arm=y." in text and max(map(len, text.splitlines())) <= 80


def test_all_differences_are_corrected_together():
    arms = {name: moved(0.0) for name in "abcdefgh"}
    compared = compare("tiny", side("a", dict.fromkeys(arms, BASE)), side("b", {**arms, "a": moved(0.02)}))
    raw = compared.rows[0].result.p
    assert compared.tests == 8 and raw < 0.05 and compared.rows[0].holm == pytest.approx(min(1, 8 * raw))
    assert compared.rows[0].result.confidence == pytest.approx(1 - 0.05 / 8)


def test_what_loses_just_the_margin_is_called_no_worse_as_seldom_as_promised():
    draw, false, rounds = random.Random(7), 0, 400
    for _ in range(rounds):
        before = [draw.gauss(0, 1) for _ in range(6)]
        after = [value + 0.5 + draw.gauss(0, 1) for value in before]
        compared = compare("tiny", side("a", {"x": before}), side("b", {"x": after}), margins={"val/loss": 0.5})
        false += compared.rows[0].verdict in (Verdict.NO_WORSE, Verdict.BETTER)
    assert false <= 0.05 * rounds  # 0.025 is promised: one end of the two-sided interval
