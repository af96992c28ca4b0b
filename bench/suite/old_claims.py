"""Claims in the grammar before (`kind`, `left`, `right`, `where`), turned into today's: the same cells on the same sides."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from bench.config.base import label
from bench.grammar import document as documents
from bench.grammar.cells import TRIAL
from bench.grammar.document import DocPath, Document
from bench.grammar.parts import listed
from bench.reports.claims.relations import RELATIONS, Claim
from bench.suite.axes import normalise

OLD = ("kind", "left", "right", "where", "along", "direction", "ratio", "x", "y", "method")
"""Keys that only the old grammar has."""
SHARED = ("says", "metric", "stage", "each", "margin", "test", "family")
"""Keys that both have."""
NEW = [key for key in Claim.model_fields if key not in SHARED]
"""Keys that only the new grammar has."""
ORDER = ("says", "metric", "stage", "of", *RELATIONS, "each", "mean_over", "margin", "across", "test", "family")
"""What a claim that was an old one says, in the order in which it reads best."""
WAYS = dict.fromkeys(("greater", "increasing", "positive"), "higher") | dict.fromkeys(("less", "decreasing", "negative"), "lower")
SOURCES: dict[str, tuple[str, ...]] = {
    "metric": ("metric", "y"),
    "of": ("left", "where"),
    "mean_over": ("where", "left"),
    "across": ("where", "y"),
    "test": ("test", "method"),
    **dict.fromkeys(RELATIONS, ("right", "along", "x", "ratio", "direction", "kind")),
}
"""New key → the old ones that it comes from, the first that a claim has."""

Stages = Mapping[str, Mapping[str, Sequence[str]]]
"""stage → axis → its labels."""


class Untranslatable(ValueError):
    """What today's grammar cannot say so. path: where it stands in the claim."""

    def __init__(self, message: str, *path: str | int):
        super().__init__(message)
        self.path = path


def is_old(claim: Any) -> bool:
    """Whether a claim is in the old grammar, or in a mixture of both."""
    if not isinstance(claim, Mapping):
        return False
    return "kind" in claim or not (claim.keys().isdisjoint(NEW) or claim.keys().isdisjoint(OLD))


def translated(claim: Mapping[str, Any], stages: Stages) -> dict[str, Any]:
    """Return an old claim as a new one. stages: what `all` and another stage's arms mean depends on their axes.

    Keys that neither grammar knows stay, for the validation to tell. Raises Untranslatable for a mixture of both grammars, and
    for what cannot be said.
    """
    if mixed := [key for key in claim if key in NEW]:
        old = next(key for key in OLD if key in claim)
        raise Untranslatable(f"{old!r} is of the old grammar of claims, {mixed[0]!r} of the new", old)
    return _Claim(claim, stages).new()


def translate_document(document: Document) -> list[str]:
    """Turn every old claim of a document into a new one, in place, and return their names.

    The document's profile and overrides are laid over already. Raises BenchError, with file and line, for what cannot be
    translated, and for axes that are none.
    """
    claims = document.data.get("claims")
    if not isinstance(claims, dict):
        return []
    names = [name for name, claim in claims.items() if is_old(claim)]
    stages = _stage_levels(document) if names else {}
    for name in names:
        old = claims[name]
        try:
            claims[name] = translated(old, stages)
        except Untranslatable as error:
            mend = "write the claim in the new grammar: `of: {…}`, and a relation such as `higher_than: {…}`"
            raise document.error(("claims", name, *error.path), str(error), mend) from None
        document.places |= dict(_places(document, ("claims", name), old, claims[name]))
    return names


def _stage_levels(document: Document) -> Stages:
    document = Document(document.file, deepcopy(document.data), dict(document.places))
    normalise(document)
    stage_levels: dict[str, dict[str, list[str]]] = {}
    stages = document.data.get("stages")
    for stage, spec in stages.items() if isinstance(stages, dict) else ():
        grids = [spec, *listed(spec.get("union") or ())] if isinstance(spec, dict) else []
        axes = stage_levels[stage] = {}
        for grid in grids:
            grid_axes = grid.get("axes") if isinstance(grid, dict) else None
            for axis, levels in grid_axes.items() if isinstance(grid_axes, dict) else ():
                known = axes.setdefault(axis, [])
                known += [level for level in levels if level not in known] if isinstance(levels, dict) else []
        search = spec.get("search") if isinstance(spec, dict) else None
        if isinstance(search, dict) and isinstance(search.get("trials"), int):
            axes[TRIAL] = [str(number) for number in range(search["trials"])]
    return stage_levels


@dataclass(frozen=True)
class _Arm:
    """A stage ("" where neither the arm nor its claim names one), and axis → its label, or labels, as written."""

    stage: str
    labels: dict[str, Any]


