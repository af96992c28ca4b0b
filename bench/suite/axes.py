"""The ways to write an axis, turned into one: label → patch. And a sweep, turned into a chain of stages."""

from collections.abc import Iterator
from typing import Any

from bench.config.base import label
from bench.errors import BenchError, did_you_mean
from bench.grammar.cells import SPLIT
from bench.grammar.document import DocPath, Document, merged, nested
from bench.grammar.stages import PathAxis
from bench.grammar.validation import validated

SECTIONS = ("data", "model", "train", "ensemble")
"""What the path of an axis may begin with."""


def normalise(document: Document) -> None:
    """Turn every way to write an axis into label → patch, in place, and sweeps into stages; the places of the labels follow."""
    shared = document.data.get("axes")
    if isinstance(shared, dict):
        for name in shared:
            shared[name] = _levels(document, ("axes", name), shared[name])
    else:
        shared = {}
    for at, axes in _axes(document):
        for name in axes:
            here = (*at, name)
            if axes[name] == "all" or isinstance(axes[name], list):
                axes[name] = _shared(document, here, name, axes[name], shared)
            elif not _is_range(at, axes[name]):
                axes[name] = _levels(document, here, axes[name])
    _chain_sweeps(document)
    _cross_splits(document)


def _cross_splits(document: Document) -> None:
    """Give each stage with `vary: {split: k}` the axis of its splits. What is not written well is left to validation."""
    stages = document.data.get("stages")
    for stage, spec in stages.items() if isinstance(stages, dict) else ():
        if not isinstance(spec, dict) or {"search", "ensemble"} & set(spec):
            continue
        at: DocPath = ("vary",) if spec.get("vary") is None else ("stages", stage, "vary")
        said = document.data.get("vary") if spec.get("vary") is None else spec["vary"]
        count = said.get("split") if isinstance(said, dict) else None
        if type(count) is not int or not 2 <= count <= 100:
            continue
        first = _split_seed(spec.get("patch"), _split_seed(document.data, 0)) or 0
        grids = [
            (("stages", stage), spec),
            *((("stages", stage, "union", i), spec["union"][i]) for i in range(_length(spec, "union"))),
        ]
        for path, grid in grids:
            if isinstance(grid, dict) and isinstance(axes := grid.get("axes"), dict) and axes:
                if SPLIT in axes:
                    mend = "give the axis another name"
                    raise document.error((*path, "axes", SPLIT), f"axis {SPLIT!r} is that of `vary: {{split: {count}}}`", mend)
                _check_crossed(document, path, grid)
                axes[SPLIT] = {str(number): {"data": {"split": {"seed": first + number}}} for number in range(count)}
                document.places[(*path, "axes", SPLIT)] = document.place(at)


def _check_crossed(document: Document, path: DocPath, grid: dict[str, Any]) -> None:
    """Refuse what a grid says of its splits: it would be lost, or leave arms with different ones."""
    for axis, levels in grid["axes"].items():
        for text, patch in levels.items() if isinstance(levels, dict) else ():
            if _split_seed(patch, None) is not None:
                mend = "say the first one in the stage's `patch`, or take `vary: {split: …}` out of this stage"
                message = f"axis {axis!r} chooses a split, and `vary: {{split: …}}` runs each cell on the same ones"
                raise document.error((*path, "axes", axis, text), message, mend)
    for key, said in (("exclude", grid.get("exclude")), ("when", grid.get("when")), ("zip", grid.get("zip"))):
        named = [said, *said.values()] if isinstance(said, dict) else said if isinstance(said, list) else []
        if any(SPLIT in part for part in named if isinstance(part, dict | list)):
            mend = "take it out: claims and tables compare the same splits of every arm"
            raise document.error((*path, key), f"`{key}` names {SPLIT!r}, and each cell runs on every split", mend)


def _split_seed(patch: Any, default: int | None) -> int | None:
    """Return the seed of the split that a patch names."""
    for key in ("data", "split", "seed"):
        patch = patch.get(key) if isinstance(patch, dict) else None
    return patch if type(patch) is int else default


