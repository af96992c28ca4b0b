"""`bench export`: a suite's runs, files and report, as one archive."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.api.bundle.anonymous import Left, Redactor
from bench.api.bundle.archive import Writer, is_safe, text_of
from bench.api.bundle.files import data_digests, suite_files
from bench.api.bundle.views import LARGE, SMALL, Outgoing
from bench.api.locking import commit_of
from bench.api.report import report
from bench.errors import BenchError
from bench.suite import lock as locks
from bench.suite.suite import Suite
from bench.trackers import StoredRun, Tracker, record
from bench.trackers.declarations import stored as declarations
from bench.trackers.record import Artifact
from bench.version import __version__

AT_ONCE = 200
"""Runs whose curves and params are read at once."""
FORMATS = {"markdown": "md", "html": "html", "json": "json"}
MOST_TOLD = 20
"""Places of what is left that an error names."""


@dataclass(frozen=True)
class Exported:
    """What an export has written. runs: how many. missing: what of them could not be had. absent: files of the suite that could
    not travel. left: what an anonymous bundle still says, where that was allowed. complete: whether no trial is missing."""

    path: Path
    runs: int
    complete: bool
    missing: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def export(
    suite: Suite, tracker: Tracker, path: str | Path, *, full: bool = False, anonymous: bool = False, anyway: bool = False
) -> Exported:
    """Write a bundle: see `LoadedSuite.export`."""
    path = Path(path)
    stored = tracker.runs(suite.experiment)
    runs = chosen(stored, full=full)
    if not runs:
        raise BenchError(
            "has no runs to export", where=suite.document.file, mend=f"run it first: bench run {suite.document.file}"
        )
    redactor = _redactor(suite, tracker, stored) if anonymous else None
    outgoing = Outgoing(tracker, runs, full=full, redactor=redactor)
    with Writer(path) as writer:
        packer = _Packer(writer, redactor, anyway)
        absent = _put_suite(packer, suite)
        missing: list[str] = []
        going = outgoing.runs(suite.experiment)
        for first in range(0, len(going), AT_ONCE):
            missing += _put_runs(packer, outgoing, going[first : first + AT_ONCE], full=full)
        if notes := outgoing.notes(suite.experiment):
            packer.put("declarations.json", text_of(notes))
        packer.put("data.json", text_of(data_digests(suite)))
        made = report(suite, outgoing, figures=True)
        for form, ending in FORMATS.items():
            packer.put(f"report/{suite.name}.{suite.profile}.{ending}", made.render(form).encode())
        writer.manifest = {
            "bench": __version__,
            "suite": suite.name,
            "title": suite.title,
            "profile": suite.profile,
            "file": Path(suite.document.file).name,
            "experiment": suite.experiment,
            "full": full,
            "anonymous": anonymous,
            "complete": made.complete,
            "trials": len(made.records),
            "runs": len(runs),
            "outcomes": dict(Counter(str(record.outcome(run)) for run in runs)),
            "versions": sorted({record.versions(run) for run in runs} - {""}),
            "missing": missing,
            "absent": absent,
        }
        packer.settle(path)
    return Exported(path, len(runs), made.complete, missing, absent, packer.left)


def chosen(runs: Sequence[StoredRun], *, full: bool) -> list[StoredRun]:
    """Return the runs that travel: all that have ended, failed attempts and those of earlier declarations too, so that nothing is
    left out that speaks against a result; superseded ones, which repeat another one, only in full."""
    ended = [run for run in runs if run.status != "RUNNING"]
    repeated = {run.run_id for run in (*record.superseded(ended), *filter(record.is_superseded, ended))}
    return [run for run in ended if full or run.run_id not in repeated]


@dataclass
class _Packer:
    """Puts files into an archive, and looks for what an anonymous one must not say."""

    writer: Writer
    redactor: Redactor | None
    anyway: bool
    left: list[Left] = field(default_factory=list)

    def put(self, name: str, content: bytes) -> None:
        if self.redactor:
            self.left += self.redactor.left(name, name)
            if not name.endswith(".npz"):  # of numbers alone, and packed
                text = _header(content) if name.endswith(".safetensors") else content
                self.left += self.redactor.left(name, text.decode("utf-8", "replace"))
        self.writer.add(name, content)

    def settle(self, path: Path) -> None:
        """Refuse what still says who made it, unless that was allowed."""
        if self.left and not self.anyway:
            told = [str(place) for place in self.left[:MOST_TOLD]]
            more = [f"and {len(self.left) - MOST_TOLD} more"] if len(self.left) > MOST_TOLD else []
            raise BenchError(
                "\n  ".join(["was not written, since it would not be anonymous:", *told, *more]),
                where=str(path),
                mend="take it out of those files (an edit of a component makes its trials another's), or add --anyway",
            )


def _put_suite(packer: _Packer, suite: Suite) -> list[str]:
    """Put the suite's files there, and return what could not be."""
    files, absent = suite_files(suite)
    lock = locks.lock_path(suite.document.file).name
    for name, file in files.items():
        if not is_safe(name):
            absent.append(f"{name}: no name for a file in an archive")
            continue
        try:
            content = file.read_bytes()
        except OSError as error:
            raise BenchError(f"cannot be read: {error.strerror}", where=str(file), mend="make it readable") from None
        if name == lock and packer.redactor:  # its hash is of what it declares; commits stand beside that
            content = packer.redactor.clean(content.decode("utf-8", "replace")).encode()
        packer.put(f"suite/{name}", content)
    return absent