class _Claim:
    """An old claim on its way. main: the stage whose levels `each` and `along` mean."""

    def __init__(self, claim: Mapping[str, Any], stages: Stages):
        self.claim, self.stages = claim, stages
        self.kind, self.each = claim.get("kind"), claim.get("each")
        self.used = {"kind", "where", "each", "test"}
        self.where = self._mapping(claim.get("where", {}), "where")
        self.stage = self.main = str(claim.get("stage") or "")
        self.mean_over: list[str] = []
        if self.each is not None and not isinstance(self.each, str):
            raise Untranslatable("'each' is one axis", "each")

    def new(self) -> dict[str, Any]:
        if self.kind in ("greater", "less", "equivalent"):
            said = self._two_arms()
        elif self.kind == "trend":
            said = self._trend()
        elif self.kind == "interaction":
            said = self._interaction()
        elif self.kind == "correlation":
            said = self._correlation()
        else:
            raise Untranslatable(f"claims have no kind {self.kind!r}", "kind")
        if wrong := [key for key in OLD if key in self.claim and key not in self.used]:
            raise Untranslatable(f"a claim of kind {self.kind!r} has no {wrong[0]!r}", wrong[0])
        if self.each:
            said["each"] = self._axes([self.each])
        if self.mean_over:
            said["mean_over"] = self.mean_over[0] if len(self.mean_over) == 1 else self.mean_over
        if self.claim.get("test", "t") != "t":
            said["test"] = self.claim["test"]
        said |= {key: value for key, value in self.claim.items() if key not in self.used}
        if not said["of"]:
            del said["of"]  # all cells
        return {key: said[key] for key in (*ORDER, *said) if key in said}

    def _two_arms(self) -> dict[str, Any]:
        relation = "same_as" if self.kind == "equivalent" else f"{WAYS[str(self.kind)]}_than"
        right, ratio = self._get("right"), self.claim.get("ratio")
        if not isinstance(right, Mapping):
            if ratio is not None:
                raise Untranslatable("a ratio to a number is no claim of its own: compare with the product of both", "ratio")
            (left,) = self._arms(("left",))
            return {"of": self._subject(left), relation: right}
        left, other = self._arms(("left",), ("right",))
        if ratio is None or self.kind == "equivalent":
            return {"of": self._subject(left), relation: _patch(left, other, self.stages)}
        self.used.add("ratio")
        return {"of": {**self._subject(left), "divided_by": _patch(left, other, self.stages)}, relation: ratio}

    def _trend(self) -> dict[str, Any]:
        axis = self._get("along")
        if not isinstance(axis, str):
            raise Untranslatable("'along' is one axis", "along")
        (arm,) = self._arms((), without=axis)
        return {"of": self._subject(arm), f"{self._way()}_along": self._axes([axis])}

    def _interaction(self) -> dict[str, Any]:
        for side in ("left", "right"):
            if not isinstance(self._get(side), list) or len(self.claim[side]) != 2:
                raise Untranslatable(f"{side!r} of an interaction is two arms, `[{{…}}, {{…}}]`", side)
        first, second, third, fourth = self._arms(("left", 0), ("left", 1), ("right", 0), ("right", 1))
        less, relation = _patch(first, second, self.stages), _patch(first, third, self.stages)
        if not _same(_patched(third, less, self.stages), fourth):
            own = _patch(third, fourth, self.stages)
            if None in own.values():
                raise Untranslatable("the right side's second arm leaves open what its first names", "right", 1)
            # what the subject's `minus` says and this one does not would be taken over: say it
            relation["minus"] = {**{key: third.labels.get(key) for key in less if key not in own and key != "stage"}, **own}
        return {"of": {**self._subject(first), "minus": less}, f"{self._way()}_than": relation}

    def _correlation(self) -> dict[str, Any]:
        x, y = self._get("x"), self._get("y")
        said = {"metric": y, f"{self._way()}_with": x}
        self.used.add("method")
        if self.claim.get("method", "pearson") != "pearson":
            said["test"] = self.claim["method"]
        if "*" in f"{x}{y}":
            (arm,) = self._arms(())
            return {**said, "of": self._subject(arm), "across": "class"}
        levels = self.stages.get(self.stage, {})
        single = {axis: labels for axis, labels in self.where.items() if len(listed(labels)) == 1 and axis != self.each}
        pinned = {axis: labels for axis, labels in single.items() if not _is_all(labels, levels, axis)}
        points = [axis for axis in levels if axis not in pinned and axis != self.each]
        if not points:
            raise Untranslatable("no axis of its stage is left, whose cells a correlation could be over", "stage")
        return {**said, "of": pinned, "across": self._axes(points)}

    def _get(self, key: str) -> Any:
        if key not in self.claim:
            raise Untranslatable(f"{key!r} is missing")
        self.used.add(key)
        return self.claim[key]

    def _way(self) -> str:
        direction = self._get("direction")
        if not isinstance(direction, str) or direction not in WAYS:
            raise Untranslatable(f"no direction {direction!r}", "direction")
        return WAYS[direction]

    def _arms(self, *paths: DocPath, without: str = "") -> list[_Arm]:
        """Return the arms at these paths of the claim, () for what `where` says alone. `all` of every arm becomes `mean_over`, of
        some arms its labels. without: an axis that is no part of any arm."""
        arms: list[_Arm] = []
        shared = {axis: labels for axis, labels in self.where.items() if axis not in (self.each, without)}
        for path in paths:
            own: Any = self.claim if path else {}
            for key in path:
                own = self._get(key) if isinstance(key, str) else own[key]
            labels = {**shared, **self._mapping(own, *path)}
            if self.each in labels:
                raise Untranslatable("the arm names the axis of `each` too", *path, str(self.each))
            stage = str(listed(labels.pop("stage", self.stage))[0])
            arms.append(_Arm(stage, {axis: "none" if value is None else value for axis, value in labels.items()}))
        self.main = self.stage or arms[0].stage
        if arms[0].stage != self.main and not self.each:
            self.used.add("stage")  # each arm says its own
            self.stage = ""
        for axis in dict.fromkeys(axis for arm in arms for axis in arm.labels):
            naming = [arm for arm in arms if axis in arm.labels]
            means = [arm for arm in naming if _is_all(arm.labels[axis], self.stages.get(arm.stage, {}), axis)]
            if means == naming:
                self.mean_over.append(axis)
            for arm in means:
                levels = self.stages.get(arm.stage, {}).get(axis)
                if means == naming:
                    del arm.labels[axis]
                elif levels:
                    arm.labels[axis] = [_value(level) for level in levels]
                else:
                    raise Untranslatable(f"stage {arm.stage!r} has no axis {axis!r}")
        return arms

    def _subject(self, arm: _Arm) -> dict[str, Any]:
        return {**({} if arm.stage == self.stage else {"stage": arm.stage}), **arm.labels}

    def _axes(self, names: Sequence[str]) -> Any:
        """Return axes as they are written: one, several, or a mapping where `where` leaves only some levels."""
        levels = self.stages.get(self.main, {})
        choices = {axis: self.where[axis] for axis in names if axis in self.where and not _is_all(self.where[axis], levels, axis)}
        if choices:
            return {axis: listed(choices.get(axis) or [_value(level) for level in levels.get(axis, ())]) for axis in names}
        return names[0] if len(names) == 1 else list(names)

    def _mapping(self, value: Any, *path: str | int) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise Untranslatable("should be a mapping, `{axis: label}`", *path)
        return value


