"""From a file to a checked suite: read, patch with profile and overrides, normalise, validate, expand."""

import logging
import re
from pathlib import Path

from bench.config import Trained
from bench.errors import BenchError, did_you_mean
from bench.grammar import document as documents
from bench.grammar.document import Document
from bench.grammar.validation import validated
from bench.reports.claims.checks import check_claim
from bench.reports.figures.kinds import KINDS
from bench.reports.tables.checks import check_table
from bench.suite import dependencies, profiles
from bench.suite.axes import normalise
from bench.suite.lock import SUFFIX
from bench.suite.metric_checks import check_metrics
from bench.suite.old_claims import translate_document
from bench.suite.schema import SuiteFile
from bench.suite.suite import Selection, Suite
from bench.suite.varying import check_compared_claims, check_crossed_claims, check_vary

logger = logging.getLogger("bench")


def load_suite(
    path: str | Path,
    *,
    profile: str | None = None,
    overrides: list[str] | None = None,
    only: list[str] | None = None,
    quiet: bool = False,
) -> Suite:
    """Read a suite file and return it checked, profile and `PATH=VALUE` overrides applied.

    quiet: say nothing of claims in the old grammar.
    Raises BenchError for anything wrong with it, with file and line.
    """
    document = documents.read(path)
    if Path(path).suffix == SUFFIX:
        raise BenchError("is a lock file, and no suite", where=str(path), mend="name the suite that it is of")
    _only_one_of_its_name(document)
    said, about = profiles.sentences(document), ""
    if profile is not None and profile != "default":
        about = profiles.lay_over(document, profile)
    left_out = said.keys() - profiles.sentences(document)
    for override in overrides or []:
        _override(document, override)
    not_asked = profiles.take_dropped(document, said, left_out)
    if (old := translate_document(document)) and not quiet:
        what = f"{len(old)} claims are" if len(old) > 1 else f"claim {old[0]} is"
        logger.warning(
            f"{document.file}: {what} in the old grammar, and read as in the new one; `bench migrate {path}` rewrites the file"
        )
    normalise(document)
    spec = validated(SuiteFile, document.data, document.place)
    suite = Suite(document, spec, profile or "default", [], about, not_asked, changed=bool(overrides))
    suite.only = [Selection.parse(text, list(spec.stages)) for text in only or []]
    dependencies.check_stages(document, spec)
    suite.check_pilots()
    check_vary(suite)
    _check_weights(suite)
    _check_report(suite)
    _ = suite.cells  # configuration errors come now, not in the middle
    return suite


def _check_weights(suite: Suite) -> None:
    """Check that each cell that takes another stage's weights finds them with its seeds."""
    for cells in suite.all_cells.values():
        for cell in cells:
            weights = cell.model.config.weights
            if type(weights) is Trained and (source := dependencies.trained_by(suite.document, cell, suite.all_cells)):
                there, here = suite.schedule(source.stage), suite.schedule(cell.stage)
                search = suite.spec.stages[cell.stage].search  # of a search each trial draws one
                seeds = suite.search_seeds(cell.stage) if search else [*here.looks[0], *here.pilot]
                on_demand = there.sequential or here.sequential
                kept = there.looks[0] if weights.seed is not None else [*there.looks[0], *there.pilot]
                dependencies.check_seeds(cell, weights.seed, source.stage, kept, seeds, on_demand)


def _check_report(suite: Suite) -> None:
    """Check that tables, figures, claims and metrics fit the cells."""
    document, spec, cells = suite.document, suite.spec, suite.all_cells
    for name, table in spec.tables.items():
        check_table(document, name, table, cells)
    for name, figure in (spec.figures or {}).items():
        KINDS[figure.kind].check(document, ("figures", name), figure, cells, spec.tables)
    for name, contrasts in suite.claims.items():
        schedules = [suite.schedule(arm.stage) for contrast in contrasts for arm in contrast.needed]
        if any(schedule.sequential for schedule in schedules) and any(schedule != schedules[0] for schedule in schedules):
            mend = "give both stages the same `seeds:`, or put them at the top of the suite"
            raise document.error(("claims", name), "its arms are of stages with different looks", mend)
    check_metrics(document, spec, cells, suite.claims)
    for name, contrasts in suite.claims.items():
        check_claim(document, name, spec.claims[name], contrasts, spec.metrics)
    check_compared_claims(suite)
    check_crossed_claims(suite)


def _only_one_of_its_name(document: Document) -> None:
    """Refuse two suites of one name in a folder: their runs would land in one experiment."""
    name, path = document.data.get("suite"), Path(document.file)
    if not isinstance(name, str):
        return
    line = re.compile(rf"^suite:\s*['\"]?{re.escape(name)}['\"]?\s*(#.*)?$")
    for other in sorted([*path.parent.glob("*.yaml"), *path.parent.glob("*.yml")]):
        if other.resolve() == path.resolve():
            continue
        try:
            lines = other.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for number, text in enumerate(lines, 1):
            if line.match(text):
                raise document.error(("suite",), f"{other}:{number} is named {name!r} too", "give one of them another name")


def _override(document: Document, override: str) -> None:
    path, equals, text = override.partition("=")
    path, where = path.strip(), f"--set {override}"
    if not equals or not re.fullmatch(r"[^.\s]+(\.[^.\s]+)*", path):
        raise BenchError("an override is PATH=VALUE", where=where, mend="for example --set base.train.epochs=3")
    if path.split(".")[0] in ("model", "train"):  # as an axis names them
        path = f"base.{path}"
    if path.split(".")[0] in ("suite", "profiles"):
        raise BenchError("the suite's name and profiles cannot be overridden", where=where)
    if path.split(".")[0] not in SuiteFile.model_fields:
        first = path.split(".")[0]
        raise BenchError(
            f"no setting {first!r}", where=where, mend=did_you_mean(first, [*SuiteFile.model_fields, "model", "train"])
        )
    try:
        value = documents.scalar(text)
    except Exception:
        raise BenchError(f"{text!r} is not a YAML value", where=where, mend="quote it") from None
    document.patch(tuple(path.split(".")), value, where)
