"""What a suite declares, and which of its claims a change of that touches."""

from collections.abc import Iterable, Mapping
from typing import Any

from bench.grammar.declaration import Change, Declaration
from bench.reports.claims.grammar import Share
from bench.suite.suite import Suite
from bench.trackers.record import DeclaredSeeds

SPLIT = ("source", "pool", "classes", "classes_seed", "sizes", "subset", "reduce", "vary")
"""Settings of `data` that decide, beside `split`, which images a trial is trained, chosen and tested on."""


def declaration(suite: Suite) -> Declaration:
    """Return what a suite declares: all of it, whatever `--only` leaves."""
    spec = suite.spec
    return {
        "alpha": spec.alpha,
        "seeds": {stage: _seeds(suite, stage) for stage in spec.stages},
        "splits": {stage: _split(suite, stage) for stage in spec.stages},
        "metrics": {name: metric.model_dump(mode="json", exclude_defaults=True) for name, metric in spec.metrics.items()},
        "claims": {name: _plain(claim.model_dump(exclude_defaults=True)) for name, claim in spec.claims.items()},
    }


def _seeds(suite: Suite, stage: str) -> str:
    seeds, schedule = suite.spec.seeds_of(stage), suite.schedule(stage)
    return schedule.text if seeds.looks or schedule.pilot else ", ".join(map(str, seeds.count or ()))


def _split(suite: Suite, stage: str) -> Any:
    """Return the split of a stage's images; a list where its cells have several."""
    sections = {cell.data.key: cell.data.config for cell in suite.all_cells[stage]}
    splits: list[dict[str, Any]] = []
    for data in sections.values():
        said = data.model_dump(mode="json", exclude_defaults=True, include=set(SPLIT))
        split = {**said, "split": data.split.model_dump(mode="json")}
        if split not in splits:
            splits.append(split)
    return splits[0] if len(splits) == 1 else splits


def _plain(value: Any) -> Any:
    """Return a claim's settings as a suite would write them: a list of one as its item, axes without levels as their names."""
    if isinstance(value, Share):
        return f"{100 * value:.10g}%"
    if isinstance(value, Mapping):
        if value and all(inner is None for inner in value.values()):
            return _plain(list(value))
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return items[0] if len(items) == 1 else items
    return value


def touched(suite: Suite, changes: Iterable[Change]) -> set[str]:
    """Return the claims of a suite whose own terms a change touches: a setting of its own but for its sentence, alpha, a metric
    that it rests on, seeds or split of a stage that it compares, or that a claim left its family, which corrects it less."""
    return {name for change in changes for name in suite.spec.claims if _touches(suite, name, change)}


def _touches(suite: Suite, name: str, change: Change) -> bool:
    part, *of = change.path
    if part == "alpha":
        return True
    if part == "seeds":
        before, after = (DeclaredSeeds.read(text or "") for text in (change.before, change.after))
        return of[0] in _stages(suite, name) and not before.admits(after)
    if part == "splits":
        return of[0] in _stages(suite, name) and change.before is not None  # of a new stage nothing was known
    if part == "metrics":
        return of[0] in _metrics(suite, name)
    if of[0] == name:
        return not change.is_of_words
    left = change.before.get("family") if len(of) == 1 and change.before else change.before if of[1:] == ["family"] else None
    return left is not None and suite.spec.claims[name].family == left


def _stages(suite: Suite, name: str) -> set[str]:
    return {arm.stage for contrast in suite.claims[name] for arm in contrast.needed}


def _metrics(suite: Suite, name: str) -> set[str]:
    """Return the metrics that a claim and its preconditions rest on, and what those are derived from."""
    derived = suite.spec.metrics
    claims = [suite.spec.claims[name], *(required.claim for contrast in suite.claims[name] for required in contrast.requires)]
    metrics: set[str] = set()
    todo = [metric.removesuffix("/*") for claim in claims for metric in claim.relation.metrics(claim).values()]
    while todo:
        if (metric := todo.pop()) not in metrics:
            metrics.add(metric)
            if rule := derived.get(metric):
                todo += [*(rule.minus or ()), *(rule.correlation or ()), *([rule.over[1]] if rule.over else [])]
                todo += [rule.first] if rule.first else []
            todo += [declared for declared in derived if metric.startswith(f"{declared}/")]
    return metrics
