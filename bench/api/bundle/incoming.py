"""`bench import` and `bench verify`: a bundle brought into a store, and looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.api.bundle.archive import Archive
from bench.api.bundle.views import Bundle
from bench.api.store import store as open_store
from bench.errors import BenchError
from bench.grammar.document import write_whole
from bench.trackers import RunDetails, StoredRun, Tracker, record
from bench.trackers.record import Outcome

ARRIVED = "imported"
"""The tag with the bundle from which a run came; one that still says RUNNING was left by an import that was stopped."""
MOST_POINTS = 800
"""Values of curves that are written at once: MLflow takes 1,000."""


@dataclass(frozen=True)
class Verified:
    """What a bundle holds, and whether it is whole. manifest: what it says of itself. problems: what is damaged or was changed.
    missing: what it lacks, though it is as it was made."""

    path: Path
    manifest: Mapping[str, Any]
    problems: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Imported:
    """What an import has done. new: runs that were written. there: those that were there. files: the suite's, written too."""

    experiment: str
    suite: str
    profile: str
    new: int
    there: int
    files: list[Path] = field(default_factory=list)


def verify(path: str | Path) -> Verified:
    """Compare a bundle with its checksums, and say what it lacks. Raises BenchError for what is no bundle."""
    with Archive(path) as archive:
        manifest, problems = archive.manifest, list(archive.problems())
        if not problems:
            problems += _incomplete(archive)
    missing = [str(text) for name in ("missing", "absent") for text in manifest.get(name, ())]
    if not manifest.get("complete"):
        missing.insert(0, "not every planned trial has a result (see its report)")
    return Verified(Path(path), manifest, problems, missing)


def import_bundle(path: str | Path, tracker: Tracker | str | None = None, *, folder: str | Path | None = None) -> Imported:
    """Bring the runs of a bundle into a store. A run that is there, by the id that it had or as a result of the same trial, is
    not written again.

    tracker: the store, or an MLflow tracking URI; None takes MLFLOW_TRACKING_URI, and else mlflow.db in the working folder.
    folder: where the suite's own files are written; None leaves them in the bundle. Raises BenchError, before anything is
    written, for a bundle that is damaged; and where another file of a name is in the folder.
    """
    store = open_store(tracker)
    with Archive(path) as archive:
        if problems := [*archive.problems()]:
            raise archive.damaged("\n  ".join(["is damaged:", *problems[:20]]))
        if problems := _incomplete(archive):
            raise archive.damaged("\n  ".join(["is not whole:", *problems[:20]]))
        bundle = Bundle(archive)
        files = _checked_files(archive, Path(folder)) if folder is not None else {}
        said = archive.manifest
        runs = bundle.runs(bundle.experiment)
        new = _new(runs, store.runs(bundle.experiment))
        if new:
            with store.hold(bundle.experiment):
                new = _bring(bundle, runs, store)
        for file, content in files.items():
            write_whole(file, content, "choose another -o DIR")
    return Imported(bundle.experiment, str(said["file"]), str(said["profile"]), len(new), len(runs) - len(new), list(files))


def _bring(bundle: Bundle, runs: list[StoredRun], tracker: Tracker) -> list[StoredRun]:
    """Write the runs that a store lacks, now that nobody else does, and return them."""
    said = bundle.archive.manifest
    about = {name: str(said[name]) for name in ("suite", "profile")}
    tracker.open(bundle.experiment, about | {"about": f"{said['title']} — bench report {said['file']}"})
    stored = tracker.runs(bundle.experiment)
    left = [run for run in stored if run.status == "RUNNING" and ARRIVED in run.tags]
    tracker.close_stale(left, {"message": "an import that was stopped"})
    known = tracker.notes(bundle.experiment)
    for name, text in bundle.notes(bundle.experiment).items():
        if name not in known:
            tracker.note(name, text)
    new = _new(runs, stored)
    for run in new:
        _write_run(bundle, run, tracker)
    return new


def _new(runs: Sequence[StoredRun], stored: Sequence[StoredRun]) -> list[StoredRun]:
    """Return the runs that a store lacks: it has no run of the id that they had where they were made, nor one of the same trial
    with a result, or else with the same outcome."""
    whole = [run for run in stored if run.status != "RUNNING"]
    ids = {record.origin_id(run) for run in whole}
    trials = {(record.trial(run.tags), record.outcome(run)) for run in whole if record.trial(run.tags)}
    return [
        run
        for run in runs
        if record.origin_id(run) not in ids
        and not any((record.trial(run.tags), outcome) in trials for outcome in (Outcome.FINISHED, record.outcome(run)))
    ]


def _write_run(bundle: Bundle, run: StoredRun, tracker: Tracker) -> None:
    """Write a run. What tells its trial comes with its end, so that what was stopped on the way stands for none.

    A store's curves have no times (`Tracker.histories`); in the copy the epochs lie evenly over the time of the run.
    """
    details = bundle.details([run.run_id]).get(run.run_id, RunDetails())
    rows = _rows(bundle.curves(run.run_id), (run.end or run.start) - run.start)
    run_id = tracker.start(details.name, {ARRIVED: str(bundle.archive.path.name)}, details.params, run.start)
    size = max(1, MOST_POINTS // max((len(row) for row in rows), default=1))
    *firsts, last = [rows[at : at + size] for at in range(0, len(rows), size)] or [[]]
    for part in firsts:
        tracker.log(run_id, part)
    tracker.finish(
        run_id,
        status=run.status,
        tags={**run.tags, record.ORIGIN: record.origin_id(run)},
        metrics=run.metrics,
        history=last,
        artifacts=bundle.artifacts(run.run_id),
        ended=run.end,
    )


def _rows(curves: Mapping[str, Sequence[tuple[int, float]]], seconds: float) -> list[dict[str, float]]:
    """Return curves as `Tracker.log` takes them, a row an epoch."""
    by_epoch: dict[int, dict[str, float]] = {}
    for metric, points in curves.items():
        for epoch, value in points:
            by_epoch.setdefault(epoch, {})[metric] = value
    last = max(by_epoch, default=1)
    return [{"epoch": epoch, "seconds": seconds * epoch / last, **by_epoch[epoch]} for epoch in sorted(by_epoch)]


def _incomplete(archive: Archive) -> list[str]:
    """Return which parts of a bundle are not there, or say nothing."""
    said, name = archive.manifest, f"suite/{archive.manifest.get('file')}"
    problems = [
        f"the manifest says no {word}" for word in ("suite", "title", "profile", "experiment", "file") if word not in said
    ]
    problems += [f"{name} is missing"] if name not in archive.files else []
    problems += [] if archive.names("report/") else ["it has no report"]
    try:
        found = len(Bundle(archive).runs(str(said.get("experiment"))))
    except BenchError as error:
        return [*problems, error.message]
    return problems + ([f"it has {found} runs, and its manifest says {said.get('runs')}"] if found != said.get("runs") else [])


def _checked_files(archive: Archive, folder: Path) -> dict[Path, bytes]:
    """Return the suite's files with the paths that they are to have, none of which is taken by another file."""
    files = {folder / name.removeprefix("suite/"): archive.read(name) for name in archive.names("suite/")}
    for file, content in files.items():
        if file.exists() and (not file.is_file() or file.read_bytes() != content):
            raise BenchError("is there, and is another file than the bundle's", where=str(file), mend="choose another -o DIR")
    return files
