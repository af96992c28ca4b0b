"""Searches: every trial with its parameters, pruned ones as an outcome of their own."""

import json

import pytest

from bench.grammar.stages import Stage
from bench.reports.check import check
from bench.reports.formats import FORMATS
from bench.reports.layout.outline import sections
from bench.reports.layout.searches import search as laid_out
from bench.reports.records.collect import collect
from tests.reports.assembling import assemble

SPACE = {"lr": {"path": "train.optimizer.lr", "low": 0.001, "high": 0.1}, "optimizer": {"sgd": {}, "adam": {}}}


def stage(**changes):
    return Stage.model_validate({"search": {"space": SPACE, "trials": 4} | changes})


@pytest.fixture
def searched(make):
    """Return a maker of reports on a search: (outcome, objective, epochs) of each trial."""

    def made(told, labels=({},), **changes):
        planned, runs = [], []
        for cell in labels:
            for number, (outcome, value, epochs) in enumerate(told):
                planned.append(trial := make.expected(stage="tuning", trial=str(number), **cell))
                if outcome != "missing":
                    metrics = {"val__accuracy": value, "val__loss": 1 - value} if value is not None else {}
                    metrics |= {"epochs": epochs} if epochs else {}
                    tags = {"search.optimizer": "sgd", "search.lr": f"0.0{number + 1}", "search.seed": "7"}
                    runs.append(make.run(trial, outcome=outcome, tags=tags, **metrics))
        return assemble("s", "t", "default", {}, collect(planned, runs), searches={"tuning": stage(**changes)})

    return made


TOLD = [("finished", 0.5, 30), ("pruned", 0.7, 2), ("finished", 0.8, 30), ("diverged", None, None), ("pruned", 0.1, 1)]


def test_finished_trials_are_ranked_by_the_objective_and_pruned_ones_follow(searched):
    (found,) = searched(TOLD).searches
    assert [one.trial for one in found.attempts] == ["2", "0", "1", "4", "3"]
    assert found.attempts[0].parameters == {"lr": "0.03", "optimizer": "sgd", "seed": "7"}  # in the order of the space
    assert [(one.value, one.epochs) for one in found.attempts] == [(0.8, 30), (0.5, 30), (0.7, 2), (0.1, 1), (None, None)]
    assert found.outcomes == {"finished": 2, "pruned": 2, "diverged": 1}
    (found,) = searched(TOLD, metric="val/loss").searches
    assert [one.trial for one in found.attempts] == ["2", "0", "1", "4", "3"] and found.attempts[0].value == pytest.approx(0.2)


def test_pruned_trials_are_done_and_stand_in_no_ledger(searched):
    report = searched(TOLD[:3])
    assert report.complete and report.ledger == []
    assert report.summary.outcomes == {"finished": 2, "pruned": 1}
    report = searched(TOLD)
    assert not report.complete and [entry.outcome for entry in report.ledger] == ["diverged"]
    assert not searched([*TOLD[:3], ("missing", None, None)]).complete


def test_the_ten_best_are_listed_with_their_runs_and_the_others_counted(searched):
    report = searched([("finished", 0.5 + 0.01 * i, 3) for i in range(14)])
    grid = laid_out(report.searches[0])
    assert grid.header == ["rank", "trial", "lr", "optimizer", "seed", "val/accuracy", "epochs", "outcome"]
    assert [row[0].lines[0] for row in grid.rows] == [str(rank) for rank in range(1, 11)]
    assert [cell.lines[0] for cell in grid.rows[0]] == ["1", "13", "0.014", "sgd", "7", "0.6300", "3", "finished"]
    assert grid.rows[0][5].runs == (report.searches[0].attempts[0].run_id,)
    assert "14 trials (14 finished)" in grid.caption and grid.remarks == [
        "Not listed: 4 more trials; all of them stand in the JSON report."
    ]


def test_a_trial_without_a_value_has_no_rank(searched):
    rows = laid_out(searched(TOLD).searches[0]).rows
    assert [row[0].lines[0] for row in rows] == ["1", "2", "–", "–", "–"]
    assert [cell.lines[0] for cell in rows[-1]] == ["–", "3", "0.04", "sgd", "7", "–", "–", "diverged"]


def test_each_cell_of_other_axes_is_a_search_of_its_own(searched):
    report = searched(TOLD, labels=({"model": "cnn"}, {"model": "resnet"}))
    assert [(one.name, one.title) for one in report.searches] == [
        ("tuning model=cnn", "tuning, model=cnn"), ("tuning model=resnet", "tuning, model=resnet"),
    ]  # fmt: skip
    names = [part.name for section in sections(report) for part in section.parts]
    assert len(set(names)) == 2 and all(len(one.attempts) == 5 for one in report.searches)


def test_json_holds_every_trial_and_a_changed_one_is_found(searched):
    report = searched([("finished", 0.5 + 0.01 * i, 3) for i in range(12)])
    text = FORMATS["json"].load().render(report)
    told = json.loads(text)["searches"]["tuning"]
    assert len(told["attempts"]) == 12 and told["attempts"][0]["parameters"]["lr"] == "0.012"
    assert check(report, text, "json") == []
    (found,) = check(report, text.replace('"value": 0.5,', '"value": 0.25,', 1), "json")
    assert "search tuning, row 0, column value: the file says 0.25, the stored runs give 0.5" in str(found)
    for format in ("markdown", "latex", "html"):
        text = FORMATS[format].load().render(report)
        assert check(report, text, format) == []
        (found,) = check(report, text.replace("0.610", "0.619"), format)
        assert found.column == "val/accuracy" and found.row == "11"


def test_html_takes_a_parameter_for_no_verdict(make):
    planned = make.expected(stage="tuning", trial="0")
    records = collect([planned], [make.run(planned, tags={"search.verdict": "supported"}, val__accuracy=0.5)])
    searches = {"tuning": stage(space={"verdict": {"supported": {}, "refuted": {}}})}
    text = FORMATS["html"].load().render(assemble("s", "t", "default", {}, records, searches=searches))
    assert "<td>supported</td>" in text and '<span class="verdict' not in text
