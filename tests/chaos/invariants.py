"""What must hold after the run that follows a fault. Each check returns what is wrong, "" where nothing is."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import bench
from bench.grammar.metrics import TIMES
from bench.trackers import open_tracker

from .phases import Reference
from .processes import Run, marked, told
from .stores import RawRun, Store

CURVES = ("train/loss", "val/loss", "val/accuracy")
PARTIAL = re.compile(r"\.(part|tmp|making|spool|holder)$|\.(part|making)[-.]|spool")
"""Names of files that are not finished, wherever they lie."""
TRACEBACK = "Traceback (most recent call last)"


@dataclass
class Findings:
    """What a store says of a suite, by bench's own interface. report: Markdown and CSV without ids and times. values: by stage,
    cell and seed. curves: likewise. open: jobs that are not done. counted: ids of the runs that count."""

    report: str
    values: dict[str, dict[str, object]]
    curves: dict[str, dict[str, list[tuple[int, float]]]]
    open: list[str]
    counted: list[str]


def findings(suite: Path, store: Store) -> Findings:
    """Read what a store says of a suite."""
    tracker = open_tracker(store.uri)
    loaded = bench.load(suite, tracker=tracker)
    report = loaded.report()
    frame = report.frame()
    metrics = [name for name in frame.columns if name not in TIMES and name != "run_id"]
    keys = [
        f"{record.stage}: {', '.join(f'{axis}={label}' for axis, label in record.labels.items())}, seed={record.seed}"
        for record in report.records
    ]
    values = {
        key: {str(name): None if value != value else value for name, value in row.items()}
        for key, row in zip(keys, frame[metrics].to_dict("records"), strict=True)
    }
    ids = {key: run_id for key, run_id in zip(keys, frame["run_id"], strict=True) if run_id}
    curves = tracker.histories(list(ids.values()), CURVES)
    jobs = loaded.status().as_dict()["jobs"]
    return Findings(
        report=_report(report.render("markdown", with_runs=False), report.render("csv"), store.experiment),
        values=values,
        curves={key: curves.get(run_id, {}) for key, run_id in ids.items()},
        open=[f"{job['stage']} {job['cell']} seed={job['seed']}: {job['state']}" for job in jobs if not _is_settled(job)],
        counted=[job["run_id"] for job in jobs if job["run_id"]],
    )


def _is_settled(job: Mapping[str, object]) -> bool:
    return job["state"] in ("done", "pruned")


def _report(markdown: str, table: str, name: str) -> str:
    """Return a report without the lines that say when it was made and how the suite is called, and without ids of runs."""
    lines = [line for line in markdown.splitlines() if not re.match(r"- (suite|recorded):", line)]
    lines = [re.sub(r"\(\d{4}-[^,]*,", "(TIME,", line) if line.startswith("**Declared**") else line for line in lines]
    rows = [{key: text for key, text in row.items() if key != "run_id"} for row in csv.DictReader(io.StringIO(table))]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return "\n".join([*lines, text.getvalue()]).replace(name, "SUITE")


def exits(run: Run, allowed: tuple[int, ...] = (0,)) -> str:
    """The run came to its end by itself, and well."""
    if run.hung:
        return f"{run.mark} did not end"
    return "" if run.code in allowed else f"{run.mark} ended with {run.code}: {_end(run.complained) or _end(run.said)}"


def traceback(run: Run) -> str:
    """No coordinator ends with a traceback."""
    said = run.complained
    return f"{run.mark}: {_end(said)}" if TRACEBACK in said else ""


def running(runs: list[RawRun]) -> str:
    left = [run.run_id for run in runs if run.status not in ("FINISHED", "FAILED", "KILLED")]
    return f"{len(left)} runs still run: {', '.join(left)}" if left else ""


def counts(found: Findings, runs: list[RawRun]) -> str:
    """Every fingerprint counts once: nothing is left to do, and each job has a finished run of its own."""
    if found.open:
        return f"not done: {'; '.join(found.open)}"
    finished = {run.run_id for run in runs if run.status == "FINISHED"}
    if strange := [run_id for run_id in found.counted if run_id not in finished]:
        return f"these count and are not finished: {', '.join(strange)}"
    twice = [run_id for run_id, times in Counter(found.counted).items() if times > 1]
    return f"these count for two trials: {', '.join(twice)}" if twice else ""


def repeated(found: Findings, runs: list[RawRun]) -> str:
    """Nothing that was finished was trained once more: no finished run that does not count."""
    counted = set(found.counted)
    extra = [run for run in runs if run.status == "FINISHED" and run.run_id not in counted]
    return f"{len(extra)} finished runs do not count: {', '.join(map(_named, extra))}" if extra else ""


def superseded(found: Findings, runs: list[RawRun]) -> str:
    """What finished and does not count says so."""
    counted = set(found.counted)
    silent = [
        run for run in runs if run.status == "FINISHED" and run.run_id not in counted and run.tags.get("superseded") != "yes"
    ]
    return f"these neither count nor say so: {', '.join(map(_named, silent))}" if silent else ""


def kept(before: list[RawRun], found: Findings) -> str:
    """What had finished before the last run is what counts."""
    lost = [run for run in before if run.status == "FINISHED" and run.run_id not in found.counted]
    return f"finished before, and no longer count: {', '.join(map(_named, lost))}" if lost else ""


def tables(found: Findings, reference: Reference) -> str:
    """Tables, values and curves are those of an undisturbed run."""
    if found.report != reference.report:
        pairs = zip(reference.report.splitlines(), found.report.splitlines(), strict=False)
        one, other = next(((a, b) for a, b in pairs if a != b), ("", "one is longer"))
        return f"the report differs: {other!r} instead of {one!r}"
    for what in ("values", "curves"):
        ours, theirs = getattr(found, what), getattr(reference, what)
        if differ := [key for key in theirs.keys() | ours.keys() if ours.get(key) != theirs.get(key)]:
            return f"{what} of {differ[0]} differ: {ours.get(differ[0])} instead of {theirs.get(differ[0])}"
    return ""


def orphans(mark: str) -> str:
    left = marked(mark)
    return f"processes are left: {', '.join(map(told, left))}" if left else ""


def leftovers(work: Path, temporary: Path, store: Store, reference: Reference) -> str:
    """Nothing lies about that an undisturbed run would not leave, and no half-made file anywhere."""
    extra = sorted(left_in(work, temporary) - reference.left)
    inside = [path.relative_to(work).as_posix() for path in work.rglob("*") if PARTIAL.search(path.name)]
    if store.file:
        extra += [path.name for path in work.glob("mlflow.db-*")]
    return f"left: {', '.join(dict.fromkeys([*extra, *inside]))}" if extra or inside else ""


def checkpoints(data: Path) -> str:
    """No state is kept of trials that have ended."""
    left = sorted(path.name for path in data.glob("checkpoints/*"))
    return f"left: {', '.join(left)}" if left else ""


def left_in(work: Path, temporary: Path) -> frozenset[str]:
    """Return what lies in a round's folders, at their top; of generated names only how they begin. Locks and stores may stay."""
    names = [f"work/{path.name}" for path in work.iterdir() if not re.match(r"mlflow\.db|mlruns$|__pycache__$", path.name)]
    names += [f"tmp/{re.sub('[-_][a-z0-9_]{8}$', '-*', path.name)}" for path in temporary.iterdir()]
    return frozenset(names)


def _named(run: RawRun) -> str:
    return f"{run.tags.get('cell', run.run_id)} seed={run.tags.get('seed')} ({run.run_id[:8]})"


def _end(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-3:])[-400:]
