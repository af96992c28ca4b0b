"""Figures of a search: the learning curves of all of its trials."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.grammar.cells import TRIAL
from bench.reports.figures.cells import Store, place, some
from bench.reports.figures.data_trials import Course, Points, Trials
from bench.reports.figures.ranges import axis_range
from bench.reports.records.collect import Record
from bench.reports.tables.blocks import better_end
from bench.trackers.record import Outcome

if TYPE_CHECKING:
    from bench.reports.figures.grammar import Trials as Spec


def trials(name: str, spec: "Spec", records: Sequence[Record], store: Store | None) -> tuple[Trials, str]:
    """Return the learning curves of every trial of a search that recorded any, and the caption."""
    metrics = f"train/{spec.metric}", f"val/{spec.metric}"
    cells = place(name, spec, records, [TRIAL])
    runs = [record.run.run_id for cell in cells.values() for record in cell if record.run]
    found = store.histories(runs, metrics) if store and runs else {}
    best = min if better_end(metrics[1], {}) == "lower" else max
    by_panel: dict[str, list[tuple[str, Points, Points, bool]]] = defaultdict(list)
    without = []
    for (where, trial), (record, *_) in cells.items():
        train, val = (tuple(found.get(record.run.run_id, {}).get(metric, [])) if record.run else () for metric in metrics)
        if val:
            by_panel[where].append((trial, train, val, record.outcome is Outcome.PRUNED))
        else:
            without.append(f"{where + ', ' if where else ''}{trial} ({record.outcome})")
    panels = {}
    for where, courses in by_panel.items():
        sign = 1 if best is min else -1
        courses.sort(key=lambda course: sign * best(value for _, value in course[2]))
        panels[where] = tuple(
            Course(_told(trial, train, val, best), number, train, val, ended)
            for number, (trial, train, val, ended) in enumerate(courses)
        )
    shown = [course for courses in panels.values() for course in courses]
    span = axis_range(value for course in shown for _, value in (*course.train, *course.val))
    notes = (f"Without recorded epochs: trial {some(without)}.",) if without else ()
    return Trials(spec.metric, panels, span, notes), _caption(spec.metric, shown, "highest" if best is max else "lowest")


def _told(trial: str, train: Points, val: Points, best) -> str:
    """Return a trial as the key names it."""
    ends = [f"{best(value for _, value in points):.3f}" if points else "–" for points in (val, train)]
    return f"{trial}: {' / '.join(ends)}"


def _caption(metric: str, shown: Sequence[Course], end: str) -> str:
    if not shown:
        return "No trial has recorded epochs."
    ended = sum(course.ended for course in shown)
    told = (
        f"{len(shown)} trials. Bold: validation {metric}; thin, in the same colour: training {metric}. Key: trial, and its {end} "
    )
    told += "validation and training value over all epochs, the best first."
    return told + (f" ×: ended early by the search ({ended} of {len(shown)})." if ended else "")
