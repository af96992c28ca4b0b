"""From a file to a checked suite: read, patch with profile and overrides, normalise, validate, expand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.config import Trained
from bench.errors import BenchError, did_you_mean
from bench.grammar import document as documents
from bench.grammar.cells import Best, Cell, Cells, collector_paused
from bench.grammar.document import Document
from bench.grammar.parts import Looks
from bench.grammar.schedule import Schedule
from bench.grammar.stages import Stage, Start
from bench.grammar.validation import validated
from bench.reports.claims.base import ClaimContrast
from bench.reports.claims.contrasts import contrasts
from bench.reports.claims.kinds import Claim
from bench.reports.figures.kinds import KINDS
from bench.reports.tables.checks import check_table
from bench.reports.tables.grammar import Table
from bench.suite import dependencies, expand
from bench.suite.axes import normalise
from bench.suite.metric_checks import check_metrics
from bench.suite.schema import SuiteFile


@dataclass
class Suite:
    """A suite as it will run. spec: what the file says, with profile and overrides applied."""

    document: Document
    spec: SuiteFile
    profile: str
    only: list["Selection"]

    @property
    def name(self) -> str:
        return self.spec.suite

    @property
    def title(self) -> str:
        return self.spec.title

    @property
    def experiment(self) -> str:
        """MLflow's experiment: runs of different profiles are not comparable, so they lie apart."""
        return self.name if self.profile == "default" else f"{self.name}.{self.profile}"

    @cached_property
    def all_cells(self) -> dict[str, Cells]:
        """stage → all of its cells. What starts from the best cell of another stage stands here as if that were its first."""
        found: dict[str, Cells] = {}
        with collector_paused():
            for stage in self.spec.stages:
                found[stage] = self.expand(stage, lambda start, labels: dependencies.first(found[start.stage], start, labels))
        return found

    def expand(self, stage: str, best: Best) -> Cells:
        """Return the cells of a stage. best: gives the cell that another one starts from; None where it is not known yet. What
        waits for it stands here as if it were the first."""

        def found(start: Start, labels: Mapping[str, str]) -> Cell:
            return best(start, labels) or dependencies.first(self.all_cells[start.stage], start, labels)._replace(
                waits=start.stage
            )

        return expand.cells(self.document, self.spec, stage, found)

    def sampled(self, stage: str, labels: dict[str, str], parameters: dict[str, Any], best: Best) -> Cell:
        """Return the cell of a search's trial. parameters: name → number of an interval, or label."""
        return expand.sampled(self.document, self.spec, stage, labels, parameters, best)

    def thinned(self, stage: str, cells: Cells) -> Cells:
        """Return those of a stage's cells that `--only` leaves."""
        chosen = [selection for selection in self.only if selection.stage == stage]
        return cells if not self.only else Cells(cell for cell in cells if any(one.matches(cell) for one in chosen))

    @cached_property
    def cells(self) -> dict[str, Cells]:
        """stage → cells, thinned by `--only`."""
        for selection in self.only:
            selection.check(self.all_cells[selection.stage])
        result = {stage: self.thinned(stage, cells) for stage, cells in self.all_cells.items()}
        for selection in self.only:
            if not result[selection.stage]:
                told = ", ".join(other.text for other in self.only if other.stage == selection.stage)
                raise BenchError(f"no cell matches {told}", where="--only", mend="choose labels that occur together")
        return {stage: cells for stage, cells in result.items() if cells}

    @property
    def tables(self) -> dict[str, Table]:
        """The tables of the stages that `--only` leaves."""
        return {name: table for name, table in self.spec.tables.items() if table.stage in self.cells}

    @property
    def searches(self) -> dict[str, Stage]:
        """The stages that search, of those that `--only` leaves."""
        return {name: stage for name, stage in self.spec.stages.items() if stage.search and name in self.cells}

    @cached_property
    def claims(self) -> dict[str, list[ClaimContrast]]:
        """claim → its contrasts."""
        return {name: contrasts(self.document, name, claim, self.all_cells) for name, claim in self.spec.claims.items()}

    def schedule(self, stage: str) -> Schedule:
        """Return the seeds that a stage was declared to run with."""
        spec = self.spec.stages[stage]
        seeds = spec.seeds or self.spec.seeds
        if spec.search and not isinstance(seeds, Looks):  # a trial has one of them; which one, the search says
            return Schedule([seeds[:1]], self.spec.alpha)
        if spec.ensemble and spec.ensemble.pool == "all":
            return Schedule([[0]], self.spec.alpha)
        if isinstance(seeds, Looks):
            return Schedule([list(range(n)) for n in seeds.looks], seeds.alpha or self.spec.alpha)
        return Schedule([seeds], self.spec.alpha)

    @property
    def schedules(self) -> dict[str, Schedule]:
        """stage → the seeds that it was declared to run with."""
        return {stage: self.schedule(stage) for stage in self.spec.stages}

    @property
    def tested_claims(self) -> dict[str, tuple[Claim, list[ClaimContrast]]]:
        """claim → what the suite says, and its contrasts."""
        return {name: (self.spec.claims[name], found) for name, found in self.claims.items()}

    def search_seeds(self, stage: str) -> list[int]:
        """Return the seeds of which each trial of a stage's search draws one."""
        seeds = self.spec.stages[stage].seeds or self.spec.seeds
        assert not isinstance(seeds, Looks), "a search has no looks"
        return seeds

    @property
    def sequential(self) -> bool:
        """Whether verdicts may ask for more seeds."""
        return bool(self.claims) and any(self.schedule(stage).sequential for stage in self.cells)

    def seeds(self, stage: str) -> list[int]:
        """Return the seeds of a stage's first look."""
        return self.schedule(stage).looks[0]