def _axes(document: Document) -> Iterator[tuple[DocPath, dict[str, Any]]]:
    """Yield every mapping of axes in the stages, with its path."""
    stages = document.data.get("stages")
    for stage, spec in stages.items() if isinstance(stages, dict) else ():
        for keys in (
            ("axes",),
            ("sweep",),
            ("search", "space"),
            *((("union", i, "axes")) for i in range(_length(spec, "union"))),
        ):
            node: Any = spec
            for key in keys:
                node = node[key] if isinstance(key, int) else node.get(key) if isinstance(node, dict) else None
            if isinstance(node, dict):
                yield ("stages", stage, *keys), node


def _length(spec: Any, key: str) -> int:
    return len(spec[key]) if isinstance(spec, dict) and isinstance(spec.get(key), list) else 0


def _is_range(at: DocPath, axis: Any) -> bool:
    """Whether a parameter of a search is an interval, which is left as it is."""
    return at[-1] == "space" and isinstance(axis, dict) and "path" in axis and not {"values", "levels"} & set(axis)


def _chain_sweeps(document: Document) -> None:
    """Replace each stage that sweeps by one stage for each of its axes; each starts from the best of the one before."""
    stages = document.data.get("stages")
    if not isinstance(stages, dict):
        return
    for stage in [name for name, spec in stages.items() if isinstance(spec, dict) and "sweep" in spec]:
        at, spec = ("stages", stage), stages[stage]
        swept = spec["sweep"]
        if not isinstance(swept, dict) or not swept:
            raise document.error((*at, "sweep"), f"the sweep of stage {stage!r} has no axis", "name at least one axis to sweep")
        if clash := [key for key in ("union", "search", "ensemble", "ablate") if key in spec]:
            raise document.error((*at, clash[0]), f"a stage that sweeps has no {clash[0]!r}", "put it into a stage of its own")
        for key in ("axes", "patch"):
            if not isinstance(spec.get(key) or {}, dict):
                raise document.error((*at, key), f"{key!r} of stage {stage!r} is not a mapping", f"write `{key}: {{…}}`")
        axes = spec.get("axes") or {}
        if both := [axis for axis in swept if axis in axes]:
            raise document.error((*at, "sweep", both[0]), f"axis {both[0]!r} is swept and crossed", "leave it in one of them")
        rest = {key: value for key, value in spec.items() if key not in ("sweep", "axes", "keep", "patch", "title")}
        chain, before = {}, None
        for axis, levels in swept.items():
            name = f"{stage}-{axis}"
            if name in stages:
                raise document.error(("stages", name), f"the sweep of {stage!r} makes a stage {name!r} too", "rename one of them")
            patch = dict(spec.get("patch") or {})
            if before:
                patch["start"] = {"stage": before, "each": list(axes), "metric": spec.get("keep", "val/accuracy")}
            title = {"title": f"{spec['title']}: {axis}"} if "title" in spec else {}
            chain[name] = {**rest, **title, "patch": patch, "axes": {**axes, axis: levels}}
            document.alias(("stages", name), at)
            document.alias(("stages", name, "axes", axis), (*at, "sweep", axis))
            document.places[("stages", name, "patch", "start")] = document.place((*at, "sweep"))
            before = name
        stages = {name: part for old, kept in stages.items() for name, part in (chain if old == stage else {old: kept}).items()}
        _name_links(stages, stage, list(chain))
    document.data["stages"] = stages


def _name_links(node: Any, sweep: str, chain: list[str]) -> None:
    """Let what starts from a sweep start from its last stage, and what votes over it vote over all of them."""
    if isinstance(node, list):
        for item in node:
            _name_links(item, sweep, chain)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "start" and isinstance(value, dict) and value.get("stage") == sweep:
            value["stage"] = chain[-1]
        elif key == "ensemble" and isinstance(value, dict) and "stages" in value:
            named = value["stages"] if isinstance(value["stages"], list) else [value["stages"]]
            value["stages"] = [name for stage in named for name in (chain if stage == sweep else [stage])]
        else:
            _name_links(value, sweep, chain)


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
        for name, level in axis.items():
            if level is None:
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
    pairs = list(spec.levels.items()) if spec.levels is not None else [(label(value), value) for value in spec.values or ()]
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
            if path.split(".")[0] not in SECTIONS:
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
    for item in levels:
        document.alias((*at, item), ("axes", name, item))
    return levels