def _inherited(base: _Arm, stage: str, stages: Stages) -> dict[str, Any]:
    """Return the labels that an arm of a stage takes from another arm: of another stage only those of axes that it has."""
    known = base.labels if stage == base.stage else stages.get(stage, {})
    return {axis: labels for axis, labels in base.labels.items() if axis in known}


def _patch(base: _Arm, arm: _Arm, stages: Stages) -> dict[str, Any]:
    """Return what an arm says of itself that it does not take from another one; null for what it must not take."""
    taken = _inherited(base, arm.stage, stages)
    own = {} if arm.stage == base.stage else {"stage": arm.stage}
    apart = {axis: it for axis, it in arm.labels.items() if axis not in taken or _texts(taken[axis]) != _texts(it)}
    return {**own, **apart, **{axis: None for axis in taken if axis not in arm.labels}}


def _patched(base: _Arm, patch: Mapping[str, Any], stages: Stages) -> _Arm:
    stage = patch.get("stage", base.stage)
    labels = {**_inherited(base, stage, stages), **{axis: value for axis, value in patch.items() if axis != "stage"}}
    return _Arm(stage, {axis: value for axis, value in labels.items() if value is not None})


def _is_all(labels: Any, levels: Mapping[str, Sequence[str]], axis: str) -> bool:
    """Whether labels are the word for every level; an axis may have a level of that name."""
    return listed(labels) == ["all"] and "all" not in levels.get(axis, ())


def _texts(labels: Any) -> list[str]:
    return sorted(label(item) for item in listed(labels))


def _same(first: _Arm, second: _Arm) -> bool:
    texts = [{axis: _texts(labels) for axis, labels in arm.labels.items()} for arm in (first, second)]
    return first.stage == second.stage and texts[0] == texts[1]


def _value(text: str) -> Any:
    """Return what one writes for a label: 0.01 for the text 0.01."""
    try:
        value = documents.scalar(text)
    except Exception:
        return text
    return value if not isinstance(value, dict | list) and label(value) == text else text


def _places(document: Document, at: DocPath, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[DocPath, str]]:
    """Yield the path and the place of each key of a new claim: those of what it comes from."""
    for key, value in new.items():
        sources = [source for source in SOURCES.get(key, (key,)) if source in old]
        yield (*at, key), document.place((*at, *sources[:1]))
        for inner in value if isinstance(value, Mapping) else ():
            second = {"minus": ((*at, sources[0], 1),), "divided_by": ((*at, "right"),)}.get(inner)
            known = second or _first(document, at, sources, inner)
            yield from (((*at, key, inner), document.place(path)) for path in known)


def _first(document: Document, at: DocPath, sources: Iterable[str], axis: str) -> Sequence[DocPath]:
    """Return the path at which an axis stands in the first of the old keys that names it, if any does."""
    paths: list[DocPath] = [path for source in sources for path in ((*at, source, axis), (*at, source, 0, axis))]
    return [path for path in paths if path in document.places][:1]
