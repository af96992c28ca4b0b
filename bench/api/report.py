"""The report on a suite's stored runs: verdicts, tables and figures, as files and as DataFrames."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.api.declaring import declared
from bench.api.locking import described, disagreements, lock_path
from bench.api.pilot import sizes_table
from bench.api.plan import pilot_sizes, planned, records
from bench.errors import BenchError
from bench.grammar.cells import TRIAL, collector_paused
from bench.grammar.document import write_whole
from bench.grammar.metrics import RECORDED
from bench.reports.check import Disagreement, check
from bench.reports.claims.rules import NOT_ASKED
from bench.reports.figures.base import FigureSpec
from bench.reports.figures.build import render
from bench.reports.figures.kinds.dots import Dots
from bench.reports.figures.kinds.forest import Forest
from bench.reports.figures.kinds.trials import Trials
from bench.reports.formats import FORMATS, Format
from bench.reports.formats.markdown import write as markdown
from bench.reports.records.collect import Record
from bench.reports.report import ReportData, assemble
from bench.runner.plan import Plan
from bench.suite.differences import about, images
from bench.suite.suite import Suite
from bench.trackers import StoredRun, Tracker

if TYPE_CHECKING:
    import pandas as pd

    from bench.reports.figures.build import ImageFormat


CLAIM_COLUMNS = [
    "claim", "says", "verdict", "holds", "part", "contrast", "part_verdict", "why", "n", "difference", "ci_low", "ci_high",
    "p", "holm", "unit", "margin", "seeds_needed", "preliminary", "exploratory",
]  # fmt: skip
"""The columns of `Report.claims`."""


@dataclass(frozen=True)
class Report:
    """The report on a suite. data: all of it, ready for any format. records: every planned trial, and what became of it."""

    suite: Suite
    data: ReportData
    records: list[Record] = field(repr=False)

    @property
    def complete(self) -> bool:
        """Whether every planned trial has finished, or was ended early by its search."""
        return self.data.complete

    def render(self, format: str = "markdown", *, with_runs: bool = True, images: Mapping[str, str] | None = None) -> str:
        """Return the report as text. format: one of FORMATS. with_runs: Markdown's list of runs too. images: figure → path of its
        image. Raises BenchError for an unknown format."""
        module = _format(format).load()
        if format == "markdown" and not with_runs:
            return markdown.render(self.data, with_runs=False)
        return module.render(self.data, images or {})

    def render_pilot(self) -> str:
        """Return the table of how many seeds the claims need, as Markdown; "" where no pilot has a result."""
        return sizes_table(self.data.pilot)

    def write(
        self, folder: str | Path, formats: Iterable[str] = ("markdown",), figures: "Iterable[ImageFormat]" = ()
    ) -> list[Path]:
        """Write SUITE.PROFILE.md (.tex, …) into a folder, and each figure in formats of IMAGES. Returns the paths.

        Figures are drawn only if the report was asked for with them. Raises BenchError where a file cannot be written.
        """
        folder, name = Path(folder), f"{self.suite.name}.{self.suite.profile}"
        written: list[Path] = []
        images: dict[str, dict[str, str]] = {}
        for kind in dict.fromkeys(figures):
            for figure in self.data.figures:
                path = Path(f"{name}.figures") / f"{figure.name}.{kind}"
                write_whole(folder / path, render(figure, kind), "choose another -o DIR")
                written.append(folder / path)
                images.setdefault(kind, {})[figure.name] = path.as_posix()
        for format_name in formats:
            form = _format(format_name)
            shown = next((images[kind] for kind in form.images if kind in images), {})
            text = self.render(format_name, images=shown)
            file = folder / f"{name}.{form.extension}"
            write_whole(file, text, "choose another -o DIR")
            written.append(file)
        return written

    def check(self, path: str | Path) -> list[Disagreement]:
        """Compare a file, a report or part of one, with the stored runs: return every place where they differ.

        Raises BenchError where it cannot be read, or is no report on this suite.
        """
        path = Path(path)
        endings = {f".{form.extension}": name for name, form in FORMATS.items()}
        if path.suffix not in endings:
            raise BenchError(f"a file to check ends with {', '.join(endings)}", where=str(path))
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BenchError(f"cannot be read: {getattr(error, 'strerror', error)}", where=str(path)) from None
        try:
            return check(self.data, text, endings[path.suffix])
        except BenchError as error:
            raise BenchError(error.message, where=error.where or str(path), mend=error.mend) from None

    def check_lock(self) -> list[str]:
        """Compare the suite with its lock file: return every item that it declares otherwise, on a line each; [] without one.

        Raises BenchError, with file and line, for a lock file that is wrong.
        """
        file = lock_path(self.suite)
        return [f"{file}: the suite declares otherwise: {described(change)}" for change in disagreements(self.suite)]

    def frame(self) -> "pd.DataFrame":
        """Return every planned trial as a row: stage, a column an axis (None where the stage has no such axis), seed, outcome,
        every metric that some run has (NaN where this one has none), the suite's own metrics, and run_id.

        An axis of the name of another column, or of a metric of bench's, is `axis.NAME`; a metric of the name of another column
        is `metric.NAME`.
        """
        import pandas as pd

        fixed = ("stage", "seed", "outcome", "run_id")
        recorded = dict.fromkeys(metric for record in self.records if record.run for metric in record.run.metrics)
        names = recorded | dict.fromkeys(self.suite.spec.metrics)
        metrics = {name: f"metric.{name}" if name in fixed else name for name in names}
        taken = {*fixed, *RECORDED, *names}
        axes = {
            axis: f"axis.{axis}" if axis in taken else axis
            for axis in dict.fromkeys(axis for record in self.records for axis in record.labels)
        }
        rows = [
            {
                "stage": record.stage,
                **{column: record.labels.get(axis) for axis, column in axes.items()},
                "seed": record.seed,
                "outcome": str(record.outcome),
                **{column: record.value(metric) for metric, column in metrics.items()},
                "run_id": record.run.run_id if record.run else None,
            }
            for record in self.records
        ]
        frame = pd.DataFrame(rows, columns=["stage", *axes.values(), "seed", "outcome", *metrics.values(), "run_id"])
        return frame.astype(dict.fromkeys(metrics.values(), "float64"))

    def claims(self) -> "pd.DataFrame":
        """Return the verdicts: a row each contrast of a claim (one, or one a level of `each`), with the claim's own verdict; at
        the end a row each claim that is not asked, with the reason as its why.

        claim, says, verdict, holds, margin and exploratory are the claim's; part, contrast, part_verdict, why, n, difference (of
        times the ratio), ci_low, ci_high, p, holm, unit (of the difference), seeds_needed and preliminary the contrast's.
        """
        import pandas as pd

        rows = [
            {
                "claim": claim.name,
                "says": claim.says,
                "verdict": claim.verdict,
                "holds": claim.holds,
                "part": part.label,
                "contrast": part.contrast,
                "part_verdict": part.verdict,
                "why": part.why,
                "n": part.result.n,
                "difference": part.result.difference,
                "ci_low": part.result.ci_low,
                "ci_high": part.result.ci_high,
                "p": part.p,
                "holm": part.holm,
                "unit": part.unit,
                "margin": claim.margin,
                "seeds_needed": part.seeds_needed,
                "preliminary": part.preliminary,
                "exploratory": self.data.is_exploratory(claim.name),
            }
            for claim in self.data.claims
            for part in claim.parts
        ]
        rows += [
            {
                "claim": claim.name,
                "says": claim.says,
                "verdict": NOT_ASKED,
                "part": "",
                "contrast": "",
                "part_verdict": NOT_ASKED,
                "why": claim.why,
                "n": 0,
                "preliminary": False,
                "exploratory": False,
            }
            for claim in self.data.not_asked
        ]
        return pd.DataFrame(rows, columns=CLAIM_COLUMNS)


def report(suite: Suite, tracker: Tracker, *, figures: bool = False, mlflow_url: str | None = None) -> Report:
    """Return the report on what a store holds. figures: with its figures. mlflow_url: of the MLflow server whose pages show the
    runs."""
    with collector_paused():
        runs = tracker.runs(suite.experiment)
        return of_plan(planned(suite, runs, tracker), runs, tracker, figures=figures, mlflow_url=mlflow_url)


def of_plan(
    plan: Plan, runs: list[StoredRun], tracker: Tracker, *, figures: bool = False, mlflow_url: str | None = None
) -> Report:
    """Return the report on a plan, given the runs of its experiment. figures, mlflow_url: see `report`."""
    suite, trial_records = plan.suite, records(plan, runs, tracker)
    data = assemble(
        suite,
        trial_records,
        figures=_figures(suite) if figures else {},
        store=tracker,
        run_url=_run_url(suite, tracker, mlflow_url),
        declared=declared(suite, tracker, runs),
        about=about(suite),
        pilot=pilot_sizes(plan, runs, tracker),
        data=images(suite),
        open_runs=_open_runs(tracker),
        importances=partial(_importances, suite),
    )
    return Report(suite, data, trial_records)


def _run_url(suite: Suite, tracker: Tracker, mlflow_url: str | None) -> Callable[[str], str | None] | None:
    """Return what knows the page of a run: on the server that was named, or on that of the store. A store without a server has
    pages only on the machine on which somebody opens them.

    Raises BenchError for what is no address of a server.
    """
    if mlflow_url is None:
        return None if tracker.needs_ui else tracker.run_url(suite.experiment)
    parts = urlsplit(mlflow_url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise BenchError(f"{mlflow_url!r} is not the address of a server", where="--mlflow-url", mend="such as http://host:5000")
    local = tracker.run_url(suite.experiment)
    if local is None:
        return None

    def url(run_id: str) -> str:
        page = local(run_id)
        return f"{mlflow_url.rstrip('/')}/#{page.partition('#')[2]}"

    return url


def _open_runs(tracker: Tracker) -> str:
    """Return the command that shows the runs, in the folder of the store; "" where their pages have addresses."""
    if not tracker.needs_ui:
        return ""
    scheme, found, path = tracker.uri.partition(":///")
    return f"{tracker.needs_ui} --backend-store-uri {scheme}:///{path.rpartition('/')[2]}" if found else tracker.needs_ui


def _importances(suite: Suite, stage: str, runs: Sequence[StoredRun]) -> dict[str, float]:
    """Return the importances of a search's parameters."""
    from bench.runner.search import importances  # loads Optuna

    search = suite.spec.stages[stage].search
    return importances(search, runs) if search else {}


