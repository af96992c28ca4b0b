"""From a file to a checked suite: read, patch with profile and overrides, normalise, validate, expand."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.errors import BenchError, did_you_mean
from bench.suite import document as documents
from bench.suite import expand
from bench.suite.checks import check_figure, check_table
from bench.suite.contrasts import Contrast, contrasts
from bench.suite.document import DocPath, Document, label, merged, nested
from bench.suite.expand import Cell, Cells, collector_paused
from bench.suite.parts import Looks
from bench.suite.schema import PathAxis, SuiteFile
from bench.suite.validation import validated


@dataclass(frozen=True)
class Schedule:
    """The seeds of a stage at each look (one look, where nothing else is declared), and the level of all tests together."""

    looks: list[list[int]]
    total_alpha: float

    @property
    def alpha(self) -> float:
        """The level at each look, by Bonferroni's inequality: the looks together keep the total."""
        return self.total_alpha / len(self.looks)

    @property
    def text(self) -> str:
        """What was declared, in a few words."""
        if len(self.looks) > 1:
            return f"looks {', '.join(str(len(seeds)) for seeds in self.looks)} at alpha {self.total_alpha:g}"
        return ", ".join(map(str, self.looks[0]))


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
    def experiment(self) -> str:
        """MLflow's experiment: runs of different profiles are not comparable, so they lie apart."""
        return self.name if self.profile == "default" else f"{self.name}.{self.profile}"

    @cached_property
    def all_cells(self) -> dict[str, Cells]:
        """stage → all of its cells."""
        with collector_paused():
            return {stage: expand.cells(self.document, self.spec, stage) for stage in self.spec.stages}

    @cached_property
    def cells(self) -> dict[str, Cells]:
        """stage → cells, thinned by `--only`."""
        if not self.only:
            return self.all_cells
        result = {}
        for stage, cells in self.all_cells.items():
            chosen = [selection for selection in self.only if selection.stage == stage]
            if chosen:
                for selection in chosen:
                    selection.check(cells)
                cells = Cells(cell for cell in cells if any(selection.matches(cell) for selection in chosen))
                if not cells:
                    told = ", ".join(selection.text for selection in chosen)
                    raise BenchError(f"no cell matches {told}", where="--only", mend="choose labels that occur together")
                result[stage] = cells
        return result

    @cached_property
    def claims(self) -> dict[str, list[Contrast]]:
        """claim → its contrasts."""
        return {name: contrasts(self.document, name, claim, self.all_cells) for name, claim in self.spec.claims.items()}

    def schedule(self, stage: str) -> Schedule:
        """Return the seeds that a stage was declared to run with."""
        seeds = self.spec.stages[stage].seeds or self.spec.seeds
        if isinstance(seeds, Looks):
            return Schedule([list(range(n)) for n in seeds.looks], seeds.alpha or self.spec.alpha)
        return Schedule([seeds], self.spec.alpha)

    @property
    def sequential(self) -> bool:
        """Whether verdicts may ask for more seeds."""
        return bool(self.claims) and any(len(self.schedule(stage).looks) > 1 for stage in self.cells)

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
            known = {cell.labels.get(axis) for cell in cells} - {None}
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
    _normalise_axes(document)
    spec = validated(SuiteFile, document.data, document.place)
    suite = Suite(document, spec, profile or "default", [])
    suite.only = [Selection.parse(text, list(spec.stages)) for text in only or []]
    for stage, part in spec.stages.items():
        if not part.axes and not part.union:
            raise document.error(
                ("stages", stage), f"stage {stage!r} has no axes", "add `axes:` with at least one axis, or `union:`"
            )
        if part.union and (part.exclude or part.when or part.zip or part.ablate) and not part.axes:
            raise document.error(("stages", stage), "exclude, when, zip and ablate belong into the grids of the union")
    for name, table in spec.tables.items():
        check_table(document, name, table, suite.all_cells)
    for name, figure in (spec.figures or {}).items():
        check_figure(document, name, figure, suite.all_cells, spec.tables)
    for name, found in suite.claims.items():
        declared = {suite.schedule(arm.stage).text for contrast in found for arm in contrast.arms}
        if len(declared) > 1 and any("looks" in text for text in declared):
            mend = "give both stages the same `seeds:`, or put them at the top of the suite"
            raise document.error(("claims", name), "its arms are of stages with different looks", mend)
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