def _put_runs(packer: _Packer, outgoing: Outgoing, runs: Sequence[StoredRun], *, full: bool) -> Iterator[str]:
    """Put runs there, each with its artifacts, and yield what of them cannot be had."""
    ids = [run.run_id for run in runs]
    details = outgoing.details(ids)
    curves = outgoing.histories(ids, sorted({metric for run in runs for metric in run.metrics}))
    for run in runs:
        known = details.get(run.run_id)
        packer.put(
            f"runs/{run.run_id}/run.json",
            text_of(_said(run, known.name if known else "", known.params if known else {}, curves.get(run.run_id, {}))),
        )
        stored = set()
        for name in (*SMALL, *(LARGE if full else ())):
            if (content := outgoing.artifact(run.run_id, name)) is not None:
                packer.put(f"runs/{run.run_id}/{name}", content)
                stored.add(name)
        yield from _missing(run, stored, outgoing, full=full)


def _said(run: StoredRun, name: str, params: dict[str, str], curves: dict[str, list[tuple[int, float]]]) -> dict[str, Any]:
    return {
        "run_id": record.origin_id(run),
        "name": name,
        "status": run.status,
        "start": run.start,
        "end": run.end,
        "tags": run.tags,
        "params": params,
        "metrics": run.metrics,
        "history": curves,
    }


def _missing(run: StoredRun, stored: set[Artifact], outgoing: Outgoing, *, full: bool) -> Iterator[str]:
    """Yield what a finished run of ours should have stored, and has not."""
    if record.outcome(run) is not record.Outcome.FINISHED or not record.fingerprint(run):
        return
    if not stored and outgoing.unreachable(run.run_id):
        yield f"run {run.run_id}: all of its artifacts, none of which can be reached"
        return
    wanted = {
        Artifact.CORRECT,
        *([Artifact.PREDICTIONS] if full else []),
        *([Artifact.WEIGHTS] if full and record.keeps_weights(run) else []),
    }
    yield from (f"run {run.run_id}: {name}" for name in sorted(wanted - stored))


def _redactor(suite: Suite, tracker: Tracker, runs: Sequence[StoredRun]) -> Redactor:
    lock = locks.read(suite.document.file, suite.name)
    profiles = lock.profiles.values() if lock else ()
    commits = {commit_of(suite), *(entry.commit for entry in declarations(tracker, suite.experiment))}
    for profile in profiles:
        commits |= {profile.commit, *(change.commit for change in profile.changes)}
    return Redactor.of(Path(suite.document.file).resolve().parent, runs, commits)


def _header(content: bytes) -> bytes:
    """Return the part of a file of weights that is text."""
    return content[8 : 8 + min(int.from_bytes(content[:8], "little"), 2**20)]