def _figures(suite: Suite) -> dict[str, FigureSpec]:
    """Return what is drawn: what the suite says, but for what `--only` leaves out; else the dots of tables, the trials of
    searches, and the claims."""
    if suite.spec.figures is not None:
        return {name: figure for name, figure in suite.spec.figures.items() if _is_part(figure, suite)}
    drawn: dict[str, FigureSpec] = {
        f"{name}-dots": Dots(kind="dots", table=name) for name, table in suite.tables.items() if not table.by_class
    }
    for stage, cells in suite.cells.items():
        if suite.spec.stages[stage].search:
            axes = [axis for axis in cells.levels if axis != TRIAL]
            drawn[f"{stage}-trials"] = Trials(kind="trials", stage=stage, **({"panels": axes} if axes else {}))
    return drawn | ({"claims": Forest(kind="forest")} if suite.claims else {})


def _is_part(figure: FigureSpec, suite: Suite) -> bool:
    """Whether what a figure draws was not left out by `--only`."""
    table, stage = getattr(figure, "table", None), getattr(figure, "stage", None)
    return (table is None or table in suite.tables) and (stage is None or stage in suite.cells)


def _format(name: str) -> Format:
    """Raises BenchError for one that is not there."""
    if name not in FORMATS:
        raise BenchError(f"no format {name!r}", where="--format", mend=f"one of {', '.join(FORMATS)}")
    return FORMATS[name]
