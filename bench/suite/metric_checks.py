"""Whether the metrics that a suite names will be there: told before anything is trained."""

from collections.abc import Iterator, Mapping, Sequence

from bench.errors import did_you_mean
from bench.grammar.cells import Cell, Cells
from bench.grammar.derived import Derived, cycle, described, is_known, is_prefix, stored
from bench.grammar.document import DocPath, Document
from bench.grammar.metrics import BY_CLASS, CONFUSED, EACH_EPOCH, RECORDED, VOTED, by_name, is_recorded
from bench.reports.claims.base import ClaimContrast
from bench.reports.figures.kinds import KINDS
from bench.suite.schema import SuiteFile


def check_metrics(
    document: Document, spec: SuiteFile, stages: Mapping[str, Cells], claims: Mapping[str, Sequence[ClaimContrast]]
) -> None:
    """Check the derived metrics, and every metric that a table, claim or figure names.

    BenchError, with file and line, for one that no trial records, or none of the trials that are looked at.
    """
    derived = spec.metrics
    for name, rule in derived.items():
        _check_derived(document, name, rule, derived)
    for path, metric, cells in named_metrics(document, spec, stages, claims):
        _check_known(document, path, metric, derived)
        _check_end(document, metric, cells, derived)
        for recorded in stored(metric, derived):
            if mend := _lacking(recorded, cells):
                raise document.error(path, f"no trial here records {recorded!r}", mend)


def _check_derived(document: Document, name: str, rule: Derived, derived: Mapping[str, Derived]) -> None:
    at = ("metrics", name)
    if is_recorded(name) and not (rule.logged and rule.facts):
        raise document.error(at, f"trials record {name!r} themselves, and a derived metric must not hide it", "rename it")
    prefixes: list[tuple[DocPath, str]] = [((*at, rule.over[0]), rule.over[1])] if rule.over else []
    prefixes += [((*at, "correlation", i), prefix) for i, prefix in enumerate(rule.correlation or ())]
    for path, prefix in prefixes:
        if not is_prefix(prefix, derived):
            mend = did_you_mean(prefix, BY_CLASS)
            raise document.error(path, f"no trial of bench records metrics {f'{prefix}/<class>'!r}", mend)
    for i, part in enumerate(rule.minus or ()):
        _check_known(document, (*at, "minus", i), part, derived)
        if by_name(part).is_ratio:
            message = f"{part} is compared by its ratio, under like conditions only, and a difference would not be"
            raise document.error((*at, "minus", i), message, "leave it out")
    if rule.first:
        _check_known(document, (*at, "first"), rule.first, derived)
        _check_each_epoch(document, (*at, "first"), rule.first, derived)
        _check_level(document, at, rule, derived)
    if loop := cycle(name, derived):
        raise document.error(at, f"{name!r} is derived from itself: {' → '.join(loop)}", "take one of them out")


def _check_end(document: Document, metric: str, cells: Sequence[Cell], derived: Mapping[str, Derived]) -> None:
    """Refuse a range of epochs that ends before the training does: its end stands for trials that never reach the level."""
    rule = derived.get(metric)
    if rule is None or rule.first is None or not rule.range or rule.range[1] is None:
        return
    longest = max((cell.train.config.epochs for cell in cells if not cell.ensemble), default=0)
    if rule.range[1] < longest:
        message = f"the range of {metric!r} ends at {rule.range[1]:g}, and trials train for {longest} epochs"
        raise document.error(("metrics", metric, "range"), message, f"write `range: [1, {longest}]`, or take it out")


def _check_level(document: Document, at: DocPath, rule: Derived, derived: Mapping[str, Derived]) -> None:
    key = "at_most" if rule.at_least is None else "at_least"
    level, known = getattr(rule, key), described(rule.first or "", derived)
    low, high = (end * known.factor for end in known.range)
    if not low <= level <= high:
        mend = f"write {level / 100:g}" if known.is_share and 1 < level <= 100 else f"take one that {rule.first} can have"
        raise document.error((*at, key), f"{level:g} is no number for {rule.first}, which is {low:g} to {high:g}", mend)


def _check_each_epoch(document: Document, path: DocPath, metric: str, derived: Mapping[str, Derived]) -> None:
    rule = derived.get(metric)
    if metric not in EACH_EPOCH and not (rule and rule.logged and not is_recorded(metric)):
        raise document.error(path, f"{metric!r} is not recorded every epoch", did_you_mean(metric, EACH_EPOCH))


def _check_known(document: Document, path: DocPath, metric: str, derived: Mapping[str, Derived]) -> None:
    if not is_known(metric, derived):
        mend = did_you_mean(metric, [f"{prefix}/*" for prefix in BY_CLASS] if metric.endswith("/*") else [*RECORDED, *derived])
        mend += f"; one that something else logs is declared: `metrics: {{{metric.removesuffix('/*')}: {{}}}}`"
        raise document.error(path, f"no trial of bench records {metric!r}", mend)


def named_metrics(
    document: Document, spec: SuiteFile, stages: Mapping[str, Cells], claims: Mapping[str, Sequence[ClaimContrast]]
) -> Iterator[tuple[DocPath, str, Sequence[Cell]]]:
    """Yield every metric that something names: its path, itself, and the cells of which it is wanted."""
    for name, table in spec.tables.items():
        shown = stages[table.stage].where(table.where)
        for i, value in enumerate(table.values):
            yield ("tables", name, "values", i), value.metric, shown
        for label, metrics in table.also.items():
            for i, metric in enumerate(metrics):
                yield ("tables", name, "also", label, i), metric, shown
    for name, claim in spec.claims.items():
        cells = [cell for contrast in claims[name] for arm in contrast.needed for cell in arm.cells]
        for key, metric in claim.relation.metrics(claim).items():
            yield ("claims", name, key), metric, cells
    for name, figure in (spec.figures or {}).items():
        for path, metric, each_epoch in KINDS[figure.kind].metrics(figure):
            if each_epoch:
                _check_each_epoch(document, ("figures", name, *path), metric, spec.metrics)
            yield ("figures", name, *path), metric, stages[figure.stage].where(figure.where)


def _lacking(metric: str, cells: Sequence[Cell]) -> str:
    """Say what to add so that a cell records a metric; "" where one does."""
    trained = [cell for cell in cells if not cell.ensemble]
    if metric == "members":
        return "" if len(trained) < len(cells) else "ensembles alone have members"
    if not trained and metric not in VOTED and (metric in RECORDED or metric.startswith("train/")):
        return f"an ensemble trains nothing, and records {', '.join(VOTED)} and members"
    if len(trained) < len(cells):
        return ""
    item = next((item for prefix, item in BY_CLASS.items() if metric.startswith(f"{prefix}/")), None)
    if item and not any(item in cell.train.config.class_metrics for cell in trained):
        return f"add {item!r} to `class_metrics` of `base.train`"
    group = metric.removeprefix(f"{CONFUSED}/")
    if group != metric and not any(group in cell.train.config.class_groups for cell in trained):
        return f"add the group to `class_groups` of `base.train`: `class_groups: {{{group}: [CLASS, CLASS]}}`"
    if metric.startswith("denoise/") and not any(cell.data.config.denoise for cell in trained):
        return "it comes with `data.denoise`"
    return ""
