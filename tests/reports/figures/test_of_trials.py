"""The trials of a search as curves: what the figure says."""

import pytest

from bench.reports.figures.build import draw


def test_every_trial_is_a_pair_of_curves_the_best_first(study_of, drawn):
    records, store = study_of(models=("a", "b"), seeds=5)
    figure = drawn("trials", records, store)
    assert list(figure.data.panels) == ["model = a", "model = b"]
    courses = figure.data.panels["model = a"]
    best = {}
    for record in records:
        if record.stage == "search" and record.labels["model"] == "a":
            best[record.labels["trial"]] = max(value for _, value in store.curves[record.run.run_id]["val/accuracy"])
    order = sorted(best, key=best.get, reverse=True)
    assert [course.label.partition(":")[0] for course in courses] == order
    assert [course.place for course in courses] == list(range(7))
    assert courses[0].label == f"{order[0]}: {best[order[0]]:.3f} / {best[order[0]] + 0.05:.3f}"
    run = next(r for r in records if r.labels == {"model": "a", "trial": order[0]}).run
    assert courses[0].val == tuple(store.curves[run.run_id]["val/accuracy"])
    assert courses[0].train == tuple(store.curves[run.run_id]["train/accuracy"])


def test_pruned_trials_end_early_and_are_marked(study_of, drawn):
    records, store = study_of(models=("a",), seeds=5)
    figure = drawn("trials", records, store)
    courses = {course.label.partition(":")[0]: course for course in figure.data.panels["model = a"]}
    assert {name for name, course in courses.items() if course.ended} == {"2", "5"}
    assert len(courses["2"].val) == 1 and len(courses["3"].val) == 5
    assert "×: ended early by the search (2 of 7)." in figure.caption and "7 trials." in figure.caption
    ax, key = draw(figure).axes
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert sorted(line.get_ydata()[0] for line in crosses) == sorted(courses[name].val[-1][1] for name in "25")
    curves = [line for line in ax.lines if line.get_marker() != "x"]
    assert {line.get_linewidth() for line in curves} == {0.6, 1.5} and len(curves) == 14
    by_colour = {}
    for line in curves:
        by_colour.setdefault(line.get_color(), set()).add(line.get_linewidth())
    assert set(map(frozenset, by_colour.values())) == {frozenset({0.6, 1.5})}  # both curves of a trial have its colour
    assert len([text for text in key.texts if "/" in text.get_text()]) == 8  # the head of the key, and each trial


def test_of_losses_the_lowest_is_best(study_of, drawn):
    records, store = study_of(models=("a",), seeds=2)
    for curves in store.curves.values():
        if "val/accuracy" in curves:
            curves |= {
                f"{split}/loss": [(e, 1 - v) for e, v in curves.get(f"{split}/accuracy", [])] for split in ("val", "train")
            }
    figure = drawn("trials", records, store, metric="loss")
    courses = figure.data.panels["model = a"]
    assert [min(value for _, value in course.val) for course in courses] == sorted(
        min(value for _, value in course.val) for course in courses
    )
    assert "its lowest validation and training value" in figure.caption


def test_trials_without_epochs_are_named(study_of, drawn):
    records, store = study_of(models=("a",), seeds=2, failed=lambda model, noise, seed: "oom" if seed == 1 else "")
    data = drawn("trials", records, store).data
    assert len(data.panels["model = a"]) == 3
    assert data.notes == ("Without recorded epochs: trial model = a, 1 (oom).",)
    assert drawn("trials", records, None).caption.endswith("No trial has recorded epochs.")


@pytest.mark.parametrize("seeds", [1, 38])
def test_the_key_has_room_for_one_trial_and_for_forty(study_of, drawn, seeds, silent):
    records, store = study_of(models=("a",), seeds=seeds)
    drawing = draw(drawn("trials", records, store))
    ax, key = drawing.axes
    assert ax.get_position().x1 <= key.get_position().x0 and ax.get_position().width > 0.3