@dataclass
class Selection:
    """One `--only`: stage, or stage[axis=label,axis=label]."""

    text: str
    stage: str
    labels: dict[str, str]

    @classmethod
    def parse(cls, text: str, stages: list[str]) -> "Selection":
        match = re.fullmatch(r"\s*([^\[\]]+?)\s*(?:\[(.*)\])?\s*", text)
        pairs = [part.partition("=") for part in (match[2] or "").split(",") if part.strip()] if match else []
        if not match or not all(equals for _, equals, _ in pairs):
            raise BenchError(f"{text!r} is not a selection", where="--only", mend="write STAGE or 'STAGE[AXIS=LABEL,…]'")
        if match[1] not in stages:
            raise BenchError(f"no stage {match[1]!r}", where="--only", mend=did_you_mean(match[1], stages))
        return cls(text, match[1], {axis.strip(): value.strip() for axis, _, value in pairs})

    def check(self, cells: Cells) -> None:
        for axis, value in self.labels.items():
            known = {cell.labels[axis] for cell in cells if axis in cell.labels}
            if not known:
                axes = {axis for cell in cells for axis in cell.labels}
                raise BenchError(f"stage {self.stage!r} has no axis {axis!r}", where="--only", mend=did_you_mean(axis, axes))
            if value not in known:
                raise BenchError(f"axis {axis!r} has no level {value!r}", where="--only", mend=did_you_mean(value, known))

    def matches(self, cell: Cell) -> bool:
        return all(cell.labels.get(axis) == value for axis, value in self.labels.items())


def load_suite(
    path: str | Path, *, profile: str | None = None, overrides: list[str] | None = None, only: list[str] | None = None
) -> Suite:
    """Read a suite file and return it checked, profile and `PATH=VALUE` overrides applied.

    Raises BenchError for anything wrong with it, with file and line.
    """
    document = documents.read(path)
    _only_one_of_its_name(document)
    profiles = document.data.get("profiles") or {}
    if profile is not None and profile != "default":
        if not isinstance(profiles, dict) or profile not in profiles:
            known = [*profiles, "default"] if isinstance(profiles, dict) else []
            raise BenchError(f"{document.file} has no profile {profile!r}", where="--profile", mend=did_you_mean(profile, known))
        if not isinstance(profiles[profile], dict):
            raise document.error(("profiles", profile), "a profile is a mapping laid over the suite")
        for key, patch in profiles[profile].items():
            if key in ("suite", "profiles"):
                raise document.error(("profiles", profile, key), f"a profile cannot change {key!r}")
            document.patch((key,), patch, ("profiles", profile, key))
    for override in overrides or []:
        _override(document, override)
    normalise(document)
    spec = validated(SuiteFile, document.data, document.place)
    suite = Suite(document, spec, profile or "default", [])
    suite.only = [Selection.parse(text, list(spec.stages)) for text in only or []]
    dependencies.check_stages(document, spec)
    for cells in suite.all_cells.values():
        for cell in cells:
            weights = cell.model.config.weights
            if type(weights) is Trained and (source := dependencies.trained_by(document, cell, suite.all_cells)):
                there, here = suite.schedule(source.stage), suite.schedule(cell.stage)
                drawn = spec.stages[cell.stage].seeds or spec.seeds  # of a search each trial draws one
                seeds = drawn if spec.stages[cell.stage].search and isinstance(drawn, list) else here.looks[0]
                on_demand = there.sequential or here.sequential
                dependencies.check_seeds(cell, weights.seed, source.stage, there.looks[0], seeds, on_demand)
    for name, table in spec.tables.items():
        check_table(document, name, table, suite.all_cells)
    for name, figure in (spec.figures or {}).items():
        KINDS[figure.kind].check(document, ("figures", name), figure, suite.all_cells, spec.tables)
    for name, found in suite.claims.items():
        schedules = [suite.schedule(arm.stage) for contrast in found for arm in contrast.arms]
        if any(one.sequential for one in schedules) and any(one != schedules[0] for one in schedules):
            mend = "give both stages the same `seeds:`, or put them at the top of the suite"
            raise document.error(("claims", name), "its arms are of stages with different looks", mend)
    check_metrics(document, spec, suite.all_cells, suite.claims)
    _ = suite.cells  # configuration errors come now, not in the middle
    return suite


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