def _normalise_axes(document: Document) -> None:
    """Turn every way to write an axis into label → patch, in place; the places of the labels follow."""
    shared = document.data.get("axes")
    if isinstance(shared, dict):
        for name in shared:
            shared[name] = _levels(document, ("axes", name), shared[name])
    stages = document.data.get("stages")
    for stage, spec in stages.items() if isinstance(stages, dict) else ():
        if not isinstance(spec, dict):
            continue
        union = spec.get("union") if isinstance(spec.get("union"), list) else []
        grids = [(("stages", stage), spec), *((("stages", stage, "union", i), grid) for i, grid in enumerate(union))]
        for path, grid in grids:
            axes = grid.get("axes") if isinstance(grid, dict) else None
            for name in axes if isinstance(axes, dict) else ():
                at = (*path, "axes", name)
                if axes[name] == "all" or isinstance(axes[name], list):
                    axes[name] = _shared(document, at, name, axes[name], shared if isinstance(shared, dict) else {})
                else:
                    axes[name] = _levels(document, at, axes[name])


def _levels(document: Document, at: DocPath, axis: Any) -> Any:
    if axis is None or axis in ({}, []):
        raise document.error(at, f"axis {at[-1]!r} is empty", "give it at least one level")
    if not isinstance(axis, dict):
        raise document.error(
            at,
            f"axis {at[-1]!r} is neither levels nor a path with values",
            "write `label: patch`, or `{path: …, values: […]}`",
        )
    if "path" not in axis:
        for name, patch in axis.items():
            if patch is None:
                raise document.error((*at, name), f"level {name!r} has no patch", "write `{}` for a level that changes nothing")
        return axis
    for part in ("values", "levels"):
        if part in axis and not axis[part]:
            raise document.error((*at, part), f"axis {at[-1]!r} is empty", "give it at least one level")
    spec = validated(PathAxis, axis, lambda loc: document.place((*at, *loc)))
    if (spec.values is None) == (spec.levels is None):
        raise document.error(
            at,
            f"axis {at[-1]!r} needs either 'values' or 'levels'",
            "write `values: [0, 0.01]`, or `levels: {label: value}`",
        )
    pairs = list(spec.levels.items()) if spec.levels is not None else [(label(value), value) for value in spec.values]
    levels: dict[str, Any] = {}
    for i, (name, value) in enumerate(pairs):
        place = document.place((*at, "levels", name) if spec.levels is not None else (*at, "values", i))
        if isinstance(value, (dict, list)) and spec.levels is None:
            raise BenchError(
                "a value that is a list or mapping needs a label", where=place, mend="write `levels: {label: value}`"
            )
        if name in levels or any(value == other and type(value) is not bool for _, other in pairs[:i]):
            raise BenchError(f"{name!r} stands twice in axis {at[-1]!r}", where=place, mend="take one out")
        patch: dict[str, Any] = {}
        for path in spec.path:
            if path.split(".")[0] not in ("data", "model", "train"):
                mend = "begin with data, model or train, for example train.optimizer.lr"
                raise document.error((*at, "path"), f"no setting {path!r}", mend)
            patch = merged(patch, nested(path, value)) if value is not None else _nulled(patch, path)
        levels[name] = patch
        # every step down to the value stands where the value was written
        document.places[(*at, name)] = place
        for steps in [path.split(".") for path in spec.path]:
            document.places |= {(*at, name, *steps[:n]): place for n in range(1, len(steps) + 1)}
    return levels


def _nulled(patch: dict[str, Any], path: str) -> dict[str, Any]:
    """Return a patch that also sets `path` back to its default (merging would drop the null at once)."""
    head, _, rest = path.partition(".")
    return {**patch, head: _nulled(patch.get(head, {}), rest) if rest else None}


def _shared(document: Document, at: DocPath, name: str, chosen: Any, shared: dict[str, Any]) -> Any:
    if name not in shared:
        mend = "to list values, write `{path: …, values: […]}`; " + did_you_mean(name, shared)
        raise document.error(at, f"the suite has no axis {name!r} of its own to take levels from", mend)
    labels = list(shared[name]) if chosen == "all" else [label(item) for item in chosen]
    if not labels:
        raise document.error(at, f"axis {name!r} is empty", "name at least one level, or write `all`")
    levels = {}
    for item in labels:
        if item not in shared[name]:
            raise document.error(at, f"axis {name!r} has no level {item!r}", did_you_mean(item, shared[name]))
        if item in levels:
            raise document.error(at, f"label {item!r} stands twice in axis {name!r}", "take one out")
        levels[item] = shared[name][item]
    origin = ("axes", name)
    for known in [path for path in document.places if path[:2] == origin and len(path) > 2 and path[2] in levels]:
        document.places[(*at, *known[2:])] = document.places[known]
    return levels
