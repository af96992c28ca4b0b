"""A suite as it will run: its cells, its seeds, what it claims, and what `--only` leaves of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bench.errors import BenchError, did_you_mean
from bench.grammar.cells import BestCell, Cell, Cells, collector_paused
from bench.grammar.document import DocPath, Document
from bench.grammar.schedule import MOST_PILOTS, Schedule, pilot_seeds
from bench.grammar.stages import Stage, Start
from bench.reports.claims.base import ClaimContrast
from bench.reports.claims.contrasts import contrasts
from bench.reports.claims.relations import Claim
from bench.reports.claims.results import NotAsked
from bench.reports.tables.grammar import Table
from bench.suite import dependencies, expand
from bench.suite.schema import SuiteFile


@dataclass
class Suite:
    """A suite as it will run. spec: what the file says, with profile and overrides applied. about: what the profile says of
    itself. not_asked: the claims that it leaves out. changed: whether there are overrides."""

    document: Document
    spec: SuiteFile
    profile: str
    only: list["Selection"]
    about: str = ""
    not_asked: list[NotAsked] = field(default_factory=list)
    changed: bool = False

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
        cells: dict[str, Cells] = {}
        with collector_paused():
            for stage in self.spec.stages:
                cells[stage] = self.expand(stage, lambda start, labels: dependencies.first(cells[start.stage], start, labels))
        return cells

    def expand(self, stage: str, best: BestCell) -> Cells:
        """Return the cells of a stage. best: gives the cell that another one starts from; None where it is not known yet. What
        waits for it stands here as if it were the first."""

        def best_or_first(start: Start, labels: Mapping[str, str]) -> Cell:
            return best(start, labels) or dependencies.first(self.all_cells[start.stage], start, labels)._replace(
                waits=start.stage
            )

        return expand.cells(self.document, self.spec, stage, best_or_first)

    def sampled(self, stage: str, labels: dict[str, str], parameters: dict[str, Any], best: BestCell) -> Cell:
        """Return the cell of a search's trial. parameters: name → number of an interval, or label."""
        return expand.sampled(self.document, self.spec, stage, labels, parameters, best)

    def thinned(self, stage: str, cells: Cells) -> Cells:
        """Return those of a stage's cells that `--only` leaves."""
        chosen = [selection for selection in self.only if selection.stage == stage]
        return cells if not self.only else Cells(cell for cell in cells if any(selection.matches(cell) for selection in chosen))

    @cached_property
    def cells(self) -> dict[str, Cells]:
        """stage → cells, thinned by `--only`."""
        for selection in self.only:
            selection.check(self.all_cells[selection.stage])
        result = {stage: self.thinned(stage, cells) for stage, cells in self.all_cells.items()}
        for selection in self.only:
            if not result[selection.stage]:
                selections = ", ".join(other.text for other in self.only if other.stage == selection.stage)
                raise BenchError(f"no cell matches {selections}", where="--only", mend="choose labels that occur together")
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
        spec, seeds = self.spec.stages[stage], self.spec.seeds_of(stage)
        if spec.search and seeds.count:  # a trial has one of them; which one, the search says
            return Schedule([seeds.count[:1]], self.spec.alpha)
        if spec.ensemble and spec.ensemble.pool == "all":
            return Schedule([[0]], self.spec.alpha)
        pilot = pilot_seeds(0 if spec.search or spec.ensemble else seeds.pilot or 0)
        first = self._fresh_from(stage)
        if seeds.looks:
            return Schedule([list(range(first, first + n)) for n in seeds.looks], seeds.alpha or self.spec.alpha, pilot)
        return Schedule([[first + seed for seed in seeds.count or ()]], self.spec.alpha, pilot)

    def _fresh_from(self, stage: str) -> int:
        """Return what is added to a stage's seeds, so that none of them is one that chose what it starts from."""
        fresh = [start["stage"] for start in dependencies.starts(self.spec.stages[stage]) if start.get("seeds") == "fresh"]
        sources = self._above(stage, fresh)
        behind = {name for source in sources for name in self._behind(source)}
        return max((max(self.all_seeds(source)) + 1 for source in {*sources, *behind}), default=0)

    def _behind(self, stage: str) -> set[str]:
        """Return the stages from whose best a stage starts, and those from whose best these do."""
        named = [start["stage"] for start in dependencies.starts(self.spec.stages[stage])]
        sources = set(self._above(stage, named))
        return sources | {name for source in sources for name in self._behind(source)}

    def _above(self, stage: str, names: Sequence[str]) -> list[str]:
        """Return those of some stages that stand above one; others are told as errors elsewhere."""
        order = list(self.spec.stages)
        return [name for name in names if name in order[: order.index(stage)]]

    def varying(self, cell: Cell) -> tuple[str, ...]:
        """Return what the seeds of a cell's trials draw beside training; of an ensemble, what those of its voters do."""
        if cell.ensemble:
            cell = self.all_cells[cell.ensemble.config.stages[0]][0]
        return ("splits",) if cell.crossed else cell.data.config.vary

    def all_seeds(self, stage: str) -> list[int]:
        """Return every seed that a stage may run with and that counts."""
        return self.search_seeds(stage) if self.spec.stages[stage].search else self.schedule(stage).looks[-1]

    def check_pilots(self) -> None:
        """Check that no seed that counts is a pilot's. Raises BenchError, with file and line."""
        kept = pilot_seeds(MOST_PILOTS)  # also without a pilot: there may have been one
        for stage, spec in self.spec.stages.items():
            if clash := [seed for seed in self.all_seeds(stage) if seed in kept]:
                at: DocPath = ("stages", stage, "seeds") if spec.seeds else ("seeds",)
                mend = f"list others: pilots have those from {kept[0]:,} to {kept[-1]:,}"
                raise self.document.error(at, f"seed {clash[0]} of stage {stage!r} is a pilot's, and cannot count", mend)

    @property
    def has_pilot(self) -> bool:
        """Whether a stage has a pilot, of those that `--only` leaves."""
        return any(self.schedule(stage).pilot for stage in self.cells)

    @property
    def schedules(self) -> dict[str, Schedule]:
        """stage → the seeds that it was declared to run with."""
        return {stage: self.schedule(stage) for stage in self.spec.stages}

    @property
    def tested_claims(self) -> dict[str, tuple[Claim, list[ClaimContrast]]]:
        """claim → what the suite says, and its contrasts."""
        return {name: (self.spec.claims[name], claim_contrasts) for name, claim_contrasts in self.claims.items()}

    def search_seeds(self, stage: str) -> list[int]:
        """Return the seeds of which each trial of a stage's search draws one."""
        seeds = self.spec.seeds_of(stage).count
        assert seeds, "a search has no looks"
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
